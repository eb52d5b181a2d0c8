"""Laws on agreement with the oracle: values, sizes of 1, devices, precision, gradients, bad arguments.

One mistake costs its points once: where the plain result is not the oracle's, the laws made here judge only what does not
depend on it (forms, devices, dtypes, whether a gradient arrives at all), and the law on plain values tells the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from autograder.framework.authoring import About, Candidate, Case, Component, Drawn, Failed, Law, expect

PRECISION = "That is the precision of float32: a number on the way is made or rounded in float32 while the inputs are float64."


def agree(candidate: Candidate, drawn: Drawn, where: str = "") -> None:
    """Every part of the result is the oracle's, to float32's tolerance; of several the last, made first, is looked at first."""
    for name, got, right in reversed(list(parts(candidate.component, candidate.use(drawn), candidate.right(drawn)))):
        expect.close(got, right, f"{name} {where}".strip())


def settled(candidate: Candidate, drawn: Drawn) -> bool:
    """Whether the result of one use is the oracle's, so that what else the oracle says of it can be asked."""
    try:
        agree(candidate, drawn)
    except Failed:
        return False
    return True


@contextmanager
def proving(id: str | None) -> Iterator[None]:
    """Wrong values that are found inside prove the catalogue's `id` by themselves."""
    try:
        yield
    except Failed as failure:
        if failure.about is About.VALUES and failure.proves is None:
            failure.proves = id
        raise


def parts(component: Component, *results: object) -> Iterable[tuple]:
    """(name, part of each result) for every part that the component returns."""
    if len(component.parts) == 1:
        return [(component.parts[0], *results)]
    return zip(component.parts, *results, strict=True)


def add_common(
    component: Component, needs: Callable, sizes: tuple[str, ...] = (), *, small: Callable | None = None,
    precise: Callable | None = None, learning: Callable | None = None, any_size: bool = True, gradients: bool = True,
) -> None:  # fmt: skip
    """Adds laws of a quarter each: sizes of 1 and devices, precision, gradients.

    `sizes` are those that are set to 1 (default: all). `small` and `precise` give the use for one of the laws, `learning`
    the uses whose gradients are looked at (default of each: what the component draws). `any_size` and `gradients` say
    whether there is that law: another one of the component may judge it.
    """
    if any_size:
        component.add(any_size_and_device(component, 0.25, needs, sizes, small))
    component.add(keeps_precision(component, 0.25, needs, precise))
    if gradients:
        component.add(gradients_arrive(component, 0.25, needs, learning))


def any_size_and_device(
    component: Component, points: float, needs: Callable, sizes: tuple[str, ...] = (), draw: Callable | None = None
) -> Law:
    """A law: each axis at size 1 in turn gives the oracle's result, and so does another device, as far as it can be seen."""
    draw = draw or component.draw

    def any_size_and_device(candidate: Candidate, case: Case) -> None:
        sizes_and_device(candidate, case, draw, sizes)

    return Law(
        any_size_and_device.__name__, "It works for sizes of 1 and on any device",
        "Is an axis of size 1 dropped, or taken for another one? Is a size or a device fixed in the code?",
        any_size_and_device, points, needs.__name__, once=True,
    )  # fmt: skip


def sizes_and_device(candidate: Candidate, case: Case, draw: Callable, sizes: tuple[str, ...] = ()) -> None:
    """What `any_size_and_device` judges, for a law that judges more than this."""
    plain = settled(candidate, draw(case))
    for name, small in case.with_ones(sizes):
        if plain:
            agree(candidate, draw(small), f"with {name} = 1")
        else:
            _form(candidate, draw(small), f"with {name} = 1")
    mixed = candidate.elsewhere(draw(case))
    if mixed:
        raise Failed(f"{mixed}. A new tensor belongs on the device of the inputs.")


def _form(candidate: Candidate, drawn: Drawn, where: str) -> None:
    try:
        candidate.use(drawn)
    except Failed as failure:
        raise Failed(f"{where}: {failure}", failure.proves, failure.about) from None


def keeps_precision(
    component: Component, points: float, needs: Callable, draw: Callable | None = None, tolerance: tuple = expect.FLOAT64
) -> Law:
    """A law: float32 gives float32, and float64 gives float64 that is right to its last digits, or to `tolerance`."""
    draw = draw or component.draw

    def keeps_precision(candidate: Candidate, case: Case) -> None:
        precision(candidate, case, draw, tolerance)

    return Law(
        keeps_precision.__name__,
        "It keeps the precision of its inputs: float32 stays float32, float64 is right to its last digits",
        "Make new tensors with the dtype of the inputs, and take roots and powers of Python numbers in Python.",
        keeps_precision, points, needs.__name__, once=True,
    )  # fmt: skip


