"""For a test that takes long for each chapter: `course.py test` runs it on some of them, `course.py test --all` on all."""

import pytest

from utils.manifest import load


def chapters(*always: str, without: str = "") -> list:
    """A parameter for each chapter but `without`; those that are not run `always` bear the marker `slow`."""
    ids = [chapter.id for chapter in load().chapters if chapter.id != without]
    assert set(always) <= set(ids)
    return [id if id in always else pytest.param(id, marks=pytest.mark.slow) for id in ids]
