"""The laws of chapter 04 on the axis of the heads: split_heads and merge_heads."""

import torch

from autograder.checks import expect, layers
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "04_multi_head_attention"


# split_heads

SPLIT = Component(
    "split_heads", CHAPTER, reference.split_heads, forbids="attention",
    cases=[
        Case(seed=411, batch=2, seq=5, num_heads=3, d_head=7),
        Case(seed=412, dtype=torch.float64, batch=3, seq=2, num_heads=5, d_head=11),
    ],
)  # fmt: skip
_SLICES = "head h holds the features from h·d_head up to (h + 1)·d_head"


def oracle_split(x, num_heads):
    d_head = x.shape[-1] // num_heads
    return torch.stack([x[..., head * d_head : (head + 1) * d_head] for head in range(num_heads)], dim=1)


def _wide(case):
    return case.normal(case.batch, case.seq, case.num_heads * case.d_head)


@SPLIT.law(
    _SLICES, points=0.5,
    hint="Cut the last axis into heads and d_head. Where does the axis of heads stand then, and where not?",
)  # fmt: skip
def _(candidate, case):
    x = _wide(case)
    got = expect.tensor(candidate(x, case.num_heads), dtype=x.dtype, what="the heads")
    what = f"split_heads of {tuple(x.shape)} into {case.num_heads} heads"
    expect.close(got, oracle_split(x, case.num_heads), case, what=what)
    for num_heads in (1, x.shape[-1]):
        got = candidate(x, num_heads)
        expect.close(got, oracle_split(x, num_heads), case, what=f"the heads with num_heads={num_heads}")


@SPLIT.law(
    "a change at one position stays at that position, in every head", points=0.25,
    hint="A view alone lets positions slip into the place of heads. Which two axes have to change places?",
)  # fmt: skip
def _(candidate, case):
    x = _wide(case)
    shape = (case.batch, case.num_heads, case.seq, case.d_head)
    before = expect.tensor(candidate(x, case.num_heads), shape=shape, what="the heads")
    place = int(case.integers(0, case.seq, 1))
    other = x.clone()
    other[:, place] += 1.0
    after = expect.tensor(candidate(other, case.num_heads), shape=shape, what="the heads")
    changed = (after != before).transpose(1, 2)
    whole = bool(changed[:, place].all())
    expect.true(whole, f"position {place} was changed, and some of its features were not.")
    changed[:, place] = False
    alone = not bool(changed.any())
    expect.true(alone, f"only position {place} was changed, and other positions changed too.")


@SPLIT.law(
    "gradients flow back to x, each to its own feature", points=0.25, needs=_SLICES,
    hint="Rearrange the tensor with tensor operations; do not copy its numbers out.",
)  # fmt: skip
def _(candidate, case):
    x = _wide(case)
    cotangent = case.normal(case.batch, case.num_heads, case.seq, case.d_head)
    _, grads = candidate.gradients(x, case.num_heads, cotangents=[cotangent])
    expect.differentiable(grads, ["x"])
    expect.gradient(grads[0], oracle_merge(cotangent), case, what="the gradient with respect to x")


@SPLIT.law(
    "a number of heads that does not divide d_model is refused", points=0.25,
    hint="raise ValueError before the cut, with a message that holds num_heads, d_model and both numbers.",
)  # fmt: skip
def _(candidate, case):
    x = _wide(case)
    for num_heads in (case.num_heads + 1, x.shape[-1] + 2):
        if x.shape[-1] % num_heads:
            bad = {"num_heads": num_heads, "d_model": x.shape[-1]}
            layers.refused(candidate.error(x, num_heads), bad, others="x")


@SPLIT.probe("plain")
def _(candidate, given):
    return candidate(given.normal(2, 5, 6), 3)


@SPLIT.probe("one row")
def _(candidate, given):
    return candidate(given.normal(1, 1, 6), 2)


@SPLIT.probe("gradient")
def _(candidate, given):
    return candidate.gradients(given.normal(2, 3, 8), 4, cotangents=[given.normal(2, 4, 3, 2)])[1]


# merge_heads

MERGE = Component(
    "merge_heads", CHAPTER, reference.merge_heads, forbids="attention",
    cases=[
        Case(seed=421, batch=2, num_heads=3, seq=5, d_head=7),
        Case(seed=422, dtype=torch.float64, batch=3, num_heads=7, seq=2, d_head=5),
    ],
)  # fmt: skip
_RUNS = "the heads come out side by side, one run of features after the other"


def oracle_merge(x):
    return torch.cat([x[:, head] for head in range(x.shape[1])], dim=-1)


def _heads(case):
    return case.normal(case.batch, case.num_heads, case.seq, case.d_head)


@MERGE.law(
    _RUNS, points=0.5,
    hint="Two axes can be joined when they stand side by side, the slower one in front.",
)  # fmt: skip
def _(candidate, case):
    x = _heads(case)
    got = expect.tensor(candidate(x), dtype=x.dtype, what="the merged heads")
    expect.close(got, oracle_merge(x), case, what=f"merge_heads of {tuple(x.shape)}")
    for shape in ((case.batch, 1, case.seq, case.d_head), (case.batch, case.num_heads, case.seq, 1)):
        x = case.normal(*shape)
        expect.close(candidate(x), oracle_merge(x), case, what=f"merge_heads of {shape}")


@MERGE.law(
    "it undoes split_heads", points=0.25,
    hint="Split, then merge, must give the tensor back: undo the steps of split_heads, the last one first.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.batch, case.seq, case.num_heads * case.d_head)
    expect.close(candidate(oracle_split(x, case.num_heads)), x, case, what="merge_heads(split_heads(x))")


@MERGE.law(
    "a change in one head changes that head's features and no others", points=0.25,
    hint="An output row belongs to one position and holds all its heads. Which two axes change places first?",
)  # fmt: skip
def _(candidate, case):
    x = _heads(case)
    shape = (case.batch, case.seq, case.num_heads * case.d_head)
    before = expect.tensor(candidate(x), shape=shape, what="the merged heads")
    head = int(case.integers(0, case.num_heads, 1))
    other = x.clone()
    other[:, head] += 1.0
    after = expect.tensor(candidate(other), shape=shape, what="the merged heads")
    changed = (after != before).unflatten(-1, (case.num_heads, case.d_head))
    whole = bool(changed[:, :, head].all())
    expect.true(whole, f"head {head} was changed, and some of its features were not.")
    changed[:, :, head] = False
    alone = not bool(changed.any())
    expect.true(alone, f"only head {head} was changed, and features of others changed too.")


@MERGE.law(
    "gradients flow back to every head", points=0.25, needs=_RUNS,
    hint="Rearrange the tensor with tensor operations; do not copy its numbers out.",
)  # fmt: skip
def _(candidate, case):
    cotangent = case.normal(case.batch, case.seq, case.num_heads * case.d_head)
    _, grads = candidate.gradients(_heads(case), cotangents=[cotangent])
    expect.differentiable(grads, ["x"])
    right = oracle_split(cotangent, case.num_heads)
    expect.gradient(grads[0], right, case, what="the gradient with respect to x")


@MERGE.probe("plain")
def _(candidate, given):
    return candidate(given.normal(2, 3, 5, 4))


@MERGE.probe("one row")
def _(candidate, given):
    return candidate(given.normal(1, 2, 1, 3))


@MERGE.probe("gradient")
def _(candidate, given):
    return candidate.gradients(given.normal(2, 4, 3, 2), cotangents=[given.normal(2, 3, 8)])[1]
