"""A second device for every machine: tensors that say they are on `meta` while their numbers are kept on the CPU.

A law asks with them whether an answer makes its own tensors where its inputs are. PyTorch's own `meta` tensors would do,
but many of their operations import PyTorch's compiler first, which takes three seconds in each new process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from autograder.framework import watch

NAME = "meta"
# What PyTorch itself takes from two devices: copies, and an index on the CPU.
_COPIES = ("copy_", "_to_copy", "set_")
_INDEXES = ("index", "index_put", "index_put_", "_index_put_impl_")
# These read Python values into a tensor below the dispatcher, where no mode sees it.
_FROM_VALUES = ("tensor", "as_tensor", "asarray", "new_tensor", "new", "from_numpy")


class MixOfDevices(RuntimeError):
    """An operation took tensors of two devices."""


class ReadsValuesError(RuntimeError):
    """The answer reads numbers: what it makes of them belongs to no device."""


class Elsewhere(torch.Tensor):
    """A tensor on the other device; `here` holds its numbers."""

    here: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]  # modes alone see the call

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            here.size(),
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=torch.device(NAME),
            requires_grad=here.requires_grad,
        )
        made.here = here.detach()
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # of a class, as PyTorch calls it
        cls, function: Any, types: Any, args: Any = (), kwargs: dict | None = None
    ) -> Any:
        # Where `OtherDevice` is on, which sees the call first, PyTorch need not look here, for which it imports much.
        return _call(function, args, kwargs or {})


def moved(values: dict[str, Any]) -> dict[str, Any]:
    """The values with each tensor on the other device."""
    return {name: Elsewhere(x) if isinstance(x, torch.Tensor) else x for name, x in values.items()}


def move(module: torch.nn.Module) -> None:
    """Moves the parameters and buffers of a module, as `Module.to` would; it is of no use afterwards."""
    with OtherDevice():
        for part in module.modules():
            for name, parameter in part._parameters.items():
                if parameter is not None:
                    part._parameters[name] = torch.nn.Parameter(Elsewhere(parameter.detach()), parameter.requires_grad)
            part._buffers.update({name: Elsewhere(x) for name, x in part._buffers.items() if x is not None})


class OtherDevice(watch.Dispatch):
    """A mode in which an operation on tensors of two devices raises `MixOfDevices`."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: dict | None = None) -> Any:
        return _call(function, args, kwargs or {})


class ValuesThere(TorchFunctionMode):
    """The companion of `OtherDevice` for functions that make a tensor of Python values."""

    def __torch_function__(self, function: Callable, types: Any, args: Any = (), kwargs: dict | None = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        if name not in _FROM_VALUES:
            return function(*args, **kwargs)
        device = kwargs.pop("device", None)
        like = isinstance(args[0], Elsewhere) if args else False
        there = torch.device(device).type == NAME if device is not None else like
        if any(isinstance(x, Elsewhere) for x in tree_leaves(args[1:] if name.startswith("new") else args)):
            if name in ("new_tensor", "new", "tensor"):
                raise ReadsValuesError
            return function(*args, **kwargs) if device is None else function(*args, **kwargs, device=device)
        if name.startswith("new") and like:
            made = torch.tensor(*args[1:], **{"dtype": args[0].dtype, **kwargs})
        else:
            made = function(*args, **kwargs)
        return Elsewhere(made) if there else made


def _call(function: Any, args: Any, kwargs: dict) -> Any:
    """One operation of the dispatcher: on the numbers, with the device that its result has."""
    name = function.name().split("::")[-1].split(".")[0]
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    there = [x for x in tensors if isinstance(x, Elsewhere)]
    _refuse_mix(name, args, tensors, there)
    device = kwargs.get("device")
    if device is None:
        lands = isinstance(args[0], Elsewhere) if name in _COPIES + _INDEXES else bool(there)
    else:
        lands = torch.device(device).type == NAME
        kwargs = {**kwargs, "device": "cpu"}
    if there and not lands and name != "copy_":
        raise ReadsValuesError
    numbers_args, numbers_kwargs = tree_map(lambda x: x.here if isinstance(x, Elsewhere) else x, (args, kwargs))
    result = function(*numbers_args, **numbers_kwargs)
    if not lands:
        return result
    if any(x.here.shape != x.shape for x in there):
        raise ReadsValuesError  # a new shape in place, which the other device's tensor does not follow
    given = {id(x.here): x for x in there}

    def wrapped(x: Any) -> Any:
        if isinstance(x, torch.Tensor):
            return given[id(x)] if id(x) in given else Elsewhere(x)
        if isinstance(x, bool | int | float | complex):
            raise ReadsValuesError
        return x

    return tree_map(wrapped, result)


def _refuse_mix(name: str, args: Any, tensors: list[torch.Tensor], there: list) -> None:
    """Raises where a device other than PyTorch would refuse the operation; a tensor without axes is a number anywhere."""
    strangers = [x for x in tensors if not isinstance(x, Elsewhere)]
    if any(x.device.type == NAME for x in strangers):
        raise ReadsValuesError  # a real `meta` tensor, of which nothing is known
    owned = [x for x in there if x.dim()]
    if not owned or not any(x.dim() for x in strangers) or name in _COPIES:
        return
    if name in _INDEXES and isinstance(args[0], Elsewhere):
        return
    line = watch.learners_line()
    where = f" The line is `{line}`" if line else ""
    raise MixOfDevices(f"the inputs are on one device, and a tensor that the answer makes is on the CPU.{where}")
