"""Exchanges a learner's earlier components for the reference's, so that one mistake costs its points once.

The one way to do so: in the learner's kernel and in the process of a judged answer alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from autograder.framework import procedures
from autograder.framework.component import Component
from utils import reference


class Exchange:
    """The globals of a learner's code, in which the reference's components stand in for a while."""

    def __init__(self, namespace: dict):
        self._namespace = namespace
        self._before: dict[str, object] = {}
        self._put: list[str] = []

    def own(self, names: Iterable[str]) -> list[str]:
        """Which of `names` the learner's code defines, other than as the reference's own."""
        there = [name for name in names if name in self._namespace]
        return [name for name in there if self._namespace[name] is not reference.COMPONENTS.get(name)]

    def put(self, names: Iterable[str]) -> None:
        """Puts the reference's components in the place of these names; what was exchanged before is taken back."""
        wanted = list(names)
        if self._put or wanted:
            procedures.forget()
        for name in self._put:
            self._namespace.pop(name, None)
        self._namespace.update(self._before)
        self._put = wanted
        self._before = {name: self._namespace[name] for name in self._put if name in self._namespace}
        self._namespace.update({name: reference.COMPONENTS[name] for name in self._put})

    @contextlib.contextmanager
    def during(self, names: Iterable[str]) -> Iterator[None]:
        """The reference's components stand in their places inside the `with` statement."""
        self.put(names)
        try:
            yield
        finally:
            self.put(())


def exchangeable(component: Component, own: Iterable[str]) -> tuple[str, ...]:
    """The earlier components that the reference may stand in for: the learner's `own`, and all of the same chapter."""
    return tuple(sorted((component.earlier & set(own)) | component.chapter_mates))
