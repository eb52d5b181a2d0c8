"""What is checked of attention."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect, masks, settled


def draw(case: Case, lead: tuple[int, ...] | None = None, mask: torch.Tensor | None = None) -> Drawn:
    lead = (case.batch,) if lead is None else lead
    q, k = case.normal(*lead, case.q_len, case.d_k), case.normal(*lead, case.k_len, case.d_k)
    v = case.normal(*lead, case.k_len, case.d_v)
    return Drawn({"q": q, "k": k, "v": v}, {} if mask is None else {"mask": mask})


def given(*lead: int, q_len: int = 3, mask: tuple[int, ...] = ()) -> Probe:
    def drawn(case: Case) -> Drawn:
        return draw(case.at(q_len=q_len, k_len=5, d_k=7, d_v=2), lead, masks.chessboard(*mask) if mask else None)

    return Probe(drawn)


COMPONENT = Component(
    draw,
    cases=Case.table(221, "batch q_len k_len d_k d_v", (2, 3, 5, 7, 11), (3, 7, 2, 5, 13)),
    parts=("the output", "the weights"),
    forbids="attention",
    probes={
        "three axes": given(2),
        "two axes": given(q_len=5),
        "four axes": given(2, 3, q_len=4),
        "three axes, masked": given(2, mask=(2, 3, 5)),
        "three axes, masked keys": given(2, mask=(2, 1, 5)),
        "two axes, masked": given(q_len=5, mask=(5, 5)),
    },
)


distribution = masks.add_distribution(
    COMPONENT, None, "Each row of weights is a distribution over the keys",
    "A query shares itself out among the keys: along which axis do the scores of one query lie?",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=distribution)
def more_alike_more_weight(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """The better a key fits a query, the more weight it gets

    The weights of a row come from the dot products of its query with all keys, and keep their order.
    """
    _, weights = candidate.use(drawn)
    masks.in_order_of_fit(weights, drawn, "weights")


@COMPONENT.law(points=0.5, needs=more_alike_more_weight)
def agrees(candidate: Candidate, case: Case) -> None:
    """Output and weights agree with PyTorch's own attention

    Three steps: scores, softmax, weighted sum of the values. Check each against the worked number above.
    """
    for lead in ((case.batch,), (), (case.batch, 3)):
        agree(candidate, draw(case, lead), f"with leading axes {lead}")
    far = draw(case)
    agree(candidate, far.with_inputs(q=far.inputs["q"] * 40), "where scores lie far apart")


@COMPONENT.law(points=0.5, needs=more_alike_more_weight)
def masked_has_no_influence(candidate: Candidate, case: Case) -> None:
    """What is masked out has no influence at all

    True means 'may attend'. A masked key must get weight 0 before the rows are normalised.
    """
    drawn, mask = draw(case), case.mask(case.batch, 1, case.k_len)
    other = {name: torch.where(mask.mT, drawn.inputs[name], case.normal(*drawn.inputs[name].shape, scale=5.0)) for name in "kv"}
    masks.no_influence(candidate, drawn, drawn.with_inputs(**other), mask)
    output, weights = candidate.use(drawn.with_options(mask=mask))
    masks.distribution(weights)
    if settled(candidate, drawn):
        expect.close(output, weights @ drawn.inputs["v"], "the output beside the weighted sum of the values, with a mask")


@COMPONENT.law(points=0.25, needs=more_alike_more_weight)
def masks_of_every_shape(candidate: Candidate, case: Case) -> None:
    """Masks of every allowed shape give PyTorch's result

    Let the mask broadcast against the scores (..., q_len, k_len); do not fix its number of axes.
    """
    shapes = [(case.q_len, case.k_len), (1, case.k_len), (case.batch, 1, case.k_len), (case.batch, case.q_len, case.k_len)]
    everything = torch.ones(case.q_len, case.k_len, dtype=torch.bool)
    masks.every_shape(candidate, draw(case), [*(case.mask(*shape) for shape in shapes), everything])
    wide = draw(case, (case.batch, 3))
    masks.every_shape(candidate, wide, [case.mask(case.batch, 1, case.q_len, case.k_len)])


@COMPONENT.law(points=0.25, needs=more_alike_more_weight, edge=True)
def blind_rows(candidate: Candidate, case: Case) -> None:
    """A query that may attend to nothing gets weights 0 and output 0, and no NaN

    The softmax of a row of -inf is 0/0. Decide what such a row becomes, and where: also its gradient must stay finite.
    """
    mask = case.mask(case.batch, case.q_len, case.k_len)
    mask[:, min(1, case.q_len - 1)] = False
    masks.blind_rows(candidate, draw(case), mask)


add_common(
    COMPONENT, more_alike_more_weight, learning=lambda case: [draw(case), draw(case, mask=case.mask(case.q_len, case.k_len))]
)
