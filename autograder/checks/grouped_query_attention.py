"""The laws of chapter 04 on GroupedQueryAttention."""

import torch

from autograder.checks import expect, layers
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "04_multi_head_attention"

GROUPED = Component(
    "GroupedQueryAttention", CHAPTER, reference.GroupedQueryAttention, forbids="attention",
    cases=[
        Case(seed=441, batch=2, q_len=5, k_len=7, num_kv_heads=2, shared=3, d_head=11),
        Case(seed=442, dtype=torch.float64, batch=5, q_len=7, k_len=2, num_kv_heads=3, shared=2, d_head=5),
    ],
)  # fmt: skip
_GROUPED_PARTS = "its parameters are w_q and w_o of d_model, w_k and w_v of the shared heads"
_GROUPED_RIGHT = "output and weights agree with PyTorch's grouped attention"


def _groups_state(case, d_model, d_kv):
    whole, shared = (d_model, d_model), (d_model, d_kv)
    return layers.linear_state(case, w_q=whole, w_k=shared, w_v=shared, w_o=whole)


def _groups_case(case, shared=None, num_kv_heads=None):
    """(constructor arguments, weights, inputs) of one layer."""
    shared, num_kv_heads = shared or case.shared, num_kv_heads or case.num_kv_heads
    num_heads = shared * num_kv_heads
    d_model = num_heads * case.d_head
    state = _groups_state(case, d_model, num_kv_heads * case.d_head)
    return (d_model, num_heads, num_kv_heads), state, layers.query_key_value(case, d_model)


@GROUPED.law(
    _GROUPED_PARTS, points=0.25,
    hint="w_q and w_o are nn.Linear(d_model, d_model); w_k and w_v make num_kv_heads · d_head features.",
)  # fmt: skip
def _(candidate, case):
    sizes, state, _inputs = _groups_case(case)
    layers.parts(candidate, sizes, state)


@GROUPED.law(
    "every query head has a row of weights for each query, and each row sums to one", points=0.25,
    hint="There are num_heads maps of weights, however few key/value heads they share.",
)  # fmt: skip
def _(candidate, case):
    sizes, _state, inputs = _groups_case(case)
    _, weights = layers.shaped(candidate.module(*sizes, dtype=case.dtype, seed=1)(*inputs), case, sizes)
    ones = torch.ones(weights.shape[:-1], dtype=case.dtype)
    expect.close(weights.sum(-1), ones, case, what="the sum of each row of weights")


@GROUPED.law(
    _GROUPED_RIGHT, points=0.5, needs=_GROUPED_PARTS,
    hint="Neighbouring query heads share: with 4 heads and 2 key/value heads the order is 0 0 1 1.",
)  # fmt: skip
def _(candidate, case):
    for shared, num_kv_heads in ((None, None), (case.shared, 1), (1, case.num_kv_heads)):
        sizes, state, inputs = _groups_case(case, shared, num_kv_heads)
        module, oracle = layers.both(candidate, case, sizes, state)
        layers.agree(module, oracle, case, inputs, f"of {sizes[1]} heads on {sizes[2]} key/value heads")


@GROUPED.law(
    "masks of two and of three axes, and rows that see nothing, are right", points=0.25, needs=_GROUPED_PARTS,
    hint="The mask needs an axis of heads in front of q_len, as in MultiHeadAttention.",
)  # fmt: skip
def _(candidate, case):
    sizes, state, inputs = _groups_case(case)
    module, oracle = layers.both(candidate, case, sizes, state)
    for mask in layers.masks(case):
        layers.agree(module, oracle, case, inputs, f"with a mask of shape {tuple(mask.shape)}", mask=mask)
    layers.masked_has_no_influence(candidate, case, sizes, state, inputs)
    layers.sees_nothing(candidate, case, sizes, state, inputs)


@GROUPED.law(
    "gradients reach all three inputs and every parameter, and are right", points=0.25, needs=_GROUPED_RIGHT,
    hint="Stay with tensor operations from the inputs to both results.",
)  # fmt: skip
def _(candidate, case):
    layers.all_gradients(candidate, case, *_groups_case(case))


@GROUPED.law(
    "heads that cannot be shared evenly are refused by the constructor", points=0.25,
    hint="num_heads must divide d_model, and num_kv_heads must divide num_heads. Name them in the message.",
)  # fmt: skip
def _(candidate, case):
    (d_model, num_heads, num_kv_heads), _, _ = _groups_case(case)
    for bad in (num_kv_heads + 5, num_heads * 2):
        if num_heads % bad:
            error = candidate.module(d_model, num_heads, bad).error()
            layers.refused(error, {"num_heads": num_heads, "num_kv_heads": bad})
    uneven = d_model + 1
    error = candidate.module(uneven, num_heads, num_kv_heads).error()
    layers.refused(error, {"d_model": uneven, "num_heads": num_heads})


def _given_groups(given, q_len=4, k_len=5):
    state = _groups_state(given, 12, 6)
    return state, [given.normal(2, length, 12) for length in (q_len, k_len, k_len)]


def _same_heads(given):
    return layers.square_state(given, 6), [given.normal(2, length, 6) for length in (4, 5, 5)]


@GROUPED.probe("parts")
def _(candidate, given):
    return sorted(candidate.module(12, 6, 3).state())


@GROUPED.probe("plain")
def _(candidate, given):
    return layers.look(candidate, (12, 6, 3), *_given_groups(given))


@GROUPED.probe("masked")
def _(candidate, given):
    return layers.look(candidate, (12, 6, 3), *_given_groups(given), mask=given.mask(2, 1, 5))


@GROUPED.probe("one shared head")
def _(candidate, given):
    state = _groups_state(given, 6, 2)
    return layers.look(candidate, (6, 3, 1), state, [given.normal(2, length, 6) for length in (4, 5, 5)])


@GROUPED.probe("as many shared heads as heads")
def _(candidate, given):
    return layers.look(candidate, (6, 3, 3), *_same_heads(given))
