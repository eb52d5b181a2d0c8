"""The quiz at the end of a chapter: questions, key, feedback in the notebook, points from a submitted cell.

`solutions/NN_name/quiz.toml` holds the questions, the right letters and a sentence for each option. A
learner's course has no `solutions/`: there the key is `autograder/quiz/keys/NN_name.json`, written by the
build when `instant_feedback` of `course.toml` is true. Its entries are sealed (`seal`) so that nobody reads
a right letter by accident, in the file or in a search. That is obfuscation, no secrecy: whoever runs this
module's code can open them. With `instant_feedback = false` no key ships at all.
"""

import ast
import base64
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from reprlib import repr as short

from IPython import get_ipython

from autograder import display
from autograder.display import Card
from autograder.quiz.display import QuizLine, card
from utils.manifest import QUIZ_POINTS, ROOT

LETTERS = "abcde"
SOURCE_LIMIT = 20_000  # characters of a submitted cell that are still read
SEAL_BLOCK = 64  # sealed texts are padded to multiples of this, so that their length says less


class QuizError(ValueError):
    """A quiz file is not as it must be; the message says which and what to do."""


@dataclass(frozen=True)
class Option:
    text: str
    says: str  # shown when this option was chosen


@dataclass(frozen=True)
class Question:
    id: str
    text: str
    answer: str
    options: dict[str, Option]


@dataclass(frozen=True)
class Feedback:
    """What choosing one option means."""

    right: bool
    says: str


Key = dict[str, dict[str, Feedback]]  # question id → letter → feedback


@dataclass
class Marks:
    points: float = 0.0
    max_points: float = 0.0
    lines: list[QuizLine] = field(default_factory=list)


def questions_file(chapter: str, root: Path = ROOT) -> Path:
    return root / "solutions" / chapter / "quiz.toml"


def key_file(chapter: str, root: Path = ROOT) -> Path:
    return root / "autograder" / "quiz" / "keys" / f"{chapter}.json"


