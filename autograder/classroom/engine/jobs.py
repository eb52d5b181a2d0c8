"""What goes to a worker and what comes back."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from importlib.metadata import version
from typing import Any

from autograder.framework.isolation.limits import Limits
from autograder.step import Step
from autograder.submission import jsontext
from utils.manifest import Course, load

_PACKAGES = ("torch", "numpy", "ipython", "nbformat", "matplotlib")
_ASIDE = ("builder", "commands", "proof")  # of the folder `autograder` what takes no part in grading
_SUFFIXES = {".py", ".toml", ".json", ".txt"}


class NoSandbox(Exception):
    """There is no sandbox here; the message says what helps."""


def chapter_of(assignment: str, notebook: str) -> str | None:
    """The chapter of this course that a notebook of an assignment is, by their names; None where it is none."""
    return assignment if assignment == notebook and assignment in [chapter.id for chapter in load().chapters] else None


@dataclass(frozen=True)
class Job:
    """One submission as `prepare` leaves it: the texts of its notebooks by name, and the files beside them."""

    assignment: str
    notebooks: Mapping[str, str]
    files: Mapping[str, bytes]
    limits: Limits = field(default_factory=Limits)
    unsafe_no_sandbox: bool = False

    @cached_property
    def key(self) -> str:
        """Of the result in the store: everything that can change it."""
        parts = [*_versions(), _course(self.assignment), self.to_json()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def to_json(self) -> str:
        return self._json

    @cached_property
    def _json(self) -> str:
        entries = {each.name: getattr(self, each.name) for each in fields(self)}
        return jsontext.dumps({**entries, "files": _as_text(self.files)})

    @classmethod
    def from_json(cls, text: str) -> Job:
        entries = json.loads(text)
        entries["files"] = _as_bytes(entries["files"])
        entries["limits"] = Limits(**entries["limits"])
        return cls(**entries)


@dataclass
class Result:
    """What became of the cells of a job, by notebook, and whether a sandbox was around them.

    `faults`: of the course, as tracebacks. `written`: the files that notebooks which are no chapter's have written.
    """

    steps: dict[str, list[Step]]
    sandbox: bool
    faults: list[str] = field(default_factory=list)
    written: dict[str, bytes] = field(default_factory=dict)

    def to_json(self) -> str:
        return jsontext.dumps({**vars(self), "written": _as_text(self.written)})

    @classmethod
    def from_json(cls, text: str) -> Result:
        entries: dict[str, Any] = json.loads(text)
        steps = {name: [Step.from_dict(step) for step in found] for name, found in entries["steps"].items()}
        return cls(steps, entries["sandbox"], entries["faults"], _as_bytes(entries["written"]))


def _as_text(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in sorted(files.items())}


def _as_bytes(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: base64.b64decode(data) for name, data in files.items()}


@cache
def _versions() -> list[str]:
    return [platform.python_version(), *(f"{name} {version(name)}" for name in _PACKAGES)]


@cache
def _course(assignment: str) -> str:
    return digest(load(), assignment)


def digest(course: Course, assignment: str) -> str:
    """Of what of a course can change a result: of a chapter's the checks of its own exercises, and no others."""
    chapters = [chapter.id for chapter in course.chapters]
    judged = [assignment] if assignment in chapters else chapters
    others = {exercise.id for chapter in course.chapters if chapter.id not in judged for exercise in chapter.exercises}
    paths = [path for top in ("autograder", "utils") for path in (course.root / top).rglob("*") if path.suffix in _SUFFIXES]
    paths += [course.root / "course.toml", *(course.source_folder(chapter) / "hidden_checks.py" for chapter in judged)]
    found = hashlib.sha256()
    for path in sorted(paths):
        within = path.relative_to(course.root).parts
        aside = within[:1] == ("autograder",) and (within[1] in _ASIDE or (within[1] == "components" and path.stem in others))
        if path.is_file() and not aside:
            found.update("/".join(within).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()
