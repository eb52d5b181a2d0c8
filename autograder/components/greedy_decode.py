"""What is checked of greedy_decode."""

from typing import Any

import torch

from autograder.shared_laws.decoding import BOS, EOS, PAD
from autograder.words import About, Candidate, Case, Component, Drawn, Failed, OracleCandidate, Probe, decoding, expect

VOCAB = 9


def sources(case: Case) -> torch.Tensor:
    return case.fresh("source").integers(3, 20, case.batch, case.seq)  # the same at every call


def draw(case: Case) -> Drawn:
    return Drawn({"source": sources(case)})


def given(max_len: int, batch: int = 5, training: bool = False) -> Probe:
    def look(candidate: Candidate, case: Case) -> Any:
        case = case.at(batch=batch, seq=4)
        told = decoding.run(candidate, case, sources(case), VOCAB, modes=(training, training), max_len=max_len)
        return told["trained"] or (None if training else told["result"])  # what dropout lets through is new each time

    return Probe(look=look)


COMPONENT = Component(
    draw,
    cases=Case.table(731, "batch seq", (5, 7), (3, 4)),
    parts=("the tokens",),
    forbids="blocks",
    probes={"long": given(25), "short": given(3), "one step": given(1), "one row": given(25, 1), "training": given(25, 5, True)},
)


def tokens(candidate: Candidate, case: Case, max_len: int, bos: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """The answer's tokens (batch, width), and the oracle's; a bos that was left in front is cut off unless `bos` asks for it."""
    source = sources(case)
    told = decoding.run(candidate, case, source, VOCAB, max_len=max_len)
    decoding.in_evaluation(told)
    found = told["result"]
    right = decoding.run(OracleCandidate(COMPONENT), case, source, VOCAB, max_len=max_len)["result"]
    if not isinstance(found, torch.Tensor) or expect.number_kind(found) != "int":
        message = f"the tokens: expected an int64 tensor (batch, at most max_len), got {expect.kind_of(found)}."
        raise Failed(message, about=About.FORM)
    if found.dim() != 2 or len(found) != len(source) or not found.numel():
        message = f"the tokens: expected shape ({len(source)}, from 1 to {max_len}), got {tuple(found.shape)}."
        raise Failed(message, about=About.FORM)
    in_front = found.shape[1] > 1 and bool((found[:, 0] == BOS).all())
    return (found[:, 1:] if in_front and not bos else found), right


def ends(right: torch.Tensor) -> list[int]:
    """For each row how many tokens it has, its eos included."""
    is_eos = right == EOS
    return torch.where(is_eos.any(1), is_eos.long().argmax(1) + 1, right.shape[1]).tolist()


@COMPONENT.law(points=0.25)
def first_token(candidate: Candidate, case: Case) -> None:
    """The first token is the one that the model finds likeliest after bos

    For a single step: what goes into decode, and which of the model's words comes out?
    """
    found, right = tokens(candidate, case, 1)
    expect.equal(found[:, :1], right, "the tokens for max_len=1")


@COMPONENT.law(points=0.25, needs=first_token)
def without_bos(candidate: Candidate, case: Case) -> None:
    """Bos is not part of the result

    Decoding starts from it. Whose word is it: the model's, or the caller's?
    """
    found, _ = tokens(candidate, case, 2, bos=True)
    expect.true(bool((found[:, 0] != BOS).all()), f"the rows begin with {BOS}, which is bos_id.")


@COMPONENT.law(points=0.5, needs=first_token)
def agrees(candidate: Candidate, case: Case) -> None:
    """Every further token is the likeliest after all tokens before it, as for each sentence alone

    Each step looks at the last place of the logits. What goes in again is everything written so far.
    """
    for max_len in (25, 3):
        found, right = tokens(candidate, case, max_len)
        for row, length in enumerate(ends(right)):
            got = found[row, :length]
            expect.true(len(got) == length, f"row {row} has {len(got)} tokens for {max_len=}; expected {length}.")
            expect.equal(got, right[row, :length], f"row {row} up to its end, for {max_len=}")


@COMPONENT.law(points=0.25, needs=first_token)
def padded_behind_eos(candidate: Candidate, case: Case) -> None:
    """Behind the first eos of a row stands padding

    A row that has ended goes on being decoded with the others: what must its tokens become?
    """
    found, right = tokens(candidate, case, 25)
    for row, length in enumerate(ends(found)):
        tail = found[row, length:]
        if not bool((tail == PAD).all()):
            told = f"row {row} ends at place {length - 1}, and goes on {tail.tolist()[:6]}; pad_id is {PAD}."
            raise Failed(told, "tail-not-padded")


@COMPONENT.law(points=0.25, needs=first_token)
def stops(candidate: Candidate, case: Case) -> None:
    """It stops when every row has ended, and at max_len

    How wide is the result when the longest row has 4 tokens? Look at the condition that ends your loop.
    """
    for max_len in (25, 2):
        found, right = tokens(candidate, case, max_len)
        expect.true(found.shape[1] <= max_len, f"for {max_len=} there are {found.shape[1]} columns.")
        wide = f"the longest row has {right.shape[1]} tokens, and for {max_len=} there are {found.shape[1]} columns."
        expect.true(found.shape[1] == right.shape[1], wide, proves="no-stop" if found.shape[1] == max_len else None)


def told(candidate: Candidate, case: Case, modes: tuple[bool, bool], fails: bool) -> dict:
    return decoding.run(candidate, case, sources(case), VOCAB, modes=modes, fails=fails, max_len=3)


decoding.add_common(COMPONENT, first_token, "decodes", told)


@COMPONENT.law(points=0.25, needs=first_token, once=True)
def any_batch(candidate: Candidate, case: Case) -> None:
    """One sentence, and a source of one word, are decoded too

    Is an axis of size 1 dropped on the way?
    """
    for batch, seq in ((1, case.seq), (case.batch, 1), (1, 1)):
        small = case.at(batch=batch, seq=seq)
        found, right = tokens(candidate, small, 6)
        first = min(ends(right)[0], found.shape[1])
        expect.equal(found[0, :first], right[0, :first], f"the first row for a source of shape {(batch, seq)}")
