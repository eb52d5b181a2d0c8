"""What runs beside an answer, in the learner's kernel or in a process of its own.

A procedure takes the component (a function or a class) and plain values and gives plain values back. Together with the
procedures of the chapters' checks these are all the ways in which a check speaks to an answer.
"""

import importlib
import linecache
import sysconfig
import traceback
from pathlib import Path

import torch

from autograder.checks import watch

_HERE = Path(__file__).resolve().parents[1]
_PATHS = sysconfig.get_paths()
_OURS = (str(_HERE), str(_HERE.parent / "utils"), _PATHS["purelib"], _PATHS["stdlib"])


def perform(component, name, args, *, forbids=None, component_name=None, earlier=()):
    """Runs the procedure `module:function` and returns its reply.

    The reply has `result` or `error` (type, message, line, text), `seen` (forbidden calls) and `changed` (whether an
    input was written to).
    """
    module, function = name.split(":")
    procedure = getattr(importlib.import_module(module), function)
    reply = {"result": None, "error": None, "changed": False}
    with watch.watching(component_name, forbids, earlier) as seen:
        try:
            reply["result"] = procedure(component, *args)
        except InputChanged as changed:
            reply["changed"], reply["result"] = True, changed.result
        except (Exception, SystemExit) as error:  # noqa: BLE001 (learner code may raise anything)
            reply["error"] = describe(error)
        reply["seen"] = sorted(seen.seen)
    return reply


def describe(error):
    """Type and message of an exception, and the last line of the learner's own code that it passed through."""
    described = {"type": type(error).__name__, "message": str(error)[:500], "line": None, "text": None}
    if isinstance(error, SyntaxError):
        described.update(line=error.lineno, text=(error.text or "").strip())
        return described
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        ours = frame.filename.startswith(_OURS) or frame.filename.startswith("<frozen")
        if not ours and "site-packages" not in frame.filename:
            described.update(line=frame.lineno, text=linecache.getline(frame.filename, frame.lineno).strip() or frame.line)
            break
    return described


class InputChanged(Exception):
    """The component wrote to one of its inputs; `result` is what it returned."""

    def __init__(self, result):
        super().__init__()
        self.result = result


def call(component, args, kwargs):
    """The component's own result for these arguments; raises `InputChanged`."""
    args, kwargs = _own(args), _own(kwargs)
    result = _watched(component, args, kwargs)
    return _plain(result)


def gradients(component, args, kwargs, cotangents):
    """The result, and the gradient of sum(output · cotangent) in each floating tensor of `args` (None: no path)."""
    args, kwargs = _own(args), _own(kwargs)
    leaves = [x.requires_grad_() for x in args if isinstance(x, torch.Tensor) and x.is_floating_point()]
    result, changed = _observed(component, args, kwargs)
    return _reply(changed, (_plain(result), _backward(result, leaves, cotangents)))


def module(component, build, calls):
    """Builds one module and calls it: `build` as made by `ModuleHandle`, `calls` a list of (method, args, kwargs)."""
    made = _build(component, build)
    results = []
    for method, args, kwargs in calls:
        _reseed(build)
        results.append(_plain(_watched(getattr(made, method) if method else made, _own(args), _own(kwargs))))
    return results


def module_gradients(component, build, args, kwargs, cotangents, method):
    """(result, gradients of the floating inputs, {parameter name: gradient or None}) of one call."""
    made = _build(component, build)
    _reseed(build)
    args, kwargs = _own(args), _own(kwargs)
    leaves = [x.requires_grad_() for x in args if isinstance(x, torch.Tensor) and x.is_floating_point()]
    named = dict(made.named_parameters())
    trainable = {name: parameter for name, parameter in named.items() if parameter.requires_grad}
    result, changed = _observed(getattr(made, method) if method else made, args, kwargs)
    grads = _backward(result, leaves + list(trainable.values()), cotangents)
    found = dict(zip(trainable, grads[len(leaves) :], strict=True))
    return _reply(changed, (_plain(result), grads[: len(leaves)], {name: found.get(name) for name in named}))


def module_state(component, build):
    """The `state_dict` of a module as it is built, and after `state`, if there is one, was loaded."""
    return {name: value.detach().clone() for name, value in _build(component, build).state_dict().items()}


def measure(component, args, kwargs):
    """(result, operations, largest, peak) of one call without autograd: see `watch.Measurement`."""
    args, kwargs = _own(args), _own(kwargs)
    inputs = [x for x in [*args, *kwargs.values()] if isinstance(x, torch.Tensor)]
    result, measured = watch.measure(lambda: component(*args, **kwargs), inputs)
    return _plain(result), measured.operations, measured.largest, measured.peak


def _watched(function, args, kwargs):
    result, changed = _observed(function, args, kwargs)
    if changed:
        raise InputChanged(_plain(result))
    return result


def _observed(function, args, kwargs):
    """The result of a watched call, and whether it wrote to one of its tensors."""
    tensors = [x for x in [*args, *kwargs.values()] if isinstance(x, torch.Tensor)]
    before = [x.detach().clone() for x in tensors]
    with watch.on():
        result = function(*args, **kwargs)
    return result, not all(_same(old, new) for old, new in zip(before, tensors, strict=True))


def _reply(changed, reply):
    """`reply`, or an `InputChanged` that carries it."""
    if changed:
        raise InputChanged(reply)
    return reply


def _same(old, new):
    return (
        old.shape == new.shape and old.dtype == new.dtype and torch.equal(torch.nan_to_num(old), torch.nan_to_num(new.detach()))
    )


def _own(values):
    """Copies of the tensors, so that what an answer does to them stays with it."""
    if isinstance(values, dict):
        return {key: _own(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return type(values)(_own(value) for value in values)
    return values.detach().clone() if isinstance(values, torch.Tensor) else values


def _plain(value):
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value] if isinstance(value, list) else tuple(_plain(v) for v in value)
    return value


def _backward(result, leaves, cotangents):
    outputs = [x for x in torch.utils._pytree.tree_leaves(result) if isinstance(x, torch.Tensor) and x.is_floating_point()]
    pairs = [
        (x, c) for x, c in zip(outputs, cotangents, strict=False) if c is not None and x.requires_grad and x.shape == c.shape
    ]
    if not pairs or not leaves:
        return [None] * len(leaves)
    total = sum((output * cotangent.to(output.dtype)).sum() for output, cotangent in pairs)
    grads = torch.autograd.grad(total, leaves, allow_unused=True)
    return [None if grad is None else grad.detach().clone() for grad in grads]


def _reseed(build):
    if build["seed"] is not None:
        torch.manual_seed(build["seed"])


def _build(component, build):
    _reseed(build)
    with watch.on():
        made = component(*build["args"], **build["kwargs"])
    if build["dtype"] is not None:
        made = made.to(build["dtype"])
    if build["state"] is not None:
        made.load_state_dict(_own(build["state"]))
    return made.train(build["training"])
