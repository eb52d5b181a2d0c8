"""The laws of LearnedPositionalEmbedding."""

import torch

from autograder.checks import expect, watch
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "06_positional_encoding"

LEARNED = Component(
    "LearnedPositionalEmbedding", CHAPTER, reference.LearnedPositionalEmbedding,
    cases=[
        Case(seed=611, batch=2, max_len=11, seq=7, d_model=5),
        Case(seed=612, dtype=torch.float64, batch=3, max_len=5, seq=3, d_model=13),
    ],
)  # fmt: skip
_ADDS = "row t of the table is added at position t, in every sequence of the batch"


def _learned(candidate, case):
    table = case.normal(case.max_len, case.d_model)
    return candidate.module(case.max_len, case.d_model, state={"table": table}, dtype=case.dtype), table


def trained_parameters(component, max_len, d_model):
    """[name, whether it asks for a gradient] of each parameter of a module as it is built."""
    with watch.on():
        module = component(max_len, d_model)
    return [[name, parameter.requires_grad] for name, parameter in module.named_parameters()]


@LEARNED.law(
    "its one parameter is table, of shape (max_len, d_model)", points=0.5,
    hint="An nn.Parameter that is assigned to self.table in __init__ appears in the state_dict as 'table'.",
)  # fmt: skip
def _(candidate, case):
    state = candidate.module(case.max_len, case.d_model).state()
    keys = ", ".join(sorted(state)) or "nothing"
    expect.true(list(state) == ["table"], f"the state_dict holds {keys}; expected exactly table.")
    expect.tensor(state["table"], shape=(case.max_len, case.d_model), what="table")
    parameters = candidate.there(trained_parameters, case.max_len, case.d_model)
    expect.true([list(p) for p in parameters] == [["table", True]], "table is no trainable parameter.", rule="not-trainable")


@LEARNED.law(
    _ADDS, points=0.5,
    hint="Take the first seq rows of the table; the batch axis broadcasts by itself.",
)  # fmt: skip
def _(candidate, case):
    module, table = _learned(candidate, case)
    for seq in (case.seq, 1, case.max_len):
        x = case.normal(case.batch, seq, case.d_model)
        expect.close(module(x), x + table[:seq], case, what=f"the result for max_len={case.max_len}, seq={seq}")
        expect.tensor(module(x), dtype=case.dtype, what="the result")


@LEARNED.law(
    "gradients reach x and the rows that were used", points=0.5, needs=_ADDS,
    hint="The table is an nn.Parameter, and the sum is taken with the parameter itself.",
)  # fmt: skip
def _(candidate, case):
    module, table = _learned(candidate, case)
    x, cotangent = case.normal(case.batch, case.seq, case.d_model), case.normal(case.batch, case.seq, case.d_model)
    _, (to_x,), to_parameters = module.gradients(x, cotangents=[cotangent])
    trained = candidate.there(trained_parameters, case.max_len, case.d_model)
    expect.true(["table", True] in [list(p) for p in trained], "table is no trainable parameter.", rule="not-trainable")
    expect.differentiable([to_x, to_parameters.get("table")], ["x", "table"])
    expect.gradient(to_x, cotangent, case, what="the gradient with respect to x")
    rows = torch.zeros_like(table)
    rows[: case.seq] = cotangent.sum(0)
    expect.gradient(to_parameters["table"], rows, case, what="the gradient with respect to table")


@LEARNED.law(
    "a sequence that is longer than the table is refused", points=0.25, needs=_ADDS,
    hint="raise ValueError with a message that names seq and max_len and both numbers, before the rows are added.",
)  # fmt: skip
def _(candidate, case):
    module, _ = _learned(candidate, case)
    for max_len, seq in ((case.max_len, case.max_len + 1), (case.max_len, 3 * case.max_len), (1, 29)):
        module = candidate.module(max_len, case.d_model, dtype=case.dtype)
        error = module.error(case.normal(case.batch, seq, case.d_model))
        expect.raises(error, "ValueError", mentions=[seq])
        named = any(word in error.message for word in ("max_len", "seq", "x"))
        expect.true(named, f"the message of the ValueError names neither seq nor max_len: it says {error.message!r}.")


def _fixed(candidate, given):
    return candidate.module(5, 3, state={"table": given.normal(5, 3)})


@LEARNED.probe("plain")
def _(candidate, given):
    return _fixed(candidate, given)(given.normal(2, 3, 3))


@LEARNED.probe("whole table")
def _(candidate, given):
    return _fixed(candidate, given)(given.normal(2, 5, 3))


@LEARNED.probe("too long is refused")
def _(candidate, given):
    error = candidate.module(5, 3).error(given.normal(2, 7, 3))
    return error.type if error and error.type not in ("RuntimeError", "IndexError") else "no"


@LEARNED.probe("trained")
def _(candidate, given):
    return candidate.there(trained_parameters, 5, 3)


@LEARNED.probe("gradient")
def _(candidate, given):
    _, to_x, to_parameters = _fixed(candidate, given).gradients(given.normal(2, 3, 3), cotangents=[given.normal(2, 3, 3)])
    return [to_x, to_parameters.get("table")]
