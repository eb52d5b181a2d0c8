"""What the checks of attention layers share: weights, inputs, masks, comparisons with the oracle, glances."""

import re

import torch

from autograder.checks import expect
from autograder.checks.candidate import LocalCandidate


def refused(error, bad, others="", missing=None):
    """`error` is a ValueError whose message names a bad argument and its value: `bad` is {name: value}.

    `others` are further names for the same; `missing` is the rule that holds where nothing was raised.
    """
    sizes = " and ".join(f"{name}={value}" for name, value in bad.items())
    if error is None:
        raise expect.Failed(f"nothing was raised for {sizes}; expected a ValueError.", rule=missing)
    expect.raises(error, "ValueError")
    words = set(re.findall(r"\w+", error.message))
    named = words & {*bad, *others.split()} and words & {str(value) for value in bad.values()}
    expect.true(bool(named), f"the ValueError says {error.message!r}; it should name {sizes}.")


def linear_state(case, **sizes):
    """Random weights for linear layers: {layer: (d_in, d_out)}."""
    state = {}
    for layer, (d_in, d_out) in sizes.items():
        state[f"{layer}.weight"] = case.normal(d_out, d_in, scale=d_in**-0.5)
        state[f"{layer}.bias"] = case.normal(d_out, scale=0.5)
    return state


def square_state(case, d_model):
    return linear_state(case, **dict.fromkeys(("w_q", "w_k", "w_v", "w_o"), (d_model, d_model)))


def query_key_value(case, d_model):
    """Three different tensors: query, key, value."""
    lengths = (case.q_len, case.k_len, case.k_len)
    return [case.normal(case.batch, length, d_model) for length in lengths]


def masks(case):
    """A mask of every allowed kind; no row of these sees nothing."""
    shapes = [
        (case.q_len, case.k_len), (1, case.k_len), (1, 1, case.k_len), (1, case.q_len, case.k_len),
        (case.batch, 1, case.k_len), (case.batch, case.q_len, case.k_len),
    ]  # fmt: skip
    everything = [torch.ones(case.q_len, 1, dtype=torch.bool), torch.ones(case.batch, 1, 1, dtype=torch.bool)]
    return [case.mask(*shape) for shape in shapes] + everything


def both(candidate, case, sizes, state, **kwargs):
    """The answer's module and the oracle's with the same weights."""
    right = LocalCandidate(candidate.component, candidate.component.oracle)
    return (each.module(*sizes, state=state, dtype=case.dtype, **kwargs) for each in (candidate, right))


def shaped(result, case, sizes):
    """`result` as (output, weights), both of the shape that `sizes`, (d_model, num_heads, …), asks for."""
    output, weights = expect.pair(result)
    expect.tensor(weights, shape=(case.batch, sizes[1], case.q_len, case.k_len), what="the weights")
    expect.tensor(output, shape=(case.batch, case.q_len, sizes[0]), what="the output")
    return output, weights


def agree(module, oracle, case, inputs, what, **kwargs):
    output, weights = expect.pair(module(*inputs, **kwargs))
    right_output, right_weights = oracle(*inputs, **kwargs)
    expect.close(weights, right_weights, case, what=f"the weights {what}")
    expect.close(output, right_output, case, what=f"the output {what}")
    for name, x in (("output", output), ("weights", weights)):
        expect.tensor(x, dtype=case.dtype, what=f"the {name} {what}")


def parts(candidate, sizes, state):
    """The state_dict has exactly these names and shapes."""
    found = {name: tuple(x.shape) for name, x in candidate.module(*sizes).state().items()}
    expected = {name: tuple(x.shape) for name, x in state.items()}
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    there = ", ".join(found) or "nothing"
    expect.true(not missing, f"the state_dict lacks {', '.join(missing)}; it has {there}.")
    expect.true(not extra, f"the state_dict has {', '.join(extra)} besides what the exercise names.")
    for name, shape in expected.items():
        expect.true(found[name] == shape, f"{name} has shape {found[name]}; expected {shape}.")


