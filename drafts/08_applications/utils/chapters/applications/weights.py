"""Where the files of real models are, and what a cell says that cannot have them."""

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from utils import session
from utils.manifest import ROOT


@cache
def catalogue() -> dict[str, Any]:
    """What `course.py weights` can fetch, by name."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def home() -> Path:
    """Where the folders of real models are: `weights/` in the course, or `COURSE_WEIGHTS`."""
    return Path(os.environ.get("COURSE_WEIGHTS") or ROOT / "weights")


def folder(name: str) -> Path | None:
    """The folder with the files of the model `name`, or None where they are not there."""
    found = home() / name
    return found if all((found / file).is_file() for file in catalogue()[name]["files"]) else None


def found(name: str, shows: str) -> Path | None:
    """The folder for a cell that `shows` something with these weights, or None after a line that says how to get them.

    While notebooks are built it is None whatever is there, so that what they show is the same everywhere. Under grading it
    is None without a word: nothing is loaded there.
    """
    if session.grading():
        return None
    here = None if session.building() else folder(name)
    if here is None:
        model = catalogue()[name]
        print(
            f"{model['title']} was not loaded. With its weights (python3 course.py weights {name}, {model['megabytes']} MB) "
            f"this cell shows {shows}."
        )
    return here
