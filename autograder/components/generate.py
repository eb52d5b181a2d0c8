"""What is checked of generate: a small model and a sampler, set up where the answer is, and what was asked of them."""

from collections.abc import Callable
from typing import Any

import torch

from autograder.framework import procedures
from autograder.words import Candidate, Case, Component, Drawn, decoding, expect

VOCAB, SIZE = 11, 6


class TextModel(decoding.TableModel):
    """A model without an encoder, which notes how long the texts were that it read."""

    failure = ValueError

    def __init__(self, tables: dict[str, torch.Tensor], fails_at: int = 0):
        super().__init__(tables, fails_at)
        self.notes: dict[str, Any] = {"read": [], "extended": [], "past": True}

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        self.notes["read"].append(tokens.shape[1])
        return self.decode(tokens, torch.zeros(len(tokens), 1, SIZE), tokens)


class Extending(TextModel):
    """The same with a cache: `past` is what was read."""

    last: torch.Tensor | None = None

    def extend(self, tokens: torch.Tensor, past: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        self.notes["extended"].append(tokens.clone())
        self.notes["past"] &= past is self.last
        self.last = tokens if past is None else torch.cat([past, tokens], dim=1)
        return self.decode(self.last, torch.zeros(len(tokens), 1, SIZE), tokens)[:, -tokens.shape[1] :], self.last


def sampler(shapes: list) -> Callable:
    """Takes the second best token; notes the shapes of the logits that it was given."""

    def second(logits: torch.Tensor) -> torch.Tensor:
        shapes.append(list(logits.shape))
        return logits.topk(2, dim=-1).indices[:, 1]

    return second


def generated(
    component: Callable, tables: dict, tokens: torch.Tensor, new: int, cache: bool, options: dict, modes: list, fails_at: int
) -> dict:
    """Runs where the answer is: what is told of the call, and what model and sampler noted."""
    model, shapes = (Extending if cache else TextModel)(tables, fails_at), []  # type: ignore[var-annotated]
    told = decoding.told(model, tokens, modes, lambda: component(model, tokens, new, sampler(shapes), **options))
    return told | procedures.plain({"shapes": shapes, **model.notes})


def prompt(case: Case) -> torch.Tensor:
    return case.fresh("prompt").integers(0, VOCAB, case.batch, case.seq)  # the same at every call


def tables(case: Case) -> dict[str, torch.Tensor]:
    return decoding.tables(case.fresh("tables"), VOCAB, size=SIZE)


def draw(case: Case) -> Drawn:
    return Drawn({"tokens": prompt(case)})


def run(
    candidate: Candidate, case: Case, new: int, cache: bool = False, modes: tuple = (False, False), fails: bool = False,
    use_cache: bool = True,
) -> dict:  # fmt: skip
    """What `generated` tells, its parts of the promised kinds but for `result`; `use_cache` is left to its default where True."""
    options = {} if use_cache else {"use_cache": False}
    found = candidate.there(generated, tables(case), prompt(case), new, cache, options, list(modes), decoding.FAILS_AT * fails)
    return decoding.formed(found, shapes=list, read=list, extended=list, past=bool)


def right(case: Case, new: int) -> torch.Tensor:
    """The whole text read anew for each token."""
    model, text, choose = TextModel(tables(case)).eval(), prompt(case), sampler([])
    with torch.no_grad():
        for _ in range(new):
            text = torch.cat([text, choose(model(text)[:, -1])[:, None]], dim=1)
    return text


def agree(told: dict, case: Case, new: int, where: str) -> None:
    """The model was in evaluation mode, without which no result can be compared, and the tokens are right."""
    decoding.in_evaluation(told)
    wanted = right(case, new)
    expect.equal(expect.form(told["result"], wanted, "the tokens"), wanted, f"the tokens {where}")
    odd = [shape for shape in told["shapes"] if shape != [case.batch, VOCAB]]
    expect.true(not odd, f"{where} the sampler was given logits of shape {odd[:1]}; expected {(case.batch, VOCAB)}.")


COMPONENT = Component(draw, cases=Case.table(861, "batch seq", (3, 5), (2, 7)), parts=("the tokens",))


@COMPONENT.law(points=0.25)
def first_token(candidate: Candidate, case: Case) -> None:
    """The first token is what the sampler chooses from the logits of the last place, behind the tokens that were given

    For a single step: what does the model read, which of its logits does the sampler get, and where does its token go?
    """
    told, wanted = run(candidate, case, 1), right(case, 1)
    got = expect.form(told["result"], wanted, "the tokens for max_new_tokens=1")
    expect.equal(got[:, :-1], wanted[:, :-1], "what stands in front of the token, for max_new_tokens=1,")
    if not told["trained"]:
        expect.equal(got[:, -1], wanted[:, -1], "the token for max_new_tokens=1")


@COMPONENT.law(points=0.25, needs=first_token)
def agrees(candidate: Candidate, case: Case) -> None:
    """Every further token is chosen after all tokens before it, with or without `use_cache`, and 0 new ones are none

    The model here has no `extend`: what does it read at each step?
    """
    for new, use_cache in ((6, True), (6, False), (0, True)):
        agree(run(candidate, case, new, use_cache=use_cache), case, new, f"for max_new_tokens={new} and a model without `extend`")


@COMPONENT.law(points=0.25, needs=first_token)
def cache_gives_the_same(candidate: Candidate, case: Case) -> None:
    """With a cache come the same tokens, and `extend` is used where the model has it and `use_cache` says so, nowhere else

    Two questions decide which way to go: what does the caller allow, and what does the model have?
    """
    for use_cache in (True, False):
        told, where = run(candidate, case, 5, True, use_cache=use_cache), f"with {use_cache=} and a model that has `extend`"
        agree(told, case, 5, where)
        used, other = ("`extend`", told["read"]) if use_cache else ("the model itself", told["extended"])
        expect.true(not other, f"{where} {used} alone is to be asked; the other way was gone {len(other)} times.")


@COMPONENT.law(points=0.25, needs=first_token)
def cache_reads_each_token_once(candidate: Candidate, case: Case) -> None:
    """`extend` gets each token once, and each time the past that it gave before

    What the cache holds need not be read again. What is new at the second step?
    """
    told, text = run(candidate, case, 5, cache=True), right(case, 5)
    decoding.in_evaluation(told)
    pieces = [x for x in told["extended"] if isinstance(x, torch.Tensor) and x.dim() == 2 and len(x) == case.batch]
    expect.true(bool(pieces), "the model has `extend`, and it was not asked.")
    read, width = torch.cat(pieces, dim=1), sum(x.shape[1] for x in pieces)
    told_width = f"`extend` was given {width} tokens a row altogether, for {text.shape[1]} in the result."
    expect.true(width <= text.shape[1], told_width, "cache-rereads" if width >= sum(range(case.seq, case.seq + 5)) else None)
    expect.equal(read, text[:, :width], "what `extend` was given, piece behind piece,")
    expect.true(told["past"], "`extend` was given another past than the one that it gave before.")


def told(candidate: Candidate, case: Case, modes: tuple[bool, bool], fails: bool, cache: bool) -> dict:
    found = run(candidate, case, 3, cache, modes, fails)
    if all(modes):
        agree(found, case, 3, "by a model that was in training mode")
    return found


ways = {"cache": False}, {"cache": True}
decoding.add_common(COMPONENT, first_token, "writes", told, "a ValueError, which passes through", ways)


@COMPONENT.law(points=0.25, needs=first_token, once=True)
def any_batch(candidate: Candidate, case: Case) -> None:
    """One row, and a text of one token, are written on too

    Is an axis of size 1 dropped on the way?
    """
    for batch, seq in ((1, case.seq), (case.batch, 1), (1, 1)):
        for cache in (False, True):
            small = case.at(batch=batch, seq=seq)
            agree(run(candidate, small, 3, cache), small, 3, f"behind tokens of shape {(batch, seq)}")
