"""What is checked of mask_tokens: what holds for every token, and shares among many of them."""

from collections.abc import Callable
from typing import Any

import torch

from autograder.framework import expect, procedures, watch
from autograder.framework.candidate import Candidate
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn
from autograder.framework.expect import Failed

IGNORED, SPECIALS, SIGMAS = -100, 5, 6.0
KINDS: dict[str, Callable] = {"list": list, "set": set, "tuple": tuple, "tensor": torch.tensor}


def draw(case: Case, kind: str = "list") -> Drawn:
    """Tokens of all ids, the special ones too; the last special id is the mask's."""
    special = case.permutation(case.vocab)[:SPECIALS].tolist()
    tokens = case.integers(0, case.vocab, case.batch, case.seq)
    return Drawn({"tokens": tokens, "mask_id": special[-1], "vocab_size": case.vocab, "special_ids": KINDS[kind](special)})


COMPONENT = Component(
    __name__,
    draw,
    cases=[Case(seed=811, batch=211, seq=307, vocab=53), Case(seed=812, batch=307, seq=197, vocab=37)],
    parts=("the inputs", "the labels"),
)


def masked(
    component: Callable, tokens: torch.Tensor, mask_id: int, vocab: int, special: list, kind: str, rate: Any, seeds: list
) -> list:
    """Runs where the answer is: a result for each seed of a generator; None is a call without one."""
    results = []
    for seed in seeds:
        given, ids = tokens.clone(), KINDS[kind](special)
        options = ({} if rate is None else {"rate": rate}) | (
            {} if seed is None else {"generator": torch.Generator().manual_seed(seed)}
        )
        with watch.on():
            result = component(given, mask_id, vocab, ids, **options)
        results.append(procedures.plain(result))
        if not procedures.same(tokens, given) or (kind == "tensor" and not procedures.same(torch.tensor(special), ids)):
            watch.note_change()
    return results


class Masked:
    """What an answer made of many tokens. `chosen`: where a label stands; of ordinary tokens alone where nothing else is said."""

    def __init__(self, drawn: Drawn, result: Any):
        self.tokens, self.mask_id = drawn.inputs["tokens"], drawn.inputs["mask_id"]
        self.inputs, self.labels = expect.form(result, (self.tokens, self.tokens), "the result", COMPONENT.parts)
        self.special_ids = sorted(drawn.inputs["special_ids"])
        self.special = torch.isin(self.tokens, torch.tensor(self.special_ids))
        self.labelled, self.changed = self.labels != IGNORED, self.inputs != self.tokens
        self.everything = bool(self.labelled[~self.special].all())
        self.chosen = (self.changed if self.everything else self.labelled) & ~self.special


def calls(
    candidate: Candidate, case: Case, rate: float | None = None, seeds: tuple = (None,), kind: str = "list"
) -> list[Masked]:
    drawn = draw(case)
    tokens, mask_id, vocab, special = drawn.inputs.values()
    found = candidate.there(masked, tokens, mask_id, vocab, special, kind, rate, list(seeds))
    return [Masked(drawn, result) for result in expect.form(found, (None,) * len(seeds))]


def share(count: int, total: int, right: float, what: str, proves: str | None = None) -> None:
    """`count` of `total` independent cases are a share of `right`, to six standard deviations."""
    if abs(count - total * right) > SIGMAS * (total * right * (1 - right)) ** 0.5 + 1:
        raise Failed(f"{what}: expected a share of about {right:.3f}, got {count / max(total, 1):.3f} of {total}.", proves)


@COMPONENT.law(points=0.25)
def labels_say_what_stood_there(candidate: Candidate, case: Case) -> None:
    """Some inputs are changed, and at each of those the label is the token that stood there

    A label is the right answer to a blank: the token from before. Everywhere else stands -100.
    """
    (found,) = calls(candidate, case, rate=0.5)
    expect.true(bool(found.changed.any()), "for rate=0.5 no input is changed.")
    wanted = torch.where(found.labelled | found.changed, found.tokens, IGNORED)
    expect.equal(found.labels, wanted, "the labels")


@COMPONENT.law(points=0.25, needs=labels_say_what_stood_there)
def each_place_by_chance(candidate: Candidate, case: Case) -> None:
    """Each ordinary token is chosen with probability rate, independently of the others

    One random number a token: what is it compared with? What is the label where nothing was chosen?
    """
    for rate in (None, 0.4):
        (found,) = calls(candidate, case, rate)
        right, ordinary = 0.15 if rate is None else rate, ~found.special
        named = f"ordinary tokens with a label for rate={right}"
        proves = "labels-everything" if found.everything and bool((~found.changed[ordinary]).any()) else None
        share(int((found.labelled & ordinary).sum()), int(ordinary.sum()), right, named, proves)
        for axis, lines in ((1, "row"), (0, "column")):
            total, count = ordinary.sum(axis).double(), (found.labelled & ordinary).sum(axis).double()
            spread = float(((count - total * right) ** 2 / (total * right * (1 - right))).mean())
            if abs(spread - 1) > 8 * (2 / len(total)) ** 0.5:  # the mean of as many squares of normal numbers
                raise Failed(
                    f"the number of labels in a {lines} varies {spread:.2f} times as much as independent choices would let it."
                )


