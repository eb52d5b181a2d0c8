"""The laws of gradient_norms.

Outputs and inputs must live in one graph, so the graph is built where the answer is, from plain numbers; the right norms
come from autograd on one position at a time, here.
"""

import torch

from autograder.checks import expect, watch
from autograder.checks.case import Case
from autograder.checks.component import Component
from autograder.checks.procedures import InputChanged
from utils import reference

CHAPTER = "01_attention_problem"

NORMS = Component(
    "gradient_norms", CHAPTER, reference.gradient_norms,
    cases=[
        Case(seed=111, batch=2, seq=5, d_in=3, d_out=7),
        Case(seed=112, dtype=torch.float64, batch=3, seq=7, d_in=5, d_out=2),
    ],
)  # fmt: skip
_RIGHT = "each norm is that of the gradient of the last output alone"
_KEEPS = "every .grad is as it was before"


def outputs_of(kind, x, w):
    """Outputs `(batch, seq, d_out)` of inputs x `(batch, seq, d_in)` and a weight w `(d_in, d_out)`.

    `memory` mixes all earlier positions with fading strength, `everything` lets each look at all, `alone` looks at its own
    position only, `early` at the first two, `weight` at none but keeps the weight, `constant` is in no graph.
    """
    batch, seq, _ = x.shape
    projected = torch.tanh(x @ w)
    if kind == "memory":
        states = [projected[:, 0]]
        for t in range(1, seq):
            states.append(torch.tanh(projected[:, t] + 0.7 * states[-1]))
        return torch.stack(states, dim=1)
    if kind == "everything":
        return (x @ x.transpose(1, 2)).softmax(-1) @ projected
    if kind == "alone":
        return projected
    if kind == "early":
        return projected[:, :2].mean(1, keepdim=True).expand(batch, seq, -1) * 1.0
    if kind == "weight":
        return torch.ones(batch, seq, 1, dtype=x.dtype) * w.sum(0).sin()
    return torch.ones(batch, seq, w.shape[1], dtype=x.dtype)


def norms(component, kind, x, w, held, times):
    """Calls the answer `times` times on one graph; `held`, where not None, lies in the `.grad` of x and w before.

    Gives the results, and which `.grad` were changed. Runs where the answer is.
    """
    leaves = {"inputs": x.clone().requires_grad_(), "a weight": w.clone().requires_grad_()}
    if held is not None:
        for leaf in leaves.values():
            leaf.grad = torch.full_like(leaf, held)
    outputs = outputs_of(kind, *leaves.values())
    before = [outputs.detach().clone(), x, w]
    results = []
    for _ in range(times):
        with watch.on():
            results.append(component(outputs, leaves["inputs"]))
    plain = [r.detach().clone() if isinstance(r, torch.Tensor) else r for r in results]
    changed = [name for name, leaf in leaves.items() if not _still(leaf.grad, held)]
    if not all(torch.equal(old, new.detach()) for old, new in zip(before, [outputs, *leaves.values()], strict=True)):
        raise InputChanged((plain, changed))
    return plain, changed


def _still(grad, held):
    if held is None or grad is None:
        return held is None and grad is None
    return bool((grad == held).all())


def oracle_norms(kind, x, w):
    """The norm for each position, with that position alone as the variable of autograd."""
    found = []
    for t in range(x.shape[1]):
        variable = x[:, t].clone().requires_grad_()
        whole = torch.cat([x[:, :t], variable[:, None], x[:, t + 1 :]], dim=1)
        last = outputs_of(kind, whole, w)[:, -1].sum()
        grad = torch.autograd.grad(last, variable, allow_unused=True)[0] if last.requires_grad else None
        found.append(torch.zeros((), dtype=x.dtype) if grad is None else grad.square().sum().sqrt())
    return torch.stack(found)


def _given(case, batch, seq, d_in, d_out):
    return case.normal(batch, seq, d_in), case.normal(d_in, d_out, scale=d_in**-0.5)


def _compare(candidate, case, kind, held=None, times=1, sizes=None):
    """The answer's norms on one kind of graph are the oracle's at every call; gives which `.grad` were changed."""
    x, w = _given(case, *(sizes or (case.batch, case.seq, case.d_in, case.d_out)))
    results, changed = candidate.there(norms, kind, x, w, held, times)
    for call, got in enumerate(results):
        what = f"the norms of call {call + 1}" if times > 1 else "the norms"
        expect.tensor(got, shape=(x.shape[1],), dtype=x.dtype, what=what)
        expect.close(got, oracle_norms(kind, x, w), case, what=what)
    return changed


@NORMS.law(
    _RIGHT, points=0.75,
    hint="Take outputs[:, -1].sum() as the scalar; a norm runs over the batch and the features of one position.",
)  # fmt: skip
def _(candidate, case):
    _compare(candidate, case, "memory")
    _compare(candidate, case, "everything")
    _compare(candidate, case, "memory", sizes=(1, 1, 2, 3))


@NORMS.law(
    _KEEPS, points=0.25,
    hint="backward() adds to the .grad of every leaf. torch.autograd.grad hands the gradient to you instead.",
)  # fmt: skip
def _(candidate, case):
    x, w = _given(case, case.batch, case.seq, case.d_in, case.d_out)
    for held in (None, 2.0):
        got, changed = candidate.there(norms, "memory", x, w, held, 1)
        expect.true(
            not changed, f"the call changed the .grad of {' and of '.join(changed)}.", rule="accumulates-grad"
        )  # fmt: skip
        expect.tensor(got[0], shape=(case.seq,), what="the norms")
        expect.close(got[0], oracle_norms("memory", x, w), case, what=f"the norms where .grad holds {held}")


@NORMS.law(
    "positions that the last output cannot see get zero", points=0.25, needs=_RIGHT,
    hint="The gradient is zero there by itself: is something added, or divided by the size of the gradient?",
)  # fmt: skip
def _(candidate, case):
    _compare(candidate, case, "alone")
    _compare(candidate, case, "early")


@NORMS.law(
    "outputs that do not depend on the inputs give zeros", points=0.25, needs=_KEEPS,
    hint="torch.autograd.grad has an argument allow_unused, and outputs without requires_grad have no graph at all.",
)  # fmt: skip
def _(candidate, case):
    _compare(candidate, case, "weight")
    _compare(candidate, case, "constant")


@NORMS.law(
    "a second call on the same graph gives the same", points=0.25, needs=_KEEPS,
    hint="PyTorch frees a graph after its first use, unless retain_graph=True asks it not to.",
)  # fmt: skip
def _(candidate, case):
    _compare(candidate, case, "memory", times=2)
    _compare(candidate, case, "everything", times=2)


def _probed(candidate, kind, x, w):
    results, _ = candidate.there(norms, kind, x, w, None, 1)
    return results[0]


@NORMS.probe("memory")
def _(candidate, given):
    return _probed(candidate, "memory", *_given(given, 2, 5, 3, 7))


@NORMS.probe("alone")
def _(candidate, given):
    return _probed(candidate, "alone", *_given(given, 3, 5, 2, 3))


@NORMS.probe("one sequence")
def _(candidate, given):
    return _probed(candidate, "everything", *_given(given, 1, 3, 2, 5))
