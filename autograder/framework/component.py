"""A component with its laws, cases and probes, found by its name."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch

from autograder.framework.case import Case
from autograder.framework.law import Law, law_of
from utils import reference
from utils.manifest import load


@dataclass(eq=False)
class Drawn:
    """One use of a component: `inputs` by position, with the names that messages give them; `options` by name.

    Of a module `sizes` are the constructor's arguments, `settings` its arguments by name, `state` the weights to load
    (None: as built), `loader` the method that loads them (None: `load_state_dict`), and `method` what is called (None: the
    module itself).
    """

    inputs: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    sizes: tuple | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    state: dict[str, torch.Tensor] | None = None
    training: bool = False
    seed: int | None = None
    method: str | None = None
    loader: str | None = None

    def with_options(self, **options: object) -> Drawn:
        return self._with(options={**self.options, **options})

    def with_inputs(self, **inputs: object) -> Drawn:
        """The same use with other values of some inputs."""
        unknown = inputs.keys() - self.inputs.keys()
        if unknown:
            raise KeyError(f"no input {', '.join(sorted(unknown))}: there are {', '.join(self.inputs)}")
        return self._with(inputs={**self.inputs, **inputs})

    def _with(self, **changes: Any) -> Drawn:
        return Drawn(**{**self.__dict__, **changes})

    def to(self, dtype: torch.dtype) -> Drawn:
        """The same use with all floating tensors of another precision."""
        return self._with(inputs=_cast(self.inputs, dtype), options=_cast(self.options, dtype), state=_cast(self.state, dtype))

    @property
    def floating(self) -> list[str]:
        """The names of the inputs that have a gradient."""
        return [name for name, x in self.inputs.items() if isinstance(x, torch.Tensor) and x.is_floating_point()]


def _cast(values: dict | None, dtype: torch.dtype) -> Any:
    if values is None:
        return None
    return {name: x.to(dtype) if isinstance(x, torch.Tensor) and x.is_floating_point() else x for name, x in values.items()}


@dataclass(frozen=True)
class Probe:
    """Fixed inputs that isolate one property, for the diagnosis: a row of a component's table of probes.

    `given` draws them from a fixed stream: a `Drawn`, or None where `look` makes its own. With `gradient` the gradients are
    looked at, not the result. `look(candidate, case)` may say in other words what came out.
    """

    given: Callable[[Case], Drawn] | None = None
    gradient: bool = False
    look: Callable | None = None

    @classmethod
    def table(cls, draw: Callable[[Case], Drawn], names: str, rows: Mapping[str, Sequence[int]]) -> dict[str, Probe]:
        """{name: the probe that draws at the sizes of its row}; `names` heads the columns: `"batch seq"`."""
        sizes: dict[str, Any] = {name: dict(zip(names.split(), row, strict=True)) for name, row in rows.items()}
        return {name: cls(partial(_at, draw, some)) for name, some in sizes.items()}


def _at(draw: Callable[[Case], Drawn], sizes: dict[str, Any], case: Case) -> Drawn:
    return draw(case.at(**sizes))


class Component:
    """One component of the contract.

    `draw(case)` gives one use of it (`Drawn`); the module in which that stands has the component's name, unless `name` says
    another. `parts` name what comes back. `cases` are what learners' answers are run on.
    `forbids` is a key of `watch.FORBIDDEN`. `form(got, right)` validates a result that `expect.form` cannot.
    """

    def __init__(
        self,
        draw: Callable[..., Drawn],
        cases: Sequence[Case],
        *,
        name: str | None = None,
        parts: Sequence[str] = ("the result",),
        probes: Mapping[str, Probe] | None = None,
        forbids: str | None = None,
        oracle: object = None,
        form: Callable | None = None,
        also: Sequence[str] = (),
    ):
        self.name = name or draw.__module__.rpartition(".")[2]
        self.draw, self.cases, self.parts = draw, list(cases), tuple(parts)
        self.probes: dict[str, Probe] = dict(probes or {})
        self.forbids, self.form = forbids, form
        self.laws: list[Law] = []
        self._oracle, self._also = oracle, frozenset(also)

    @cached_property
    def oracle(self) -> Any:
        """The reference's component."""
        return self._oracle if self._oracle is not None else reference.COMPONENTS[self.name]

    def law(
        self, points: float, *, needs: Callable | None = None, cases: Sequence[Case] | None = None, where: Callable | None = None,
        edge: bool = False, once: bool = False,
    ) -> Callable:  # fmt: skip
        """Registers the function below as a law. Its docstring is the law's sentence and, after a blank line, its hint.

        It takes the candidate and the case and, as a third parameter where it has one, what the component draws for the case.
        `needs` is the function of an earlier law; for the rest see `Law`.
        """

        def register(judge: Callable) -> Callable:
            earlier = needs.__name__ if needs else None
            self.add(law_of(self._given(judge), points, earlier, cases=cases, where=where, edge=edge, once=once))
            return judge

        return register

    def _given(self, judge: Callable) -> Callable:
        """A law that asks for what the component draws, given it."""
        if len(inspect.signature(judge).parameters) < 3:
            return judge

        @functools.wraps(judge)
        def judged(candidate: Any, case: Case) -> None:
            judge(candidate, case, self.draw(case))

        return judged

    def add(self, law: Law) -> Callable:
        """Registers a law that was made elsewhere (`autograder.shared_laws`) and gives its function."""
        if law.needs is not None and law.needs not in {earlier.name for earlier in self.laws}:
            raise ValueError(f"{self.name}: the law {law.name} needs {law.needs}, which is not an earlier law")
        if law.name in {earlier.name for earlier in self.laws}:
            raise ValueError(f"{self.name}: there are two laws {law.name}")
        self.laws.append(law)
        return law.judge

    @cached_property
    def input_points(self) -> float:
        """What an answer earns by leaving its inputs alone: nothing where they are single numbers."""
        inputs = self.draw(self.cases[0]).inputs.values()
        return 0.0 if all(isinstance(x, int | float) for x in inputs) else 0.25

    @property
    def points(self) -> float:
        return sum(law.points for law in self.laws) + self.input_points

    @cached_property
    def chapter(self) -> str:
        return load().exercise(self.name).chapter

    @cached_property
    def earlier(self) -> frozenset[str]:
        """Components of the course that come before this one: what an answer may build on."""
        names = [exercise.id for exercise in load().exercises]
        before = names[: names.index(self.name)] if self.name in names else []
        return frozenset(before) | self._also

    @property
    def chapter_mates(self) -> frozenset[str]:
        """Earlier components of the same chapter: one that is missing is a mistake of its own exercise, not of this one."""
        return frozenset(exercise.id for exercise in load().chapter(self.chapter).exercises) & self.earlier

    def cases_of(self, law: Law) -> list[Case]:
        """The visible cases of `law`."""
        cases = self.cases if law.cases is None else law.cases
        return _first(law, [case for case in cases if law.where is None or law.where(case)])

    def hidden_cases_of(self, law: Law, hidden: Mapping[str, Sequence[Mapping]]) -> list[Case]:
        """The hidden cases of `law` out of a chapter's `CASES`: those of the component, or of a law with cases of its own."""
        key = self.name if law.cases is None else f"{self.name}.{law.name}"
        cases = [Case(**sizes) for sizes in hidden.get(key, ())]
        return _first(law, [case for case in cases if law.where is None or law.where(case)])


def _first(law: Law, cases: list[Case]) -> list[Case]:
    return cases[:1] if law.once else cases


def component(name: str) -> Component:
    """The component called `name`. `KeyError` for a name that the course does not have."""
    load().exercise(name)
    return importlib.import_module(f"autograder.components.{name}").COMPONENT
