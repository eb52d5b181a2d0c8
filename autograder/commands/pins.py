"""`course.py pins`: compiles the requirements from `pyproject.toml`, and proves that the pins have wheels.

torch's CUDA parts are left out by name: torch's own wheel says which it needs, and the CPU wheel needs none.
`--check` changes nothing and ends with 1 when a file is stale; `--upgrade` takes the newest versions allowed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEARNER, MAINTAINER = "requirements.txt", "requirements-maintain.txt"
REPAIR = "python3 course.py pins"
HEADER = f"# Made from pyproject.toml by `{REPAIR}`: edit that file, not this one.\n"
CUDA_PARTS = ("nvidia-", "cuda-", "triton")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")


def uv(*arguments: str) -> str:
    """Runs `uv pip compile`; its error, which names the package, ends the command."""
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}  # torch's wheels ask for macOS 14
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the pins cannot be made:\n{done.stderr.strip()}")
    return done.stdout


def compiled(name: str, upgrade: bool, *arguments: str) -> str:
    """The text that file `name` should have; what stands in it already is kept as long as it fits."""
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder, name)
        if (ROOT / name).exists() and not upgrade:
            held.write_text(pins_of((ROOT / name).read_text(encoding="utf-8")), encoding="utf-8")
        uv("--universal", "--python-version", "3.11", "--no-annotate", "pyproject.toml", *arguments, "--output-file", str(held))
        return pins_of(held.read_text(encoding="utf-8"))


def pins_of(text: str) -> str:
    """The lines of `text` that pin a package of ours."""
    others = (*CUDA_PARTS, "#", "-r")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(others))


def without_pins_of(text: str, other: str) -> str:
    """`text` without the lines that `other` has too."""
    known = set(other.splitlines())
    return "".join(line for line in text.splitlines(keepends=True) if line.rstrip("\n") not in known)


def made(upgrade: bool) -> dict[str, str]:
    """File name -> text, for both files."""
    learner = compiled(LEARNER, upgrade)
    with tempfile.TemporaryDirectory() as folder:
        constraint = Path(folder, LEARNER)
        constraint.write_text(learner, encoding="utf-8")
        both = compiled(MAINTAINER, upgrade, "--extra", "maintain", "--extra", "cluster", "--constraint", str(constraint))
    return {LEARNER: HEADER + learner, MAINTAINER: f"{HEADER}-r {LEARNER}\n" + without_pins_of(both, learner)}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="course.py pins", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 when a file is stale")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    options = parser.parse_args(argv)
    files = made(options.upgrade)
    stale = [
        name for name, text in files.items() if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != text
    ]
    if options.check and stale:
        print(f"stale: {', '.join(stale)}. Repair: {REPAIR}")
        return 1
    for name in stale:
        (ROOT / name).write_text(files[name], encoding="utf-8", newline="\n")
        print(f"written: {name}")
    for python in PYTHONS:
        for platform in PLATFORMS:
            uv("--only-binary", ":all:", "--python-version", python, "--python-platform", platform, MAINTAINER)
    print(f"every pin has a wheel for Python {', '.join(PYTHONS)} on {', '.join(PLATFORMS)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
