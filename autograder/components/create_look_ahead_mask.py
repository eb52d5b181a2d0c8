"""What is checked of create_look_ahead_mask."""

from autograder.words import Candidate, Case, Component, Drawn, Probe, agree, expect


def draw(case: Case) -> Drawn:
    return Drawn({"seq_len": case.seq_len})


COMPONENT = Component(
    draw,
    cases=Case.table(301, "seq_len", (5,), (7,)),
    parts=("the mask",),
    forbids="attention",
    probes=Probe.table(draw, "seq_len", {f"{n} positions": (n,) for n in (5, 2, 1)}),
)


@COMPONENT.law(points=0.25, where=lambda case: case.seq_len > 2)
def past_is_not_future(candidate: Candidate, case: Case) -> None:
    """Looking back is told apart from looking ahead

    The last position and the first: may both of them look at the other one?
    """
    mask = candidate.use(draw(case))
    back, ahead = mask[-1, 0], mask[0, -1]
    expect.true(bool(back != ahead), f"the entries [{case.seq_len - 1}, 0] and [0, {case.seq_len - 1}] are both {bool(back)}.")


@COMPONENT.law(points=0.75, needs=past_is_not_future)
def agrees(candidate: Candidate, case: Case) -> None:
    """Position i may attend to position j exactly when j is at or before i

    Row i looks, column j is looked at. Write out the three rows for seq_len=3.
    """
    for seq_len in (case.seq_len, 1, 2):
        agree(candidate, draw(case.at(seq_len=seq_len)), f"for seq_len={seq_len}")


@COMPONENT.law(points=0.25, needs=past_is_not_future)
def sees_itself(candidate: Candidate, case: Case) -> None:
    """Every position sees itself

    j = i is neither earlier nor later: what does the rule say of it?
    """
    for i, sees in enumerate(candidate.use(draw(case)).diagonal().tolist()):
        expect.true(sees, f"position {i} does not see itself: the entry [{i}, {i}] is False.")


@COMPONENT.law(points=0.25, needs=past_is_not_future)
def shorter_is_a_corner(candidate: Candidate, case: Case) -> None:
    """The mask of a shorter text is the corner of a longer one's

    Whether i sees j depends on i and j, and not on how long the text is or on what was asked before.
    """
    short, again = candidate.repeat(draw(case))
    expect.equal(again, short, "the mask made a second time")
    longer = candidate.use(draw(case.at(seq_len=case.seq_len + 3)))
    expect.equal(longer[: case.seq_len, : case.seq_len], short, "the corner of a longer mask, beside the shorter mask")
