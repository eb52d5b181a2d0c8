"""How often the browser runs a whole chapter while all cores are busy with something else; prints a line a run.

python benchmarks/browser.py --times 20
"""

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import lab  # noqa: E402  (needs the path above)

from autograder.proof import machine  # noqa: E402

CHAPTER = "02_attention_mechanism"


def busy():
    """Work without an end, for one core."""
    while True:
        sum(range(10_000))


def one_run(folder):
    """Seconds until a learner who opens the chapter and runs all of it has seen its last cell run."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    start = time.monotonic()
    with lab.learner(folder, CHAPTER, machine.chromium(), folder / "failed.png") as person:
        person.run_all()
        assert "Nothing is here yet" in person.output("check-attention")
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    others = [multiprocessing.Process(target=busy, daemon=True) for _ in range(os.cpu_count() or 1)]
    for other in others:
        other.start()
    green = 0
    for number in range(1, times + 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(f"run {number}: green, {one_run(Path(folder)):.0f} s", flush=True)
                green += 1
            except Exception as error:  # noqa: BLE001 (a run that fails is counted, whatever it fails of)
                print(f"run {number}: {type(error).__name__}: {str(error).splitlines()[0]}", flush=True)
                picture = Path(folder, "failed.png")
                if picture.exists():
                    shutil.copy(picture, kept := Path(tempfile.gettempdir(), f"browser-run-{number}.png"))
                    print(f"    the page then: {kept}", flush=True)
    print(f"{green} of {times} runs green, with {len(others)} busy processes beside them")
    return green != times


if __name__ == "__main__":
    sys.exit(main())
