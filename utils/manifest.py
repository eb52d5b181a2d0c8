"""The course as `course.toml` lists it: chapters, exercises, points, minutes, levels, prerequisites, hints.

`load()` reads the manifest of this course; `load(root)` that of another folder (tests build tiny ones).
What the file says of scripts, laws and folders is held against them by `autograder.builder.crosscheck`.
"""

import difflib
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import MISSING, dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[1]
QUIZ_POINTS = 0.25  # a question
LEVELS = (1, 2, 3)  # of difficulty and of importance
FILE_NAME = "course.toml"


class ManifestError(ValueError):
    """`course.toml` cannot be read as a manifest; the message says where and what to do."""


@dataclass(frozen=True)
class Exercise:
    """One component to build. Its `id` is the component's name, the `grade_id` and the cell id."""

    id: str
    chapter: str
    points: float  # nominal, also of a stretch exercise
    minutes: int
    difficulty: int  # one of LEVELS
    importance: int  # one of LEVELS; 3 where later chapters rest on it, so that a stretch exercise has at most 2
    hints: tuple[str, ...]
    stretch: bool = False
    needs: tuple[str, ...] = ()  # earlier components that its notebook takes from the learner's library
    cells: tuple[str, ...] = ()  # solution cells in order; the last bears the component's name

    @property
    def graded_points(self) -> float:
        """Points of the check cell in nbgrader: none for a stretch exercise."""
        return 0.0 if self.stretch else self.points

    @property
    def check_id(self) -> str:
        return f"check-{self.id}"


@dataclass(frozen=True)
class Written:
    """The written question, graded by hand."""

    points: float
    minutes: int


@dataclass(frozen=True)
class Chapter:
    """One notebook. `minutes` is what a learner needs for all of it, `seconds` the budget of one execution."""

    id: str
    title: str
    minutes: int
    reading: int
    seconds: int
    prerequisites: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    quiz_minutes: int
    written: Written | None
    files: tuple[str, ...] = ()  # data files released beside the notebook

    @property
    def name(self) -> str:
        """The id without its number: the chapter's module in `my_transformer/`, its folder in `utils/chapters/`."""
        return self.id.partition("_")[2]

    @property
    def minutes_sum(self) -> int:
        written = self.written.minutes if self.written else 0
        return self.reading + sum(exercise.minutes for exercise in self.exercises) + self.quiz_minutes + written


@dataclass(frozen=True)
class Course:
    root: Path
    name: str
    title: str
    python: str
    instant_feedback: bool
    chapters: tuple[Chapter, ...]
    worked_answers: bool = True  # whether a learner is shown them, where `solutions/` is there

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """All exercises in course order."""
        return tuple(exercise for chapter in self.chapters for exercise in chapter.exercises)

    def chapter(self, chapter_id: str) -> Chapter:
        return _named(self.chapters, chapter_id, "chapter")

    def exercise(self, exercise_id: str) -> Exercise:
        return _named(self.exercises, exercise_id, "exercise")

    def script(self, chapter_id: str) -> Path:
        return self.source_folder(chapter_id) / f"{chapter_id}.py"

    def source_folder(self, chapter_id: str) -> Path:
        return self.root / "solutions" / chapter_id

    def solution_notebook(self, chapter_id: str) -> Path:
        return self.source_folder(chapter_id) / f"{chapter_id}.ipynb"

    def released_notebook(self, chapter_id: str) -> Path:
        return self.root / "notebooks" / chapter_id / f"{chapter_id}.ipynb"


_Listed = TypeVar("_Listed", Chapter, Exercise)
_Table = TypeVar("_Table", Course, Chapter, Exercise, Written)


def _named(items: tuple[_Listed, ...], wanted: str, kind: str) -> _Listed:
    for item in items:
        if item.id == wanted:
            return item
    known = ", ".join(item.id for item in items) or "none"
    raise KeyError(f"{FILE_NAME} lists no {kind} {wanted!r}: choose one of {known}")


def near(name: str, names: Iterable[str]) -> list[str]:
    """Up to three names that `name` may have meant, the closest first."""
    lower = {known.lower(): known for known in names}
    return [lower[key] for key in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]


