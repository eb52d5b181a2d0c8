"""Comparisons that fail with what was expected, what came, and the likely cause."""

import torch

WRONG_GRADIENT = "wrong gradient"
"""The `rule` of a gradient that is there, finite, and differs: no id, but `not-differentiable` where nothing else fails."""


class Failed(Exception):
    """A law does not hold. `rule` names a catalogue id that this failure by itself proves."""

    def __init__(self, message, rule=None):
        super().__init__(message)
        self.rule = rule


INCOMPARABLE = (RuntimeError, IndexError, TypeError, ValueError, AttributeError, KeyError)
"""What our own arithmetic raises on a result whose parts do not fit it."""


class Other:
    """Something that a candidate returned and that is no tensor, number, text, list, tuple or dict."""

    def __init__(self, kind, text):
        self.kind, self.text = kind, text

    def __repr__(self):
        return f"{self.kind} {self.text}"


def kind_of(x):
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


def few(x, most=6):
    """A few numbers of a tensor, rounded."""
    x = x.detach()
    if x.dim() > 2:
        x = x.reshape(-1, x.shape[-1])[0]
    if x.numel() > most:
        x = x.reshape(-1)[:most]
        return "[" + ", ".join(_number(v) for v in x.tolist()) + ", …]"
    return str(_rounded(x.tolist()))


def _number(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _rounded(value):
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def tensor(x, shape=None, dtype=None, what="the result"):
    """Returns `x` when it is a tensor of this shape and dtype."""
    if not isinstance(x, torch.Tensor):
        raise Failed(f"{what}: expected a torch.Tensor, got {kind_of(x)}.")
    if shape is not None and tuple(x.shape) != tuple(shape):
        raise Failed(f"{what}: expected shape {tuple(shape)}, got {tuple(x.shape)}.")
    if dtype is not None and x.dtype != dtype:
        raise Failed(f"{what}: expected dtype {_name(dtype)}, got {_name(x.dtype)}.")
    return x


def pair(x, what="the result"):
    """Returns `x` as (output, weights) when it is a pair of tensors."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise Failed(f"{what}: expected a pair of tensors, output and weights, got {kind_of(x)}.")
    return tensor(x[0], what="the first of the pair, output,"), tensor(x[1], what="the second of the pair, weights,")


def close(got, expected, case, what="the result", hint=None):
    """`got` equals `expected` in shape, kind and, within the case's tolerance, value."""
    tensor(got, shape=expected.shape, what=what)
    if got.is_floating_point() != expected.is_floating_point():
        raise Failed(f"{what}: expected dtype {_name(expected.dtype)}, got {_name(got.dtype)}.")
    rtol, atol = case.tolerance
    wide, right = got.to(torch.float64), expected.to(torch.float64)
    agree = torch.isclose(wide, right, rtol=rtol, atol=atol, equal_nan=True)
    if bool(agree.all()):
        return
    _differs(got, expected, agree, what, hint)


def equal(got, expected, what="the result", hint=None):
    """`got` equals `expected` in shape, kind (bool, integer, float) and every entry."""
    tensor(got, shape=expected.shape, what=what)
    if got.is_floating_point() != expected.is_floating_point() or (got.dtype == torch.bool) != (expected.dtype == torch.bool):
        raise Failed(f"{what}: expected dtype {_name(expected.dtype)}, got {_name(got.dtype)}.")
    agree = got == expected
    if not bool(agree.all()):
        _differs(got, expected, agree, what, hint)


def _differs(got, expected, agree, what, hint):
    wrong = (~agree).nonzero()
    where = tuple(wrong[0].tolist())
    row = where[:-1] if where else ()
    shown_got, shown_expected = (x[row] if row else x for x in (got, expected))
    place = f" at [{', '.join(map(str, row))}]" if row else ""
    share = f"{len(wrong)} of {agree.numel()} entries differ"
    extra = " It holds NaN." if got.is_floating_point() and bool(got.isnan().any()) else ""
    message = f"{what}: {share}.{extra} Expected{place} {few(shown_expected)}, got {few(shown_got)}."
    raise Failed(f"{message} {hint}" if hint else message)


def finite(x, what="the result"):
    """No NaN and no infinity in `x`."""
    tensor(x, what=what)
    bad = ~torch.isfinite(x)
    if bool(bad.any()):
        kind = "NaN" if bool(x.isnan().any()) else "infinity"
        raise Failed(f"{what}: {kind} in {int(bad.sum())} of {x.numel()} entries.")
    return x


def gradient(got, expected, case, what):
    """`close` for a gradient. A finite one that differs while all values are right comes from a path that is cut in part."""
    try:
        close(got, expected, case, what=what)
    except Failed as failure:
        raise Failed(str(failure), rule=WRONG_GRADIENT if bool(torch.isfinite(got).all()) else None) from None


def true(condition, message, rule=None):
    """Fails with `message` unless `condition` holds."""
    if not condition:
        raise Failed(message, rule)


def differentiable(grads, names):
    """Every gradient is there: None means that the path from the output back to that input or parameter is cut."""
    missing = [name for name, grad in zip(names, grads, strict=True) if grad is None]
    if missing:
        raise Failed(
            f"no gradient reaches {', '.join(missing)}: the path from the output back to it is cut "
            "(by .detach(), .item(), .data, torch.no_grad, NumPy, or integers).",
            rule="not-differentiable",
        )


def raises(error, kind, mentions=()):
    """`error` (of `candidate.error`) is of this kind and its message names each of `mentions`."""
    if error is None:
        raise Failed(f"nothing was raised; expected a {kind} whose message names {_list(mentions)}.")
    if error.type != kind:
        raise Failed(f"{error.type} was raised ({error.message}); expected a {kind}.")
    missing = [str(word) for word in mentions if str(word) not in error.message]
    if missing:
        raise Failed(f"the message of the {kind} does not name {_list(missing)}: it says {error.message!r}.")


def _list(words):
    return ", ".join(map(str, words)) or "the argument"


def _name(dtype):
    return str(dtype).removeprefix("torch.")
