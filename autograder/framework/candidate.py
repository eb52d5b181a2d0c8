"""The narrow interface through which a law speaks to an answer.

`LocalCandidate` is an object of this process (the learner's kernel, a variant, the reference); `RemoteCandidate` in
`autograder.framework.isolation` is one in another process. Both perform procedures and nothing else. What comes back is
held against the form of the oracle's result before a law sees it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

import torch

from autograder.framework import expect, procedures, watch
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn
from autograder.framework.exchange import Exchange
from autograder.framework.expect import About, Failed
from autograder.framework.happening import Happening

_HERE = procedures.__name__


class CandidateError(Exception):
    """The answer did not return: what happened instead."""

    def __init__(self, happening: Happening):
        super().__init__(happening.message)
        self.happening = happening


class EndedAtOnce(Exception):
    """The process has ended under questions that were asked together: which one it was, only asking one by one can tell."""


class Candidate:
    """An answer to one component. Subclasses give `_perform`."""

    def __init__(self, component: Component):
        self.component = component
        self.rules: set[str] = set()
        self.seen: set[str] = set()
        self._right: WeakKeyDictionary[Drawn, object] = WeakKeyDictionary()

    def _perform(self, name: str, args: tuple, meanwhile: Callable[[], object] | None = None) -> dict:
        """The reply of a procedure; `meanwhile` may be called while another process is at work on it."""
        raise NotImplementedError

    def perform(self, name: str, *args: object, meanwhile: Callable[[], object] | None = None) -> Any:
        """The result of a procedure; notes forbidden calls and changed inputs; raises `CandidateError`."""
        reply = self._perform(name, args, meanwhile)
        self.seen.update(reply["seen"])
        if self.seen:
            self.rules.add("uses-builtin")
        if reply["changed"]:
            self.rules.add("changes-input")
        if reply["happened"]:
            raise CandidateError(Happening.from_dict(reply["happened"]))
        return reply["result"]

    def remembered(self, law: str, find: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        """What `find` gives, which asks this answer and follows from its replies alone. `holds`: as of a right answer.

        Here it is found each time; `TranscriptCandidate` remembers it.
        """
        return find()

    def there(self, procedure: Callable, *args: object) -> Any:
        """Runs `procedure(component, *args)`, a function of a component's file, where the answer is."""
        return self.perform(f"{procedure.__module__}:{procedure.__name__}", *args)

    def raw(self, drawn: Drawn, compared: bool = False) -> Any:
        """The result of one use as it came; where it will be `compared`, the oracle may be at work at the same time."""
        return self.perform(f"{_HERE}:run", vars(drawn), meanwhile=(lambda: self._ready(drawn)) if compared else None)

    def _ready(self, drawn: Drawn) -> None:
        """Lets the oracle's result be there already when it is asked for; where it fails, it does so then."""
        with contextlib.suppress(CandidateError):
            self.right(drawn)

    def use(self, drawn: Drawn) -> Any:
        """The result of one use, of the oracle's form: a tensor, or a tuple of them."""
        return self._formed(self.raw(drawn, compared=True), drawn)

    def repeat(self, drawn: Drawn, times: int = 2) -> list:
        """The results of one and the same function or module, called `times` times."""
        return [self._formed(result, drawn) for result in self.perform(f"{_HERE}:repeat", vars(drawn), times)]

    def right(self, drawn: Drawn) -> Any:
        """The oracle's result."""
        if drawn not in self._right:
            self._right[drawn] = self._oracle().raw(drawn)
        return self._right[drawn]

    def slopes(self, drawn: Drawn, cotangents: list | None = None) -> dict[str, torch.Tensor | None]:
        """{input or parameter: the gradient of sum(output · cotangent), None where no path leads to it}."""
        cotangents = self.cotangents(drawn) if cotangents is None else cotangents
        result, grads = self.perform(f"{_HERE}:slopes", vars(drawn), cotangents)
        self._formed(result, drawn)
        wanted = self.right_slopes(drawn, cotangents)
        formed: dict[str, torch.Tensor | None] = {}
        for name, right in wanted.items():
            got = grads.get(name) if isinstance(grads, dict) else None
            formed[name] = None if got is None else expect.form(got, right, f"the gradient with respect to {name}")
        return formed

    def right_slopes(self, drawn: Drawn, cotangents: list | None = None) -> dict[str, torch.Tensor]:
        """The oracle's gradients; zeros where no path leads to an input or parameter.

        Of a model that takes its weights by a method of its own those of the inputs alone: its parameters have other names.
        """
        cotangents = self.cotangents(drawn) if cotangents is None else cotangents
        _, grads = self._oracle().perform(f"{_HERE}:slopes", vars(drawn), cotangents)
        leaves: dict[str, Any] = {**drawn.inputs, **(drawn.state or {} if drawn.loader is None else {})}
        return {name: torch.zeros_like(leaves[name]) if x is None else x for name, x in grads.items() if name in leaves}

    def cotangents(self, drawn: Drawn) -> list[torch.Tensor]:
        """Fixed random weights for the outputs, so that a sum over a softmax does not hide the gradient."""
        given = Case(seed=20)
        leaves = torch.utils._pytree.tree_leaves(self.right(drawn))
        return [given.normal(*x.shape).to(x.dtype) for x in leaves if isinstance(x, torch.Tensor) and x.is_floating_point()]

    def refusal(self, drawn: Drawn) -> Happening | None:
        """What happened instead of a result, or None where there was one."""
        try:
            self.raw(drawn)
        except CandidateError as error:
            if error.happening.gone:
                raise
            return error.happening
        return None

    def refusal_to_build(self, drawn: Drawn) -> Happening | None:
        """What happened instead of a module, or None where it was built."""
        try:
            self.state(drawn)
        except CandidateError as error:
            if error.happening.gone:
                raise
            return error.happening
        return None

    def state(self, drawn: Drawn) -> dict[str, torch.Tensor]:
        """The `state_dict` of a module as it is built, and after its `state`, if there is one, was loaded."""
        found = self.perform(f"{_HERE}:state", vars(drawn))
        fits = isinstance(found, dict) and all(isinstance(x, torch.Tensor) for x in found.values())
        if not fits:
            raise Failed("the state_dict holds other things than tensors.", about=About.FORM)
        return found

    def trainable(self, drawn: Drawn) -> dict[str, bool]:
        """{name of a parameter: whether it asks for a gradient} of a module as it is built."""
        found = self.perform(f"{_HERE}:trainable", vars(drawn))
        return {str(name): asks is True for name, asks in found.items()} if isinstance(found, dict) else {}

    def measure(self, drawn: Drawn) -> watch.Measurement:
        """Operations and memory of a use without autograd."""
        found = self.perform(f"{_HERE}:measure", vars(drawn))
        if not (isinstance(found, (tuple, list)) and len(found) == 3 and all(isinstance(n, int) for n in found)):
            raise Failed("the use could not be measured.", about=About.FORM)
        return watch.Measurement(*found)

    def elsewhere(self, drawn: Drawn) -> str | None:
        """What is on the wrong device when all inputs are on another one, or None."""
        found = self.perform(f"{_HERE}:elsewhere", vars(drawn))
        return found if isinstance(found, str) else None

    def _formed(self, result: object, drawn: Drawn) -> Any:
        parts = self.component.parts
        right = self.right(drawn)
        if self.component.form is not None:
            return self.component.form(result, right)
        whole = parts[0] if len(parts) == 1 else "the result"
        return expect.form(result, right, whole, parts if len(parts) > 1 else ())

    def _oracle(self) -> OracleCandidate:
        return OracleCandidate(self.component)


