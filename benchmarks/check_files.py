"""`python -m autograder check` of 50 files: one job against two, in one run, whole processes."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autograder.framework.known_answers import read
from autograder.framework.solutions import MISCONCEPTIONS, VARIANTS

CHAPTER, COMPONENT, FILES, LIMIT_SECONDS = "02_attention_mechanism", "attention", 50, 60


def seconds(files, jobs):
    """Wall seconds of one whole process."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "autograder", "check", COMPONENT, *files, "--json", "--jobs", str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == len(files), done.stderr
    return time.perf_counter() - start


def main():
    kinds = [known for file in (MISCONCEPTIONS, VARIANTS) for known in read(CHAPTER, file) if known.component == COMPONENT]
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for index in range(FILES):
            path = Path(folder) / f"answer_{index:02}.py"
            path.write_text(kinds[index % len(kinds)].source, encoding="utf-8")
            files.append(str(path))
        two, one = seconds(files, 2), seconds(files, 1)
    print(f"{FILES} files, right and wrong: two jobs {two:.1f} s (limit {LIMIT_SECONDS} s)")
    print(f"one job {one:.1f} s: {one / two:.2f} times as long")


if __name__ == "__main__":
    main()
