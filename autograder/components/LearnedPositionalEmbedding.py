"""What is checked of LearnedPositionalEmbedding."""

from typing import Any

import torch

from autograder.shared_laws import modules, tables
from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect, gradients_agree, refused

SMALL: dict[str, Any] = {"batch": 2, "max_len": 5, "seq": 5, "d_model": 3}


def draw(case: Case) -> Drawn:
    x = case.normal(case.batch, min(case.seq, case.max_len), case.d_model)
    return Drawn({"x": x}, sizes=(case.max_len, case.d_model), state={"table": case.normal(case.max_len, case.d_model)})


def too_long(case: Case, max_len: int, seq: int) -> Drawn:
    drawn = draw(case.at(max_len=max_len))
    return drawn.with_inputs(x=case.normal(case.batch, seq, case.d_model))


def as_built(candidate: Candidate, case: Case) -> Any:
    """The parameters with whether they can be trained, and whether rows are added that are the same in every sequence."""
    drawn = modules.unloaded(draw(case.at(**SMALL | {"seq": 4})))
    x, got = drawn.inputs["x"], candidate.raw(drawn)
    rows = got - x if tables.fits(got, *x.shape) else None
    adds = rows is not None and torch.allclose(rows[0], rows[1], atol=1e-5) and bool((rows.std(1) > 1e-4).all())
    return [candidate.trainable(drawn), "adds rows" if adds else "does not add rows"]


def refuses(candidate: Candidate, case: Case) -> Any:
    """Whether it refuses by an error that it raises itself."""
    case = case.at(**SMALL)
    happening = candidate.refusal_to_build(draw(case)) or candidate.refusal(too_long(case, 5, 7))
    if happening is None or happening.error in ("RuntimeError", "IndexError", "AssertionError"):
        return "not refused"
    return happening.error


COMPONENT = Component(
    draw,
    cases=Case.table(611, "batch max_len seq d_model", (2, 11, 7, 5), (3, 5, 3, 13)),
    probes={
        "plain": modules.probe(draw, SMALL | {"seq": 3}),
        "whole table": modules.probe(draw, SMALL),
        "as built": Probe(look=as_built),
        "too long": Probe(look=refuses),
    },
)


@COMPONENT.law(points=0.25)
def has_its_table(candidate: Candidate, case: Case) -> None:
    """It has a table of shape (max_len, d_model), and nothing else, in its state

    What `__init__` registers with the module appears in the state_dict, under the name that it is assigned to.
    """
    modules.names_and_shapes(candidate, draw(case))


@COMPONENT.law(points=0.25, needs=has_its_table)
def adds_the_same_rows(candidate: Candidate, case: Case) -> None:
    """The same rows are added in every sequence of the batch, and they come from the table

    What is added depends on the table and on the place, and not on what x holds.
    """
    added, with_another = (candidate.use(drawn) - drawn.inputs["x"] for drawn in (draw(case), draw(case)))
    expect.close(added, added[:1].expand_as(added), "what is added to each sequence, beside what is added to the first")
    expect.true(not torch.allclose(added, with_another, atol=1e-4, equal_nan=True), "with another table the same is added.")


@COMPONENT.law(points=0.25, needs=adds_the_same_rows)
def agrees(candidate: Candidate, case: Case) -> None:
    """Row t of the table is added at position t

    Which rows of the table does a sequence of seq positions need?
    """
    for max_len, seq in ((case.max_len, case.seq), (case.max_len, case.max_len), (1, 1)):
        agree(candidate, draw(case.at(max_len=max_len, seq=seq)), f"for max_len={max_len}, seq={seq}")


@COMPONENT.law(points=0.25, needs=adds_the_same_rows)
def gradients_arrive(candidate: Candidate, case: Case) -> None:
    """The table is a Parameter, and gradients reach x and the rows that were used

    Only what a module registers as a Parameter is found by an optimiser. Add the rows of that Parameter itself.
    """
    modules.parameters(candidate, draw(case))
    gradients_agree(candidate, draw(case))


@COMPONENT.law(points=0.25, needs=adds_the_same_rows, edge=True)
def refuses_longer(candidate: Candidate, case: Case) -> None:
    """A sequence that is longer than the table is refused

    What is known before any rows are added? The message of the ValueError names seq and max_len with both numbers.
    """
    for max_len, seq in ((1, 29), (case.max_len, case.max_len + 1), (case.max_len, 3 * case.max_len)):
        sizes = {"seq": seq, "max_len": max_len}
        refused(candidate, too_long(case, max_len, seq), sizes, "x", "length", proves="no-length-check")


add_common(COMPONENT, adds_the_same_rows, ("batch", "seq", "d_model"), gradients=False)
