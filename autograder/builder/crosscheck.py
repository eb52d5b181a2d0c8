"""Holds manifest, scripts, folders and checks against each other: an id in only one place is an error."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from autograder.builder.script import ScriptCell, ScriptError, expand, read_cells
from autograder.builder.secrets import plain, solution_rows
from autograder.quiz.marks import QuizError, key_file, questions_file, read_questions
from utils.manifest import FILE_NAME, Chapter, Course, Exercise

HINTS = 3
QUESTIONS = range(5, 9)
STYLES = 4  # right answers in other styles, a component
SETUP_IMPORT = "from autograder import check, check_quiz, start\nstart()\n"
CODE = re.compile(r"`([^`]+)`")
USE = re.compile(r"\w[(\[][^\s)\]]")  # a call or an index with something in it; a name alone gives nothing away
LEFT_BY_TOOLS = {"__pycache__", ".ipynb_checkpoints"}


def manifest_errors(course: Course) -> list[str]:
    """What `course.toml` says that cannot be, a sentence each."""
    return [
        *_ids(course),
        *_order(course),
        *(error for chapter in course.chapters for error in _numbers(chapter)),
        *(error for exercise in course.exercises for error in _exercise(exercise)),
    ]


def _ids(course: Course) -> Iterator[str]:
    names = [chapter.id for chapter in course.chapters]
    names += [cell for exercise in course.exercises for cell in exercise.cells]
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{FILE_NAME}: the id {name!r} is there {count} times: rename all but one"


def _order(course: Course) -> Iterator[str]:
    earlier_chapters, earlier_exercises = set(), set()
    for chapter in course.chapters:
        for name in chapter.prerequisites:
            if name not in earlier_chapters:
                yield (
                    f"{FILE_NAME}: {chapter.id} has the prerequisite {name!r}, which is not an earlier chapter: "
                    "correct the name or the order"
                )
        earlier_chapters.add(chapter.id)
        for exercise in chapter.exercises:
            for name in exercise.needs:
                if name not in earlier_exercises:
                    mend = "correct the name or the order"
                    yield f"{FILE_NAME}: {exercise.id} needs {name!r}, which is not an earlier exercise: {mend}"
            earlier_exercises.add(exercise.id)


def _numbers(chapter: Chapter) -> Iterator[str]:
    where = f"{FILE_NAME}: {chapter.id}"
    parts = {
        "reading": chapter.reading,
        "quiz": chapter.quiz_minutes,
        "written question": chapter.written.minutes if chapter.written else 1,
    }
    for part, minutes in parts.items():
        if minutes <= 0:
            yield f"{where} gives {minutes} minutes to the {part}: say how long it takes"
    if chapter.minutes != chapter.minutes_sum:
        yield f"{where} has minutes = {chapter.minutes}, its parts sum to {chapter.minutes_sum}: write that"
    if chapter.seconds <= 0:
        yield f"{where} has seconds = {chapter.seconds}: give the budget of one execution"
    if chapter.written is None:
        yield f"{where} has no written question: add [chapter.written]"


def _exercise(exercise: Exercise) -> Iterator[str]:
    where = f"{FILE_NAME}: {exercise.id}"
    if len(exercise.hints) != HINTS or not all(hint.strip() for hint in exercise.hints):
        yield f"{where} has {sum(bool(hint.strip()) for hint in exercise.hints)} hints: write three"
    if exercise.minutes <= 0:
        yield f"{where} has minutes = {exercise.minutes}: say how long it takes"
    if exercise.points <= 0 or not (4 * exercise.points).is_integer():
        yield f"{where} has points = {exercise.points}: give quarters above 0"
    if not exercise.cells or exercise.cells[-1] != exercise.id:
        yield f"{where} has the cells {list(exercise.cells)}: the last one bears the exercise's id"


def chapter_errors(course: Course, chapter_id: str) -> list[str]:
    """What in the chapter's folder does not fit the manifest, a sentence each."""
    chapter, script = course.chapter(chapter_id), course.script(chapter_id)
    if not script.is_file():
        return [f"{script.relative_to(course.root)} is missing: write it, or take {chapter_id} out of {FILE_NAME}"]
    errors = [*_folder(course, chapter)]
    try:
        cells = read_cells(script)
        expand(course, chapter_id)
        questions = read_questions(questions_file(chapter_id, course.root)) if not errors else ()
    except (ScriptError, QuizError) as error:
        return [*errors, *str(error).splitlines()]
    errors += [*_cells(chapter, cells, script.name), *_hints(chapter, cells)]
    if questions and len(questions) not in QUESTIONS:
        errors.append(f"{chapter_id}/quiz.toml has {len(questions)} questions: write five to eight")
    return errors


