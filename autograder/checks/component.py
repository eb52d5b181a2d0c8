"""The registry: each component with its laws, cases and probes."""

import importlib
from dataclasses import dataclass

from autograder.checks.case import Case
from autograder.manifest import load

REGISTRY = {}


@dataclass(frozen=True)
class Law:
    """A sentence that holds for every right answer."""

    name: str
    judge: object
    points: float
    hint: str
    needs: str | None
    cases: object


class Component:
    """One component of the contract.

    `forbids` is a key of `watch.FORBIDDEN`; `oracle` the reference; `cases` what learners' answers are run on;
    `input_points` the part of the points that an answer earns by leaving its inputs alone (0 where it has no tensor
    inputs).
    """

    def __init__(self, name, chapter, oracle, cases, forbids=None, input_points=0.25):
        self.name, self.chapter, self.oracle, self.cases = name, chapter, oracle, cases
        self.forbids, self.input_points = forbids, input_points
        self.laws, self.probes = [], {}
        REGISTRY[name] = self

    def law(self, name, points, hint, needs=None, cases=None):
        """Registers `judge(candidate, case)` under its sentence.

        `needs` is the sentence of an earlier law without which this one is not judged; `cases` a filter of cases, or a
        list of its own that stands instead of them.
        """

        def register(judge):
            self.laws.append(Law(name, judge, points, hint, needs, cases))
            return judge

        return register

    def probe(self, name):
        """Registers `run(candidate, given)`: fixed inputs that isolate one property, for the diagnosis."""

        def register(run):
            self.probes[name] = run
            return run

        return register

    @property
    def points(self):
        return sum(law.points for law in self.laws) + self.input_points

    @property
    def earlier(self):
        """Components of the course that come before this one: what an answer may build on."""
        names = [exercise.id for chapter in load().chapters for exercise in chapter.exercises]
        return frozenset(names[: names.index(self.name)]) if self.name in names else frozenset()

    @property
    def chapter_mates(self):
        """Earlier components of the same chapter: one that is missing is a mistake of its own exercise, not of this one."""
        return frozenset(exercise.id for exercise in load().chapter(self.chapter).exercises) & self.earlier

    def cases_of(self, law, extra=()):
        """The visible cases of `law`, or, with `extra` (hidden cases as dicts), those."""
        if extra:
            cases = [Case(**sizes) for sizes in extra]
            return [case for case in cases if law.cases(case)] if callable(law.cases) else [] if law.cases else cases
        if callable(law.cases):
            return [case for case in self.cases if law.cases(case)]
        return law.cases or self.cases


def component(name):
    """The component called `name`, its chapter's laws loaded. `KeyError` for a name that the course does not have."""
    if name not in REGISTRY:
        exercise = load().exercise(name)
        importlib.import_module(f"autograder.checks.{load().chapter(exercise.chapter).name}")
    return REGISTRY[name]
