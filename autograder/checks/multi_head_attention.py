"""The laws of chapter 04 on MultiHeadAttention; those of its other components come in by import."""

import torch

from autograder.checks import expect, grouped_query_attention, head_axes, layers  # noqa: F401
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "04_multi_head_attention"

HEADS = Component(
    "MultiHeadAttention", CHAPTER, reference.MultiHeadAttention, forbids="attention",
    cases=[
        Case(seed=431, batch=2, q_len=5, k_len=7, num_heads=3, d_head=11),
        Case(seed=432, dtype=torch.float64, batch=3, q_len=11, k_len=2, num_heads=5, d_head=7),
    ],
)  # fmt: skip
_PARTS = "its parameters are those of w_q, w_k, w_v and w_o"
_RIGHT = "output and weights agree with nn.MultiheadAttention"


def _heads_case(case):
    """(constructor arguments, weights, inputs) of one layer."""
    d_model = case.num_heads * case.d_head
    state, inputs = layers.square_state(case, d_model), layers.query_key_value(case, d_model)
    return (d_model, case.num_heads), state, inputs


@HEADS.law(
    _PARTS, points=0.25,
    hint="Four layers nn.Linear(d_model, d_model) with these names, made in the constructor, and no other.",
)  # fmt: skip
def _(candidate, case):
    sizes, state, _inputs = _heads_case(case)
    layers.parts(candidate, sizes, state)


@HEADS.law(
    "every head has a row of weights for each query, and each row sums to one", points=0.5,
    hint="Return the weights of all heads, (batch, num_heads, q_len, k_len), as the softmax made them.",
)  # fmt: skip
def _(candidate, case):
    sizes, _state, inputs = _heads_case(case)
    _, weights = layers.shaped(candidate.module(*sizes, dtype=case.dtype, seed=1)(*inputs), case, sizes)
    expect.true(bool((weights >= 0).all()), "some weights are negative.")
    ones = torch.ones(weights.shape[:-1], dtype=case.dtype)
    expect.close(weights.sum(-1), ones, case, what="the sum of each row of weights")


@HEADS.law(
    "a head looks with its own rows of w_q alone", points=0.25, needs=_PARTS,
    hint="Head h takes features h·d_head … of the projected query, at every position. Print the shapes.",
)  # fmt: skip
def _(candidate, case):
    sizes, state, inputs = _heads_case(case)
    head = int(case.integers(0, case.num_heads, 1))
    other = dict(state)
    other["w_q.weight"] = state["w_q.weight"].clone()
    other["w_q.weight"][head * case.d_head : (head + 1) * case.d_head] *= -2.0
    before, after = (
        layers.shaped(candidate.module(*sizes, state=each, dtype=case.dtype)(*inputs), case, sizes)[1] for each in (state, other)
    )
    same = [h for h in range(case.num_heads) if h != head]
    expect.close(after[:, same], before[:, same], case, what="the weights of heads whose rows of w_q stayed")
    moved = (after[:, head] - before[:, head]).abs().amax()
    different = bool(moved > 1e-3)
    expect.true(different, f"the rows of w_q of head {head} were changed, and its weights are as before.")


@HEADS.law(
    _RIGHT, points=0.75, needs=_PARTS,
    hint="Project, split, attend, merge, project. Check the worked number above by hand, step by step.",
)  # fmt: skip
def _(candidate, case):
    sizes, state, inputs = _heads_case(case)
    module, oracle = layers.both(candidate, case, sizes, state)
    layers.agree(module, oracle, case, inputs, "for different query, key and value")
    layers.agree(module, oracle, case, [inputs[1]] * 3, "in self-attention")
    first, second = module.repeat(*inputs)
    expect.close(second[0], first[0], case, what="the output of the same layer, called again,")
    for num_heads in (1, sizes[0]):
        module, oracle = layers.both(candidate, case, (sizes[0], num_heads), state)
        layers.agree(module, oracle, case, inputs, f"with num_heads={num_heads}")


@HEADS.law(
    "what is masked out has no influence at all", points=0.5, needs=_PARTS,
    hint="Hand the mask on to the scores of every head. True means 'may attend'.",
)  # fmt: skip
def _(candidate, case):
    layers.masked_has_no_influence(candidate, case, *_heads_case(case))


@HEADS.law(
    "masks of two and of three axes are right for every head", points=0.5, needs=_PARTS,
    hint="The scores have an axis of heads that the mask lacks: what does its batch axis line up with?",
)  # fmt: skip
def _(candidate, case):
    sizes, state, inputs = _heads_case(case)
    module, oracle = layers.both(candidate, case, sizes, state)
    for mask in layers.masks(case):
        layers.agree(module, oracle, case, inputs, f"with a mask of shape {tuple(mask.shape)}", mask=mask)


@HEADS.law(
    "a query that may attend to nothing gets weights 0 and the bias of w_o", points=0.25, needs=_PARTS,
    hint="Weights of 0 mix nothing, and w_o(0) is its bias. The softmax of a row of -inf is 0/0.",
)  # fmt: skip
def _(candidate, case):
    layers.sees_nothing(candidate, case, *_heads_case(case))


