"""What is checked of generate: a small model and a sampler, set up where the answer is, and what was asked of them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from autograder.framework import expect, procedures, watch
from autograder.framework.candidate import Candidate
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn, Probe
from autograder.framework.expect import About, Failed

VOCAB, SIZE, LONGEST = 11, 6, 24
TOO_LONG = "max_len=24: a text of so many tokens is too long"


class Text(nn.Module):
    """A model whose logits depend on every token so far, by tables of numbers. It notes what it was asked, and how."""

    def __init__(self, tables: dict[str, torch.Tensor]):
        super().__init__()
        self.tables = nn.ParameterDict({name: nn.Parameter(table) for name, table in tables.items()})
        self.noise = nn.Dropout(0.5)
        self.notes: dict[str, Any] = {"read": [], "extended": [], "gradients": False, "trained": False, "past": True}

    def step(self, tokens: torch.Tensor, before: torch.Tensor, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.notes["gradients"] |= torch.is_grad_enabled()
        self.notes["trained"] |= self.training
        if place + tokens.shape[1] > LONGEST:
            raise ValueError(TOO_LONG)
        sums = before[:, None] + self.tables["tokens"][tokens].cumsum(dim=1)
        mixed = torch.tanh(sums + self.tables["places"][place : place + tokens.shape[1]])
        return self.noise(mixed @ self.tables["output"]), sums[:, -1]

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        self.notes["read"].append(tokens.shape[1])
        return self.step(tokens, torch.zeros(len(tokens), SIZE), 0)[0]


class Extending(Text):
    """The same with a cache: `past` is what was summed up, and how many tokens that were."""

    last: Any = None

    def extend(self, tokens: torch.Tensor, past: Any = None) -> tuple[torch.Tensor, Any]:
        self.notes["extended"].append(tokens.clone())
        self.notes["past"] &= past is self.last
        before, place = (torch.zeros(len(tokens), SIZE), 0) if past is None else past
        logits, sums = self.step(tokens, before, place)
        self.last = (sums, place + tokens.shape[1])
        return logits, self.last


def sampler(notes: list) -> Callable:
    """Takes the second best token; notes the shapes of the logits that it was given."""

    def second(logits: torch.Tensor) -> torch.Tensor:
        notes.append(list(logits.shape))
        return logits.topk(2, dim=-1).indices[:, 1]

    return second


def generated(component: Callable, tables: dict, tokens: torch.Tensor, new: int, cache: bool, options: dict, modes: list) -> dict:
    """Runs where the answer is: what came out, or which ValueError, and what model and sampler noted."""
    model = (Extending if cache else Text)(tables)
    model.training, model.noise.training = modes
    before, result, raised = tokens.clone(), None, ""
    asked: list = []
    with watch.on():
        try:
            result = component(model, tokens, new, sampler(asked), **options)
        except ValueError as error:
            if TOO_LONG not in str(error):
                raise
            raised = str(error)
    if not procedures.same(before, tokens):
        watch.note_change()
    told = {
        "result": procedures.plain(result),
        "raised": raised,
        "shapes": asked,
        "modes": [model.training, model.noise.training],
    }
    return told | {name: procedures.plain(note) for name, note in model.notes.items()}


def prompt(case: Case) -> torch.Tensor:
    return case.fresh("prompt").integers(0, VOCAB, case.batch, case.seq)  # the same at every call


def tables(case: Case) -> dict[str, torch.Tensor]:
    case = case.fresh("tables")
    return {
        "tokens": case.normal(VOCAB, SIZE),
        "places": case.normal(LONGEST, SIZE),
        "output": case.normal(SIZE, VOCAB, scale=2.0),
    }


def draw(case: Case) -> Drawn:
    return Drawn({"tokens": prompt(case)})


def run(candidate: Candidate, case: Case, new: int, cache: bool = False, modes: tuple = (False, False), **options: Any) -> dict:
    """What `generated` tells, its parts of the promised kinds but for `result`."""
    told = candidate.there(generated, tables(case), prompt(case), new, cache, options, list(modes))
    wanted = {
        "raised": str,
        "shapes": list,
        "modes": list,
        "read": list,
        "extended": list,
        "gradients": bool,
        "trained": bool,
        "past": bool,
    }
    if not isinstance(told, dict) or not all(isinstance(told.get(name), kind) for name, kind in wanted.items()):
        raise Failed("the writing told nothing of itself.", about=About.FORM)
    return told


def right(case: Case, new: int) -> torch.Tensor:
    """The whole text read anew for each token."""
    model, text, choose = Text(tables(case)).eval(), prompt(case), sampler([])
    with torch.no_grad():
        for _ in range(new):
            text = torch.cat([text, choose(model(text)[:, -1])[:, None]], dim=1)
    return text


def agree(told: dict, case: Case, new: int, where: str) -> None:
    """The model was in evaluation mode, without which no result can be compared, and the tokens are right."""
    if told["trained"]:
        raise Failed("the model was asked while it was in training mode, where dropout acts.", proves="dropout-in-eval")
    expect.true(not told["raised"], f"{where} the model was asked for more than it was given and {new} tokens: {told['raised']}.")
    wanted = right(case, new)
    expect.equal(expect.form(told["result"], wanted, "the tokens"), wanted, f"the tokens {where}")
    odd = [shape for shape in told["shapes"] if shape != [case.batch, VOCAB]]
    expect.true(not odd, f"{where} the sampler was given logits of shape {odd[:1]}; expected {(case.batch, VOCAB)}.")


def given(cache: bool, training: bool = False) -> Probe:
    def look(candidate: Candidate, case: Case) -> Any:
        told = run(candidate, case.at(batch=2, seq=3), 4, cache, (training, training))
        kinds = [told["trained"], told["read"], [x.shape[1] for x in told["extended"] if isinstance(x, torch.Tensor)]]
        return [*kinds, None if training or told["trained"] else told["result"]]  # what dropout lets through is new each time

    return Probe(look=look)


COMPONENT = Component(
    __name__,
    draw,
    cases=[Case(seed=861, batch=3, seq=5), Case(seed=862, batch=2, seq=7)],
    parts=("the tokens",),
    probes={"plain": given(False), "cache": given(True), "training": given(False, True), "training, cache": given(True, True)},
)


@COMPONENT.law(points=0.25)
def first_token(candidate: Candidate, case: Case) -> None:
    """The first token is what the sampler chooses from the logits of the last place, behind the tokens that were given

    For a single step: what does the model read, which of its logits does the sampler get, and where does its token go?
    """
    told = run(candidate, case, 1)
    wanted = right(case, 1)
    got = expect.form(told["result"], wanted, "the tokens for max_new_tokens=1")
    expect.equal(got[:, :-1], wanted[:, :-1], "what stands in front of the token, for max_new_tokens=1,")
    if not told["trained"]:
        expect.equal(got[:, -1], wanted[:, -1], "the token for max_new_tokens=1")


@COMPONENT.law(points=0.25, needs=first_token)
def agrees(candidate: Candidate, case: Case) -> None:
    """Every further token is chosen after all tokens before it, with or without `use_cache`, and 0 new ones are none

    The model here has no `extend`: what does it read at each step?
    """
    ways: list[tuple[int, dict[str, Any]]] = [(6, {}), (6, {"use_cache": False}), (0, {})]
    for new, options in ways:
        agree(run(candidate, case, new, **options), case, new, f"for max_new_tokens={new} and a model without `extend`")


@COMPONENT.law(points=0.25, needs=first_token)
def cache_gives_the_same(candidate: Candidate, case: Case) -> None:
    """With a cache come the same tokens, and `extend` is used where the model has it and `use_cache` says so, nowhere else

    Two questions decide which way to go: what does the caller allow, and what does the model have?
    """
    ways: list[tuple[bool, dict[str, Any]]] = [(True, {}), (False, {"use_cache": False})]
    for use_cache, options in ways:
        told, where = run(candidate, case, 5, cache=True, **options), f"with {use_cache=} and a model that has `extend`"
        agree(told, case, 5, where)
        used, other = ("`extend`", told["read"]) if use_cache else ("the model itself", told["extended"])
        expect.true(not other, f"{where} {used} alone is to be asked; the other way was gone {len(other)} times.")


@COMPONENT.law(points=0.25, needs=first_token)
def cache_reads_each_token_once(candidate: Candidate, case: Case) -> None:
    """`extend` gets each token once, and each time the past that it gave before

    What the cache holds need not be read again. What is new at the second step?
    """
    told, text = run(candidate, case, 5, cache=True), right(case, 5)
    pieces = [x for x in told["extended"] if isinstance(x, torch.Tensor) and x.dim() == 2 and len(x) == case.batch]
    read = torch.cat(pieces, dim=1) if pieces else text[:, :0]
    expect.true(bool(pieces), "the model has `extend`, and it was not asked.")
    width = read.shape[1]
    told_width = f"`extend` was given {width} tokens a row altogether, for {text.shape[1]} in the result."
    expect.true(width <= text.shape[1], told_width, "cache-rereads" if width >= sum(range(case.seq, case.seq + 5)) else None)
    expect.equal(read, text[:, :width], "what `extend` was given, piece behind piece,")
    expect.true(told["past"], "`extend` was given another past than the one that it gave before.")


@COMPONENT.law(points=0.25, needs=first_token, once=True)
def evaluates(candidate: Candidate, case: Case) -> None:
    """It writes in evaluation mode and without gradients

    A model that comes straight from training still drops things out. Who switches that off, and for how long?
    """
    for cache in (False, True):
        told = run(candidate, case, 3, cache, (True, True))
        agree(told, case, 3, "by a model that was in training mode")
        expect.true(not told["gradients"], "the model was asked with gradients switched on: nothing is trained here.")


@COMPONENT.law(points=0.25, needs=first_token, edge=True, once=True)
def leaves_modes_alone(candidate: Candidate, case: Case) -> None:
    """The training flag of the model and of each of its parts is as it was, also after a ValueError, which passes through

    One call for the whole model sets all its parts alike: were they alike before? And which code runs when the model raises?
    """
    for training in (True, False):
        for new in (2, LONGEST):
            for cache in (False, True):
                told = run(candidate, case, new, cache, (training, not training))
                expect.true(
                    bool(told["raised"]) == (new == LONGEST), "the model raised a ValueError, and it did not reach the caller."
                )
                modes, where = [training, not training], ", where the model raised a ValueError" if new == LONGEST else ""
                after = f"the training flags of model and submodule were {modes}, and are {told['modes']} afterwards"
                expect.true(told["modes"] == modes, f"{after}{where}.")


@COMPONENT.law(points=0.25, needs=first_token, once=True)
def any_batch(candidate: Candidate, case: Case) -> None:
    """One row, and a text of one token, are written on too

    Is an axis of size 1 dropped on the way?
    """
    for batch, seq in ((1, case.seq), (case.batch, 1), (1, 1)):
        for cache in (False, True):
            small = case.at(batch=batch, seq=seq)
            agree(run(candidate, small, 3, cache), small, 3, f"behind tokens of shape {(batch, seq)}")
