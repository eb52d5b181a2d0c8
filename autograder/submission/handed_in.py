"""What lies in the place of a submission, looked at before any of it is read: a learner made it, and may mean harm.

A link could lead to another's work, to the solution, or to a device that never ends; a pipe never gives anything.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path


class NotGradable(Exception):
    """What was handed in cannot be graded; the message says why, for a learner."""


def check_folder(folder: Path, notebooks: Iterable[Path]) -> None:
    """Raises `NotGradable` where the folder of a submission or one of its notebooks is something else."""
    if folder.is_symlink():
        raise NotGradable(f"{folder.name} is a link: hand in the folder itself.")
    if not folder.is_dir():
        raise NotGradable(f"{folder.name} is not a folder: the notebook belongs into a folder of that name.")
    for notebook in notebooks:
        if notebook.is_symlink():
            raise NotGradable(f"{notebook.name} is a link: hand in the file itself.")
        check_file(notebook)


def check_file(path: Path, most_bytes: int = 256 * 2**20) -> None:
    """Raises `NotGradable` where `path` does not lead to a plain file of a size that can be read."""
    try:
        found = path.stat()
    except OSError as error:
        raise NotGradable(f"The file cannot be read ({error.strerror}).") from None
    if stat.S_ISDIR(found.st_mode):
        raise NotGradable(f"{path.name} is a folder: hand in the file.")
    if not stat.S_ISREG(found.st_mode):
        raise NotGradable(f"{path.name} is not a plain file: hand in the one that JupyterLab saved.")
    if found.st_size > most_bytes:
        raise NotGradable(f"{path.name} is too large ({found.st_size / 2**20:,.1f} MB): clear its outputs and hand it in again.")


def is_own_folder(path: Path) -> bool:
    """Whether a path is a folder itself, and not a link to one."""
    return path.is_dir() and not path.is_symlink()


def plain_size(path: Path) -> int | None:
    """The size of a plain file that may be read, and is not a link; else None."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) and os.access(path, os.R_OK) else None


def one_line(name: str) -> str:
    """The name of a folder or file for a line of a report, where line breaks and what is not text are escaped."""
    return name if name.isprintable() else ascii(name)