def _folder(course: Course, chapter: Chapter) -> Iterator[str]:
    folder = course.source_folder(chapter.id)
    needed = {
        f"{chapter.id}.py",
        "misconceptions.py",
        "variants.py",
        "uncatalogued.py",
        "hidden_checks.py",
        "quiz.toml",
        *chapter.files,
    }
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not LEFT_BY_TOOLS & set(path.parts)
    }
    for name in sorted(needed - there):
        yield f"solutions/{chapter.id}/{name} is missing: write it"
    for name in sorted(there - needed - {f"{chapter.id}.ipynb"}):
        yield (
            f"solutions/{chapter.id}/{name} is listed nowhere: delete it, or, if learners are to get it, "
            f"add it to files of {chapter.id} in {FILE_NAME}"
        )


def _cells(chapter: Chapter, cells: list[ScriptCell], script: str) -> Iterator[str]:
    places = {(cell.kind, cell.name): number for number, cell in enumerate(cells)}
    wanted = [
        ("quiz", "questions"),
        ("exercise", "quiz"),
        ("check", "quiz"),
        ("slug", "written-question"),
        ("answer", "written"),
    ]
    for exercise in chapter.exercises:
        wanted = [
            ("hints", exercise.id),
            *(("exercise", cell) for cell in exercise.cells),
            ("check", exercise.id),
            *wanted,
        ]
    missing = [key for key in wanted if key not in places]
    for kind, name in missing:
        yield f'{script}: no cell with {kind}="{name}": add it'
    for exercise in chapter.exercises:
        row = [
            ("hints", exercise.id),
            *(("exercise", cell) for cell in exercise.cells),
            ("check", exercise.id),
        ]
        numbers = [places[key] for key in row if key in places]
        if numbers != sorted(numbers):
            yield f"{script}: the cells of {exercise.id} stand in the wrong order: hints, solution, check"
    code = next((cell for cell in cells if cell.cell_type == "code"), None)
    if code is None or "setup" not in code.tags or not code.source.startswith(SETUP_IMPORT):
        yield f'{script}: the first code cell is the set-up: tag it "setup" and begin it with {SETUP_IMPORT}'


def _hints(chapter: Chapter, cells: list[ScriptCell]) -> Iterator[str]:
    sources = {cell.name: cell.source for cell in cells if cell.kind == "exercise"}
    for exercise in chapter.exercises:
        rows = [row for cell in exercise.cells for row in solution_rows(sources.get(cell, ""))]
        for number, hint in enumerate(exercise.hints, 1):
            where = f"{FILE_NAME}: hint {number} of {exercise.id}"
            if hint.count("`") % 2:
                yield f"{where} opens a backtick and does not close it: close it"
            for piece in CODE.findall(hint):
                if USE.search(piece) and any(plain(piece) in row for row in rows):
                    yield f"{where} holds a piece of the solution, {piece}: say it in words"


def unlisted(course: Course) -> list[str]:
    """Folders and files of chapters that `course.toml` does not list."""
    known = {chapter.id for chapter in course.chapters}
    paths = [path for folder in ("solutions", "notebooks") for path in (course.root / folder).glob("*")]
    paths += (course.root / "autograder" / "quiz" / "keys").glob("*.json")
    errors = [
        f"{path.relative_to(course.root)} belongs to no chapter of {FILE_NAME}: list it there, or delete it"
        for path in sorted(paths)
        if path.stem not in known and path.name not in LEFT_BY_TOOLS
    ]
    names = {exercise.id for exercise in course.exercises}
    errors += [
        f"{path.relative_to(course.root)} belongs to no exercise of {FILE_NAME}: list it there, or delete it"
        for folder in ("autograder/components", "utils/reference")
        for path in sorted((course.root / folder).glob("*.*"))
        if path.stem not in {*names, "__init__", "observed"}
    ]
    if not course.instant_feedback:
        errors += [
            f"{key_file(name, course.root).relative_to(course.root)} ships although instant_feedback is off: build anew"
            for name in sorted(known)
            if key_file(name, course.root).is_file()
        ]
    return errors