def read_questions(path: Path) -> tuple[Question, ...]:
    """The questions of a `quiz.toml`; `QuizError` where one is not complete."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("question", [])
    except tomllib.TOMLDecodeError as error:
        raise QuizError(f"{path.name} of {path.parent.name} is not valid TOML: {error}") from None
    questions = tuple(_question(entry, f"{path.parent.name}/{path.name}") for entry in entries)
    ids = [question.id for question in questions]
    for repeated in {name for name in ids if ids.count(name) > 1}:
        raise QuizError(f"{path.parent.name}/{path.name}: {repeated} is there twice: give every question its own id")
    return questions


def _question(entry: dict, where: str) -> Question:
    name = entry.get("id", "a question without id")
    options = entry.get("options", {})
    for key in ("id", "text", "answer"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise QuizError(f"{where}: {name} lacks {key}: add it")
    if not 3 <= len(options) <= 5 or sorted(options) != list(LETTERS[: len(options)]):
        raise QuizError(f"{where}: {name} has the options {sorted(options)}: give three to five, named a, b, c …")
    if entry["answer"] not in options:
        raise QuizError(f"{where}: the answer of {name} is {entry['answer']!r}: name one of its options")
    for letter, option in options.items():
        for key in ("text", "says"):
            if not str(option.get(key, "")).strip():
                raise QuizError(f"{where}: option {letter} of {name} lacks {key}: add it")
    return Question(
        name,
        entry["text"].strip(),
        entry["answer"],
        {letter: Option(options[letter]["text"].strip(), options[letter]["says"].strip()) for letter in sorted(options)},
    )


def key_of(questions: tuple[Question, ...]) -> Key:
    return {
        question.id: {letter: Feedback(letter == question.answer, option.says) for letter, option in question.options.items()}
        for question in questions
    }


def answers_source(questions: tuple[Question, ...], letters: Mapping[str, str]) -> str:
    """The code of the quiz cell with these letters ('' where there is none)."""
    lines = [f'    "{question.id}": "{letters.get(question.id, "")}",' for question in questions]
    return "\n".join(["# One letter for each question, between its quotes.", "answers = {", *lines, "}"])


def seal(chapter: str, key: Key) -> dict[str, dict[str, str]]:
    """The key with every feedback as text that does not read (see the module's docstring)."""

    def sealed(question: str, letter: str, verdict: Feedback) -> str:
        plain = json.dumps({"right": verdict.right, "says": verdict.says}, ensure_ascii=False).encode()
        plain += b" " * (-len(plain) % SEAL_BLOCK)
        return base64.b64encode(_stream(chapter, question, letter, plain)).decode()

    return {
        question: {letter: sealed(question, letter, verdict) for letter, verdict in options.items()}
        for question, options in key.items()
    }


def unseal(chapter: str, sealed: dict[str, dict[str, str]]) -> Key:
    def verdict(question: str, letter: str, text: str) -> Feedback:
        return Feedback(**json.loads(_stream(chapter, question, letter, base64.b64decode(text))))

    return {
        question: {letter: verdict(question, letter, text) for letter, text in options.items()}
        for question, options in sealed.items()
    }


def _stream(chapter: str, question: str, letter: str, data: bytes) -> bytes:
    """`data` XOR a SHA-256 key stream of its place: its own inverse."""
    place = f"{chapter}/{question}/{letter}"
    blocks = (hashlib.sha256(f"{place}/{count}".encode()).digest() for count in range(len(data) // 32 + 1))
    return bytes(a ^ b for a, b in zip(data, b"".join(blocks), strict=False))


def load_key(chapter: str, root: Path = ROOT) -> Key | None:
    """From `solutions/` where that is there, else from the shipped file, else None."""
    path = questions_file(chapter, root)
    if path.is_file():
        state = path.stat()
        return _key(path, state.st_mtime_ns, state.st_size)
    if key_file(chapter, root).is_file():
        return unseal(chapter, json.loads(key_file(chapter, root).read_text(encoding="utf-8"))["questions"])
    return None


@lru_cache(maxsize=16)
def _key(path: Path, *state: int) -> Key:
    """Read once for as long as the file stays as it is: a class has hundreds of quizzes."""
    return key_of(read_questions(path))


def mark(key: Key, answers: object) -> Marks:
    """Judges `answers` (question id → letter), with a sentence for all that is not as it should be."""
    marks = Marks(max_points=QUIZ_POINTS * len(key))
    if not isinstance(answers, dict):
        marks.lines.append(
            QuizLine(
                "answers",
                "answers is not a dict: it maps each question to a letter, "
                f'as in {{"{next(iter(key), "q1")}": "a"}}. Got {short(answers)}.',
            )
        )
        return marks
    for question, options in key.items():
        line = _judge(question, options, answers.get(question, ""))
        marks.lines.append(line)
        marks.points += QUIZ_POINTS if line.right else 0.0
    for name in answers:
        if name not in key:
            marks.lines.append(
                QuizLine(
                    "answers",
                    f"{short(name)} is not a question of this quiz: its questions are {', '.join(key)}.",
                )
            )
    return marks


def _judge(question: str, options: dict[str, Feedback], answer: object) -> QuizLine:
    letters = ", ".join(options)
    if not isinstance(answer, str):
        return QuizLine(question, f'give the letter between quotes, such as "a"; got {short(answer)}.')
    letter = answer.strip().lower().rstrip(".)")
    if not letter:
        return QuizLine(question, f"not answered yet: put one of {letters} between its quotes.")
    if letter not in options:
        return QuizLine(question, f"{short(answer)} is not an option: choose one of {letters}.")
    return QuizLine(question, options[letter].says, options[letter].right)


def check_quiz(chapter: str, root: Path = ROOT) -> float:
    """Shows the sentence of each chosen option and returns the points: a float in quarters.

    Reads the variable `answers` of the notebook, and says so where a class, which reads the cells' text, would read another.
    Without a key (an instructor has switched instant feedback off) it says that the answers are graded in class, and
    returns 0.0.
    """
    shell = get_ipython()
    variables = shell.user_ns if shell else {}
    answers = variables.get("answers")
    key = load_key(chapter, root)
    if key is None:
        display.show(card([QuizLine("quiz", "Your answers are recorded in this notebook. They are graded in class.")]))
        return 0.0
    if answers is None:
        display.show(card([QuizLine("answers", "There is no variable `answers` yet: run the cell above this one first.")]))
        return 0.0
    marks = mark(key, answers)
    if "In" in variables and not _reads_the_same(key, [cell for cell in variables["In"] if cell], marks):
        marks.lines.insert(0, QuizLine("answers", READ_AS_TEXT))
    display.show(card(marks.lines, f"{marks.points:g} of {marks.max_points:g} points"))
    return min(marks.points, marks.max_points)


READ_AS_TEXT = (
    "In class the letters are read from the text of your cells, and there they read otherwise: "
    "write them in the quiz cell, a letter between the quotes of each question."
)


def _reads_the_same(key: Key, cells: Sequence[str], marks: Marks) -> bool:
    try:
        return mark(key, read_answers(*cells)).points == marks.points
    except QuizError:
        return marks.points == 0.0


def quiz_marks(chapter: str, cells: Sequence[str], root: Path = ROOT) -> tuple[float, str, Card]:
    """Points, message and card for the quiz of a submission whose cells up to its check are `cells`.

    They are read and never run. `QuizError` when this course holds no key for the chapter.
    """
    key = load_key(chapter, root)
    if key is None:
        raise QuizError(f"no key for the quiz of {chapter}: grade where solutions/{chapter}/quiz.toml is")
    try:
        marks = mark(key, read_answers(*cells))
    except QuizError as error:
        return 0.0, str(error), card([QuizLine("answers", str(error))])
    right = sum(line.right is True for line in marks.lines)
    unjudged = [f"{line.question}: {line.text}" for line in marks.lines if line.right is None]
    message = "\n".join([f"{right} of {len(key)} answers right", *unjudged])
    return marks.points, message, card(marks.lines, f"{marks.points:g} of {marks.max_points:g} points")


def read_answers(*cells: str) -> dict:
    """The dict that the cells assign to `answers`, from literals alone; the last one counts.

    Understands `answers = {...}`, `answers["q1"] = "a"`, `answers.update(q1="a")` and the like at the top of a cell.
    `QuizError` with a sentence for the learner otherwise.
    """
    found: dict | None = None
    problem: str | None = None
    for cell in cells:
        if not re.search(r"\banswers\b", cell):
            continue
        if len(cell) > SOURCE_LIMIT:
            problem = f"the quiz cell has {len(cell)} characters: it holds letters only"
            continue
        try:
            for statement in ast.parse(_without_magics(cell)).body:
                answers = _assigned(statement, found)
                if answers is not found:
                    found, problem = answers, None
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            problem = "the quiz cell cannot be read: it holds a dict of plain letters and nothing else"
    if problem is not None:
        raise QuizError(problem)
    if found is None:
        raise QuizError('the quiz cell holds no answers = {...}: write one letter for each question, such as "q1": "a"')
    return found


def _without_magics(cell: str) -> str:
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in cell.split("\n"))


def _assigned(statement: ast.stmt, answers: dict | None) -> dict | None:
    """`answers` after a statement; the same object where it says nothing of it."""
    if isinstance(statement, ast.AugAssign) and _is_answers(statement.target) and isinstance(statement.op, ast.BitOr):
        return _known(answers) | _dict(statement.value, answers)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if isinstance(call.func, ast.Attribute) and _is_answers(call.func.value) and call.func.attr == "update":
            given = [_dict(argument, answers) for argument in call.args]
            return _known(answers) | {name: value for some in [*given, _keywords(call)] for name, value in some.items()}
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            answers = _assigned_to(target, statement.value, answers)
    return answers


def _assigned_to(target: ast.expr, value: ast.expr, answers: dict | None) -> dict | None:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for part, given in zip(target.elts, value.elts, strict=True):
            answers = _assigned_to(part, given, answers)
    elif _is_answers(target):
        return _dict(value, answers)
    elif isinstance(target, ast.Subscript) and _is_answers(target.value) and answers is not None:
        return answers | {ast.literal_eval(target.slice): ast.literal_eval(value)}
    return answers


def _is_answers(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "answers"


def _known(answers: dict | None) -> dict:
    if answers is None:
        raise ValueError("answers is not there yet")
    return answers


def _dict(node: ast.expr, answers: dict | None) -> dict:
    """The dict of literals that an expression is: `{...}`, `{**answers, ...}`, `dict(q1="a")`."""
    if _is_answers(node):
        return _known(answers)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
        return _keywords(node)
    if not isinstance(node, ast.Dict):
        raise ValueError("answers is not a dict")
    found: dict = {}
    for key, value in zip(node.keys, node.values, strict=True):
        found |= _dict(value, answers) if key is None else {ast.literal_eval(key): ast.literal_eval(value)}
    return found


def _keywords(call: ast.Call) -> dict:
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg is not None}
