"""Results by key: one file each, written whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from autograder.classroom.engine.jobs import Result


class Store:
    """A folder of results."""

    def __init__(self, folder: Path):
        self._folder = folder

    def get(self, key: str) -> Result | None:
        """The result of `key`; None where there is none, or none that can be read."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return Result.from_json(self._path(key).read_text(encoding="utf-8"))
        return None

    def put(self, key: str, result: Result) -> None:
        """Keeps a result. Raises `OSError` where the disk is full; what was there stays."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(result.to_json())
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
