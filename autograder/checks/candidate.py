"""The narrow interface through which a check speaks to an answer.

`LocalCandidate` is an object of this process (the learner's kernel, a variant, the reference); `RemoteCandidate` in
`autograder.isolation` is one in another process. Both perform procedures and nothing else.
"""

import contextlib

import torch

from autograder.checks import procedures, watch
from autograder.checks.case import Case

_BUILTIN = "autograder.checks.procedures"


class CandidateError(Exception):
    """The answer raised: `type`, `message`, and where in the learner's code."""

    def __init__(self, type, message, line=None, text=None):
        super().__init__(message)
        self.type, self.message, self.line, self.text = type, message, line, text

    def sentence(self):
        """What happened, for the learner."""
        if self.type == "NotImplementedError":
            return "Nothing is here yet: write your version where the cell says so, run the cell, then run its check."
        if self.type == "SystemExit":
            return "Your code calls exit(): an answer returns its result and leaves the process running."
        if self.type in ("MemoryError", "OutOfMemory") or "can't allocate memory" in self.message:
            return "Your code asked for more memory than an answer may have: does a loop or a shape grow without end?"
        if self.type in ("Timeout", "Ended"):
            return self.message
        where = f" at line {self.line}: `{self.text}`" if self.text else ""
        return f"Your code raised {self.type}: {self.message or '(no message)'}{where}"


class Candidate:
    """An answer to one component. Subclasses give `_perform`."""

    def __init__(self, component):
        self.component = component
        self.rules = set()
        self.seen = set()

    def _perform(self, name, args):
        raise NotImplementedError

    def perform(self, name, *args):
        """The result of a procedure; notes forbidden calls and changed inputs; raises `CandidateError`."""
        reply = self._perform(name, args)
        self.seen.update(reply["seen"])
        if self.seen:
            self.rules.add("uses-builtin")
        if reply["changed"]:
            self.rules.add("changes-input")
        if reply["error"]:
            raise CandidateError(**reply["error"])
        return reply["result"]

    def __call__(self, *args, **kwargs):
        return self.perform(f"{_BUILTIN}:call", list(args), kwargs)

    def gradients(self, *args, cotangents=None, **kwargs):
        """(result, [gradient or None of each floating tensor among `args`])."""
        result, grads = self.perform(f"{_BUILTIN}:gradients", list(args), kwargs, _cotangents(self, args, kwargs, cotangents))
        return result, list(grads)

    def error(self, *args, **kwargs):
        """The `CandidateError` of a call, or None."""
        try:
            self(*args, **kwargs)
        except CandidateError as error:
            return error
        return None

    def measure(self, *args, **kwargs):
        """Operations and memory of a call without autograd, see `watch.Measurement`."""
        _, operations, largest, peak = self.perform(f"{_BUILTIN}:measure", list(args), kwargs)
        return watch.Measurement(operations, largest, peak)

    def module(self, *args, state=None, training=False, dtype=None, seed=None, **kwargs):
        """A description of a module that each use builds afresh; `state` is loaded strictly."""
        build = {
            "args": list(args),
            "kwargs": kwargs,
            "state": state,
            "training": training,
            "dtype": dtype,
            "seed": seed,
        }
        return ModuleHandle(self, build)

    def there(self, procedure, *args):
        """Runs `procedure(component, *args)`, a function of a checks module, where the answer is."""
        return self.perform(f"{procedure.__module__}:{procedure.__name__}", *args)


class ModuleHandle:
    """A module of the answer: constructor arguments, state, mode."""

    def __init__(self, candidate, build):
        self._candidate, self._build = candidate, build

    def __call__(self, *args, method=None, **kwargs):
        return self.repeat(*args, method=method, times=1, **kwargs)[0]

    def repeat(self, *args, method=None, times=2, **kwargs):
        """The results of one and the same module, called `times` times."""
        calls = [(method, list(args), kwargs)] * times
        return self._candidate.perform(f"{_BUILTIN}:module", self._build, [list(c) for c in calls])

    def gradients(self, *args, cotangents=None, method=None, **kwargs):
        """(result, gradients of the floating inputs, {parameter: gradient or None})."""
        if cotangents is None:
            cotangents = _like(self(*args, method=method, **kwargs))
        return self._candidate.perform(f"{_BUILTIN}:module_gradients", self._build, list(args), kwargs, cotangents, method)

    def state(self):
        """The `state_dict` of a module as it is built (after its `state` was loaded, if it has one)."""
        return self._candidate.perform(f"{_BUILTIN}:module_state", self._build)

    def error(self, *args, method=None, **kwargs):
        """The `CandidateError` of the building (no arguments) or of a call, or None."""
        try:
            if args or kwargs or method:
                self(*args, method=method, **kwargs)
            else:
                self.state()
        except CandidateError as error:
            return error
        return None


def _cotangents(candidate, args, kwargs, cotangents):
    return _like(candidate(*args, **kwargs)) if cotangents is None else cotangents


def _like(result):
    """Fixed random weights for the outputs, so that a sum over a softmax does not hide the gradient."""
    given = Case(seed=20)
    leaves = [x for x in torch.utils._pytree.tree_leaves(result) if isinstance(x, torch.Tensor) and x.is_floating_point()]
    return [given.normal(*x.shape).to(x.dtype) for x in leaves]


class LocalCandidate(Candidate):
    """An answer in this process. `namespace` and `exchange` name globals that the reference stands in for meanwhile."""

    def __init__(self, component, answer, namespace=None, exchange=None):
        super().__init__(component)
        self._answer, self._namespace, self._exchange = answer, namespace, exchange or {}

    def _perform(self, name, args):
        component = self.component
        with _exchanged(self._namespace, self._exchange), torch.random.fork_rng(devices=[]):
            return procedures.perform(
                self._answer,
                name,
                args,
                forbids=component.forbids,
                component_name=component.name,
                earlier=component.earlier,
            )


@contextlib.contextmanager
def _exchanged(namespace, exchange):
    if not exchange:
        yield
        return
    before = {name: namespace[name] for name in exchange if name in namespace}
    namespace.update(exchange)
    try:
        yield
    finally:
        for name in exchange:
            del namespace[name]
        namespace.update(before)
