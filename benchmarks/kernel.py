"""The learner's waits: the first cell of each notebook against a bare `import torch`, and every check in the kernel."""

import statistics
import subprocess
import sys
import time

import nbformat

from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import component
from autograder.framework.judge import judge
from autograder.framework.known_answers import read
from autograder.framework.solutions import VARIANTS
from utils.manifest import load

RUNS = 5
FIRST_CELL_SECONDS, CHECK_SECONDS = 3.0, 1.0


def process_seconds(code, folder):
    """Median wall seconds of a fresh interpreter that runs `code` in `folder`."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    for chapter in load().chapters:
        released = load().released_notebook(chapter.id)
        first = next(cell for cell in nbformat.read(released, as_version=4).cells if cell.cell_type == "code")
        ours = process_seconds(first.source, released.parent)
        bare = process_seconds("import torch", released.parent)
        print(f"{chapter.id}: first cell {ours:.2f} s (limit {FIRST_CELL_SECONDS:g} s), {ours / bare:.2f} times `import torch`")
        for exercise in chapter.exercises:
            built = component(exercise.id)
            answer = next(known.answer for known in read(chapter.id, VARIANTS) if known.component == exercise.id)
            times = []
            for _ in range(RUNS):
                start = time.perf_counter()
                verdict = judge(LocalCandidate(built, answer))
                times.append(time.perf_counter() - start)
            law = max(times)
            print(
                f"  {exercise.id:26} check {statistics.median(times):.3f} s, slowest {law:.3f} s "
                f"(limit {CHECK_SECONDS:g} s), {len(verdict.findings)} laws"
            )


if __name__ == "__main__":
    main()
