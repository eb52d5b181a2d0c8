"""The learner's waits: the first cell of each notebook against a bare `import torch`, and every check in the kernel.

Measured in processor time, on one thread. Of the checks that is the first one in a fresh interpreter, and those after it.
"""

import os
import statistics
import subprocess
import sys

import nbformat

from utils.manifest import load

RUNS = 5
FIRST_CELL_SECONDS, CHECK_SECONDS = 3.0, 1.0
CHECKS = f"""
import time
from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import component
from autograder.framework.judge import judge
from autograder.framework.known_answers import solution
from utils import session
session.begin()
built, answer = component({{name!r}}), solution({{chapter!r}}, {{name!r}}).answer
for _ in range({RUNS}):
    start = time.process_time()
    assert judge(LocalCandidate(built, answer)).passed
    print(time.process_time() - start)
"""


def process_seconds(code, folder):
    """Median processor seconds of a fresh interpreter that runs `code` in `folder`."""
    times = []
    for _ in range(RUNS):
        before = os.times()
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(times)


def check_seconds(chapter, name):
    """[seconds of the first check of a solution in a fresh interpreter, and of each after it]"""
    done = subprocess.run([sys.executable, "-c", CHECKS.format(chapter=chapter, name=name)], check=True, stdout=subprocess.PIPE)
    return [float(line) for line in done.stdout.split()]


def main():
    for chapter in load().chapters:
        released = load().released_notebook(chapter.id)
        first = next(cell for cell in nbformat.read(released, as_version=4).cells if cell.cell_type == "code")
        ours = process_seconds(first.source, released.parent)
        bare = process_seconds("import torch", released.parent)
        print(f"{chapter.id}: first cell {ours:.2f} s (limit {FIRST_CELL_SECONDS:g} s), {ours / bare:.2f} times `import torch`")
        for exercise in chapter.exercises:
            first, *later = check_seconds(chapter.id, exercise.id)
            print(
                f"  {exercise.id:26} first check {first:.2f} s (limit {CHECK_SECONDS:g} s), then {statistics.median(later):.2f} s"
            )


if __name__ == "__main__":
    main()
