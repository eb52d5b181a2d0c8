"""A pytest plugin for the notebooks' run: nbval waits longer for the outputs of a cell that has ended."""

import pytest

OUTPUT_SECONDS = 60  # nbval's own 5 s, not an option of its, are too few on a busy machine with two cores


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if hasattr(item, "output_timeout"):
            item.output_timeout = OUTPUT_SECONDS
