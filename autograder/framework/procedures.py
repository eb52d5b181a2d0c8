"""What runs beside an answer, in the learner's kernel or in a process of its own.

A procedure takes the component (a function or a class) and plain values and gives plain values back. Together with the
procedures of the components' files these are all the ways in which a law speaks to an answer.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeGuard

import torch
from torch.utils._pytree import tree_leaves

from autograder.framework import other_device, watch
from autograder.framework.happening import Happening


def perform(
    component: Callable,
    name: str,
    args: Iterable,
    *,
    forbids: str | None = None,
    component_name: str | None = None,
    earlier: Iterable[str] = (),
    trusted: bool = False,
) -> dict:
    """Runs the procedure `module:function` and returns its reply.

    The reply has `result` or `happened` (a `Happening` as a dict), `seen` (forbidden calls, and the learner's lines that
    made them) and `changed` (whether an input was written to). The course's own components are `trusted`: not watched.
    """
    module, function = name.split(":")
    procedure = getattr(importlib.import_module(module), function)
    reply: dict = {"result": None, "happened": None}
    with watch.watching(component_name, forbids, earlier, trusted) as watcher, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on stderr a warning would cost the whole check cell: nbgrader gives it 0
        try:
            reply["result"] = procedure(component, *args)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (learner code may raise anything)
            reply["happened"] = Happening.of(error).as_dict()
        reply["seen"], reply["changed"] = watcher.told(), watcher.changed
    return reply


def run(component: Callable, use: dict) -> Any:
    """The component's own result for one use (a `Drawn` as a dict)."""
    function = _function(component, use)
    return plain(_watched(function, _own(list(use["inputs"].values())), _own(use["options"])))


def repeat(component: Callable, use: dict, times: int) -> list:
    """The results of one and the same function or module, called `times` times."""
    function = _function(component, use)
    results = []
    for _ in range(times):
        _reseed(use)
        results.append(plain(_watched(function, _own(list(use["inputs"].values())), _own(use["options"]))))
    return results


def slopes(component: Callable, use: dict, cotangents: list) -> tuple:
    """(result, {name: gradient of sum(output · cotangent), None where there is no path}) for floating inputs and parameters."""
    function = _function(component, use)
    inputs = _own(use["inputs"])
    leaves = {name: x.requires_grad_() for name, x in inputs.items() if _floating(x)}
    # The answer gets copies: PyTorch forbids writing into a leaf, and an answer that does so loses only what that costs.
    inputs.update({name: leaf.clone() for name, leaf in leaves.items()})
    owner = function if _is_module(function) else getattr(function, "__self__", None)
    named = dict(owner.named_parameters()) if _is_module(owner) else {}
    trained = {name: parameter for name, parameter in named.items() if parameter.requires_grad}
    result = _watched(function, list(inputs.values()), _own(use["options"]))
    found = _backward(result, [*leaves.values(), *trained.values()], cotangents)
    grads = dict(zip([*leaves, *trained], found, strict=True))
    return plain(result), {name: grads.get(name) for name in [*leaves, *named]}


def state(component: Callable, use: dict) -> dict:
    """The `state_dict` of a module as it is built, and after `state`, if there is one, was loaded."""
    return {name: value.detach().clone() for name, value in _build(component, use).state_dict().items()}


def trainable(component: Callable, use: dict) -> dict:
    """{name of a parameter: whether it asks for a gradient} of a module as it is built."""
    return {name: parameter.requires_grad for name, parameter in _build(component, use).named_parameters()}


def measure(component: Callable, use: dict) -> tuple:
    """(operations, largest, peak) of one use without autograd: see `watch.Measurement`."""
    function = _function(component, use)
    args, kwargs = _own(list(use["inputs"].values())), _own(use["options"])
    tensors = [x for x in [*args, *kwargs.values()] if isinstance(x, torch.Tensor)]
    _, measured = watch.measure(lambda: function(*args, **kwargs), tensors)
    return measured.operations, measured.largest, measured.peak


