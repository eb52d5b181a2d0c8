"""A pytest plugin for the tests' run: what workers share out, so that what a file prepares is prepared once."""

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

BY_CHAPTER = "test_matrix"  # the longest file, whose tests of one chapter use the same verdicts


def share(nodeid: str) -> str:
    """What goes to one worker: a file of tests; of the matrix a chapter."""
    file, _, test = nodeid.partition("::")
    chapter = re.search(r"\[(\d\d_\w+)", test) if BY_CHAPTER in file else None
    return f"{file} {chapter[1]}" if chapter else file


class Shares(LoadScopeScheduling):
    """Gives out shares in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    return Shares(config, log)
