"""nbgrader's own tests pass with the engine in the place of `nbgrader autograde`; a part of them here, all of them by `--all`."""

import os
import re
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.class_run]
AUTOGRADE = "apps/test_nbgrader_autograde.py"
QUICK = "not autotest and not timeout and not hidden and not exploit and not penalty and not kernelspec and not force"
RUNS_NOTHING = """
from autograder.classroom.engine.steps import Replay

Replay.preprocess = lambda self, nb, resources, km=None: (nb, resources)
"""


def proof(*arguments, seconds=600, **options):
    line = [sys.executable, "-m", "autograder.proof.nbgraders_tests", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=seconds, **options)


def graded(done):
    return int(re.search(r"the engine was started \d+ times and graded (\d+) submissions", done.stdout)[1])


@pytest.mark.timeout(900)
def test_nbgraders_own_tests_of_autograde_pass_on_the_engine(root):
    done = proof(AUTOGRADE, "-k", QUICK, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert graded(done) > 20


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_all_of_nbgraders_own_tests_pass_on_the_engine(root):
    done = proof(cwd=root, seconds=7000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert graded(done) > 100


def test_an_engine_that_runs_nothing_fails_them(root, tmp_path):
    (tmp_path / "runs_nothing.py").write_text(RUNS_NOTHING)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}
    done = proof(f"{AUTOGRADE}::TestNbGraderAutograde::test_grade", "-p", "runs_nothing", cwd=root, env=env)
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout + done.stderr


def test_the_proof_fails_where_the_engine_was_not_used(root):
    done = proof("test_validator.py", "-k", "test_indent", cwd=root)
    assert done.returncode == 1 and graded(done) == 0, done.stdout + done.stderr