def elsewhere(component: Callable, use: dict) -> str | None:
    """What is on the wrong device when all inputs are on another one; None where nothing is, or where values are read.

    The other device is the one of `other_device`, which every machine has.
    """
    function = _function(component, use)
    owner = function if _is_module(function) else getattr(function, "__self__", None)
    if _is_module(owner):
        forget()  # its weights are lost on the way
        other_device.move(owner)
    args, kwargs = [*other_device.moved(use["inputs"]).values()], other_device.moved(use["options"])
    try:
        with watch.on(), other_device.ValuesThere(), other_device.OtherDevice():
            result = function(*args, **kwargs)
    except other_device.MixOfDevices as mix:
        return str(mix)
    except (Exception, SystemExit):  # noqa: BLE001 (code that reads values cannot run there, and may raise anything)
        return None
    tensors = [x for x in tree_leaves(result) if isinstance(x, torch.Tensor)]
    stayed = next((x for x in tensors if x.device.type != other_device.NAME), None)
    return None if stayed is None else f"the inputs are on one device and the result is on {stayed.device.type!r}"


def _function(component: Callable, use: dict) -> Any:
    """What is called: the function, or a module that is built for this use, or one of its methods."""
    if use["sizes"] is None:
        return component
    made = _build(component, use)
    _reseed(use)
    return getattr(made, use["method"]) if use["method"] else made


_built: dict[tuple, tuple[Callable, torch.nn.Module, dict]] = {}
"""What was built -> the class, the module, and its weights as it was built. Building takes longer than all that follows."""


def forget() -> None:
    """Lets every module be built anew: what its code calls has changed."""
    _built.clear()


def _build(component: Callable, use: dict) -> torch.nn.Module:
    """A module for this use, with the weights to load or those that it was built with."""
    state = use["state"]
    tensors = use["inputs"].values() if state is None else state.values()
    dtype = next((x.dtype for x in tensors if _floating(x)), torch.float32)
    key = (id(component), repr(use["sizes"]), repr(use["settings"]), use["seed"], dtype)
    if key not in _built:
        _reseed(use)
        with watch.on():
            made = component(*use["sizes"], **use["settings"]).to(dtype)
        _built[key] = component, made, {name: value.clone() for name, value in made.state_dict().items()}
    _, made, first = _built[key]
    loader = use["loader"] if state is not None else None
    getattr(made, loader or "load_state_dict")(_own(first if state is None else state))
    return made.train(use["training"])


def built(component: Callable, use: dict) -> torch.nn.Module:
    """The module of this use, its weights loaded, for a procedure of a component's own."""
    return _build(component, use)


def _reseed(use: dict) -> None:
    if use["seed"] is not None:
        torch.default_generator.manual_seed(use["seed"])  # `torch.manual_seed` would take a trace of the stack for GPUs


def _is_module(x: object) -> TypeGuard[torch.nn.Module]:
    return isinstance(x, torch.nn.Module)


def _floating(x: object) -> TypeGuard[torch.Tensor]:
    return isinstance(x, torch.Tensor) and x.is_floating_point()


def _watched(function: Callable, args: list, kwargs: dict) -> Any:
    """The result of a call whose forbidden calls and changed inputs are noted."""
    tensors = [x for x in [*args, *kwargs.values()] if isinstance(x, torch.Tensor)]
    before = [x.detach().clone() for x in tensors]
    with watch.on():
        result = function(*args, **kwargs)
    if not all(same(old, new) for old, new in zip(before, tensors, strict=True)):
        watch.note_change()
        # A result that is a view of the changed input stays what the learner returned.
    return result


def same(old: torch.Tensor, new: torch.Tensor) -> bool:
    """Whether a tensor is as it was before."""
    if old.shape != new.shape or old.dtype != new.dtype:
        return False
    new = new.detach()
    return torch.equal(old, new) or torch.equal(torch.nan_to_num(old), torch.nan_to_num(new))


def _own(values: Any) -> Any:
    """Copies of the tensors, so that what an answer does to them stays with it."""
    if isinstance(values, dict):
        return {key: _own(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return type(values)(_own(value) for value in values)
    return values.detach().clone() if isinstance(values, torch.Tensor) else values


def plain(value: Any) -> Any:
    """A copy without a graph, of PyTorch's own class, whatever class of tensor came."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().as_subclass(torch.Tensor)
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value] if isinstance(value, list) else tuple(plain(entry) for entry in value)
    return value


def _backward(result: object, leaves: list, cotangents: list) -> list:
    outputs = [x for x in tree_leaves(result) if _floating(x)]
    pairs = [
        (x, c) for x, c in zip(outputs, cotangents, strict=False) if c is not None and x.requires_grad and x.shape == c.shape
    ]
    if not pairs or not leaves:
        return [None] * len(leaves)
    total = sum((output * cotangent.to(output.dtype)).sum() for output, cotangent in pairs)
    grads = torch.autograd.grad(total, leaves, allow_unused=True)
    return [None if grad is None else plain(grad) for grad in grads]
