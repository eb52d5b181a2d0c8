"""What is checked of gradient_norms.

Outputs and inputs must live in one graph, so the graph is built where the answer is, from plain numbers; the right norms
come from autograd with each position as a variable of its own, here.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from autograder.framework import procedures, watch
from autograder.shared_laws.agreement import agree, any_size_and_device, keeps_precision
from autograder.words import Candidate, CandidateError, Case, Component, Drawn, Failed, Probe, expect
from utils.reference import observed


def draw(case: Case, kind: str = "memory") -> Drawn:
    """What a graph is built from."""
    x, w = case.normal(case.batch, case.seq, case.d_in), case.normal(case.d_in, case.d_out, scale=case.d_in**-0.5)
    return Drawn({"kind": kind, "x": x, "w": w})


def outputs_of(kind: str, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Outputs `(batch, seq, d_out)` of inputs x `(batch, seq, d_in)` and a weight w `(d_in, d_out)`.

    `memory` mixes all earlier positions with fading strength, `everything` lets each look at all, `early` at the first two,
    `weight` at none but keeps the weight, `constant` is in no graph.
    """
    projected, same = torch.tanh(x @ w), x.new_ones(*x.shape[:2], w.shape[1])
    if kind == "memory":
        states = [projected[:, 0]]
        for t in range(1, x.shape[1]):
            states.append(torch.tanh(projected[:, t] + 0.7 * states[-1]))
        return torch.stack(states, dim=1)
    if kind == "everything":
        return (x @ x.transpose(1, 2)).softmax(-1) @ projected
    if kind == "early":
        return projected[:, :2].mean(1, keepdim=True) * same
    return w.sum(0).sin() * same if kind == "weight" else same


def norms(
    component: Callable[..., Any], kind: str, x: torch.Tensor, w: torch.Tensor, held: float | None = None, times: int = 1
) -> tuple[list[torch.Tensor], str]:
    """Calls the answer `times` times on one graph; `held`, where not None, lies in the `.grad` of x and w before.

    Gives the results, and whose `.grad` were changed. Runs where the answer is.
    """
    leaves = {"the inputs": x.clone().requires_grad_(), "a weight": w.clone().requires_grad_()}
    for leaf in leaves.values():
        leaf.grad = None if held is None else torch.full_like(leaf, held)
    given = [outputs_of(kind, *leaves.values()), *leaves.values()]
    before, results = [tensor.detach().clone() for tensor in given], []
    for _ in range(times):
        with watch.on():
            results.append(procedures.plain(component(*given[:2])))
    if not all(map(procedures.same, before, given)):
        watch.note_change()
    return results, " and of ".join(name for name, leaf in leaves.items() if not _still(leaf.grad, held))


def _still(grad: torch.Tensor | None, held: float | None) -> bool:
    return grad is None if held is None else grad is not None and bool((grad == held).all())


def elsewhere(component: Callable[..., Any], x: torch.Tensor, w: torch.Tensor) -> str | None:
    """What is on the wrong device where the graph is on another one, or None. Runs where the answer is."""
    use = vars(Drawn({"x": x, "w": w}))
    asked = (
        procedures.elsewhere(lambda x, w, kind=kind: component(outputs_of(kind, x.requires_grad_(), w), x), use)
        for kind in ("early", "weight", "constant")
    )
    return next(filter(None, asked), None)