@HEADS.law(
    "dropout acts in training, on the weights that multiply v; the returned weights are whole",
    points=0.25, needs=_RIGHT,
    hint="Return the weights as the softmax made them; drop out what goes to the values, in training only.",
)  # fmt: skip
def _(candidate, case):
    _dropout(candidate, case)


@HEADS.law(
    "gradients reach all three inputs and every parameter, and are right", points=0.25, needs=_RIGHT,
    hint="Stay with tensor operations from the inputs to both results.",
)  # fmt: skip
def _(candidate, case):
    sizes, state, inputs = _heads_case(case)
    layers.all_gradients(candidate, case, sizes, state, inputs)
    layers.all_gradients(candidate, case, sizes, state, inputs, mask=case.mask(case.batch, 1, case.k_len))


@HEADS.law(
    "a d_model that the heads cannot share evenly is refused by the constructor", points=0.25,
    hint="raise ValueError in __init__, with a message that holds d_model, num_heads and both numbers.",
)  # fmt: skip
def _(candidate, case):
    d_model = case.num_heads * case.d_head
    for num_heads in (case.num_heads + 1, d_model + 2):
        if d_model % num_heads:
            error = candidate.module(d_model, num_heads).error()
            bad = {"d_model": d_model, "num_heads": num_heads}
            layers.refused(error, bad, missing="no-divisibility-check")


def _dropout(candidate, case):
    """With identity projections and one-hot values the output shows each weight that multiplied v, twice."""
    rate, d_model = 0.25, case.num_heads * 2 * case.k_len
    query, key, _ = layers.query_key_value(case, d_model)
    value = torch.eye(case.k_len, dtype=case.dtype).repeat(1, 2 * case.num_heads).expand(case.batch, -1, -1)
    state = layers.square_state(case, d_model)
    for layer in ("w_v", "w_o"):
        state[f"{layer}.weight"], state[f"{layer}.bias"] = torch.eye(d_model), torch.zeros(d_model)

    def run(**settings):
        module = candidate.module(d_model, case.num_heads, state=state, dtype=case.dtype, **settings)
        return expect.pair(module(query, key, value))

    output, weights = run()
    expect.close(run(dropout=rate)[0], output, case, what=f"the output with dropout={rate} outside training")
    expect.close(run(training=True, seed=1)[0], output, case, what="the output in training without dropout")
    dropped, shown = run(dropout=rate, training=True, seed=1)
    expect.close(shown, weights, case, what=f"the returned weights in training with dropout={rate}")
    expect.tensor(dropped, shape=output.shape, what="the output in training")
    first, second = dropped.unflatten(-1, (case.num_heads, 2, case.k_len)).transpose(1, 2).unbind(-2)
    gone = first.abs() < 1e-3 * weights
    count, spread = gone.numel(), (gone.numel() * rate * (1 - rate)) ** 0.5
    expect.true(
        abs(int(gone.sum()) - rate * count) < 6 * spread,
        f"in training with dropout={rate}, {int(gone.sum())} of {count} weights that multiply v are 0.",
    )
    right = torch.where(gone, 0.0, weights / (1 - rate))
    for copy in (first, second):
        expect.close(copy, right, case, what="the weights that multiply v (0, or 1/(1 - p) times as large)")
    expect.true(not bool((gone == gone[:1, :1, :1]).all()), "every query and head drops the same keys.")


def _given(given, q_len=4, k_len=5, d_model=6):
    """(weights, [query, key, value]) of small fixed sizes."""
    inputs = [given.normal(2, length, d_model) for length in (q_len, k_len, k_len)]
    return layers.square_state(given, d_model), inputs


@HEADS.probe("parts")
def _(candidate, given):
    return sorted(candidate.module(6, 3).state())


@HEADS.probe("plain")
def _(candidate, given):
    return layers.look(candidate, (6, 3), *_given(given))


@HEADS.probe("equal lengths")
def _(candidate, given):
    return layers.look(candidate, (6, 3), *_given(given, q_len=5))


@HEADS.probe("self-attention")
def _(candidate, given):
    state, (_, key, _) = _given(given)
    return layers.look(candidate, (6, 3), state, [key] * 3)


@HEADS.probe("one head")
def _(candidate, given):
    return layers.look(candidate, (6, 1), *_given(given))


@HEADS.probe("one position")
def _(candidate, given):
    return layers.look(candidate, (6, 3), *_given(given, q_len=1, k_len=1))


@HEADS.probe("masked")
def _(candidate, given):
    return layers.look(candidate, (6, 3), *_given(given), mask=given.mask(4, 5))


@HEADS.probe("masked keys")
def _(candidate, given):
    return layers.look(candidate, (6, 3), *_given(given), mask=given.mask(2, 1, 5))


@HEADS.probe("masked, equal lengths")
def _(candidate, given):
    return layers.look(candidate, (6, 3), *_given(given, q_len=5), mask=given.mask(2, 5, 5))