def precision(candidate: Candidate, case: Case, draw: Callable, tolerance: tuple = expect.FLOAT64) -> None:
    """What `keeps_precision` judges, for a law that judges more than this."""
    plain = True  # whether the result in float32 is the oracle's
    for dtype in (torch.float32, torch.float64):
        drawn = draw(case.at(dtype)).to(dtype)
        raw, right = candidate.raw(drawn), candidate.right(drawn)
        for name, got, wanted in parts(candidate.component, _formed(candidate.component, raw, right), right):
            if dtype is torch.float32:
                plain = plain and torch.allclose(got, wanted, *expect.FLOAT32, equal_nan=True)
            elif plain:
                expect.close(got, wanted, f"{name} in float64")
        for name, got, wanted in parts(candidate.component, raw, right):
            if got.dtype != wanted.dtype:
                told, came = expect.name_of(wanted.dtype), expect.name_of(got.dtype)
                raise Failed(f"{name}: expected {told} for inputs of {expect.name_of(dtype)}, got {came}.")
            if dtype is torch.float64 and plain:
                exact(got, wanted, name, tolerance)


def _formed(component: Component, raw: object, right: object) -> Any:
    """A result as it came, of the form of the oracle's."""
    several = len(component.parts) > 1
    return expect.form(raw, right, "the result" if several else component.parts[0], component.parts if several else ())


def exact(got: torch.Tensor, right: torch.Tensor, name: str, tolerance: tuple = expect.FLOAT64) -> None:
    """`got` equals `right` to the last digits of float64; where it does not, that proves `float32-inside`."""
    try:
        expect.close(got, right, name, tolerance)
    except Failed as failure:
        raise Failed(f"float64: {failure} {PRECISION}", proves="float32-inside") from None


def gradients_arrive(component: Component, points: float, needs: Callable, draws: Callable | None = None) -> Law:
    """A law: the gradient of every floating input and parameter is there and is the oracle's.

    `draws(case)` gives the uses to try (default: the component's own).
    """
    first = component.draw(component.cases[0])
    names = [*first.floating, *(["every parameter"] if first.state else [])]

    def gradients_arrive(candidate: Candidate, case: Case) -> None:
        for drawn in draws(case) if draws else [component.draw(case)]:
            gradients_agree(candidate, drawn)

    return Law(
        gradients_arrive.__name__, f"Gradients reach {_and(names)} and are right",
        "Stay with tensor operations on the whole path from the inputs to the result.",
        gradients_arrive, points, needs.__name__,
    )  # fmt: skip


def gradients_agree(candidate: Candidate, drawn: Drawn, where: str = "", path: bool = True) -> None:
    """The gradients of one use are the oracle's; with `path` each has to be there, else a missing one counts as zeros."""
    plain, cotangents = settled(candidate, drawn), candidate.cotangents(drawn)
    got, right = candidate.slopes(drawn, cotangents), candidate.right_slopes(drawn, cotangents)
    missing = [name for name, gradient in got.items() if gradient is None and bool(right[name].any())]
    # Where values are off, an input or parameter that the mistake left out has no gradient either: that is told already.
    if missing and path and (plain or len(missing) == len(got)):
        raise Failed(
            f"no gradient reaches {_and(missing)}: on the way from the result back to there the path is cut "
            "(by .detach(), .item(), .data, torch.no_grad, NumPy, or integers).",
            proves="not-differentiable",
        )
    for name, wanted in right.items():
        slope = got[name]
        found = torch.zeros_like(wanted) if slope is None else slope
        what = f"the gradient with respect to {name} {where}".strip()
        expect.finite(found, what)
        if plain:
            expect.gradient(found, wanted, what)


def gradients_finite(candidate: Candidate, drawn: Drawn, where: str) -> None:
    """No NaN and no infinity in the gradients that are there."""
    for name, gradient in candidate.slopes(drawn).items():
        if gradient is not None:
            expect.finite(gradient, f"the gradient with respect to {name} {where}")


def loss_falls(candidate: Candidate, drawn: Drawn, better: Drawn, told: str) -> None:
    """The loss of `better` is smaller; `told` says what was done for it."""
    before, after = candidate.use(drawn), candidate.use(better)
    expect.true(bool(after < before - 1e-4), f"{told}, and the loss went from {before:.4g} to {after:.4g}.")


def refused(candidate: Candidate, drawn: Drawn, arguments: Mapping[str, object], *others: str, proves: str | None = None) -> None:
    """Bad arguments raise a ValueError that names one and its value; `others` are further names for the same.

    They are the constructor's where `drawn` has no inputs.
    """
    happening = candidate.refusal(drawn) if drawn.inputs else candidate.refusal_to_build(drawn)
    expect.raises(happening, arguments, others, proves=proves)


def refuses_odd(component: Component, needs: Callable, name: str, *others: str) -> None:
    """Adds a law of a quarter: a size `name` that is odd is refused; `others` are further names for it."""

    def refuses_odd(candidate: Candidate, case: Case) -> None:
        odd: list[dict[str, Any]] = [{name: size} for size in (case.odd, 1)]
        for sizes in odd:
            refused(candidate, component.draw(case.at(**sizes)), sizes, *others)

    component.add(Law(
        refuses_odd.__name__, f"An odd {name} is refused", f"The message of the ValueError names {name} and its value.",
        refuses_odd, 0.25, needs.__name__, edge=True,
    ))  # fmt: skip


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
