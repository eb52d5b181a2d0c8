"""What is checked of SelfAttention."""

from collections.abc import Callable

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect, masks, modules


def draw(case: Case, mask: torch.Tensor | None = None) -> Drawn:
    x = case.normal(case.batch, case.seq, case.d_model)
    sizes = {name: (case.d_model, size) for name, size in {"w_q": case.d_k, "w_k": case.d_k, "w_v": case.d_v}.items()}
    state = modules.linear_state(case, bias=False, **sizes)
    options = {} if mask is None else {"mask": mask}
    return Drawn({"x": x}, options, (case.d_model, case.d_k, case.d_v), state=state)


def given(seq: int, d_k: int, mask: Callable[[Case], torch.Tensor] | None = None) -> Probe:
    """Keys and values have one size, so that a layer that takes one for the other runs too; d_model differs."""
    sizes = {"batch": 2, "seq": seq, "d_model": 7, "d_k": d_k, "d_v": d_k}
    return modules.probe(lambda case: draw(case, mask(case) if mask else None), sizes)


def blind(case: Case) -> torch.Tensor:
    mask = masks.look_ahead(4)
    mask[2] = False
    return mask


COMPONENT = Component(
    draw,
    cases=Case.table(321, "batch seq d_model d_k d_v", (2, 5, 7, 3, 11), (3, 7, 11, 5, 5)),
    parts=("the output", "the weights"),
    forbids="attention",
    probes={
        "plain": given(3, 5),
        "longer": given(6, 2),
        "look-ahead": given(4, 5, lambda case: masks.look_ahead(4)),
        "masked keys": given(4, 3, lambda case: case.mask(2, 1, 4)),
        "sees nothing": given(4, 3, blind),
    },
)
has_exactly = modules.has_exactly(
    COMPONENT, 0.25, "Its parameters are three projections of their own, w_q, w_k and w_v, without biases",
    "Each projection is a layer of its own, made in `__init__` under the name that the exercise gives it.",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=has_exactly)
def words_alike(candidate: Candidate, case: Case) -> None:
    """Weights come from what the words are, and not from where they stand

    Without positions and without a mask, words in another order give the same outputs in that order.
    """
    drawn, order = draw(case), case.permutation(case.seq)
    output, weights = candidate.use(drawn)
    moved, moved_weights = candidate.use(drawn.with_inputs(x=drawn.inputs["x"][:, order]))
    expect.close(moved_weights, weights[:, order][:, :, order], "the weights for the words in another order")
    expect.close(moved, output[:, order], "the output for the words in another order")
    spread = (weights.amax((1, 2)) - weights.amin((1, 2))).amin()
    expect.true(case.seq == 1 or bool(spread > 1e-4), "all weights are equal, whatever the words are.")


distribution = masks.add_distribution(
    COMPONENT, words_alike, "Each word's weights are a distribution over all words",
    "A word shares itself out among the words that it looks at: along which axis do they lie?",
)  # fmt: skip


@COMPONENT.law(points=0.5, needs=distribution)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Output and weights agree with PyTorch's own attention on the projected words

    Three projections of x, then attention as in chapter 02. Which steps lead there from q, k and v to the output?
    """
    agree(candidate, drawn)
    modules.same_again(candidate, drawn, "the output or the weights")
    agree(candidate, drawn.with_inputs(x=drawn.inputs["x"] * 8), "where scores lie far apart")


@COMPONENT.law(points=0.25, needs=distribution)
def masked_has_no_influence(candidate: Candidate, case: Case) -> None:
    """What is masked out has no influence

    True means 'may attend'. A forbidden word must get weight 0 before the rows are normalised.
    """
    drawn, now = draw(case, masks.look_ahead(case.seq)), (case.seq + 1) // 2
    output, weights = candidate.use(drawn)
    later = weights.triu(1)
    expect.close(later, torch.zeros_like(later), "the weights of later words, with a causal mask")
    masks.distribution(weights)
    other = torch.cat([drawn.inputs["x"][:, :now], case.normal(case.batch, case.seq - now, case.d_model, scale=3.0)], dim=1)
    changed, _ = candidate.use(drawn.with_inputs(x=other))
    expect.close(changed[:, :now], output[:, :now], "the output of earlier words after later ones were changed")


@COMPONENT.law(points=0.25, needs=masked_has_no_influence)
def masks_of_every_shape(candidate: Candidate, case: Case) -> None:
    """Masks of two and of three axes give PyTorch's result

    Let the mask broadcast against the scores (batch, seq, seq); do not fix its number of axes.
    """
    batch, seq = case.batch, case.seq
    shapes = [(1, seq), (batch, 1, seq), (1, seq, seq), (batch, seq, seq)]
    everything = torch.ones(seq, seq, dtype=torch.bool)
    masks.every_shape(candidate, draw(case), [*(case.mask(*shape) for shape in shapes), everything])


@COMPONENT.law(points=0.25, needs=masked_has_no_influence, edge=True)
def blind_rows(candidate: Candidate, case: Case) -> None:
    """A word that may attend to nothing gets weights 0 and output 0, and no NaN

    The softmax of a row of -inf is 0/0. What did you decide in chapter 02 for such a row? Its gradient must stay finite too.
    """
    mask = case.mask(case.batch, case.seq, case.seq)
    mask[0, case.seq - 1], mask[1:] = False, False
    where = "where the last word of sentence 0 and all words of the others see nothing"
    masks.blind_rows(candidate, draw(case), mask, where)


add_common(COMPONENT, words_alike, learning=lambda case: [draw(case), draw(case, masks.look_ahead(case.seq))])