@observed.component
def oracle_norms(kind: str, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    positions = [x_t.clone().requires_grad_() for x_t in x.unbind(1)]
    last = outputs_of(kind, torch.stack(positions, dim=1), w)[:, -1].sum()
    grads = torch.autograd.grad(last, positions, allow_unused=True) if last.requires_grad else [None] * len(positions)
    return torch.stack([x.new_zeros(()) if grad is None else grad.square().sum().sqrt() for grad in grads])


class OnGraphs(Candidate):
    """The same answer, asked on graphs: one use is the kind of a graph and the numbers that it is built from."""

    def __init__(self, candidate: Candidate) -> None:
        super().__init__(candidate.component)
        self._answer = candidate

    def there(self, procedure: Callable[..., Any], *args: object) -> Any:
        return self._answer.there(procedure, *args)

    def raw(self, drawn: Drawn, compared: bool = False) -> Any:
        return self.calls(drawn)[0][0]

    def right(self, drawn: Drawn) -> torch.Tensor:
        return oracle_norms(*drawn.inputs.values())

    def elsewhere(self, drawn: Drawn) -> str | None:
        return self.there(elsewhere, drawn.inputs["x"], drawn.inputs["w"])

    def calls(self, drawn: Drawn, held: float | None = None, times: int = 1) -> Any:
        """The results of some calls on one graph as they came, and whose `.grad` they changed."""
        return expect.form(self.there(norms, *drawn.inputs.values(), held, times), ((None,) * times, ""))


def given(kind: str, **sizes: int) -> Probe:
    return Probe(look=lambda candidate, case: OnGraphs(candidate).raw(draw(case.at(**sizes), kind)))


COMPONENT = Component(
    draw,
    cases=Case.table(111, "batch seq d_in d_out", (2, 5, 3, 7), (3, 7, 5, 2)),
    parts=("the norms",),
    probes={
        "recurrent": given("memory", batch=2, seq=5, d_in=3, d_out=7),
        "one sequence": given("everything", batch=1, seq=3, d_in=2, d_out=5),
    },
)


@COMPONENT.law(points=0.25)
def above_zero_where_seen(candidate: Candidate, case: Case) -> None:
    """Positions that the last output hangs on have a norm above zero, and the others have none

    Where there is no way back to a position, its gradient is zero by itself.
    """
    asked, drawn = OnGraphs(candidate), draw(case, "early")
    expect.equal(asked.use(drawn) > 1e-3, asked.right(drawn) > 1e-3, "whether the norm of a position is above zero")


@COMPONENT.law(points=0.5, needs=above_zero_where_seen)
def agrees(candidate: Candidate, case: Case) -> None:
    """Each norm is that of the gradient of the last output alone

    Which number do you go back from, and over which axes of its gradient does a norm run? Is something added, or divided by?
    """
    asked = OnGraphs(candidate)
    for kind, layer in {"memory": "a recurrent layer", "everything": "attention", "early": "a layer with a short view"}.items():
        agree(asked, draw(case, kind), f"for {layer}")
    drawn = draw(case, "early")
    expect.equal(asked.use(drawn) == 0, asked.right(drawn) == 0, "whether a norm is exactly 0")


@COMPONENT.law(points=0.25, needs=above_zero_where_seen)
def leaves_no_trace(candidate: Candidate, case: Case) -> None:
    """Every .grad is as it was before, and a second call on the same graph gives the same

    You are a visitor in somebody else's graph. What does backward() write to, and what does PyTorch throw away once a
    gradient was taken?
    """
    asked, drawn = OnGraphs(candidate), draw(case)
    for held in (None, 2.0):
        _, changed = asked.calls(drawn, held)
        expect.true(not changed, f"the call changed the .grad of {changed}.", "accumulates-grad")
    try:
        results, _ = asked.calls(drawn, times=2)
    except CandidateError as error:
        if "second time" not in error.happening.message:
            raise
        raise Failed(
            "the first call works, and after it the graph is gone: a second one raises an error.", "frees-graph"
        ) from None
    first, second = (expect.form(result, asked.right(drawn), "the norms") for result in results)
    expect.close(second, first, "the norms of a second call")


@COMPONENT.law(points=0.25, needs=above_zero_where_seen, edge=True)
def zeros_without_path(candidate: Candidate, case: Case) -> None:
    """Outputs that do not depend on the inputs give zeros, in the dtype of the inputs

    Outputs may be in no graph at all, or in one that does not lead to the inputs. What do you ask of autograd then?
    """
    asked = OnGraphs(candidate)
    for dtype in (torch.float32, torch.float64):
        usual = asked.raw(draw(case.at(dtype)))
        expect.form(usual, asked.right(draw(case.at(dtype))), "the norms")
        for kind, where in {"weight": "hang on a weight alone", "constant": "are in no graph"}.items():
            drawn, what = draw(case.at(dtype), kind), f"the norms for outputs that {where}"
            got = asked.raw(drawn)
            expect.close(expect.form(got, asked.right(drawn), what), asked.right(drawn), what)
            wanted, came = expect.name_of(usual.dtype), expect.name_of(got.dtype)
            expect.true(wanted == came, f"{what} come in {came}, and those of other outputs in {wanted}.")


for _law in (any_size_and_device, keeps_precision):
    _shared = _law(COMPONENT, 0.25, above_zero_where_seen)
    COMPONENT.add(replace(_shared, judge=lambda candidate, case, law=_shared: law.judge(OnGraphs(candidate), case)))
