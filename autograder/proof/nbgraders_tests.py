"""nbgrader's own tests, as its package brings them, with the grading engine in the place of `nbgrader autograde`.

    python -m autograder.proof.nbgraders_tests                  all of them on the engine
    python -m autograder.proof.nbgraders_tests --plain          on nbgrader itself, to tell what fails without the engine
    python -m autograder.proof.nbgraders_tests apps/test_nbgrader_autograde.py -k late      some; what follows goes to pytest

The tests are not changed: this module is a pytest plugin that exchanges the class which nbgrader's command starts. Where there
is a sandbox, all learners' code runs in it. Exit 0 when every test that `SKIPPED` does not name passed and the engine graded.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from concurrent.futures import Future

    from autograder.classroom.engine.coordinator import Outcome
    from autograder.classroom.engine.jobs import Job, Result
    from autograder.classroom.engine.workers import LocalWorkers

SKIPPED: dict[str, str] = {}
"""Why a test is left out, by how its id begins: found by running it with `--plain`, on nbgrader itself."""

_PLAIN = "NBGRADERS_TESTS_PLAIN"
_TEST_SECONDS = 600


def folder() -> Path:
    """Where nbgrader's tests are installed."""
    spec = find_spec("nbgrader")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "tests"


def main(arguments: Sequence[str]) -> int:
    """Runs the tests and returns pytest's exit code."""
    rest = [argument for argument in arguments if argument != "--plain"]
    os.environ.setdefault("USER", getpass.getuser())  # a test of theirs reads it
    os.environ[_PLAIN] = str(int(len(rest) < len(arguments)))
    chosen = [str(folder() / argument) if argument.startswith(tuple(_parts())) else argument for argument in rest]
    chosen += [] if chosen != rest else [str(folder())]
    options = ["-q", "-rs", "-W", "ignore", "-p", "no:cacheprovider", f"--timeout={_TEST_SECONDS}", "-p", __spec__.name]
    return pytest.main([*options, "-c", os.devnull, f"--rootdir={folder()}", *chosen])


def _parts() -> list[str]:
    return [path.name for path in folder().iterdir()]


class OnEngine:
    """The pytest plugin: nbgrader grades on the engine while the tests run, and it is counted that it did."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._outcomes: list[Outcome] = []

    def pytest_sessionstart(self) -> None:
        from autograder.classroom.engine.coordinator import processors
        from autograder.classroom.engine.in_nbgrader import in_nbgrader
        from autograder.classroom.engine.workers import LocalWorkers
        from autograder.framework.isolation import sandbox

        workers = LocalWorkers(processors())
        self._stack.callback(workers.close)
        unsafe = sandbox.why_not() is not None
        self._outcomes = self._stack.enter_context(in_nbgrader(lambda: _Kept(workers), unsafe))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._stack.close()
        if exitstatus == pytest.ExitCode.OK and not any(outcome.graded for outcome in self._outcomes):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        graded = sum(len(outcome.graded) for outcome in self._outcomes)
        terminalreporter.write_line(f"the engine was started {len(self._outcomes)} times and graded {graded} submissions")


class _Kept:
    """Workers that are there for all runs: each run of the engine closes those that it is given."""

    def __init__(self, workers: LocalWorkers):
        self._workers = workers

    def submit(self, job: Job) -> Future[Result]:
        return self._workers.submit(job)

    def close(self) -> None:
        """They go on."""


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get(_PLAIN) != "1":
        config.pluginmanager.register(OnEngine())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for beginning, reason in SKIPPED.items():
            if item.nodeid.startswith(beginning):
                item.add_marker(pytest.mark.skip(reason=reason))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
