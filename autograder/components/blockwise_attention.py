"""What is checked of blockwise_attention."""

import torch

from autograder.shared_laws.agreement import add_common, agree, gradients_finite, refused, settled
from autograder.words import Candidate, Case, Component, Drawn, Probe, expect, masks


def draw(
    case: Case, lead: tuple[int, ...] | None = None, block_size: int | None = None, mask: torch.Tensor | None = None
) -> Drawn:
    lead = (case.batch,) if lead is None else lead
    q, k = case.normal(*lead, case.q_len, case.d_k), case.normal(*lead, case.k_len, case.d_k)
    v, block_size = case.normal(*lead, case.k_len, case.d_v), case.block_size if block_size is None else block_size
    return Drawn({"q": q, "k": k, "v": v, "block_size": block_size}, {} if mask is None else {"mask": mask})


def some_masks(case: Case) -> list[torch.Tensor]:
    """Masks of every allowed shape that show each query a key of every block."""
    first = torch.arange(case.k_len) % case.block_size == 0
    shapes = [(case.q_len, case.k_len), (case.batch, 1, case.k_len), (case.batch, case.q_len, case.k_len)]
    return [*(case.mask(*shape) | first for shape in shapes), torch.ones(case.q_len, 1, dtype=torch.bool)]


def growing(drawn: Drawn, scale: float | torch.Tensor) -> Drawn:
    """The same use with positive queries, and keys that are positive too and grow by `scale`."""
    return drawn.with_inputs(q=drawn.inputs["q"].abs() + 0.1, k=(drawn.inputs["k"].abs() + 0.1) * scale)


def given(k_len: int, block_size: int, rise: tuple[float, float] | None = None, masked: bool = False) -> Probe:
    def drawn(case: Case) -> Drawn:
        case = case.at(batch=2, q_len=3, k_len=k_len, d_k=5, d_v=2, block_size=block_size)
        use = draw(case) if rise is None else growing(draw(case), torch.linspace(*rise, k_len)[:, None])
        # Like a chessboard: of every block each query sees a key and does not see another.
        return use.with_options(mask=(torch.arange(3)[:, None] + torch.arange(k_len)) % 2 == 0) if masked else use

    return Probe(drawn)


COMPONENT = Component(
    draw,
    cases=Case.table(231, "batch q_len k_len d_k d_v block_size", (2, 5, 8, 7, 4, 3), (3, 2, 7, 6, 5, 4)),
    parts=("the output",),
    forbids="attention",
    probes={
        "one block": given(5, 5),
        "whole blocks": given(6, 3),
        "falling": given(6, 2, rise=(3, 0.1)),
        "rising": given(6, 2, rise=(0.1, 3)),
        "short last block": given(7, 3),
        "masked": given(6, 3, masked=True),
    },
)


@COMPONENT.law(points=0.25, edge=True)
def refuses_no_block(candidate: Candidate, case: Case) -> None:
    """A block size below one is refused

    Raise a ValueError whose message names the argument and the value that came.
    """
    for block_size in (0, -3):
        refused(candidate, draw(case, block_size=block_size), {"block_size": block_size})


@COMPONENT.law(points=0.0)
def one_block(candidate: Candidate, case: Case) -> None:
    """In one block for all keys, the better a key fits a query, the more its value counts

    With a single block there is nothing to carry: scores, exponentials, their sum, the weighted values.
    """
    drawn = draw(case.at(d_v=case.k_len), block_size=case.k_len)
    identity = torch.eye(case.k_len, dtype=case.dtype).expand(case.batch, -1, -1)
    masks.in_order_of_fit(candidate.use(drawn.with_inputs(v=identity)), drawn, "shares, with an identity as v")


@COMPONENT.law(points=0.25, needs=one_block)
def agrees(candidate: Candidate, case: Case) -> None:
    """The output is that of attention, whatever the size of the blocks, with masks and without

    Where does it differ: with one block already, where a later block brings a larger score, for a short last block, or only
    with a mask? Each points to another step.
    """
    for block_size in (case.k_len, case.k_len + 3, case.block_size, case.k_len - 1):
        agree(candidate, draw(case, block_size=block_size), f"for k_len={case.k_len}, block_size={block_size}")
    agree(candidate, draw(case, (case.batch, 2)), "with two leading axes")
    rise = torch.linspace(0.2, 20.0, case.k_len, dtype=case.dtype)[:, None]
    for scale, where in {rise: "rise", rise.flip(0): "fall", -100 - rise: "are far below zero"}.items():
        agree(candidate, growing(draw(case), scale), f"where scores {where}")
    for mask in some_masks(case):
        agree(candidate, draw(case, mask=mask), f"with a mask of shape {tuple(mask.shape)}")


@COMPONENT.law(points=0.25, needs=one_block, edge=True)
def blind_rows(candidate: Candidate, case: Case) -> None:
    """A query that has seen nothing so far is right, and one that never sees anything gets output 0, and no NaN

    Before the first visible key the largest score is still -inf: what is -inf minus -inf? Also the gradient stays finite.
    """
    nothing = torch.zeros(case.q_len, case.k_len, dtype=torch.bool)
    late = nothing.clone()
    late[1:, -1] = True
    output = candidate.use(draw(case, mask=nothing))
    expect.close(output, torch.zeros_like(output), "the output where no query sees anything")
    last, where = draw(case, mask=late), "where the last key alone is seen, and by one query none"
    if settled(candidate, draw(case)):
        agree(candidate, last, where)
    gradients_finite(candidate, last, where)


MANY = Case.table(233, "batch q_len k_len d_k d_v block_size", (1, 13, 101, 5, 3, 8), (1, 7, 103, 2, 1, 11), (1, 11, 31, 2, 1, 1))


@COMPONENT.law(points=0.25, needs=one_block, cases=MANY)
def holds_one_block(candidate: Candidate, case: Case) -> None:
    """It never holds all scores at once

    Work on one slice of the keys at a time, for all queries, and let go of its scores before the next.
    """
    for mask in (None, case.mask(case.q_len, case.k_len)):
        measured, everything = candidate.measure(draw(case, (), mask=mask)), case.q_len * case.k_len
        told = (
            f"for q_len={case.q_len}, k_len={case.k_len}, block_size={case.block_size} the largest tensor that it allocates has "
            f"{measured.largest:,} entries and {measured.peak:,} are held at once; all scores together are {everything:,}."
        )
        expect.true(max(measured.largest, measured.peak) < everything, told, "holds-everything")


add_common(COMPONENT, one_block, learning=lambda case: [draw(case), draw(case, mask=some_masks(case)[0])])
