"""`course.py submit CHAPTER`: hands in what is in `work/`, through nbgrader's exchange or as a zip where there is none."""

import argparse
import json
import os
import subprocess
import sys
import zipfile
from datetime import datetime
from getpass import getuser
from pathlib import Path

from nbgrader.exchange.default import Exchange

from autograder.classroom.nbgrader_settings import config_of
from utils.manifest import ROOT, load

LEFT_OUT = {".ipynb_checkpoints", "__pycache__"}


class CannotSubmit(Exception):
    """Nothing was handed in; the message says why and what to do."""


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    """Hands a chapter in and says where it is. Exit code 0 when it is handed in, 1 when not, 2 on wrong usage."""
    parser = argparse.ArgumentParser(prog="course.py submit", description=__doc__)
    parser.add_argument("chapter", metavar="CHAPTER")
    parser.add_argument("--zip", action="store_true", help="make a zip even where there is an exchange")
    arguments = parser.parse_args(argv)
    known = [chapter.id for chapter in load().chapters]
    if arguments.chapter not in known:
        parser.error(f"unknown chapter {arguments.chapter}: choose from {', '.join(known)}")
    try:
        folder = checked(root / "work" / arguments.chapter)
        exchange = None if arguments.zip else exchange_root(arguments.chapter)
        print(through_exchange(folder, exchange) if exchange else as_zip(folder))
    except CannotSubmit as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def checked(folder: Path) -> Path:
    """The chapter's folder, when it holds a readable notebook of that name. Raises `CannotSubmit`."""
    notebook = folder / f"{folder.name}.ipynb"
    if not notebook.is_file():
        raise CannotSubmit(
            f"work/{folder.name}/{notebook.name} is not there: start the chapter with `course.py lab {folder.name}`."
        )
    try:
        json.loads(notebook.read_text(encoding="utf-8"))
    except ValueError:
        raise CannotSubmit(
            f"work/{folder.name}/{notebook.name} is not a readable notebook: save it in JupyterLab, then hand it in."
        ) from None
    return folder


def exchange_root(chapter: str) -> str | None:
    """nbgrader's exchange folder when this machine has one with this chapter released in it, else None."""
    if os.name == "nt":
        return None
    config = config_of(ROOT)
    root, course = Exchange(config=config).root, config.CourseDirectory.course_id
    there = Path(root, course, "inbound").is_dir() and Path(root, course, "outbound", chapter).is_dir()
    return root if there else None


def through_exchange(folder: Path, root: str) -> str:
    """Runs `nbgrader submit` and returns what to tell the learner. Raises `CannotSubmit`."""
    course = config_of(ROOT).CourseDirectory.course_id
    command = [
        sys.executable,
        "-m",
        "nbgrader",
        "submit",
        folder.name,
        "--course",
        course,
        f"--Exchange.root={root}",
    ]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()
        raise CannotSubmit(f"nbgrader did not take it: {last[-1] if last else 'no reason given'}")
    return f"Handed in: {folder.name}, through the exchange of this machine. You may hand in again; the last one counts."


def as_zip(folder: Path) -> str:
    """Writes the chapter's folder to a dated zip and returns what to tell the learner."""
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    target = folder.parent / "submissions" / f"{folder.name}--{getuser()}--{stamp}.zip"
    target.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and not LEFT_OUT & set(path.relative_to(folder).parts):
                archive.write(path, path.relative_to(folder.parent))
    return f"There is no exchange on this machine. Hand in this file: {target.relative_to(folder.parents[1])}"


if __name__ == "__main__":
    sys.exit(main())
