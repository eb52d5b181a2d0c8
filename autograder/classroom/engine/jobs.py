"""What goes to a worker and what comes back."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from typing import Any

from autograder.framework.isolation.limits import Limits
from autograder.step import Step
from utils.manifest import ROOT, load

_PACKAGES = ("torch", "numpy", "ipython", "nbformat", "matplotlib")
_SUFFIXES = {".py", ".toml", ".json", ".txt"}


class NoSandbox(Exception):
    """There is no sandbox here; the message says what helps."""


@dataclass(frozen=True)
class Job:
    """One submission as `prepare` leaves it: the text of its notebook, and the files beside it."""

    chapter: str
    notebook: str
    files: Mapping[str, bytes]
    limits: Limits = field(default_factory=Limits)
    unsafe_no_sandbox: bool = False

    @cached_property
    def key(self) -> str:
        """Of the result in the store: everything that can change it."""
        parts = [*_versions(), _course(self.chapter), self.to_json()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def to_json(self) -> str:
        return self._json

    @cached_property
    def _json(self) -> str:
        files = {name: base64.b64encode(data).decode() for name, data in sorted(self.files.items())}
        return json.dumps({**asdict(self), "files": files}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Job:
        entries = json.loads(text)
        entries["files"] = {name: base64.b64decode(data) for name, data in entries["files"].items()}
        entries["limits"] = Limits(**entries["limits"])
        return cls(**entries)


@dataclass
class Result:
    """What became of the cells of a job, and whether a sandbox was around them. `faults`: of the course, as tracebacks."""

    steps: list[Step]
    sandbox: bool
    faults: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Result:
        entries: dict[str, Any] = json.loads(text)
        steps = [Step.from_dict(step) for step in entries["steps"]]
        return cls(steps, entries["sandbox"], entries["faults"])


@cache
def _versions() -> list[str]:
    return [platform.python_version(), *(f"{name} {version(name)}" for name in _PACKAGES)]


@cache
def _course(chapter: str) -> str:
    """A digest of the course's own code and of the chapter's hidden cases."""
    hidden = load().solution_notebook(chapter).parent / "hidden_checks.py"
    paths = [path for top in ("autograder", "utils") for path in (ROOT / top).rglob("*") if path.suffix in _SUFFIXES]
    digest = hashlib.sha256()
    for path in sorted([*paths, ROOT / "course.toml", hidden]):
        if path.is_file():
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
