"""The laws of chapter 02: softmax, attention_scores, attention, blockwise_attention."""

import math

import torch

from autograder.checks import expect
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "02_attention_mechanism"


def _gradients(candidate, case, *inputs, names, **kwargs):
    """The answer's gradients and the oracle's, for the same random cotangents; None gradients fail."""
    result, _ = _oracle_gradients(candidate.component, inputs, kwargs, None)
    cotangents = [case.normal(*x.shape) for x in result]
    _, expected = _oracle_gradients(candidate.component, inputs, kwargs, cotangents)
    _, got = candidate.gradients(*inputs, cotangents=cotangents, **kwargs)
    expect.differentiable(got[: len(names)], names)
    return got, expected


def _oracle_gradients(component, inputs, kwargs, cotangents):
    leaves = [x.clone().requires_grad_() if isinstance(x, torch.Tensor) and x.is_floating_point() else x for x in inputs]
    result = component.oracle(*leaves, **kwargs)
    result = list(result) if isinstance(result, tuple) else [result]
    if cotangents is None:
        return [x.detach() for x in result], None
    total = sum((x * c).sum() for x, c in zip(result, cotangents, strict=True))
    floats = [x for x in leaves if isinstance(x, torch.Tensor) and x.is_floating_point()]
    return result, list(torch.autograd.grad(total, floats))


# softmax

SOFTMAX = Component(
    "softmax", CHAPTER, reference.softmax, forbids="softmax",
    cases=[Case(seed=201, rows=5, cols=7, depth=3), Case(seed=202, dtype=torch.float64, rows=11, cols=2, depth=5)],
)  # fmt: skip


