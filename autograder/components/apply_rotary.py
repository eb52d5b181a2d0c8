"""What is checked of apply_rotary."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect, refuses_odd, settled

FAR = (0.0, 0.03)
"""(rtol, atol) thousands of positions out, where angles in float32 are right to 0.001 alone."""


def draw(
    case: Case, lead: tuple[int, ...] | None = None, positions: torch.Tensor | None = None, base: float | None = None
) -> Drawn:
    """Unsorted positions that start anywhere and may repeat."""
    x = case.normal(*((case.batch,) if lead is None else lead), case.seq, case.d_head)
    positions = case.integers(0, 40, case.seq) if positions is None else positions
    return Drawn({"x": x, "positions": positions}, {} if base is None else {"base": base})


def given(*positions: int, d_head: int = 6, base: float | None = None) -> Probe:
    return Probe(lambda case: draw(case.at(seq=len(positions), d_head=d_head), (2,), torch.tensor(positions), base))


COMPONENT = Component(
    draw,
    cases=Case.table(631, "batch seq d_head odd", (2, 5, 6, 7), (3, 7, 10, 5)),
    probes={
        "in a row": given(0, 1, 2, 3),
        "elsewhere": given(7, 3, 3, 0),
        "one pair": given(0, 1, 2, d_head=2),
        "another base": given(2, 1, 5, base=100.0),
    },
)


@COMPONENT.law(points=0.25)
def turns(candidate: Candidate, case: Case) -> None:
    """At position 0 lengths stay as they are, and further on the same vector turns further

    A turn by the angle 0 changes nothing. Is anything else done to x than turning?
    """
    start, row = draw(case, positions=torch.zeros(case.seq, dtype=torch.int64)), draw(case, positions=torch.arange(case.seq))
    lengths = candidate.use(start).norm(dim=-1)
    expect.close(lengths, start.inputs["x"].norm(dim=-1), "the lengths of the vectors at position 0")
    turned = candidate.use(row.with_inputs(x=row.inputs["x"][..., :1, :].expand_as(row.inputs["x"])))
    expect.true(not torch.allclose(turned, turned[..., :1, :], atol=1e-3), "the same vector comes out alike at all positions.")


@COMPONENT.law(points=0.25, needs=turns)
def agrees(candidate: Candidate, case: Case) -> None:
    """Each pair (x_2i, x_2i+1) is turned counter-clockwise by pos / base^(2i/d_head)

    Which two entries are a pair, and which way does it turn? The angles come from `positions`, wherever these are.
    """
    row = torch.arange(case.seq)
    for positions in (0 * row, row, row + 11):
        agree(candidate, draw(case, positions=positions), f"at the positions {positions.tolist()}")
    for lead in ((), (case.batch, 3)):
        agree(candidate, draw(case, lead), f"with leading axes {lead}")
    agree(candidate, draw(case.at(d_head=2)), "with d_head = 2")
    far = draw(case, positions=case.integers(4_000, 6_000, case.seq))
    where = f"the result at the positions {far.inputs['positions'].tolist()}"
    expect.close(candidate.use(far), candidate.right(far), where, FAR)


@COMPONENT.law(points=0.25, needs=turns)
def uses_its_base(candidate: Candidate, case: Case) -> None:
    """Another base gives other speeds

    What is raised to the power 2i/d_head? With base=100 the slow pairs turn faster than with 10,000.
    """
    if settled(candidate, draw(case)):
        for base in (100.0, 500_000.0):
            agree(candidate, draw(case, base=base), f"with base={base}")
    quick = draw(case, base=100.0)
    same = torch.allclose(candidate.use(quick), candidate.use(quick.with_options(base=10_000.0)), atol=1e-4)
    expect.true(not same, "base=100.0 and base=10000.0 give the same.")


refuses_odd(COMPONENT, turns, "d_head", "x", "head", "dim", "axis", "feature")
add_common(COMPONENT, turns, ("batch", "seq"))
