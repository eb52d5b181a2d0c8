"""Gradients of an answer beside those of its oracle, and the inputs of attention."""

import torch

from autograder.checks import expect


def gradients(candidate, case, *inputs, names, **kwargs):
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


def qkv(case, *lead):
    q, k = case.normal(*lead, case.q_len, case.d_k), case.normal(*lead, case.k_len, case.d_k)
    return q, k, case.normal(*lead, case.k_len, case.d_v)
