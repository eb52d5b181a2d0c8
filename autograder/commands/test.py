"""`course.py test`: proves the whole course; `--all` also runs what takes long, and fetches the real weights (nightly).

The gates in order: what is built is in step with its sources, ruff, its format, types, the tests, and every solution
notebook from top to bottom with its checked outputs. All of them run, whichever fails, and each that failed says what repairs it.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autograder.proof import machine

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2  # the course is to be proved on two cores
TESTING = 3  # many a test waits: for a browser, a time-out, a process that starts
SHARED_OUT = ("-p", "autograder.proof.shares", "--dist=loadscope", "--no-loadscope-reorder")  # tests/conftest.py orders them
CELL_SECONDS = 400  # the longest chapter has a budget of 360 s for all its cells


def gates(everything: bool) -> list[tuple[str, list[str], str]]:
    """Name, arguments of Python, and what repairs it, for each gate."""
    pytest = ["-m", "pytest"]
    notebooks = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("solutions/*/[0-9]*.ipynb"))
    # Without a notebook this last gate fails, as it should: pytest finds nothing in solutions/.
    weights = (
        "weights",
        ["-m", "autograder.commands.weights", "all"],
        "connect to the network, then python3 course.py weights all",
    )
    return [
        *([weights] if everything else []),
        ("built files", ["-m", "autograder.builder", "--check"], "python3 course.py build"),
        ("ruff", ["-m", "ruff", "check"], ".venv/bin/ruff check --fix, then by hand"),
        ("format", ["-m", "ruff", "format", "--check"], ".venv/bin/ruff format"),
        ("types", ["-m", "mypy"], "correct what is named above"),
        (
            "tests",
            [*pytest, f"--numprocesses={TESTING}", *SHARED_OUT, "tests", *(["-m", ""] if everything else [])],
            "see the failures above",
        ),
        (
            "notebooks",
            [
                *pytest,
                f"--numprocesses={WORKERS}",
                "--dist=loadfile",
                "-p",
                "autograder.proof.patience",
                "--nbval-lax",
                "--nbval-current-env",
                f"--nbval-cell-timeout={CELL_SECONDS}",
                f"--timeout={2 * CELL_SECONDS}",
                *(notebooks or ["solutions"]),
            ],
            "correct solutions/*/*.py, then python3 course.py build",
        ),
    ]


def environment(gate: str) -> dict[str, str]:
    """The variables of a gate: nothing of the caller's Jupyter, no bars, and for the notebooks no learner's files."""
    variables = {**os.environ, "TQDM_DISABLE": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
    for name in ("NBGRADER_EXECUTION", "COURSE_BUILD", "PYTEST_ADDOPTS"):
        variables.pop(name, None)
    if gate == "notebooks":
        variables["COURSE_BUILD"] = "1"
    return variables


def _quiet(name: str, arguments: list[str]) -> tuple[int, str]:
    """(exit code, what it printed) of a gate."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(name), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout.strip()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="course.py test", description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="the slow tests and those on real weights too")
    options = parser.parse_args(argv)
    failed = []
    for package in machine.install_missing():
        print(
            f"{package} is not installed: the tests marked {machine.PACKAGES[package][1]} are skipped. "
            f"Install it: sudo apt-get install {package}",
            flush=True,
        )
        if os.environ.get("CI"):
            failed.append((package, f"sudo apt-get install {package}"))
    planned = gates(options.all)
    # The gates that take one core each run side by side, and are told in order.
    with ThreadPoolExecutor(WORKERS) as pool:
        first = [pool.submit(_quiet, name, arguments) for name, arguments, _ in planned[:-2]]
        for (name, _, repair), gate in zip(planned[:-2], first, strict=True):
            code, said = gate.result()
            print(f"\n==== {name}\n{said}", flush=True)
            if code:
                failed.append((name, repair))
    for name, arguments, repair in planned[-2:]:
        print(f"\n==== {name}", flush=True)
        if subprocess.call([sys.executable, *arguments], cwd=ROOT, env=environment(name)):
            failed.append((name, repair))
    for name, repair in failed:  # nothing is said when all is well: pytest's own line is the last one
        print(f"Failed: {name}. Repair: {repair}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