def load(root: Path = ROOT) -> Course:
    """Reads `root / course.toml`; the same text gives the same object. `ManifestError` when it is no
    manifest.
    """
    root = root if root is ROOT else Path(root).resolve()
    path = root / FILE_NAME
    try:
        state = path.stat()
        text = _text(path, state.st_ino, state.st_mtime_ns, state.st_size)
    except FileNotFoundError:
        raise ManifestError(f"{FILE_NAME} is missing in {root}: work in a checkout of the course") from None
    return _parsed(root, text)


@lru_cache(maxsize=8)
def _text(path: Path, *state: int) -> str:
    """The text of a file, read once for as long as the file stays as it is."""
    return path.read_text(encoding="utf-8")


@cache
def _parsed(root: Path, text: str) -> Course:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{FILE_NAME} is not valid TOML: {error}") from None
    return _course(root, data)


def _course(root: Path, data: dict) -> Course:
    _known(data, {"course", "chapter"}, "the top level")
    chapters = tuple(_chapter(entry) for entry in data.get("chapter", []))
    return _record(Course, data.get("course", {}), "[course]", root=root, chapters=chapters)


def _chapter(entry: dict) -> Chapter:
    entry = dict(entry)
    where = f"chapter {entry.get('id', '?')!r}"
    exercises = tuple(_exercise(item, entry.get("id", "?")) for item in entry.pop("exercise", []))
    quiz = entry.pop("quiz", {})
    _known(quiz, {"minutes"}, f"the quiz of {where}")
    written = entry.pop("written", None)
    if written is not None:
        written = _record(Written, written, f"the written question of {where}")
    return _record(Chapter, entry, where, exercises=exercises, quiz_minutes=quiz.get("minutes", 0), written=written)


def _exercise(entry: dict, chapter_id: str) -> Exercise:
    entry = dict(entry)
    entry.setdefault("cells", [entry.get("id", "?")])
    where = f"exercise {entry.get('id', '?')!r}"
    exercise = _record(Exercise, entry, where, chapter=chapter_id)
    for key, level in (("difficulty", exercise.difficulty), ("importance", exercise.importance)):
        if level not in LEVELS:
            raise ManifestError(f"{FILE_NAME}: {where} has {key} = {level}: give 1, 2 or 3")
    if exercise.stretch and exercise.importance == LEVELS[-1]:
        raise ManifestError(f"{FILE_NAME}: {where} is a stretch exercise with importance = {LEVELS[-1]}: give at most 2")
    return exercise


TYPES: dict[object, tuple[type | tuple[type, ...], str]] = {
    str: (str, "a string"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    bool: (bool, "true or false"),
    tuple[str, ...]: (list, "a list of strings"),
}


def _record(kind: type[_Table], entry: dict, where: str, **given: Any) -> _Table:
    """`kind` from a TOML table: every key known, every value of its field's type, nothing missing."""
    expected = {field.name: field for field in fields(kind) if field.name not in given}
    _known(entry, expected.keys(), where)
    values: dict[str, Any] = {}
    for key, value in entry.items():
        python_type, words = TYPES[expected[key].type]
        fits = isinstance(value, python_type) and (python_type is bool or not isinstance(value, bool))
        if not fits or (python_type is list and not all(isinstance(item, str) for item in value)):
            raise ManifestError(f"{FILE_NAME}: {where} has {key} = {value!r}: give {words}")
        values[key] = tuple(value) if python_type is list else value
        if expected[key].type is float:
            values[key] = float(value)
    missing = [name for name, field in expected.items() if field.default is MISSING and name not in values]
    if missing:
        raise ManifestError(f"{FILE_NAME}: {where} lacks {' and '.join(missing)}: add it")
    return kind(**values, **given)


def _known(entry: dict, keys: Collection[str], where: str) -> None:
    for key in entry:
        if key not in keys:
            raise ManifestError(f"{FILE_NAME}: {where} has an unknown key {key!r}: use one of {', '.join(sorted(keys))}")
