"""Tells watchers when a component of the reference is entered and left.

A watcher is an object with `enter(name)` and `leave(name)`, put into `watchers` for as long as it wants to know.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, overload

_Component = TypeVar("_Component", bound=Callable[..., Any])


class Watcher(Protocol):
    """What is told when a component of this name is entered and left."""

    def enter(self, name: str) -> None: ...

    def leave(self, name: str) -> None: ...


watchers: list[Watcher] = []


@overload
def component(built: _Component) -> _Component: ...


@overload
def component(*, methods: tuple[str, ...]) -> Callable[[_Component], _Component]: ...


def component(built: Callable[..., Any] | None = None, *, methods: tuple[str, ...] = ("forward",)) -> Callable[..., Any]:
    """Decorates a function or an `nn.Module` class: its calls are reported to the watchers under its name.

    Of a class the `methods` are watched; its name and its `state_dict` stay as they are.
    """

    if built is None:
        return functools.partial(component, methods=methods)
    if not inspect.isclass(built):
        return _reporting(built.__name__, built)
    for method in methods:
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
