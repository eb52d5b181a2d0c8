"""What is checked of create_padding_mask."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, agree, any_size_and_device, expect, settled


def draw(case: Case, pad_id: int = 0) -> Drawn:
    """Random words, each sentence with its own tail of padding, and a pad in the middle of the first."""
    tokens = case.integers(0, case.vocab, case.batch, case.seq)
    tokens[tokens == pad_id] = pad_id + 1
    lengths = case.integers(1, case.seq + 1, case.batch)
    tokens[torch.arange(case.seq) >= lengths[:, None]] = pad_id
    tokens[0, case.seq // 2] = pad_id
    return Drawn({"tokens": tokens, "pad_id": pad_id})


def given(*sentences: tuple[int, ...], pad_id: int = 0) -> Probe:
    return Probe(lambda case: Drawn({"tokens": torch.tensor(sentences), "pad_id": pad_id}))


COMPONENT = Component(
    draw,
    cases=Case.table(311, "batch seq vocab", (3, 7, 11), (2, 5, 7)),
    parts=("the mask",),
    forbids="attention",
    probes={
        "pad 0": given((5, 2, 8, 1, 0, 0, 0), (7, 9, 2, 3, 1, 6, 0)),
        "pad 10": given((5, 2, 8, 1, 10, 10, 10), (7, 9, 2, 3, 1, 6, 10), pad_id=10),
        "pad in the middle": given((5, 2, 0, 8), (7, 4, 0, 0)),
        "no padding": given((5, 2, 8), (7, 9, 2)),
    },
)


@COMPONENT.law(points=0.25)
def words_are_not_padding(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Words are told apart from padding

    A word and a pad of the same sentence need different entries: look at the mask of the tokens [[5, 9, 0]] with pad_id=0.
    """
    real, mask = drawn.inputs["tokens"] != 0, candidate.use(drawn)[:, 0]
    for kind, found in (("words", mask[real]), ("pads", mask[~real])):
        expect.true(bool((found == found[0]).all()), f"with pad_id=0 some {kind} are True and some are False.")
    expect.true(bool(mask[real][0] != mask[~real][0]), f"words and pads are both {bool(mask[real][0])}.")


@COMPONENT.law(points=0.5, needs=words_are_not_padding)
def agrees(candidate: Candidate, case: Case) -> None:
    """It is True exactly where the key is a real token

    Each token of each sentence is looked at for itself: is it the padding? Mind which of the two answers is True.
    """
    agree(candidate, draw(case))
    words = case.integers(1, case.vocab, case.batch, case.seq)
    full = draw(case).with_inputs(tokens=words)
    agree(candidate, full, "where there is no padding")
    agree(candidate, full.with_inputs(tokens=torch.zeros_like(words)), "where all is padding")


@COMPONENT.law(points=0.25, needs=words_are_not_padding)
def any_padding(candidate: Candidate, case: Case) -> None:
    """Any number may be the padding, of any integer type

    What is a token compared with, and how? The padding may be any number, and words may be smaller or larger than it.
    """
    plain = settled(candidate, draw(case))
    for pad_id in (case.vocab, 1, -1):
        drawn = draw(case, pad_id)
        narrow = drawn.with_inputs(tokens=drawn.inputs["tokens"].to(torch.int32))
        for use, where in ((drawn, f"for pad_id={pad_id}"), (narrow, f"of int32 tokens, for pad_id={pad_id}")):
            mask, right = candidate.use(use), candidate.right(use)
            turned = not plain and torch.equal(mask, ~right)  # True at the padding: told above
            expect.equal(mask, ~right if turned else right, f"the mask {where}")


COMPONENT.add(any_size_and_device(COMPONENT, 0.25, words_are_not_padding, ("batch", "seq")))
