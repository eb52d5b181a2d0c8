"""Every component of the course on PyTorch's own building blocks, a file a component, found by its name.

They are the oracle of the checks, and what later chapters build on. Modules own parameters under the names that an
answer's have, so that weights move from one to the other. `COMPONENTS` maps each name to its component in the course's
order; `observed` tells a watcher when one of them runs.
"""

import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.manifest import load
from utils.reference import observed

_FOLDER = Path(__file__).parent
_HELPERS = {"__init__", "observed"}


class _ByName(Mapping[str, Callable[..., Any]]):
    """Name -> function or class, imported when it is asked for; iteration follows the course's order."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in _names():
            raise KeyError(name)
        return getattr(importlib.import_module(f"{__name__}.{name}"), name)

    def __iter__(self) -> Iterator[str]:
        return iter(_names())

    def __len__(self) -> int:
        return len(_names())


COMPONENTS = _ByName()


@cache
def _names() -> tuple[str, ...]:
    order = [exercise.id for exercise in load().exercises]
    there = {path.stem for path in _FOLDER.glob("*.py")} - _HELPERS
    return tuple(sorted(there, key=lambda name: (order.index(name) if name in order else len(order), name)))


class _Reference(types.ModuleType):
    """This package: `reference.NAME` is the component of that name, never the file that holds it."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in COMPONENTS:
            return COMPONENTS[name]
        raise AttributeError(f"the reference has no component {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        # Python sets a file of a package as an attribute of it: of a component's file the component stands there, watched.
        if isinstance(value, types.ModuleType) and name in COMPONENTS:
            vars(value)[name] = observed.component(vars(value)[name])
            value = vars(value)[name]
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *COMPONENTS]


sys.modules[__name__].__class__ = _Reference

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., Any]: ...
