"""Text that is written fast says what Python's own writer says."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.classroom.engine.jobs import Result
from autograder.step import GradedCell, Step
from autograder.submission import jsontext

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_is_read_is_what_was_written(value, lines):
    text = jsontext.dumps(value, lines)
    assert json.loads(text) == value
    assert text.endswith("\n") == lines


@pytest.mark.parametrize("odd", [2**70, "half \ud800", -(2**64)])
def test_what_the_fast_writer_refuses_is_written_all_the_same(odd):
    result = Result({"chapter": [Step([{"data": {"application/json": odd}}], GradedCell("softmax", 1.5, 2.0, "said"))]}, True)
    read = Result.from_json(result.to_json())
    assert read.steps["chapter"][0].outputs == [{"data": {"application/json": odd}}]
    assert read.steps["chapter"][0].graded == GradedCell("softmax", 1.5, 2.0, "said")
    assert read.steps["chapter"][0].began == result.steps["chapter"][0].began


def test_keys_are_in_order_and_dates_are_in_the_form_of_iso():
    began = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
    assert jsontext.dumps({"b": began, "a": 1}) == '{"a":1,"b":"2026-09-01T08:30:00+00:00"}'
