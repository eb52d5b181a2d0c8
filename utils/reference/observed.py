"""Tells watchers when a component of the reference is entered and left.

A watcher is an object with `enter(name)` and `leave(name)`, put into `watchers` for as long as it wants to know.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

_Component = TypeVar("_Component", bound=Callable[..., Any])
_ASKED = {"forward", "encode", "decode"}


class Watcher(Protocol):
    """What is told when a component of this name is entered and left."""

    def enter(self, name: str) -> None: ...

    def leave(self, name: str) -> None: ...


watchers: list[Watcher] = []


def component(built: _Component) -> _Component:
    """A function or an `nn.Module` class whose calls are reported to the watchers under its name.

    Of a class the methods are watched that a model is asked by; its name and its `state_dict` stay as they are.
    """
    if not inspect.isclass(built):
        return cast(_Component, _reporting(built.__name__, built))
    for method in _ASKED & vars(built).keys():
        setattr(built, method, _reporting(built.__name__, vars(built)[method]))
    return built


def _reporting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not watchers:
            return function(*args, **kwargs)
        told = list(watchers)
        for watcher in told:
            watcher.enter(name)
        try:
            return function(*args, **kwargs)
        finally:
            for watcher in told:
                watcher.leave(name)

    vars(wrapper)["__signature__"] = inspect.signature(function)
    del wrapper.__wrapped__  # no way round the report
    return wrapper
