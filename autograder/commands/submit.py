"""`course.py submit CHAPTER`: hands in what is in `work/`, through nbgrader's exchange or as a zip where there is none."""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path

import nbformat
from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import Exchange
from traitlets.config import Config

from autograder.classroom.nbgrader_settings import config_of
from autograder.commands.lab import Usage, chapter_named
from autograder.submission import reading
from autograder.submission.binding import binds
from autograder.submission.taking_in import take_in
from utils.manifest import ROOT, load

LEFT_OUT = {".ipynb_checkpoints", "__pycache__"}


class CannotSubmit(Exception):
    """Nothing was handed in; the message says why and what to do."""


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    """Hands a chapter in and says where it is. Exit code 0 when it is handed in, 1 when not, 2 on wrong usage."""
    parser = argparse.ArgumentParser(prog="course.py submit", description=__doc__)
    parser.add_argument("chapter", metavar="CHAPTER", help="its number or a part of its name")
    parser.add_argument("--zip", action="store_true", help="make a zip even where there is an exchange")
    parser.add_argument("--yes", action="store_true", help="do not ask about what is untouched or lies beside")
    arguments = parser.parse_args(argv)
    try:
        chapter = chapter_named(arguments.chapter, [chapter.id for chapter in load().chapters])
    except Usage as usage:
        parser.error(str(usage))
    try:
        folder = root / "work" / chapter
        doubts = doubts_about(folder, checked(folder))
        for doubt in doubts:
            print(doubt)
        if doubts and not arguments.yes and not _agreed():
            print("Nothing was handed in.")
            return 1
        found = None if arguments.zip else exchange(chapter, root / "work")
        print(through_exchange(folder, *found) if found else as_zip(folder))
    except CannotSubmit as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _agreed() -> bool:
    """What the person at the keyboard says; yes where there is none."""
    return not sys.stdin.isatty() or input("Hand it in like this? [y/N] ").strip().lower() in ("y", "yes")


def checked(folder: Path) -> nbformat.NotebookNode:
    """The chapter's notebook, when its folder holds a readable one of that name. Raises `CannotSubmit`."""
    notebook = folder / f"{folder.name}.ipynb"
    if not notebook.is_file():
        raise CannotSubmit(
            f"work/{folder.name}/{notebook.name} is not there: start the chapter with `course.py lab {folder.name}`."
        )
    try:
        return reading.read(notebook)
    except reading.NotGradable as reason:
        raise CannotSubmit(f"work/{folder.name}/{notebook.name}: {reason}") from None


def doubts_about(folder: Path, notebook: nbformat.NotebookNode) -> list[str]:
    """Sentences on what a learner may have forgotten: exercises that are as they were released, other notebooks."""
    released = nbformat.read(load().released_notebook(folder.name), as_version=4)
    stubs = {reading.grade_id(cell): cell.source.strip() for cell in released.cells}
    taken = take_in(notebook, released)
    written = {reading.grade_id(cell): cell.source.strip() for cell in taken.cells}
    own = [cell.source for cell in taken.cells if cell.cell_type == "code" and not reading.marks(cell)]
    wanted = [*[(exercise.id, exercise.cells) for exercise in load().chapter(folder.name).exercises], ("quiz", ("quiz",))]
    untouched = [
        name
        for name, cells in wanted
        if all(written.get(cell, stubs.get(cell)) == stubs.get(cell) for cell in cells)
        and not any(
            binds(source, "answers" if name == "quiz" else name) or (name == "quiz" and "answers" in source) for source in own
        )
    ]
    others = [path.name for path in sorted(folder.glob("*.ipynb")) if path.stem != folder.name]
    doubts = [f"Still as it was released: {', '.join(untouched)}."] if untouched else []
    if others:
        doubts.append(f"Only {folder.name}.ipynb is graded; beside it lies {', '.join(others)}.")
    return doubts


def exchange(chapter: str, work: Path) -> tuple[str, str] | None:
    """(nbgrader's exchange folder, the course's id there) where this machine has one with this chapter released, else None.

    The configuration that nbgrader itself finds, where a hub puts it, goes before the course's.
    """
    if os.name == "nt":
        return None
    own, course = _own_configuration(work), config_of(ROOT)
    both = Config(course)
    both.merge(own)
    root, name = Exchange(config=both).root, CourseDirectory(config=both).course_id
    there = Path(root, name, "inbound").is_dir() and Path(root, name, "outbound", chapter).is_dir()
    return (root, name) if there else None


def _own_configuration(work: Path) -> Config:
    """What nbgrader reads when it is started in `work/`."""
    app = NbGrader(log_level="ERROR")  # that there is no configuration of its own is no news for a learner
    before = Path.cwd()
    os.chdir(work)
    try:
        app.load_config_file()
    finally:
        os.chdir(before)
    return app.config


def through_exchange(folder: Path, root: str, course: str) -> str:
    """Runs `nbgrader submit` and returns what to tell the learner. Raises `CannotSubmit`."""
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
    """Writes the chapter's folder to a dated zip and returns what to tell the learner. Raises `CannotSubmit`.

    The name is what `nbgrader zip_collect` reads (see `nbgrader_config.py`): chapter, learner, time in UTC.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
    target = folder.parent / "submissions" / f"{folder.name}--{user()}--{stamp}.zip"
    try:
        target.parent.mkdir(exist_ok=True)
        with _whole(target) as half, zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts):  # a link's file is the file
                    archive.write(path, path.relative_to(folder.parent))
    except OSError as error:
        raise CannotSubmit(f"The zip could not be written ({error.strerror}): nothing is handed in yet.") from None
    return f"There is no exchange on this machine. Hand in this file: {target.relative_to(folder.parents[1])}"


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A file to write, which bears the name `target` only when all of it is there."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def user() -> str:
    """The name of whoever is logged in, as a part of a file's name; of a user without a name, the number."""
    try:
        name = getuser()
    except (KeyError, OSError):
        name = f"user{os.getuid()}" if hasattr(os, "getuid") else ""
    return re.sub(r"-{2,}", "-", re.sub(r"[^\w.@+-]+", "-", name)).strip("-") or "learner"


if __name__ == "__main__":
    sys.exit(main())
