"""The laws of attention."""

import torch

from autograder.checks import expect
from autograder.checks.against_oracle import gradients, qkv
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "02_attention_mechanism"

ATTENTION = Component(
    "attention", CHAPTER, reference.attention, forbids="attention",
    cases=[
        Case(seed=221, batch=2, q_len=3, k_len=5, d_k=7, d_v=11),
        Case(seed=222, dtype=torch.float64, batch=3, q_len=7, k_len=2, d_k=5, d_v=13),
    ],
)  # fmt: skip
_RIGHT = "output and weights agree with PyTorch's own attention"


def _agrees(candidate, case, q, k, v, what, mask=None):
    kwargs = {} if mask is None else {"mask": mask}
    output, weights = expect.pair(candidate(q, k, v, **kwargs))
    right_output, right_weights = reference.attention(q, k, v, mask=mask)
    expect.close(weights, right_weights, case, what=f"the weights {what}")
    expect.close(output, right_output, case, what=f"the output {what}")
    expect.tensor(output, dtype=q.dtype, what="the output")
    expect.tensor(weights, dtype=q.dtype, what="the weights")


@ATTENTION.law(
    "each row of weights is a distribution over the keys", points=0.5,
    hint="The softmax runs over the keys: the last axis of the scores.",
)  # fmt: skip
def _(candidate, case):
    output, weights = expect.pair(candidate(*qkv(case, case.batch)))
    expect.tensor(weights, shape=(case.batch, case.q_len, case.k_len), what="the weights")
    expect.tensor(output, shape=(case.batch, case.q_len, case.d_v), what="the output")
    expect.true(bool((weights >= 0).all()), "some weights are negative.")
    ones = torch.ones(case.batch, case.q_len, dtype=case.dtype)
    expect.close(weights.sum(-1), ones, case, what="the sum of each row of weights")


@ATTENTION.law(
    _RIGHT, points=0.5,
    hint="Three steps: scores, softmax, weighted sum of the values. Check each against the worked number above.",
)  # fmt: skip
def _(candidate, case):
    _agrees(candidate, case, *qkv(case, case.batch), what="without a mask")
    for lead in ((), (case.batch, 3)):
        _agrees(candidate, case, *qkv(case, *lead), what=f"with leading axes {lead}")


@ATTENTION.law(
    "keys and values moved together change nothing", points=0.25, needs="each row of weights is a distribution over the keys",
    hint="Attention looks up by content: the order of the pairs (key, value) must not matter.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case, case.batch)
    order = case.permutation(case.k_len)
    output, _ = expect.pair(candidate(q, k, v))
    moved, _ = expect.pair(candidate(q, k[:, order], v[:, order]))
    expect.close(moved, output, case, what="the output after the pairs were reordered")


@ATTENTION.law(
    "what is masked out has no influence at all", points=0.5,
    hint="True means 'may attend'. A masked key must get weight 0 before the rows are normalised.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case, case.batch)
    mask = case.mask(case.batch, 1, case.k_len)
    output, weights = expect.pair(candidate(q, k, v, mask=mask))
    expect.tensor(weights, shape=(case.batch, case.q_len, case.k_len), what="the weights")
    hidden = ~mask.expand_as(weights)
    expect.close(weights[hidden], torch.zeros_like(weights[hidden]), case, what="the weights of the masked keys")
    other_k = torch.where(mask.mT, k, case.normal(*k.shape, scale=5.0))
    other_v = torch.where(mask.mT, v, case.normal(*v.shape, scale=5.0))
    changed, _ = expect.pair(candidate(q, other_k, other_v, mask=mask))
    expect.close(changed, output, case, what="the output after masked keys and values were changed")


@ATTENTION.law(
    "masks of every allowed shape give PyTorch's result", points=0.5,
    hint="Let the mask broadcast against the scores (..., q_len, k_len); do not fix its number of axes.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case, case.batch)
    shapes = [
        (case.q_len, case.k_len),
        (1, case.k_len),
        (case.batch, 1, case.k_len),
        (case.batch, case.q_len, case.k_len),
    ]
    for shape in shapes:
        _agrees(candidate, case, q, k, v, what=f"with a mask of shape {shape}", mask=case.mask(*shape))
    wide = qkv(case, case.batch, 3)
    _agrees(candidate, case, *wide, what="with four axes", mask=case.mask(case.batch, 1, case.q_len, case.k_len))
    everything = torch.ones(case.q_len, case.k_len, dtype=torch.bool)
    _agrees(candidate, case, q, k, v, what="with a mask that allows everything", mask=everything)


@ATTENTION.law(
    "a query that may attend to nothing gets weights 0 and output 0, and no NaN", points=0.25,
    hint="The softmax of a row of -inf is 0/0. Decide what such a row becomes, and where: also its gradient must stay finite.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case, case.batch)
    mask = case.mask(case.batch, case.q_len, case.k_len)
    mask[:, 1] = False
    _agrees(candidate, case, q, k, v, what="where one query sees nothing", mask=mask)
    nothing = torch.zeros(1, case.k_len, dtype=torch.bool)
    _agrees(candidate, case, q, k, v, what="where no query sees anything", mask=nothing)
    got, expected = gradients(candidate, case, q, k, v, names=["q", "k", "v"], mask=mask)
    for name, g, e in zip("qkv", got, expected, strict=True):
        expect.gradient(g, e, case, what=f"the gradient with respect to {name}, where one query sees nothing")


@ATTENTION.law(
    "gradients reach q, k and v and are right", points=0.25, needs=_RIGHT,
    hint="Stay with tensor operations from the inputs to both results.",
)  # fmt: skip
def _(candidate, case):
    for kwargs in ({}, {"mask": case.mask(case.q_len, case.k_len)}):
        got, expected = gradients(candidate, case, *qkv(case, case.batch), names=["q", "k", "v"], **kwargs)
        for name, g, e in zip("qkv", got, expected, strict=True):
            expect.gradient(g, e, case, what=f"the gradient with respect to {name}")


def _given(given, *lead):
    return given.normal(*lead, 3, 7), given.normal(*lead, 5, 7), given.normal(*lead, 5, 2)


@ATTENTION.probe("plain")
def _(candidate, given):
    return candidate(*_given(given, 2))


@ATTENTION.probe("square")
def _(candidate, given):
    q, k, v = _given(given)
    return candidate(k, k, v)


@ATTENTION.probe("masked")
def _(candidate, given):
    return candidate(*_given(given, 2), mask=given.mask(2, 3, 5))


@ATTENTION.probe("masked keys")
def _(candidate, given):
    return candidate(*_given(given, 2), mask=given.mask(2, 1, 5))


@ATTENTION.probe("look-ahead")
def _(candidate, given):
    q, k, v = _given(given)
    return candidate(k, k, v, mask=torch.ones(5, 5, dtype=torch.bool).tril())


@ATTENTION.probe("sees nothing")
def _(candidate, given):
    mask = given.mask(3, 5)
    mask[1] = False
    return candidate(*_given(given), mask=mask)


@ATTENTION.probe("gradient")
def _(candidate, given):
    cotangents = [given.normal(3, 2), given.normal(3, 5)]
    return candidate.gradients(*_given(given), cotangents=cotangents)[1]


@ATTENTION.probe("gradient where one query sees nothing")
def _(candidate, given):
    mask = given.mask(3, 5)
    mask[1] = False
    cotangents = [given.normal(3, 2), given.normal(3, 5)]
    return candidate.gradients(*_given(given), cotangents=cotangents, mask=mask)[1]
