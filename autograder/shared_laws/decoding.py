"""Laws on decoding: a small model that is set up where the answer is, and what an answer did with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from autograder.framework import procedures, watch
from autograder.framework.authoring import About, Candidate, Case, Component, Failed, Law

FAILED, FAILS_AT = "the model has failed", 2
PAD, BOS, EOS = 3, 2, 1  # other numbers than the chapter's: an answer has to take them from its arguments


class TableModel(nn.Module):
    """A model whose next token depends on all tokens before it and on the source, by tables of numbers.

    `decode` counts how often it was asked, whether gradients were on, and fails at its `fails_at`-th call. Both of its methods
    note in which mode the model was.
    """

    failure: type[Exception] = RuntimeError

    def __init__(self, tables: dict[str, torch.Tensor], fails_at: int = 0):
        super().__init__()
        self.pad_id, self.fails_at = PAD, fails_at
        self.calls: list[bool] = []
        self.flags: list[bool] = []
        self.tables = nn.ParameterDict({name: nn.Parameter(table) for name, table in tables.items()})
        self.noise = nn.Dropout(0.5)

    def encode(self, source: torch.Tensor) -> torch.Tensor:
        self.flags.append(self.training)
        return self.noise(self.tables["source"][source])

    def decode(self, target_in: torch.Tensor, memory: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        self.calls.append(torch.is_grad_enabled())
        self.flags.append(self.training)
        if len(self.calls) == self.fails_at:
            raise self.failure(FAILED)
        seq = target_in.shape[1]
        mixed = self.tables["target"][target_in].cumsum(dim=1) / torch.arange(1, seq + 1)[:, None].sqrt()
        return self.noise(torch.tanh(mixed + memory.mean(dim=1)[:, None] + self.tables["place"][:seq]) @ self.tables["output"])

    def forward(self, source: torch.Tensor, target_in: torch.Tensor) -> torch.Tensor:
        return self.decode(target_in, self.encode(source), source)


def tables(case: Case, vocab: int, longest: int = 40, size: int = 6) -> dict[str, torch.Tensor]:
    """Random tables. bos and padding are never likely; eos becomes likelier with every place."""
    shapes = {"source": (20, size), "target": (vocab, size), "place": (longest, size), "output": (size, vocab)}
    made = {name: case.normal(*shape, scale=2.0 if name == "output" else 1.0) for name, shape in shapes.items()}
    made["output"][:, [PAD, BOS]] *= 0.05  # small, and not alike: no two words tie
    made["place"][:, 0] += 0.35 * torch.arange(longest) - 0.6
    made["output"][0, EOS] = 3.0
    return made


def decoded(component: Callable, numbers: dict, source: torch.Tensor, settings: dict, modes: list, fails_at: int) -> dict:
    """Runs where the answer is: decodes with a model of these tables."""
    model = TableModel(numbers, fails_at)
    return told(model, source, modes, lambda: component(model, source, BOS, EOS, **settings))


def told(model: TableModel, given: torch.Tensor, modes: list, call: Callable) -> dict:
    """What became of a call that was `given` tokens and this model, whose training flags were `modes`.

    `result`, the modes of model and submodule afterwards, whether gradients were on, and whether it raised.
    """
    model.training, model.noise.training = modes
    before, raised, result = given.clone(), False, None
    with watch.on():
        try:
            result = call()
        except model.failure as error:
            raised = FAILED in str(error)
            if not raised:
                raise
    if not procedures.same(before, given):
        watch.note_change()
    return {
        "result": procedures.plain(result), "modes": [model.training, model.noise.training], "raised": raised,
        "gradients": any(model.calls), "trained": any(model.flags),
    }  # fmt: skip


def run(
    candidate: Candidate,
    case: Case,
    source: torch.Tensor,
    vocab: int,
    *,
    modes: tuple[bool, bool] = (False, False),
    fails: bool = False,
    **settings: Any,
) -> dict:
    """What `decoded` tells of a candidate, its parts of the promised kinds but for `result`."""
    numbers = tables(case.fresh("tables"), vocab)
    return formed(candidate.there(decoded, numbers, source, settings, list(modes), FAILS_AT * fails))


def formed(found: Any, **more: type) -> dict:
    """What `told` gave, its parts of the promised kinds but for `result`."""
    wanted = {"modes": list, "raised": bool, "gradients": bool, "trained": bool, **more}
    if not isinstance(found, dict) or not all(isinstance(found.get(name), kind) for name, kind in wanted.items()):
        raise Failed("the decoding told nothing of itself.", about=About.FORM)
    return found


def model(case: Case, vocab: int) -> TableModel:
    """The same model, here, in evaluation mode."""
    return TableModel(tables(case.fresh("tables"), vocab)).eval()


def add_common(
    component: Component, needs: Callable, does: str, run: Callable[..., dict], error: str = "an error", ways: tuple = ({},)
) -> None:
    """Adds laws of a quarter each: in evaluation mode and without gradients; training flags are left as they were.

    `run(candidate, case, modes, fails, **way)` tells what became of a call, as `told`, for the modes of model and submodule,
    and for a model that fails on the way or does not.
    """

    def evaluates(candidate: Candidate, case: Case) -> None:
        for way in ways:
            told = run(candidate, case, (True, True), False, **way)
            in_evaluation(told)
            if told["gradients"] is not False:
                raise Failed("the model was asked with gradients switched on: nothing is trained here, and they cost memory.")

    def leaves_modes_alone(candidate: Candidate, case: Case) -> None:
        for way in ways:
            _modes_as_before(lambda modes, fails: run(candidate, case, modes, fails, **way))  # noqa: B023

    component.add(Law(
        evaluates.__name__, f"It {does} in evaluation mode and without gradients",
        "A model that comes straight from training still drops things out. Who switches that off, and for how long?",
        evaluates, 0.25, needs.__name__, once=True,
    ))  # fmt: skip
    component.add(Law(
        leaves_modes_alone.__name__, f"The training flag of the model and of each of its parts is as it was, also after {error}",
        "One call for the whole model sets all its parts alike: were they alike before? "
        "And which code runs when the model raises?",
        leaves_modes_alone, 0.25, needs.__name__, edge=True, once=True,
    ))  # fmt: skip


def _modes_as_before(told_of: Callable[[tuple[bool, bool], bool], dict]) -> None:
    """The training flags of model and submodule are as they were, also where the model fails in the middle."""
    for training in (True, False):
        for fails in (False, True):
            told = told_of((training, not training), fails)
            if fails and not told["raised"]:
                raise Failed("the model failed, and its error did not reach the caller.")
            if list(told["modes"]) != [training, not training]:
                where = ", where the model fails in the middle" if fails else ""
                raise Failed(
                    f"the training flags of model and submodule were {[training, not training]}, and are {told['modes']} "
                    f"afterwards{where}."
                )


def in_evaluation(told: dict) -> None:
    """The model was never asked in training mode: no other result can be compared."""
    if told["trained"] is not False:
        raise Failed("the model was asked while it was in training mode, where dropout acts.", proves="dropout-in-eval")
