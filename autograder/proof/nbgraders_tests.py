"""nbgrader's own tests, as its package brings them, with the grading engine in the place of `nbgrader autograde`.

    python -m autograder.proof.nbgraders_tests             all of them, on the engine
    python -m autograder.proof.nbgraders_tests --plain     on nbgrader itself: what fails here is no fault of the engine's
    python -m autograder.proof.nbgraders_tests apps/test_api.py -k autograde      some; what else is said goes to pytest

The tests are not changed: this module is a pytest plugin that exchanges the class which nbgrader's command starts. Where there
is a sandbox, learners' code runs in it. Exit 0 when the engine has graded and all passed but what `LEFT_OUT` names.
"""

from __future__ import annotations

import getpass
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, chdir
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from concurrent.futures import Future

    from autograder.classroom.engine.jobs import Job, Result
    from autograder.classroom.engine.outcome import Outcome
    from autograder.classroom.engine.workers import LocalWorkers

_AUTOGRADE = "apps/test_nbgrader_autograde.py::TestNbGraderAutograde"
LEFT_OUT = {
    f"{_AUTOGRADE}::test_many_students": "skips itself: it wants a PostgreSQL server that was set up by hand",
    f"{_AUTOGRADE}::test_infinite_loop_with_output": "skips itself: it takes nbgrader long, and much memory",
    "apps/test_api.py::TestNbGraderAPI::test_get_released_assignments_windows": "for Windows alone",
    "test_auth.py": "needs requests-mock; it is about a JupyterHub's answers, and grades nothing",
    "ui-tests": "need Node and a browser; they are about JupyterLab's and formgrader's pages, and grade nothing",
}
"""Tests that are not run, each with the reason. What else is skipped, by a test of nbgrader's itself, fails the proof."""

_PLAIN = "NBGRADERS_TESTS_PLAIN"
_TEST_SECONDS = 600
_GUIDE = "docs/source/user_guide"


def folder() -> Path:
    """Where nbgrader's tests are installed."""
    spec = find_spec("nbgrader")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "tests"


def main(arguments: Sequence[str]) -> int:
    """Runs the tests and returns pytest's exit code."""
    plain = "--plain" in arguments
    os.environ[_PLAIN] = "1" if plain else ""
    os.environ.setdefault("USER", getpass.getuser())  # a test of theirs reads it
    rest = [argument for argument in arguments if argument != "--plain"]
    chosen = [str(folder() / each) if (folder() / each.partition("::")[0]).exists() else each for each in rest]
    if chosen == rest:
        chosen.append(str(folder()))
    options = ["-q", "-W", "ignore", "-p", "no:cacheprovider", f"--timeout={_TEST_SECONDS}", "-p", __spec__.name]
    with tempfile.TemporaryDirectory(prefix="nbgraders-tests-") as here, chdir(here):
        _lay_out(Path(here))
        return pytest.main([*options, "-c", os.devnull, f"--rootdir={folder()}", *chosen])


def _lay_out(here: Path) -> None:
    """Some tests look for files where nbgrader's repository has them, from which its developers start."""
    guide = folder().parent / _GUIDE
    shutil.copytree(guide, here / "nbgrader" / _GUIDE)
    shutil.copy(guide / "autotests.yml", here)


class Proof:
    """The pytest plugin: the engine grades while the tests run, and what it did is counted."""

    def __init__(self, plain: bool) -> None:
        self._plain = plain
        self._stack = ExitStack()
        self._outcomes: list[Outcome] = []
        self._unlisted: dict[str, str] = {}

    def pytest_sessionstart(self) -> None:
        if self._plain:
            return
        from autograder.classroom.engine.in_nbgrader import in_nbgrader
        from autograder.classroom.engine.workers import LocalWorkers, processors
        from autograder.framework.isolation import sandbox

        workers = LocalWorkers(processors())
        self._stack.callback(workers.close)
        unsafe = sandbox.why_not() is not None
        self._outcomes = self._stack.enter_context(in_nbgrader(lambda: _Kept(workers), unsafe))

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if collection_path.name in LEFT_OUT else None

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        out = [item for item in items if item.nodeid in LEFT_OUT]
        items[:] = [item for item in items if item not in out]
        config.hook.pytest_deselected(items=out)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self._unlisted[report.nodeid] = report.longreprtext.strip().splitlines()[-1]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._stack.close()
        unused = not self._plain and not any(outcome.graded for outcome in self._outcomes)
        if exitstatus == pytest.ExitCode.OK and (unused or self._unlisted):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        say = terminalreporter.write_line
        for name, reason in LEFT_OUT.items():
            say(f"left out: {name}: {reason}")
        for name, reason in self._unlisted.items():
            say(f"skipped, and not listed as left out: {name}: {reason}")
        if not self._plain:
            graded = sum(len(outcome.graded) for outcome in self._outcomes)
            say(f"the engine was started {len(self._outcomes)} times and graded {graded} submissions")


class _Kept:
    """Workers that are there for all runs: each run of the engine closes those that it is given."""

    def __init__(self, workers: LocalWorkers):
        self._workers = workers

    def submit(self, job: Job) -> Future[Result]:
        return self._workers.submit(job)

    def close(self) -> None:
        """They go on."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Proof(plain=bool(os.environ.get(_PLAIN))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