def component_errors(course: Course, chapter_id: str) -> list[str]:
    """What in the chapter's checks, catalogue and answers does not fit the manifest, a sentence each.

    Only for the course that this package belongs to: it imports the chapter's checks.
    """
    from autograder.framework import catalogue
    from autograder.framework.component import component as find
    from autograder.framework.known_answers import EditError, read
    from autograder.framework.solutions import MISCONCEPTIONS, UNCATALOGUED, VARIANTS, hidden_cases

    errors = list(_left_to_do(course, chapter_id))
    if errors:
        return errors
    try:
        answers = {file: read(chapter_id, file) for file in (MISCONCEPTIONS, VARIANTS, UNCATALOGUED)}
    except EditError as error:
        return [f"solutions/{chapter_id}: {error}"]
    for exercise in course.chapter(chapter_id).exercises:
        where = f"autograder/components/{exercise.id}.py"
        if not Path(course.root / where).is_file():
            errors.append(f"{where} is missing: write the laws of {exercise.id}")
            continue
        component = find(exercise.id)
        if component.points != exercise.points:
            errors.append(
                f"{where}: the laws of {exercise.id} add up to {component.points} points, {FILE_NAME} says "
                f"{exercise.points}: make them agree"
            )
        hidden = hidden_cases(chapter_id)
        if exercise.id not in hidden:
            errors.append(f"solutions/{chapter_id}/hidden_checks.py has no case for {exercise.id}: add some")
        own_cases = [f"{exercise.id}.{law.name}" for law in component.laws if law.cases is not None]
        errors += [
            f"solutions/{chapter_id}/hidden_checks.py has no case for {key}, a law with cases of its own: add one"
            for key in own_cases
            if key not in hidden
        ]
        for file, least in ((VARIANTS, STYLES), (UNCATALOGUED, 1)):
            count = sum(known.component == exercise.id for known in answers[file])
            if count < least:
                errors.append(f"solutions/{chapter_id}/{file} has {count} answers to {exercise.id}: write {least}")
        errors += _catalogue(
            chapter_id,
            exercise.id,
            set(catalogue.own(exercise.id)),
            set(catalogue.common()),
            {known.id for known in answers[MISCONCEPTIONS] if known.component == exercise.id},
        )
    exercises = {exercise.id for exercise in course.chapter(chapter_id).exercises}
    strangers = {(file, known.component) for file, entries in answers.items() for known in entries}
    errors += [
        f"{file} of {chapter_id} speaks of {name!r}, which is not an exercise of it: correct the name"
        for file, name in sorted(strangers)
        if name not in exercises
    ]
    return errors


def _left_to_do(course: Course, chapter_id: str) -> Iterator[str]:
    """The TODO marks of `course.py new-exercise` that are still there."""
    names = [exercise.id for exercise in course.chapter(chapter_id).exercises]
    paths = [*course.source_folder(chapter_id).glob("*.py"), course.root / FILE_NAME]
    paths += [course.root / "utils" / "reference" / f"{name}.py" for name in names]
    paths += [course.root / "autograder" / "components" / f"{name}.{kind}" for name in names for kind in ("py", "toml")]
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        for number, line in enumerate(lines, 1):
            if "TODO" in line:
                yield f"{path.relative_to(course.root)}:{number} is still to do: {line.strip()[:70]}"


def _catalogue(chapter_id: str, name: str, own: set[str], common: set[str], covered: set[str]) -> Iterator[str]:
    for id in sorted(own - covered):
        yield f"solutions/{chapter_id}/misconceptions.py has no wrong answer for {id!r} of {name}: write one"
    for id in sorted(covered - own - common):
        yield f"autograder/components/{name}.toml has no sentence for {id!r} of {name}: write it"
