"""The laws of chapter 03: SelfAttention here, its masks in `autograder.checks.masks`."""

import torch

from autograder.checks import expect
from autograder.checks.case import Case
from autograder.checks.component import Component
from autograder.checks.masks import CHAPTER, oracle_look_ahead
from utils import reference

SELF_ATTENTION = Component(
    "SelfAttention", CHAPTER, reference.SelfAttention, forbids="attention",
    cases=[
        Case(seed=321, batch=2, seq=5, d_model=7, d_k=3, d_v=11),
        Case(seed=322, dtype=torch.float64, batch=3, seq=7, d_model=11, d_k=5, d_v=5),
    ],
)  # fmt: skip
_RIGHT = "output and weights agree with PyTorch's own attention on the projected words"
_ROWS = "each word's weights are a distribution over all words"


def _shapes(d_model, d_k, d_v):
    return {"w_q.weight": (d_k, d_model), "w_k.weight": (d_k, d_model), "w_v.weight": (d_v, d_model)}


def _state(case, d_model, d_k, d_v):
    """Weights that keep the scores at size one, where a wrong scale shows and nothing saturates."""
    shapes = _shapes(d_model, d_k, d_v)
    return {name: case.normal(*shape, scale=d_model**-0.5) for name, shape in shapes.items()}


def _layer(candidate, case):
    """A layer of the answer with known weights, those weights, and an input."""
    sizes = case.d_model, case.d_k, case.d_v
    state = _state(case, *sizes)
    x = case.normal(case.batch, case.seq, case.d_model)
    return candidate.module(*sizes, state=state, dtype=case.dtype), state, x


def _right(state, x, mask=None):
    q, k, v = (x @ state[f"{name}.weight"].T for name in ("w_q", "w_k", "w_v"))
    return reference.attention(q, k, v, mask=mask)


def _agrees(layer, state, x, case, what, mask=None):
    kwargs = {} if mask is None else {"mask": mask}
    output, weights = expect.pair(layer(x, **kwargs))
    right_output, right_weights = _right(state, x, mask)
    expect.close(weights, right_weights, case, what=f"the weights {what}")
    expect.close(output, right_output, case, what=f"the output {what}")
    expect.tensor(output, dtype=x.dtype, what="the output")
    expect.tensor(weights, dtype=x.dtype, what="the weights")


def _look(layer, x, mask=None):
    output, weights = expect.pair(layer(x, mask=mask))
    batch, seq, _ = x.shape
    expect.tensor(weights, shape=(batch, seq, seq), what="the weights")
    return output, weights


@SELF_ATTENTION.law(
    "its parameters are three projections of their own, w_q, w_k and w_v, without biases", points=0.5,
    hint="Make three nn.Linear(…, bias=False) in __init__, one for each letter: w_q, w_k, w_v.",
)  # fmt: skip
def _(candidate, case):
    sizes = case.d_model, case.d_k, case.d_v
    wanted, found = _shapes(*sizes), candidate.module(*sizes).state()
    missing, more = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    there = ", ".join(sorted(found)) or "nothing"
    expect.true(not missing, f"the state_dict has no {', '.join(missing)}; it has {there}.")
    expect.true(not more, f"the state_dict also has {', '.join(more)}.")
    for name, shape in wanted.items():
        expect.tensor(found[name], shape=shape, what=f"{name} of a layer with d_model, d_k, d_v = {sizes}")
    loaded = _state(case, *sizes)
    after = candidate.module(*sizes, state=loaded, dtype=case.dtype).state()
    for name, value in loaded.items():
        twins = [other for other in after if other != name and torch.equal(after[other], after[name])]
        names = " and ".join([name, *twins])
        expect.true(not twins, f"two names, one Parameter: whatever is loaded, {names} come out equal.")
        expect.equal(after[name], value, what=f"{name} after it was loaded")


@SELF_ATTENTION.law(
    _ROWS, points=0.25,
    hint="The softmax runs over the words that are looked at, the last axis of the scores.",
)  # fmt: skip
def _(candidate, case):
    layer, _, x = _layer(candidate, case)
    output, weights = _look(layer, x)
    expect.tensor(output, shape=(case.batch, case.seq, case.d_v), what="the output")
    expect.true(bool((weights >= 0).all()), "some weights are negative.")
    ones = torch.ones(case.batch, case.seq, dtype=case.dtype)
    expect.close(weights.sum(-1), ones, case, what="the sum of each row of weights")


@SELF_ATTENTION.law(
    _RIGHT, points=0.5,
    hint="q = w_q(x), k = w_k(x), v = w_v(x), then attention as in chapter 02. Try the worked number above.",
)  # fmt: skip
def _(candidate, case):
    layer, state, x = _layer(candidate, case)
    _agrees(layer, state, x, case, "without a mask")
    first, second = (expect.pair(result)[0] for result in layer.repeat(x))
    expect.close(second, first, case, what="the output of a second call with the same input")


@SELF_ATTENTION.law(
    "words in another order give the same outputs in that order", points=0.25, needs=_ROWS,
    hint="Without positions and without a mask every word is treated alike, wherever it stands.",
)  # fmt: skip
def _(candidate, case):
    layer, _, x = _layer(candidate, case)
    order = case.permutation(case.seq)
    output, weights = _look(layer, x)
    moved, moved_weights = _look(layer, x[:, order])
    expect.close(moved, output[:, order], case, what="the output for the reordered words")
    same_pairs = weights[:, order][:, :, order]
    expect.close(moved_weights, same_pairs, case, what="the weights for the reordered words")


