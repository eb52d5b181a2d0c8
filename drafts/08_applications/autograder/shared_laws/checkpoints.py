"""Laws on models that take the weights of a real one: the weights go in, nothing else does, and every number learns.

The names of such a model's parameters are its author's, so nothing here asks for one: weights go in by `load_pretrained`
under the names of `transformers`, and gradients are looked at all together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from autograder.framework import expect, procedures, watch
from autograder.framework.candidate import Candidate, OracleCandidate
from autograder.framework.case import Case
from autograder.framework.component import Drawn
from autograder.framework.expect import About, Failed

LOADER = "load_pretrained"


def learning(component: Callable, use: dict, cotangent: torch.Tensor | None = None) -> dict[str, Any]:
    """Runs where the answer is: how many numbers of the model learn, and with a cotangent what reaches them.

    `numbers`, `still` (those that ask for no gradient), `without` (parameters that got none), `square` (the sum of the
    squares of all gradients). A parameter under two names counts once.
    """
    model = procedures.built(component, use)
    parameters = list(model.parameters())
    told: dict[str, Any] = {
        "numbers": sum(p.numel() for p in parameters),
        "still": sum(p.numel() for p in parameters if not p.requires_grad),
    }
    if cotangent is None:
        return told
    with watch.on():
        result = model(*use["inputs"].values(), **use["options"])
    asked = [p for p in parameters if p.requires_grad]
    grads: list = [None] * len(asked)
    if isinstance(result, torch.Tensor) and result.requires_grad and result.shape == cotangent.shape:
        grads = list(torch.autograd.grad((result * cotangent.to(result.dtype)).sum(), asked, allow_unused=True))
    found = [g.double() for g in grads if g is not None]
    told["without"] = len(asked) - len(found)
    told["square"] = float(sum(float((g * g).sum()) for g in found))
    return told


def goes_in(candidate: Candidate, drawn: Drawn, spare: Mapping[str, torch.Tensor], prefix: str = "") -> None:
    """A real checkpoint's names go in, with what it carries besides; a name too few and one too many are refused."""
    plain, state = candidate.use(drawn), drawn.state or {}
    shown = {f"{prefix}{name}": x for name, x in {**state, **spare}.items()}
    for given in ({**state, **spare}, shown):
        expect.close(candidate.use(replace(drawn, state=given)), plain, "the result with what a real checkpoint has besides")
    last = list(state)[-1]
    _refused(candidate, replace(drawn, state={name: x for name, x in state.items() if name != last}), last, "lacks")
    _refused(candidate, replace(drawn, state={**state, "surplus.weight": torch.ones(2)}), "surplus.weight", "has besides")


def weights(case: Case, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Random weights under these names, of sizes that keep every part visible; those of norms lie around one."""
    state = {}
    for name, shape in shapes.items():
        is_norm = any(word in name for word in ("LayerNorm", "ln_"))
        scale = 0.3 if len(shape) == 1 else 0.7 if "embeddings" in name or name.startswith("w") else 1.5 * min(shape) ** -0.5
        state[name] = case.normal(*shape, scale=scale) + (1.0 if is_norm and name.endswith("weight") else 0.0)
    return state


def _refused(candidate: Candidate, drawn: Drawn, name: str, what: str) -> None:
    happening = candidate.refusal(drawn)
    told = f"a state_dict that {what} {name!r}"
    if happening is None:
        raise Failed(f"{told} was taken; expected a ValueError that names it.")
    if happening.error != "ValueError" or name not in happening.message:
        raise Failed(f"{told} raised {happening.error} ({happening.message}); expected a ValueError that names it.")


def size(candidate: Candidate, drawn: Drawn, untied: int = 0) -> None:
    """The model learns exactly as many numbers as the real one; `untied` more prove `untied-output`."""
    found, right = _learning(candidate, drawn), _right(candidate, drawn)
    told = f"the model has {found['numbers']:,} numbers in its parameters; expected {right['numbers']:,}."
    more = found["numbers"] - right["numbers"]
    expect.true(not more, told, proves="untied-output" if untied and more == untied else None)
    expect.true(not found["still"], f"{found['still']:,} numbers ask for no gradient.", proves="not-differentiable")


def every_number_learns(candidate: Candidate, drawn: Drawn, plain: bool) -> None:
    """A gradient reaches every parameter; where the result is the oracle's (`plain`), all of them together are its too.

    Where the model has other numbers than the real one, which `size` tells, nothing is compared.
    """
    (cotangent,) = candidate.cotangents(drawn)
    found, right = _learning(candidate, drawn, cotangent), _right(candidate, drawn, cotangent)
    plain = plain and found["numbers"] == right["numbers"]
    if found["without"] > right["without"] and (plain or not found["square"]):
        raise Failed(
            f"{found['without']} parameters get no gradient from the result: on the way back the path is cut "
            "(by .detach(), .item(), .data, torch.no_grad, NumPy, or integers).",
            proves="not-differentiable",
        )
    got, wanted = (torch.tensor(told["square"] ** 0.5, dtype=torch.float64) for told in (found, right))
    expect.finite(got, "the length of all gradients together")
    if plain:
        expect.gradient(got, wanted, "the length of all gradients together")


def _learning(candidate: Candidate, drawn: Drawn, *cotangent: torch.Tensor) -> dict[str, Any]:
    found = candidate.there(learning, vars(drawn), *cotangent)
    wanted = {"numbers": int, "still": int, **({"without": int, "square": float} if cotangent else {})}
    if not isinstance(found, dict) or not all(isinstance(found.get(name), kind) for name, kind in wanted.items()):
        raise Failed("the model's parameters could not be looked at.", about=About.FORM)
    return found


def _right(candidate: Candidate, drawn: Drawn, *cotangent: torch.Tensor) -> dict[str, Any]:
    # through the one door: files that are judged side by side share what was built of the oracle
    return OracleCandidate(candidate.component).there(learning, vars(drawn), *cotangent)