def masked_has_no_influence(candidate, case, sizes, state, inputs):
    """What a mask forbids has weight 0, and its key and value may be anything."""
    query, key, value = inputs
    module = candidate.module(*sizes, state=state, dtype=case.dtype)
    mask = case.mask(case.batch, 1, case.k_len)
    output, weights = shaped(module(query, key, value, mask=mask), case, sizes)
    hidden = ~mask.unsqueeze(1).expand(weights.shape)
    seen = weights[hidden]
    expect.close(seen, torch.zeros_like(seen), case, what="the weights of the masked keys")
    other_key = torch.where(mask.mT, key, case.normal(*key.shape, scale=5.0))
    other_value = torch.where(mask.mT, value, case.normal(*value.shape, scale=5.0))
    changed, _ = expect.pair(module(query, other_key, other_value, mask=mask))
    expect.close(changed, output, case, what="the output after masked keys and values were changed")


def all_gradients(candidate, case, sizes, state, inputs, **kwargs):
    """Gradients of inputs and parameters are there, finite, and the oracle's."""
    module, oracle = both(candidate, case, sizes, state)
    output, weights = oracle(*inputs, **kwargs)
    cotangents = [case.normal(*output.shape), case.normal(*weights.shape)]
    _, right_inputs, right_parameters = oracle.gradients(*inputs, cotangents=cotangents, **kwargs)
    _, got_inputs, got_parameters = module.gradients(*inputs, cotangents=cotangents, **kwargs)
    names = ["query", "key", "value", *right_parameters]
    got = [*got_inputs[:3], *(got_parameters.get(name) for name in right_parameters)]
    expect.differentiable(got, names)
    for name, g, e in zip(names, got, [*right_inputs[:3], *right_parameters.values()], strict=True):
        expect.finite(g, f"the gradient with respect to {name}")
        expect.gradient(g, e, case, what=f"the gradient with respect to {name}")


def sees_nothing(candidate, case, sizes, state, inputs):
    """Rows that see nothing: weights 0, the bias of w_o as output, finite gradients."""
    module, oracle = both(candidate, case, sizes, state)
    mask = case.mask(case.batch, case.q_len, case.k_len)
    mask[:, -1] = False
    output, weights = shaped(module(*inputs, mask=mask), case, sizes)
    blind = weights[:, :, -1]
    expect.close(blind, torch.zeros_like(blind), case, what="the weights of a query that sees nothing")
    bias = state["w_o.bias"].expand(case.batch, -1)
    expect.close(output[:, -1], bias, case, what="the output of a query that sees nothing")
    agree(module, oracle, case, inputs, "where one query sees nothing", mask=mask)
    nothing = torch.zeros(1, case.k_len, dtype=torch.bool)
    agree(module, oracle, case, inputs, "where no query sees anything", mask=nothing)
    all_gradients(candidate, case, sizes, state, inputs, mask=mask)


def _own_state(module, state):
    """`state` without what the answer lacks: a missing layer is one thing, what the rest computes another."""
    found = module.state()
    return {name: x for name, x in state.items() if name in found}


def _glance(result):
    """Shapes and a few numbers of each tensor: enough to tell answers apart, small enough to ship."""
    if isinstance(result, torch.Tensor):
        flat = result.reshape(-1)
        return {"shape": list(result.shape), "few": flat[:: max(1, len(flat) // 12)]}
    return [_glance(x) for x in result] if isinstance(result, (tuple, list)) else result


def look(candidate, sizes, state, inputs, mask=None):
    """A glance at one call. A mask is tried where the call works without: a failure then means the mask."""
    module = candidate.module(*sizes, state=_own_state(candidate.module(*sizes), state))
    if mask is None:
        return _glance(module(*inputs))
    if module.error(*inputs) is not None:
        return "fails without a mask too"
    return _glance(module(*inputs, mask=mask))
