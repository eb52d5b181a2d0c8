"""Laws on modules: exactly these parameters, dropout as promised."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from autograder.framework import catalogue
from autograder.framework.authoring import Candidate, CandidateError, Case, Component, Drawn, Failed, Law, Probe, expect


def has_exactly(
    component: Component, points: float, sentence: str, hint: str, once: bool = False, starts: Mapping[str, float] | None = None
) -> Callable:
    """Adds a law: the `state_dict` has exactly the oracle's names and shapes, and keeps apart what is loaded into it.

    `starts` are the numbers of which a parameter is made as it is built.
    """

    def has_exactly(candidate: Candidate, case: Case) -> None:
        drawn = component.draw(case)
        parameters(candidate, drawn)
        built = candidate.state(unloaded(drawn)) if starts else {}
        for name, number in (starts or {}).items():
            expect.equal(built[name], torch.full(built[name].shape, number), f"`{name}` as it is built")

    return component.add(Law(has_exactly.__name__, sentence, hint, has_exactly, points, once=once))


def names_and_shapes(candidate: Candidate, drawn: Drawn) -> None:
    """The `state_dict` has exactly the names and shapes of `drawn.state`."""
    wanted = drawn.state or {}
    built = candidate.state(unloaded(drawn))
    there = ", ".join(sorted(built)) or "nothing"
    missing, more = sorted(wanted.keys() - built.keys()), sorted(built.keys() - wanted.keys())
    if missing or more:
        _look_at_calls(candidate, drawn)
    if missing:
        raise Failed(f"the state_dict lacks {', '.join(missing)}; it has {there}.")
    if more:
        raise Failed(f"the state_dict also has {', '.join(more)}, which the exercise does not name.")
    for name, value in wanted.items():
        if built[name].shape != value.shape:
            raise Failed(f"`{name}`: expected shape {tuple(value.shape)}, got {tuple(built[name].shape)}.")


def parameters(candidate: Candidate, drawn: Drawn) -> None:
    """The `state_dict` has exactly the names and shapes of `drawn.state`; what is loaded comes out as it went in."""
    wanted = drawn.state or {}
    names_and_shapes(candidate, drawn)
    loaded = candidate.state(drawn)
    for name, value in wanted.items():
        twins = [other for other in loaded if other != name and loaded[other].shape == value.shape
                 and torch.equal(loaded[other], loaded[name]) and not torch.equal(wanted[other], value)]  # fmt: skip
        if twins:
            names = " and ".join([name, *twins])
            raise Failed(f"two names, one Parameter: whatever is loaded, {names} come out equal.", proves="shared-projection")
        expect.equal(loaded[name], value.to(loaded[name].dtype), f"`{name}` after it was loaded")
    asks = candidate.trainable(drawn)
    still = sorted(name for name in wanted if not asks.get(name, False))
    if still:
        named = ", ".join(f"`{name}`" for name in still)
        proves = "not-trainable" if "not-trainable" in catalogue.own(candidate.component.name) else "not-differentiable"
        raise Failed(f"{named} cannot be trained: {_is_not(still)} that asks for a gradient.", proves)


def _is_not(names: list[str]) -> str:
    return "it is not a Parameter" if len(names) == 1 else "they are not Parameters"


def _look_at_calls(candidate: Candidate, drawn: Drawn) -> None:
    """Lets a module run into which no weights can be loaded, so that a call of what it was to build is seen all the same."""
    with contextlib.suppress(CandidateError):
        candidate.raw(unloaded(drawn))


def unloaded(drawn: Drawn) -> Drawn:
    """The same use of a module as it is built."""
    return replace(drawn, state=None)


def linear_state(case: Case, bias: bool = True, **sizes: tuple[int, int]) -> dict[str, torch.Tensor]:
    """Random weights for linear layers, {layer: (d_in, d_out)}, of a size that keeps scores at one."""
    state = {}
    for layer, (d_in, d_out) in sizes.items():
        state[f"{layer}.weight"] = case.normal(d_out, d_in, scale=d_in**-0.5)
        if bias:
            state[f"{layer}.bias"] = case.normal(d_out, scale=0.5)
    return state


def changed(drawn: Drawn, weight: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Drawn:
    """The same use with other numbers in one of the weights."""
    state = drawn.state or {}
    return replace(drawn, state={**state, weight: change(state[weight])})


def probe(draw: Callable[[Case], Drawn], sizes: Mapping[str, Any], **settings: Any) -> Probe:
    """What `loaded_or_built` sees at these sizes, with these settings of the constructor."""

    def look(candidate: Candidate, case: Case) -> Any:
        drawn = draw(case.at(**sizes))
        return loaded_or_built(candidate, replace(drawn, settings=drawn.settings | settings, seed=1))

    return Probe(look=look)


def scales(candidate: Candidate, drawn: Drawn, weight: str, what: str) -> None:
    """Twice the numbers of `weight` are twice the result, and no row of it is one of zeros."""
    found, twice = candidate.use(drawn), changed(drawn, weight, lambda w: 2 * w)
    expect.close(candidate.use(twice), 2 * found, f"{what} with twice {weight}")
    expect.true(bool((found.abs().amax(-1) > 1e-3).all()), f"in {what} some rows are zeros.")


def loaded_or_built(candidate: Candidate, drawn: Drawn) -> object:
    """What a probe sees of a module: its result with the weights of `drawn`; of one with other parameters, which, and a form."""
    wanted, built = drawn.state or {}, candidate.state(unloaded(drawn))
    if {name: x.shape for name, x in built.items()} == {name: x.shape for name, x in wanted.items()}:
        return candidate.raw(drawn)
    result = candidate.raw(unloaded(drawn))
    first = result[0] if isinstance(result, (tuple, list)) and result else result
    shapes = sorted("x".join(map(str, x.shape)) for x in built.values())
    return f"{' '.join(shapes) or 'no parameters'}: {expect.kind_of(first)}"


def same_again(candidate: Candidate, drawn: Drawn, what: str) -> None:
    """One and the same module gives the same for the same inputs."""
    first, second = candidate.repeat(drawn, 2)
    for one, two in zip(first, second, strict=True) if isinstance(first, tuple) else [(first, second)]:
        expect.close(two, one, f"{what} of a second call with the same input")