class LocalCandidate(Candidate):
    """An answer in this process. The reference stands in for the names `exchanged` of its `namespace` meanwhile."""

    _trusted = False

    def __init__(self, component: Component, answer: Any, namespace: dict | None = None, exchanged: Iterable[str] = ()):
        super().__init__(component)
        self._answer, self._exchanged = answer, tuple(exchanged)
        self._exchange = Exchange({} if namespace is None else namespace)

    def _perform(self, name: str, args: tuple, meanwhile: Callable[[], object] | None = None) -> dict:
        component = self.component
        with watch.one_at_a_time, self._exchange.during(self._exchanged), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)  # a mark is not a matter of luck
            return procedures.perform(
                self._answer,
                name,
                args,
                forbids=component.forbids,
                component_name=component.name,
                earlier=component.earlier,
                trusted=self._trusted,
            )


class OracleCandidate(LocalCandidate):
    """The reference's component: right by definition, and not watched. What it once said of the same use it remembers."""

    _trusted = True

    def __init__(self, component: Component):
        super().__init__(component, component.oracle)

    def perform(self, name: str, *args: object, meanwhile: Callable[[], object] | None = None) -> Any:
        asked = _asked(self.component, name, args)
        if asked is None:
            return super().perform(name, *args)
        if asked not in _said:
            if len(_said) >= _MOST_SAID:
                _said.clear()
            _said[asked] = self.component, super().perform(name, *args)
        return procedures.plain(_said[asked][1])


_MOST_SAID, _MOST_BYTES = 4096, 2**16
_said: dict[tuple, tuple[Component, Any]] = {}
"""What was asked of an oracle -> the component, so that its identity stays taken, and the result."""


def _asked(component: Component, name: str, args: tuple) -> tuple | None:
    """The use in a form that can be looked up; None where chance has a part in it, or where it is large."""
    if name not in (f"{_HERE}:run", f"{_HERE}:slopes"):
        return None
    use: Any = args[0]
    if use["training"] or (use["sizes"] is not None and use["state"] is None):
        return None
    with contextlib.suppress(TypeError, ValueError):
        return id(component), name, _frozen(args)
    return None


def _frozen(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        if value.nbytes > _MOST_BYTES:
            raise ValueError
        return str(value.dtype), tuple(value.shape), value.detach().contiguous().numpy().tobytes()
    if isinstance(value, dict):
        return tuple((key, _frozen(entry)) for key, entry in value.items())
    if isinstance(value, list | tuple):
        return type(value).__name__, *map(_frozen, value)
    return type(value).__name__, repr(value)
