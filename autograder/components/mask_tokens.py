"""What is checked of mask_tokens: what holds for every token, and shares among many of them."""

import torch

from autograder.shared_laws.chance import share
from autograder.words import Candidate, Case, Component, Drawn, Failed, chance, expect

IGNORED, SPECIALS = -100, 5


def draw(case: Case, rate: float | None = None) -> Drawn:
    """Tokens of all ids, the special ones too; the last special id is the mask's."""
    special = case.permutation(case.vocab)[:SPECIALS].tolist()
    inputs = {"tokens": case.integers(0, case.vocab, case.batch, case.seq), "mask_id": special[-1], "vocab_size": case.vocab}
    return Drawn(inputs | {"special_ids": special}, {} if rate is None else {"rate": rate})


COMPONENT = Component(
    draw,
    cases=Case.table(811, "batch seq vocab", (211, 307, 53), (307, 197, 37)),
    parts=("the inputs", "the labels"),
)


class Masked:
    """What an answer made of many tokens. `chosen`: where a label stands; of ordinary tokens alone where nothing else is said."""

    def __init__(self, candidate: Candidate, case: Case, rate: float | None = None, kind: str = "list"):
        drawn = draw(case, rate)
        self.tokens, self.mask_id, _, self.special_ids = drawn.inputs.values()
        ((self.inputs, self.labels),) = chance.draws(candidate, drawn, (self.tokens,) * 2, special_ids=kind)[0]
        self.special = torch.isin(self.tokens, torch.tensor(self.special_ids))
        self.labelled, self.changed = self.labels != IGNORED, self.inputs != self.tokens
        self.everything = bool(self.labelled[~self.special].all())
        self.chosen = (self.changed if self.everything else self.labelled) & ~self.special


@COMPONENT.law(points=0.25)
def labels_say_what_stood_there(candidate: Candidate, case: Case) -> None:
    """Some inputs are changed, and at each of those the label is the token that stood there

    A label is the right answer to a blank: the token from before. Everywhere else stands -100.
    """
    found = Masked(candidate, case, 0.5)
    expect.true(bool(found.changed.any()), "for rate=0.5 no input is changed.")
    wanted = torch.where(found.labelled | found.changed, found.tokens, IGNORED)
    expect.equal(found.labels, wanted, "the labels")


@COMPONENT.law(points=0.25, needs=labels_say_what_stood_there)
def each_place_by_chance(candidate: Candidate, case: Case) -> None:
    """Each ordinary token is chosen with probability rate, independently of the others

    One random number a token: what is it compared with? What is the label where nothing was chosen?
    """
    for rate, right in ((None, 0.15), (0.4, 0.4)):
        found = Masked(candidate, case, rate)
        ordinary, labelled = ~found.special, found.labelled & ~found.special
        proves = "labels-everything" if found.everything and bool((~found.changed[ordinary]).any()) else None
        share(int(labelled.sum()), int(ordinary.sum()), right, f"ordinary tokens with a label for rate={right}", proves)
        for axis, lines in ((1, "row"), (0, "column")):
            total, count = ordinary.sum(axis).double(), labelled.sum(axis).double()
            spread = float(((count - total * right) ** 2 / (total * right * (1 - right))).mean())
            if abs(spread - 1) > 8 * (2 / len(total)) ** 0.5:  # the mean of as many squares of normal numbers
                told = f"the number of labels in a {lines} varies {spread:.2f} times as much"
                raise Failed(f"{told} as independent choices would let it.")


@COMPONENT.law(points=0.25, needs=labels_say_what_stood_there)
def specials_are_left_alone(candidate: Candidate, case: Case) -> None:
    """A special token is never chosen, whatever kind of collection holds their ids

    `special_ids` may be a list, a set, a tuple or a tensor: which tokens are in it?
    """
    for kind in chance.KINDS:
        found = Masked(candidate, case.at(batch=min(case.batch, 53)), 0.5, kind)
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
        found = Masked(candidate, case, rate)
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
    found = Masked(candidate, case, 0.8)
    ordinary = sorted(set(range(case.vocab)) - set(found.special_ids))
    others = found.inputs[found.chosen & found.changed & (found.inputs != found.mask_id)]
    outside = others[~torch.isin(others, torch.tensor(ordinary))][:1].tolist()
    told = f"among the random ids of {case.vocab} is {outside}, which is none to choose; special_ids={found.special_ids}."
    expect.true(not outside, told)
    for id in ordinary if len(others) else ():
        share(int((others == id).sum()), len(others), 1 / len(ordinary), f"random ids that are {id}")


chance.add_common(
    COMPONENT,
    labels_say_what_stood_there,
    many=lambda case: [draw(case.at(batch=11, seq=101), 0.5)],
    small=lambda case: [draw(case.at(batch=batch, seq=seq)) for batch, seq in ((1, 7), (7, 1), (1, 1), (3, 7))],
    like=lambda drawn: (drawn.inputs["tokens"],) * 2,
)
