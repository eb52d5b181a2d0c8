"""Laws on answers that draw: how often something comes out, and what a generator decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from autograder.framework import procedures, watch
from autograder.framework.authoring import Candidate, Case, Component, Drawn, Failed, Law, expect
from autograder.shared_laws.agreement import parts

SIGMAS = 6.0
KINDS: dict[str, Callable] = {"list": list, "set": set, "tuple": tuple, "tensor": torch.tensor}


def seeded(component: Callable, use: dict, seeds: list, times: int, kinds: dict[str, str]) -> list:
    """Runs where the answer is: so many results in a row for each seed of a generator; None is a call without one.

    `kinds` names the inputs that are handed over as another kind of collection than the list that they are.
    """
    results = []
    for number, seed in enumerate(seeds):
        torch.default_generator.manual_seed(100 + number)
        options = use["options"] | ({} if seed is None else {"generator": torch.Generator().manual_seed(seed)})
        inputs = {name: KINDS[kinds[name]](x) if name in kinds else x for name, x in use["inputs"].items()}
        results.append([procedures.run(component, {**use, "inputs": inputs, "options": options}) for _ in range(times)])
        tensors = [(x, inputs[name]) for name, x in use["inputs"].items() if kinds.get(name) == "tensor"]
        if not all(procedures.same(torch.tensor(before), after) for before, after in tensors):
            watch.note_change()
    return results


def draws(
    candidate: Candidate, drawn: Drawn, like: object, seeds: Sequence[int | None] = (None,), times: int = 1, **kinds: str
) -> list:
    """What `seeded` gives, each result of the form of `like`: a list of `times` for each seed."""
    component = candidate.component
    found = candidate.there(seeded, vars(drawn), list(seeds), times, kinds)
    rows = expect.form(found, ((None,) * times,) * len(seeds), "the draws")
    names = component.parts if len(component.parts) > 1 else ()
    whole = "the result" if names else component.parts[0]
    return [[expect.form(result, like, whole, names) for result in row] for row in rows]


def share(count: int, total: int, right: float, what: str, proves: str | None = None) -> None:
    """`count` of `total` independent cases are a share of `right`, to six standard deviations."""
    if abs(count - total * right) > SIGMAS * (total * right * (1 - right)) ** 0.5 + 1:
        raise Failed(f"{what}: expected a share of about {right:.3f}, got {count / max(total, 1):.3f} of {total}.", proves)


def add_common(component: Component, needs: Callable, many: Callable, small: Callable, like: Callable) -> None:
    """Adds laws of a quarter each: the generator decides; sizes of 1, int64, and devices.

    `many(case)` and `small(case)` give the uses to try; `like(drawn)` is a result of the right form.
    """

    def generator_decides(candidate: Candidate, case: Case) -> None:
        for drawn in many(case):
            _decides(candidate, drawn, like(drawn))

    def any_size_and_device(candidate: Candidate, case: Case) -> None:
        for drawn in small(case):
            draws(candidate, drawn, like(drawn))
            result: Any = candidate.raw(drawn)
            for name, got, _ in parts(component, result, like(drawn)):
                expect.true(got.dtype is torch.int64, f"{name}: expected dtype int64, got {expect.name_of(got.dtype)}.")
            mixed = candidate.elsewhere(drawn)
            expect.true(not mixed, f"{mixed}. A new tensor belongs on the device of the inputs.")

    told = (
        (generator_decides, "The generator alone decides: the same seed gives the same, and otherwise each draw is a new one",
         "Which of PyTorch's functions draw for you, and does each of them know of `generator`?"),
        (any_size_and_device, "It works for sizes of 1 and on any device, and gives int64",
         "Is an axis of size 1 dropped? Which of your tensors are made on the device of the inputs, and of which dtype?"),
    )  # fmt: skip
    for judge, sentence, hint in told:
        component.add(Law(judge.__name__, sentence, hint, judge, 0.25, needs.__name__, once=True))


def _decides(candidate: Candidate, drawn: Drawn, like: object) -> None:
    (one, later), (same, _), (other, _), (free, new) = draws(candidate, drawn, like, (5, 5, 6, None), times=2)
    for name, got, right in parts(candidate.component, same, one):
        expect.equal(got, right, f"{name} of a second generator with the same seed")
    for x, y, named in ((one, later, "of one generator"), (one, other, "of other seeds"), (free, new, "without a generator")):
        _, first, second = next(iter(parts(candidate.component, x, y)))
        expect.true(not torch.equal(first, second), f"two draws {named} are the same.")
