"""The released notebook, by nbgrader's own `generate_assignment` with a scratch gradebook."""

import shutil
import tempfile
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from utils.manifest import Course

CONFIG = "nbgrader_config.py"


class ReleaseError(RuntimeError):
    """nbgrader could not make the release; the message holds its log."""


def release(course: Course, chapter_id: str) -> dict[str, bytes]:
    """What `nbgrader generate_assignment` puts into the chapter's release folder: {relative path: bytes}.

    Uses the configuration of the course, but neither its gradebook nor its release folder.
    """
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(course.source_folder(chapter_id), Path(scratch) / "solutions" / chapter_id)
        config = PyFileConfigLoader(CONFIG, path=str(course.root)).load_config()
        config.merge(Config({"CourseDirectory": {"root": scratch, "db_url": f"sqlite:///{scratch}/gradebook.db"}}))
        outcome = NbGraderAPI(CourseDirectory(config=config), config=config).generate_assignment(chapter_id)
        if not outcome["success"]:
            raise ReleaseError(f"{chapter_id}: nbgrader cannot release it:\n{outcome.get('log') or outcome.get('error')}")
        return folder_bytes(Path(scratch) / config.CourseDirectory.release_directory / chapter_id)


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """{relative path: bytes} of all files below `folder`; empty where it does not exist."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }


def write_release(course: Course, chapter_id: str) -> Path:
    """Makes the release and puts it in the place of the one that is there."""
    files = release(course, chapter_id)
    folder = course.released_notebook(chapter_id).parent
    for name in folder_bytes(folder).keys() - files.keys():
        (folder / name).unlink()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)
    return folder
