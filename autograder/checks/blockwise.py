"""The laws of blockwise_attention."""

import torch

from autograder.checks import expect
from autograder.checks.against_oracle import qkv
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "02_attention_mechanism"

BLOCKWISE = Component(
    "blockwise_attention", CHAPTER, reference.blockwise_attention, forbids="attention",
    cases=[
        Case(seed=231, batch=2, q_len=3, k_len=13, d_k=5, d_v=7, block_size=5),
        Case(seed=232, dtype=torch.float64, batch=3, q_len=5, k_len=17, d_k=3, d_v=2, block_size=2),
    ],
)  # fmt: skip
_EXACT = "the output is exact, whatever the block size"


def _whole(q, k, v, mask=None):
    return reference.attention(q, k, v, mask=mask)[0]


@BLOCKWISE.law(
    _EXACT, points=0.5,
    hint="Keep a running maximum, a running sum and a running output for each query; the last block may be short.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case, case.batch)
    for block_size in (case.block_size, 1, case.k_len, case.k_len + 3):
        got = expect.tensor(candidate(q, k, v, block_size), dtype=q.dtype, what="the output")
        expect.close(got, _whole(q, k, v), case, what=f"the output for k_len={case.k_len}, block_size={block_size}")
    q, k, v = qkv(case, case.batch, 2)
    expect.close(candidate(q, k, v, case.block_size), _whole(q, k, v), case, what="the output with two leading axes")


@BLOCKWISE.law(
    "scores that rise from block to block leave it exact", points=0.25,
    hint="When a block brings a larger maximum, what was summed before it was measured against the smaller one.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case, case.batch)
    rise = torch.linspace(0.2, 8.0, case.k_len, dtype=case.dtype)[:, None]
    for scale in (rise, rise.flip(0), rise * 10):
        q_same = q.abs() + 0.1
        keys = k.abs() * scale
        got = candidate(q_same, keys, v, case.block_size)
        expect.close(got, _whole(q_same, keys, v), case, what="the output where later keys score higher")


@BLOCKWISE.law(
    "masks and rows that see nothing are right", points=0.25, needs=_EXACT,
    hint="Cut the mask into the same blocks as the keys. A block can be masked whole before the first visible key.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case, case.batch)
    late = torch.zeros(case.q_len, case.k_len, dtype=torch.bool)
    late[:, -1] = True
    late[0, :] = False
    full = case.mask(case.batch, case.q_len, case.k_len)
    for mask in (
        full,
        case.mask(case.batch, 1, case.k_len),
        late,
        torch.ones(case.q_len, 1, dtype=torch.bool),
    ):
        got = candidate(q, k, v, case.block_size, mask=mask)
        expect.close(got, _whole(q, k, v, mask), case, what=f"the output with a mask of shape {tuple(mask.shape)}")


@BLOCKWISE.law(
    "it never holds all scores at once", points=0.25, needs=_EXACT, cases=[Case(seed=233, q_len=61, k_len=509, d_k=5, d_v=3)],
    hint="Work on one slice of the keys at a time, and let go of each block's scores before the next.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case)
    mask = case.mask(case.q_len, case.k_len)
    for kwargs in ({}, {"mask": mask}):
        measured = candidate.measure(q, k, v, 7, **kwargs)
        size = case.q_len * case.k_len
        expect.true(
            measured.largest < size and measured.peak < size,
            f"for q_len={case.q_len}, k_len={case.k_len}, block_size=7 the largest tensor that it allocates has "
            f"{measured.largest:,} entries and {measured.peak:,} are held at once; all scores together are {size:,}.",
            rule="holds-everything",
        )


@BLOCKWISE.law(
    "gradients reach q, k and v and stay finite", points=0.25, needs=_EXACT,
    hint="A running maximum of -inf makes inf - inf in a row that has seen nothing yet.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = qkv(case, case.batch)
    mask = case.mask(case.q_len, case.k_len)
    mask[0] = False
    for kwargs in ({}, {"mask": mask}):
        cotangent = case.normal(case.batch, case.q_len, case.d_v)
        leaves = [x.clone().requires_grad_() for x in (q, k, v)]
        expected = torch.autograd.grad((_whole(*leaves, **kwargs) * cotangent).sum(), leaves)
        _, got = candidate.gradients(q, k, v, case.block_size, cotangents=[cotangent], **kwargs)
        expect.differentiable(got, ["q", "k", "v"])
        for name, g, e in zip("qkv", got, expected, strict=True):
            expect.gradient(g, e, case, what=f"the gradient with respect to {name}")


@BLOCKWISE.law(
    "a block size below one is refused", points=0.25, needs=_EXACT,
    hint="raise ValueError with a message that names block_size and the value that came.",
)  # fmt: skip
def _(candidate, case):
    for block_size in (0, -3):
        expect.raises(candidate.error(*qkv(case), block_size), "ValueError", mentions=["block_size", block_size])


def _given_long(given, k_len=7):
    return given.normal(3, 5), given.normal(k_len, 5), given.normal(k_len, 2)


@BLOCKWISE.probe("falling")
def _(candidate, given):
    q, k, v = _given_long(given, 6)
    return candidate(q.abs(), k.abs() * torch.linspace(3, 0.1, 6)[:, None], v, 2)


@BLOCKWISE.probe("rising")
def _(candidate, given):
    q, k, v = _given_long(given, 6)
    return candidate(q.abs(), k.abs() * torch.linspace(0.1, 3, 6)[:, None], v, 2)


@BLOCKWISE.probe("whole blocks")
def _(candidate, given):
    return candidate(*_given_long(given, 6), 3)


@BLOCKWISE.probe("short last block")
def _(candidate, given):
    return candidate(*_given_long(given), 3)


@BLOCKWISE.probe("one block")
def _(candidate, given):
    return candidate(*_given_long(given, 5), 5)


@BLOCKWISE.probe("block larger than all")
def _(candidate, given):
    return candidate(*_given_long(given, 5), 11)


@BLOCKWISE.probe("masked")
def _(candidate, given):
    return candidate(*_given_long(given, 6), 3, mask=given.mask(3, 6))
