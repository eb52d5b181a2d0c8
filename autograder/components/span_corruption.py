"""What is checked of span_corruption."""

from collections.abc import Callable
from typing import Any

import torch

from autograder.framework import procedures, watch
from autograder.words import About, Candidate, Case, Component, Drawn, Failed, Probe, expect

EOS = 1
SENTINELS = [99, 97, 98, 95, 96]  # not one step apart, and more than there are spans


def draw(case: Case) -> Drawn:
    """Tokens of few kinds, so that most occur more than once, and spans with at least one token between them."""
    cuts = sorted(case.permutation(case.seq - case.spans)[: 2 * case.spans].tolist())
    spans = [(cuts[2 * i] + i, cuts[2 * i + 1] - cuts[2 * i]) for i in range(case.spans)]
    return of(case.integers(3, 9, case.seq).tolist(), spans)


def of(tokens: list[int], spans: list[tuple[int, int]]) -> Drawn:
    return Drawn({"tokens": tokens, "spans": spans, "sentinel_ids": SENTINELS, "eos_id": EOS})


def given(*spans: tuple[int, int]) -> Probe:
    return Probe(look=lambda candidate, case: of_ints(candidate.raw(of([5, 3, 8, 5, 4, 7, 3, 6], list(spans)))))


def of_ints(result: Any) -> tuple[list[int], list[int]]:
    """The pair as lists of ints. Lists, tuples and tensors of one axis will do, and tensors without axes in a list."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Failed(f"expected a pair: inputs, targets; got {expect.kind_of(result)}.", about=About.FORM)
    pair: list[list[Any]] = []
    for name, part in zip(("inputs", "targets"), result, strict=True):
        entries = part.tolist() if isinstance(part, torch.Tensor) and part.dim() == 1 else part
        if not isinstance(entries, (tuple, list)):
            raise Failed(f"the {name}: expected a list of ints, got {expect.kind_of(part)}.", about=About.FORM)
        found = [x.item() if isinstance(x, torch.Tensor) and not x.dim() else x for x in entries]
        strange = [x for x in found if type(x) is not int]
        if strange:
            raise Failed(f"the {name}: expected a list of ints, got {expect.kind_of(strange[0])} in it.", about=About.FORM)
        pair.append(found)
    return pair[0], pair[1]


COMPONENT = Component(
    draw,
    cases=Case.table(831, "seq spans", (13, 3), (9, 2)),
    parts=("inputs", "targets"),
    form=lambda got, right: of_ints(got),
    probes={"two spans": given((1, 2), (5, 1)), "no spans": given(), "touching": given((0, 1), (1, 2)), "the end": given((6, 2))},
)


def call(component: Callable, use: dict) -> Any:
    """Runs where the answer is: the result; lists that it was given and that are others afterwards are noted."""
    args = [list(x) if isinstance(x, list) else x for x in use["inputs"].values()]
    with watch.on():
        result = component(*args)
    if args != list(use["inputs"].values()):
        watch.note_change()
    return procedures.plain(result)


def cut(candidate: Candidate, drawn: Drawn) -> tuple[list[int], list[int]]:
    return of_ints(candidate.there(call, vars(drawn)))


def marked(found: list[int]) -> list[object]:
    """The same list with one and the same mark for every sentinel."""
    return ["sentinel" if x in SENTINELS else x for x in found]


def without_ends(candidate: Candidate, drawn: Drawn) -> tuple[list[int], list[int]]:
    """The pair without eos or a sentinel too many at an end: a law of its own asks for what stands there."""
    inputs, targets = cut(candidate, drawn)
    length = sum(1 + length for _, length in drawn.inputs["spans"])
    closed = all(x == EOS or x in SENTINELS for x in targets[length:])
    return inputs[:-1] if inputs[-1:] == [EOS] else inputs, targets[:length] if closed else targets


def same(name: str, drawn: Drawn, got: list, right: list) -> None:
    shown = f"of {drawn.inputs['tokens']} with the spans {drawn.inputs['spans']}"
    expect.true(got == right, f"the {name} {shown}: expected {right}, got {got}.")


@COMPONENT.law(points=0.25)
def every_token_in_its_list(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Tokens outside the spans stay in the inputs, those inside go to the targets, in their order

    A span (start, length) begins at position start: which position is the first one after it?
    """
    inside = {start + i for start, length in drawn.inputs["spans"] for i in range(length)}
    for (name, kept), found in zip((("inputs", False), ("targets", True)), cut(candidate, drawn), strict=True):
        right = [token for place, token in enumerate(drawn.inputs["tokens"]) if (place in inside) is kept]
        same(f"tokens of the {name}", drawn, [x for x in found if x != EOS and x not in SENTINELS], right)


@COMPONENT.law(points=0.5, needs=every_token_in_its_list)
def own_sentinel(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Each span has the next sentinel, once in the inputs and once before its tokens in the targets

    Read your two lists and put every span back into its place: what tells you where it belongs?
    """
    (inputs, targets), right = without_ends(candidate, drawn), candidate.right(drawn)
    same("inputs", drawn, inputs, right[0])
    same("targets up to eos", drawn, targets, right[1][:-1])


@COMPONENT.law(points=0.25, needs=every_token_in_its_list)
def edges(candidate: Candidate, case: Case) -> None:
    """Spans at the start, at the end, side by side, or over everything are cut like any other

    What of your loop is done once too often, or not at all, when there is nothing between two spans or after the last?
    """
    tokens, n = draw(case).inputs["tokens"], case.seq
    for spans in ([(0, 2)], [(n - 2, 2)], [(1, 2), (3, 1), (4, 2)], [(0, n)], [(0, 1), (1, n - 1)]):
        drawn = of(tokens, spans)
        (inputs, targets), right = without_ends(candidate, drawn), candidate.right(drawn)
        same("inputs", drawn, marked(inputs), marked(right[0]))
        same("targets up to eos", drawn, marked(targets), marked(right[1][:-1]))


@COMPONENT.law(points=0.25, needs=every_token_in_its_list)
def ends_with_eos(candidate: Candidate, case: Case) -> None:
    """The targets end with eos, right after the last span's tokens, and the inputs do not

    Which of the two lists is written by the model, and how does it say that it is done?
    """
    for drawn in (draw(case), of(draw(case).inputs["tokens"], []), of([4, 5], [(0, 2)])):
        inputs, targets = cut(candidate, drawn)
        same("places of eos in the inputs", drawn, [i for i, x in enumerate(inputs) if x == EOS], [])
        length = sum(1 + length for _, length in drawn.inputs["spans"])
        same("last of the targets", drawn, targets[length:], [EOS])