@SELF_ATTENTION.law(
    "what is masked out has no influence", points=0.25, needs=_ROWS,
    hint="True = may attend. Hand the mask on to the scores, before the softmax.",
)  # fmt: skip
def _(candidate, case):
    layer, _, x = _layer(candidate, case)
    mask = oracle_look_ahead(case.seq)
    output, weights = _look(layer, x, mask)
    hidden = ~mask.expand_as(weights)
    expect.close(weights[hidden], torch.zeros_like(weights[hidden]), case, what="the weights of later words")
    now = (case.seq + 1) // 2
    other = case.normal(case.batch, case.seq - now, case.d_model, scale=3.0)
    changed, _ = _look(layer, torch.cat([x[:, :now], other], dim=1), mask)
    expect.close(changed[:, :now], output[:, :now], case, what="earlier outputs after later words changed")


@SELF_ATTENTION.law(
    "masks of two and of three axes give PyTorch's result", points=0.5, needs=_RIGHT,
    hint="Let the mask broadcast against the scores (batch, seq, seq); do not fix its number of axes.",
)  # fmt: skip
def _(candidate, case):
    layer, state, x = _layer(candidate, case)
    batch, seq = case.batch, case.seq
    for shape in [(seq, seq), (1, seq), (batch, 1, seq), (1, seq, seq), (batch, seq, seq)]:
        _agrees(layer, state, x, case, f"with a mask of shape {shape}", mask=case.mask(*shape))
    everything = torch.ones(batch, seq, seq, dtype=torch.bool)
    _agrees(layer, state, x, case, "with a mask that allows everything", mask=everything)


@SELF_ATTENTION.law(
    "a word that may attend to nothing gets weights 0 and output 0, and no NaN", points=0.25, needs=_RIGHT,
    hint="The softmax of a row of -inf is 0/0. The attention of chapter 02 knows this case: is it used?",
)  # fmt: skip
def _(candidate, case):
    layer, state, x = _layer(candidate, case)
    mask = case.mask(case.batch, case.seq, case.seq)
    mask[:, case.seq - 1] = False
    _agrees(layer, state, x, case, "where one word sees nothing", mask=mask)
    nothing = torch.zeros(1, case.seq, dtype=torch.bool)
    _agrees(layer, state, x, case, "where no word sees anything", mask=nothing)
    # No path at all is a gradient of 0 for a word that sees nothing: cut paths are found by another law.
    got, expected = _gradients(layer, state, x, case, mask)
    for name, right in expected.items():
        gradient = torch.zeros_like(right) if got[name] is None else got[name]
        where = f"the gradient with respect to {name}, where one word sees nothing"
        expect.gradient(gradient, right, case, what=where)


@SELF_ATTENTION.law(
    "gradients reach the words and all three projections, and are right", points=0.25, needs=_RIGHT,
    hint="Stay with tensor operations from the input to both results.",
)  # fmt: skip
def _(candidate, case):
    layer, state, x = _layer(candidate, case)
    cotangents = [None, case.normal(case.batch, case.seq, case.seq)]
    _, (of_x,), of_parameters = layer.gradients(x, cotangents=cotangents)
    from_weights = [of_x, of_parameters.get("w_q.weight"), of_parameters.get("w_k.weight")]
    expect.differentiable(from_weights, [f"{name} from the weights" for name in ("x", "w_q", "w_k")])
    for mask in (None, oracle_look_ahead(case.seq)):
        got, expected = _gradients(layer, state, x, case, mask)
        expect.differentiable([got[name] for name in expected], list(expected))
        for name, right in expected.items():
            expect.gradient(got[name], right, case, what=f"the gradient with respect to {name}")


def _gradients(layer, state, x, case, mask):
    """{name: gradient} of the answer and of the oracle, for the same cotangents of output and weights."""
    leaves = {name: value.clone().requires_grad_() for name, value in {"x": x, **state}.items()}
    result = _right(leaves, leaves["x"], mask)
    cotangents = [case.normal(*entry.shape) for entry in result]
    total = sum((entry * cotangent).sum() for entry, cotangent in zip(result, cotangents, strict=True))
    expected = dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))
    _, (of_x,), of_parameters = layer.gradients(x, cotangents=cotangents, mask=mask)
    return {"x": of_x, **{name: of_parameters.get(name) for name in state}}, expected


def _run(candidate, given, seq, d_k, mask=None):
    """Output and weights for given weights; of a layer with other parameters, what tells a shared projection.

    Keys and values have one size, so that a layer that takes one for the other runs too; d_model differs.
    """
    d_model, d_v, kwargs = 7, d_k, {} if mask is None else {"mask": mask}
    x = given.normal(2, seq, d_model)
    found = candidate.module(d_model, d_k, d_v).state()
    if {name: tuple(value.shape) for name, value in found.items()} == _shapes(d_model, d_k, d_v):
        return candidate.module(d_model, d_k, d_v, state=_state(given, d_model, d_k, d_v))(x, **kwargs)
    output, _ = expect.pair(candidate.module(d_model, d_k, d_v)(x, **kwargs))
    distinct = {tuple(value.flatten().tolist()): value.numel() for value in found.values()}
    fewer = sum(distinct.values()) < d_model * (d_k + d_k + d_v)
    return {"fewer weights than three projections": fewer, "width": output.shape[-1]}


@SELF_ATTENTION.probe("plain")
def _(candidate, given):
    return _run(candidate, given, 3, 5)


@SELF_ATTENTION.probe("longer")
def _(candidate, given):
    return _run(candidate, given, 6, 2)


@SELF_ATTENTION.probe("look-ahead")
def _(candidate, given):
    return _run(candidate, given, 4, 5, mask=oracle_look_ahead(4))


@SELF_ATTENTION.probe("masked keys")
def _(candidate, given):
    return _run(candidate, given, 4, 3, mask=given.mask(2, 1, 4))