@SOFTMAX.law(
    "every row is positive and sums to one", points=0.5,
    hint="Divide the exponentials by their sum along the same axis; keepdim=True keeps the shapes in step.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.rows, case.cols)
    y = expect.tensor(candidate(x), shape=x.shape, dtype=x.dtype)
    expect.true(bool((y > 0).all()), "some entries are not positive: every finite score keeps a weight above 0.")
    expect.close(y.sum(-1), torch.ones(case.rows, dtype=x.dtype), case, what="the sum of each row")


@SOFTMAX.law(
    "it agrees with PyTorch's softmax, along any axis", points=0.5,
    hint="The maximum, the sum and the division all run along `dim`, whichever it is.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.depth, case.rows, case.cols, scale=2.0)
    expect.close(candidate(x), torch.softmax(x, -1), case, what="softmax(x)")
    for dim in (0, 1, 2, -2):
        expect.close(candidate(x, dim=dim), torch.softmax(x, dim), case, what=f"softmax(x, dim={dim})")
    one = case.normal(case.cols)
    expect.close(candidate(one, 0), torch.softmax(one, 0), case, what="softmax of a single row, dim=0 given by position")


@SOFTMAX.law(
    "huge and tiny entries neither overflow nor vanish", points=0.25,
    hint="exp(100) is beyond float32. Adding a constant to a whole row does not change its softmax: which constant helps?",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.rows, case.cols)
    for shift in (1e4, -1e4):
        moved = x + shift
        expect.close(candidate(moved), torch.softmax(moved, -1), case, what=f"softmax of a row near {shift:g}")
    wide = x * 1e3
    expect.close(candidate(wide), torch.softmax(wide, -1), case, what="softmax of entries in the thousands")
    top = torch.full((2, case.cols), torch.finfo(x.dtype).max / 4, dtype=x.dtype)
    expect.close(candidate(top), torch.softmax(top, -1), case, what="softmax of a row of the largest numbers")


@SOFTMAX.law(
    "an entry of -inf gets weight 0 and leaves the others right", points=0.25,
    hint="exp(-inf) is 0 by itself: look for a step that makes inf - inf.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.rows, case.cols, scale=3.0)
    x = x.masked_fill(~case.mask(case.rows, case.cols), -math.inf)
    expect.close(candidate(x), torch.softmax(x, -1), case, what="softmax with -inf entries")
    expect.close(candidate(x.T.contiguous(), dim=0), torch.softmax(x, -1).T, case, what="softmax with -inf entries, dim=0")


@SOFTMAX.law(
    "gradients flow back through it and are right", points=0.25, needs="every row is positive and sums to one",
    hint="Stay with tensor operations from the input to the result.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.rows, case.cols)
    (got,), (expected,) = _gradients(candidate, case, x, names=["x"])
    expect.close(got, expected, case, what="the gradient with respect to x")
    spread = x * 1e3
    (got,), (expected,) = _gradients(candidate, case, spread, names=["x"])
    expect.finite(got, "the gradient for entries in the thousands")
    masked = x.masked_fill(~case.mask(case.rows, case.cols), -math.inf)
    (got,), (expected,) = _gradients(candidate, case, masked, names=["x"])
    expect.close(got, expected, case, what="the gradient with -inf entries")


@SOFTMAX.probe("plain")
def _(candidate, given):
    return candidate(given.normal(3, 5))


@SOFTMAX.probe("other axis")
def _(candidate, given):
    return candidate(given.normal(2, 3, 5), dim=1)


@SOFTMAX.probe("first axis")
def _(candidate, given):
    return candidate(given.normal(5, 2), dim=0)


@SOFTMAX.probe("large")
def _(candidate, given):
    return candidate(given.normal(3, 5) + 1e4)


@SOFTMAX.probe("very negative")
def _(candidate, given):
    return candidate(given.normal(3, 5) - 1e4)


@SOFTMAX.probe("wide")
def _(candidate, given):
    return candidate(given.normal(3, 5, scale=1e3))


@SOFTMAX.probe("large, other axis")
def _(candidate, given):
    return candidate(given.normal(2, 3, 5) + 1e4, dim=1)


@SOFTMAX.probe("minus infinity")
def _(candidate, given):
    return candidate(torch.where(given.mask(3, 5), given.normal(3, 5), torch.tensor(-math.inf)))


@SOFTMAX.probe("gradient")
def _(candidate, given):
    return candidate.gradients(given.normal(3, 5), cotangents=[given.normal(3, 5)])[1]


# attention_scores

SCORES = Component(
    "attention_scores", CHAPTER, reference.attention_scores, forbids="attention",
    cases=[
        Case(seed=211, batch=2, q_len=3, k_len=5, d_k=7),
        Case(seed=212, dtype=torch.float64, batch=3, q_len=7, k_len=2, d_k=13),
    ],
)  # fmt: skip


def oracle_scores(q, k):
    """q kᵀ / √d_k by the definition, one number at a time, in float64."""
    *lead, q_len, d_k = q.shape
    k_len = k.shape[-2]
    flat_q, flat_k = q.double().reshape(-1, q_len, d_k), k.double().reshape(-1, k_len, d_k)
    out = torch.empty(flat_q.shape[0], q_len, k_len, dtype=torch.float64)
    for b in range(flat_q.shape[0]):
        for i in range(q_len):
            for j in range(k_len):
                out[b, i, j] = torch.dot(flat_q[b, i], flat_k[b, j]) / math.sqrt(d_k)
    return out.reshape(*lead, q_len, k_len).to(q.dtype)


@SCORES.law(
    "there is one score for each query and each key", points=0.25,
    hint="Rows are queries, columns are keys: which axis of k must move for a matrix product?",
)  # fmt: skip
def _(candidate, case):
    q, k = case.normal(case.batch, case.q_len, case.d_k), case.normal(case.batch, case.k_len, case.d_k)
    expect.tensor(candidate(q, k), shape=(case.batch, case.q_len, case.k_len), dtype=q.dtype, what="the scores")


@SCORES.law(
    "each score is the dot product of query and key, over the root of d_k", points=0.5,
    hint="Compare one entry by hand: multiply query i and key j entry by entry, add up, then scale.",
)  # fmt: skip
def _(candidate, case):
    q, k = case.normal(case.batch, case.q_len, case.d_k), case.normal(case.batch, case.k_len, case.d_k)
    expect.close(candidate(q, k), oracle_scores(q, k), case, what="the scores")


@SCORES.law(
    "any leading axes are carried along", points=0.25,
    needs="each score is the dot product of query and key, over the root of d_k",
    hint="Count axes from the end: .transpose(-2, -1) works for two axes and for five.",
)  # fmt: skip
def _(candidate, case):
    for lead in ((), (case.batch, 3)):
        q, k = case.normal(*lead, case.q_len, case.d_k), case.normal(*lead, case.k_len, case.d_k)
        expect.close(candidate(q, k), oracle_scores(q, k), case, what=f"the scores with leading axes {lead}")


@SCORES.law(
    "gradients reach q and k", points=0.25, needs="each score is the dot product of query and key, over the root of d_k",
    hint="Stay with tensor operations from the inputs to the result.",
)  # fmt: skip
def _(candidate, case):
    q, k = case.normal(case.batch, case.q_len, case.d_k), case.normal(case.batch, case.k_len, case.d_k)
    got, expected = _gradients(candidate, case, q, k, names=["q", "k"])
    for name, g, e in zip(("q", "k"), got, expected, strict=True):
        expect.close(g, e, case, what=f"the gradient with respect to {name}")


@SCORES.probe("plain")
def _(candidate, given):
    return candidate(given.normal(2, 3, 7), given.normal(2, 5, 7))


@SCORES.probe("one key axis")
def _(candidate, given):
    return candidate(given.normal(11, 2), given.normal(13, 2))


@SCORES.probe("gradient")
def _(candidate, given):
    return candidate.gradients(given.normal(3, 7), given.normal(5, 7), cotangents=[given.normal(3, 5)])[1]


# attention

ATTENTION = Component(
    "attention", CHAPTER, reference.attention, forbids="attention",
    cases=[
        Case(seed=221, batch=2, q_len=3, k_len=5, d_k=7, d_v=11),
        Case(seed=222, dtype=torch.float64, batch=3, q_len=7, k_len=2, d_k=5, d_v=13),
    ],
)  # fmt: skip
_RIGHT = "output and weights agree with PyTorch's own attention"


def _qkv(case, *lead):
    q, k = case.normal(*lead, case.q_len, case.d_k), case.normal(*lead, case.k_len, case.d_k)
    return q, k, case.normal(*lead, case.k_len, case.d_v)


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
    output, weights = expect.pair(candidate(*_qkv(case, case.batch)))
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
    _agrees(candidate, case, *_qkv(case, case.batch), what="without a mask")
    for lead in ((), (case.batch, 3)):
        _agrees(candidate, case, *_qkv(case, *lead), what=f"with leading axes {lead}")


@ATTENTION.law(
    "keys and values moved together change nothing", points=0.25, needs="each row of weights is a distribution over the keys",
    hint="Attention looks up by content: the order of the pairs (key, value) must not matter.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = _qkv(case, case.batch)
    order = case.permutation(case.k_len)
    output, _ = expect.pair(candidate(q, k, v))
    moved, _ = expect.pair(candidate(q, k[:, order], v[:, order]))
    expect.close(moved, output, case, what="the output after the pairs were reordered")


@ATTENTION.law(
    "what is masked out has no influence at all", points=0.5,
    hint="True means 'may attend'. A masked key must get weight 0 before the rows are normalised.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = _qkv(case, case.batch)
    mask = case.mask(case.batch, 1, case.k_len)
    output, weights = expect.pair(candidate(q, k, v, mask=mask))
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
    q, k, v = _qkv(case, case.batch)
    shapes = [(case.q_len, case.k_len), (1, case.k_len), (case.batch, 1, case.k_len), (case.batch, case.q_len, case.k_len)]
    for shape in shapes:
        _agrees(candidate, case, q, k, v, what=f"with a mask of shape {shape}", mask=case.mask(*shape))
    wide = _qkv(case, case.batch, 3)
    _agrees(candidate, case, *wide, what="with four axes", mask=case.mask(case.batch, 1, case.q_len, case.k_len))
    everything = torch.ones(case.q_len, case.k_len, dtype=torch.bool)
    _agrees(candidate, case, q, k, v, what="with a mask that allows everything", mask=everything)


@ATTENTION.law(
    "a query that may attend to nothing gets weights 0 and output 0, and no NaN", points=0.25,
    hint="The softmax of a row of -inf is 0/0. Decide what such a row becomes, and where: also its gradient must stay finite.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = _qkv(case, case.batch)
    mask = case.mask(case.batch, case.q_len, case.k_len)
    mask[:, 1] = False
    _agrees(candidate, case, q, k, v, what="where one query sees nothing", mask=mask)
    nothing = torch.zeros(1, case.k_len, dtype=torch.bool)
    _agrees(candidate, case, q, k, v, what="where no query sees anything", mask=nothing)
    got, expected = _gradients(candidate, case, q, k, v, names=["q", "k", "v"], mask=mask)
    for name, g, e in zip("qkv", got, expected, strict=True):
        expect.close(g, e, case, what=f"the gradient with respect to {name}, where one query sees nothing")


@ATTENTION.law(
    "gradients reach q, k and v and are right", points=0.25, needs=_RIGHT,
    hint="Stay with tensor operations from the inputs to both results.",
)  # fmt: skip
def _(candidate, case):
    for kwargs in ({}, {"mask": case.mask(case.q_len, case.k_len)}):
        got, expected = _gradients(candidate, case, *_qkv(case, case.batch), names=["q", "k", "v"], **kwargs)
        for name, g, e in zip("qkv", got, expected, strict=True):
            expect.close(g, e, case, what=f"the gradient with respect to {name}")


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


# blockwise_attention

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
    q, k, v = _qkv(case, case.batch)
    for block_size in (case.block_size, 1, case.k_len, case.k_len + 3):
        got = expect.tensor(candidate(q, k, v, block_size), dtype=q.dtype, what="the output")
        expect.close(got, _whole(q, k, v), case, what=f"the output for k_len={case.k_len}, block_size={block_size}")
    q, k, v = _qkv(case, case.batch, 2)
    expect.close(candidate(q, k, v, case.block_size), _whole(q, k, v), case, what="the output with two leading axes")


@BLOCKWISE.law(
    "scores that rise from block to block leave it exact", points=0.25,
    hint="When a block brings a larger maximum, what was summed before it was measured against the smaller one.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = _qkv(case, case.batch)
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
    q, k, v = _qkv(case, case.batch)
    late = torch.zeros(case.q_len, case.k_len, dtype=torch.bool)
    late[:, -1] = True
    late[0, :] = False
    full = case.mask(case.batch, case.q_len, case.k_len)
    for mask in (full, case.mask(case.batch, 1, case.k_len), late, torch.ones(case.q_len, 1, dtype=torch.bool)):
        got = candidate(q, k, v, case.block_size, mask=mask)
        expect.close(got, _whole(q, k, v, mask), case, what=f"the output with a mask of shape {tuple(mask.shape)}")


@BLOCKWISE.law(
    "it never holds all scores at once", points=0.25, needs=_EXACT, cases=[Case(seed=233, q_len=61, k_len=509, d_k=5, d_v=3)],
    hint="Work on one slice of the keys at a time, and let go of each block's scores before the next.",
)  # fmt: skip
def _(candidate, case):
    q, k, v = _qkv(case)
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
    q, k, v = _qkv(case, case.batch)
    mask = case.mask(case.q_len, case.k_len)
    mask[0] = False
    for kwargs in ({}, {"mask": mask}):
        result, cotangent = _whole(q, k, v, **kwargs), case.normal(case.batch, case.q_len, case.d_v)
        leaves = [x.clone().requires_grad_() for x in (q, k, v)]
        expected = torch.autograd.grad((_whole(*leaves, **kwargs) * cotangent).sum(), leaves)
        _, got = candidate.gradients(q, k, v, case.block_size, cotangents=[cotangent], **kwargs)
        expect.true(result.shape == cotangent.shape, "shapes of the check are in step")
        expect.differentiable(got, ["q", "k", "v"])
        for name, g, e in zip("qkv", got, expected, strict=True):
            expect.close(g, e, case, what=f"the gradient with respect to {name}")


@BLOCKWISE.law(
    "a block size below one is refused", points=0.25, needs=_EXACT,
    hint="raise ValueError with a message that names block_size and the value that came.",
)  # fmt: skip
def _(candidate, case):
    for block_size in (0, -3):
        expect.raises(candidate.error(*_qkv(case), block_size), "ValueError", mentions=["block_size", block_size])


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
