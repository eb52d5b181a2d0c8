"""What the build writes into a quiz's cells and into the file of keys."""

import json
from pathlib import Path

from autograder.quiz.marks import Question, answers_source, key_file, key_of, questions_file, read_questions, seal
from utils.manifest import Course


def questions_markdown(questions: tuple[Question, ...]) -> str:
    """Questions and options as a learner reads them."""
    blocks = []
    for question in questions:
        options = "\n".join(f"- **{letter})** {option.text}" for letter, option in question.options.items())
        blocks.append(f"**{question.id}.** {question.text}\n\n{options}")
    return "\n\n".join(blocks)


def solved_source(questions: tuple[Question, ...]) -> str:
    """The quiz cell with the right letters."""
    return answers_source(questions, {question.id: question.answer for question in questions})


def key_text(course: Course, chapter_id: str) -> str | None:
    """What the chapter's file of keys must hold; None where no such file ships."""
    source = questions_file(chapter_id, course.root)
    if not course.instant_feedback or not source.is_file():
        return None
    sealed = seal(chapter_id, key_of(read_questions(source)))
    made = f"from solutions/{chapter_id}/quiz.toml by python -m autograder.builder"
    return json.dumps({"made": made, "questions": sealed}, indent=1) + "\n"


def write_key(course: Course, chapter_id: str) -> Path:
    """Writes the file of keys, or removes it where none ships."""
    path, text = key_file(chapter_id, course.root), key_text(course, chapter_id)
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path