@COMPONENT.law(points=0.25, needs=labels_say_what_stood_there)
def specials_are_left_alone(candidate: Candidate, case: Case) -> None:
    """A special token is never chosen, whatever kind of collection holds their ids

    `special_ids` may be a list, a set, a tuple or a tensor: which tokens are in it?
    """
    for kind in KINDS:
        (found,) = calls(candidate, case.at(batch=min(case.batch, 53)), 0.5, kind=kind)
        touched, named = found.changed & found.special, f"special tokens, for special_ids in a {kind},"
        expect.true(not touched.any(), f"{int(touched.sum())} {named} are changed in the inputs.", "masks-specials")
        touched = found.labelled & found.special
        proves = "labels-everything" if found.everything else None
        expect.true(not touched.any(), f"{int(touched.sum())} {named} have a label.", proves)


@COMPONENT.law(points=0.25, needs=labels_say_what_stood_there)
def eighty_ten_ten(candidate: Candidate, case: Case) -> None:
    """Of the chosen 80 % become mask_id, 10 % another id, 10 % stay

    The second draw decides among three: of which tokens are these shares taken?
    """
    for rate in (None, 0.4):
        (found,) = calls(candidate, case, rate)
        changed, mask = found.chosen & found.changed, found.chosen & (found.inputs == found.mask_id)
        proves = "always-mask-id" if torch.equal(found.chosen, mask) and not found.everything else None
        ids = case.vocab - SPECIALS
        total, count, some = (int(x.sum()) for x in (found.chosen, mask, changed))
        if not found.everything:
            share(count, total, 0.8, "chosen tokens that become mask_id", proves)
            share(total - some, total, 0.1 + 0.1 / ids, "chosen tokens that stay as they are", proves)
        share(count, some, 0.8 / (0.9 - 0.1 / ids), "changed tokens that become mask_id", proves)


@COMPONENT.law(points=0.25, needs=labels_say_what_stood_there)
def random_ids_are_ordinary(candidate: Candidate, case: Case) -> None:
    """A random id is any one that is not special, each as often as the others

    How many ids are there to choose from, and which are they?
    """
    (found,) = calls(candidate, case, 0.8)
    ordinary = set(range(case.vocab)) - set(found.special_ids)
    others = found.inputs[found.chosen & found.changed & (found.inputs != found.mask_id)]
    outside = sorted(set(others.tolist()) - ordinary)
    told = f"vocab_size={case.vocab}, special_ids={found.special_ids}"
    expect.true(not outside, f"among the random ids is {outside[0] if outside else None}, which is none to choose; {told}.")
    for id in sorted(ordinary) if len(others) else ():
        share(int((others == id).sum()), len(others), 1 / (case.vocab - SPECIALS), f"random ids that are {id}")


@COMPONENT.law(points=0.25, needs=labels_say_what_stood_there, once=True)
def generator_decides(candidate: Candidate, case: Case) -> None:
    """Generators with the same seed give the same, others and none give something new each time

    Which of your random numbers come from `generator`?
    """
    one, same, other, first, second = calls(candidate, case.at(batch=11, seq=101), 0.5, (3, 3, 4, None, None))
    for name in ("inputs", "labels"):
        expect.equal(getattr(same, name), getattr(one, name), f"the {name} of a second generator with the same seed")
    told = "the same tokens are changed"
    expect.true(not torch.equal(one.inputs, other.inputs), f"{told} with generators of different seeds.")
    expect.true(not torch.equal(first.inputs, second.inputs), f"{told} in two calls without a generator.")


@COMPONENT.law(points=0.25, needs=labels_say_what_stood_there, once=True)
def any_size_and_device(candidate: Candidate, case: Case) -> None:
    """It works for sizes of 1 and on any device

    Is an axis of size 1 dropped? Which of your tensors are made on the device of the tokens, and of which dtype?
    """
    for batch, seq in ((1, 7), (7, 1), (1, 1)):
        calls(candidate, case.at(batch=batch, seq=seq))
    small = draw(case.at(batch=3, seq=7))
    result = candidate.raw(small)
    Masked(small, result)  # which is a pair of tensors
    for name, got in zip(COMPONENT.parts, result, strict=True):
        expect.true(got.dtype is torch.int64, f"{name}: expected dtype int64, as the tokens', got {expect.name_of(got.dtype)}.")
    mixed = candidate.elsewhere(small)
    expect.true(not mixed, f"{mixed}. A new tensor belongs on the device of the tokens.")
