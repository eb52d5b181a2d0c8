"""Comparisons that fail with what was expected, what came, and where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

import torch

from autograder.framework.happening import Happening, What

FLOAT32 = (1e-4, 1e-5)
"""(rtol, atol) of a comparison with an oracle: on the sizes of the cases float32 leaves 1e-6."""
FLOAT64 = (1e-9, 1e-11)
"""The same for float64, which leaves 1e-15."""


class About(Enum):
    """What a law found wrong."""

    VALUES = "values"
    FORM = "form"
    GRADIENT = "gradient"


class Failed(Exception):
    """A law does not hold. `proves` names the catalogue id that this failure by itself proves."""

    def __init__(self, message: str, proves: str | None = None, about: About = About.VALUES):
        super().__init__(message)
        self.proves, self.about = proves, about


class Other:
    """Something that a candidate returned and that is not a tensor, number, text, list, tuple or dict."""

    def __init__(self, kind: str, text: str = ""):
        self.kind, self.text = kind, text

    def __repr__(self) -> str:
        return f"{self.kind} {self.text}"


def kind_of(x: object) -> str:
    """What `x` is, in the words of a message."""
    if x is None:
        return "None (is a `return` missing?)"
    if isinstance(x, torch.Tensor):
        return f"a tensor of shape {tuple(x.shape)}"
    if isinstance(x, Other):
        return f"a {x.kind}"
    if isinstance(x, (tuple, list)):
        return f"a {type(x).__name__} of {len(x)}"
    return f"a {type(x).__name__}"


def number_kind(x: torch.Tensor) -> str:
    """ "bool", "int", "float" or "complex"."""
    if x.dtype == torch.bool:
        return "bool"
    return "float" if x.is_floating_point() else "complex" if x.is_complex() else "int"


def form(got: Any, right: Any, what: str = "the result", parts: Sequence[str] = ()) -> Any:
    """`got` where it has the form of `right`: tensors of its shapes and kinds of numbers, nests of its lengths.

    Floating tensors of another precision are brought to that of `right`: precision is a law of its own. After this nothing
    that a law computes from the result can raise. Fails with `About.FORM`.
    """
    if isinstance(right, torch.Tensor):
        return _tensor_form(got, right, what)
    if isinstance(right, (tuple, list)):
        names = list(parts) if len(parts) == len(right) else [f"entry {i} of {what}" for i in range(len(right))]
        if not isinstance(got, (tuple, list)) or len(got) != len(right):
            wanted = f"{'a pair' if len(right) == 2 else f'{len(right)} entries'}"
            listed = f": {', '.join(name.removeprefix('the ') for name in names)}" if parts else ""
            raise Failed(f"{what}: expected {wanted}{listed}; got {kind_of(got)}.", about=About.FORM)
        return tuple(form(g, r, name) for g, r, name in zip(got, right, names, strict=True))
    if isinstance(right, float):
        if isinstance(got, bool) or not isinstance(got, (int, float)):
            raise Failed(f"{what}: expected a Python float, got {kind_of(got)}.", about=About.FORM)
        return float(got)
    return got


def _tensor_form(got: object, right: torch.Tensor, what: str) -> torch.Tensor:
    if not isinstance(got, torch.Tensor):
        raise Failed(f"{what}: expected a torch.Tensor, got {kind_of(got)}.", about=About.FORM)
    if number_kind(got) != number_kind(right):
        proves = "not-boolean" if number_kind(right) == "bool" and got.shape == right.shape else None
        raise Failed(f"{what}: expected dtype {name_of(right.dtype)}, got {name_of(got.dtype)}.", proves, About.FORM)
    if got.device != right.device or got.layout != right.layout:
        raise Failed(f"{what}: expected {_storage(right)}, got {_storage(got)}.", about=About.FORM)
    if got.shape != right.shape:
        raise Failed(f"{what}: expected shape {tuple(right.shape)}, got {tuple(got.shape)}.", about=About.FORM)
    return got.to(right.dtype)


def _storage(x: torch.Tensor) -> str:
    return f"a {'dense' if x.layout is torch.strided else 'sparse'} tensor on {x.device.type!r}"


def close(got: torch.Tensor, right: torch.Tensor, what: str = "the result", tolerance: tuple[float, float] = FLOAT32) -> None:
    """`got` equals `right` to the tolerance of float32. Both have the same shape, as `form` made sure."""
    rtol, atol = tolerance
    wide, wanted = got.to(torch.float64), right.to(torch.float64)
    agree = torch.isclose(wide, wanted, rtol=rtol, atol=atol, equal_nan=True)
    if not bool(agree.all()):
        raise Failed(differing(got, right, agree, what))


def equal(got: torch.Tensor, right: torch.Tensor, what: str = "the result") -> None:
    """`got` equals `right` in every entry."""
    agree = got == right
    if not bool(agree.all()):
        raise Failed(differing(got, right, agree, what))


def differing(got: torch.Tensor, right: torch.Tensor, agree: torch.Tensor, what: str) -> str:
    """The sentence that shows up to three entries in which two tensors differ, with their indices."""
    wrong = (~agree).nonzero().tolist()
    if got.is_floating_point() and not agree.all():
        gap = (got.double() - right.double()).abs().nan_to_num(nan=float("inf"), posinf=float("inf"))
        worst = sorted(wrong, key=lambda index: -float(gap[tuple(index)]))[:3] if len(wrong) > 3 else wrong
        wrong_shown = sorted(worst)
    else:
        wrong_shown = wrong[:3]
    shown = "; ".join(
        (f"at {list(index)} " if index else "") + _expected(right[tuple(index)].item(), got[tuple(index)].item())
        for index in wrong_shown
    )
    count = f"{len(wrong)} of {agree.numel()} entries differ" if agree.dim() else "it differs"
    nan = " It holds NaN." if got.is_floating_point() and bool(got.isnan().any()) else ""
    return f"{what}: {count}, {'among them ' if len(wrong) > len(wrong_shown) else ''}{shown}.{nan}"


def _expected(right: float | int | bool, got: float | int | bool) -> str:
    """Both numbers with as many digits as it takes to tell them apart."""
    wanted, came = str(right), str(got)
    for digits in (5, 8, 11, 17):
        if isinstance(right, float) and isinstance(got, float):
            wanted, came = f"{right:.{digits}g}", f"{got:.{digits}g}"
        if wanted != came:
            break
    return f"expected {wanted}, got {came}"


def finite(x: torch.Tensor, what: str = "the result") -> None:
    """No NaN and no infinity in `x`."""
    bad = ~torch.isfinite(x)
    if bool(bad.any()):
        kind = "NaN" if bool(x.isnan().any()) else "infinity"
        raise Failed(f"{what}: {kind} in {int(bad.sum())} of {x.numel()} entries.")


def gradient(got: torch.Tensor, right: torch.Tensor, what: str) -> None:
    """`close` for a gradient. A finite one that differs while all values are right comes from a path that is cut in part."""
    try:
        close(got, right, what)
    except Failed as failure:
        about = About.GRADIENT if bool(torch.isfinite(got).all()) else About.VALUES
        raise Failed(str(failure), about=about) from None


def true(condition: bool, message: str, proves: str | None = None) -> None:
    """Fails with `message` unless `condition` holds."""
    if not condition:
        raise Failed(message, proves)


def raises(
    happening: Happening | None,
    arguments: Mapping[str, object],
    others: Iterable[str] = (),
    kind: str = "ValueError",
    proves: str | None = None,
) -> None:
    """A bad argument was refused by an error of this kind that names an argument and a value of `arguments`.

    `others` are further names that the message may use; `proves` is the id that holds where the arguments were taken,
    refused by an `assert`, or led to an error that the answer's own code does not raise.
    """
    given = " and ".join(f"{name}={value}" for name, value in arguments.items())
    if happening is None:
        raise Failed(f"nothing was raised for {given}; expected a {kind}.", proves)
    if happening.what is not What.RAISED or happening.error != kind:
        ran_into_it = happening.what is What.RAISED and not (happening.text or "raise").startswith("raise")
        unchecked = happening.error == "AssertionError" or ran_into_it
        raise Failed(f"{given} raised {happening.error} ({happening.message}); expected a {kind}.", proves if unchecked else None)
    named = any(name in happening.message for name in (*arguments, *others))
    valued = any(str(value) in happening.message for value in arguments.values())
    if not (named and valued):
        raise Failed(f"the {kind} says {happening.message!r}; it should name {given}.")


def name_of(dtype: torch.dtype) -> str:
    """`float32` of `torch.float32`."""
    return str(dtype).removeprefix("torch.")
