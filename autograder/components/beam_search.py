"""What is checked of beam_search."""

import itertools
from typing import Any

import torch

from autograder.shared_laws.decoding import BOS, EOS
from autograder.words import About, Candidate, Case, Component, Drawn, Failed, Probe, decoding, expect

VOCAB, STEPS = 4, 3
EVERYTHING = VOCAB**STEPS  # as many beams as there are hypotheses: the search is exhaustive


def source(case: Case) -> torch.Tensor:
    return case.fresh("source").integers(3, 20, 1, case.seq)  # the same at every call


def draw(case: Case) -> Drawn:
    return Drawn({"source": source(case)})


def given(**settings: Any) -> Probe:
    return Probe(
        look=lambda candidate, case: _found(candidate, case.at(seq=4), **{"max_len": STEPS, "beam_size": EVERYTHING, **settings})
    )


def _found(candidate: Candidate, case: Case, vocab: int = VOCAB, **settings: Any) -> Any:
    return decoding.run(candidate, case, source(case), vocab, **settings)["result"]


COMPONENT = Component(
    draw,
    cases=Case.table(741, "seq", (5,), (3,)),
    parts=("the hypotheses",),
    forbids="blocks",
    probes={
        "everything": given(),
        "no penalty": given(alpha=0.0),
        "strong penalty": given(alpha=1.5),
        "one step": given(max_len=1),
    },
)


def hypotheses(candidate: Candidate, case: Case, **settings: Any) -> list[tuple[tuple[int, ...], float]]:
    """The answer's list as [(tuple of ints, float)]."""
    found = _found(candidate, case, **settings)
    if not isinstance(found, (list, tuple)) or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in found):
        raise Failed(f"the hypotheses: expected a list of pairs (tokens, score), got {expect.kind_of(found)}.", about=About.FORM)
    return [(_tokens(tokens), _score(score)) for tokens, score in found]


def _tokens(tokens: object) -> tuple[int, ...]:
    if not isinstance(tokens, (list, tuple)) or not all(type(token) is int for token in tokens):
        raise Failed(f"the tokens of a hypothesis: expected a list of ints, got {expect.kind_of(tokens)}.", about=About.FORM)
    return tuple(tokens)


def _score(score: object) -> float:
    if isinstance(score, torch.Tensor) and score.dim() == 0 and score.is_floating_point():
        return float(score)
    return expect.form(score, 0.0, "the score of a hypothesis")


def oracle_score(model: Any, given_source: torch.Tensor, tokens: tuple[int, ...], alpha: float) -> float:
    """The log-probability of these tokens, one after the other, over the penalty of their number."""
    inputs = torch.tensor([[BOS, *tokens[:-1]]])
    with torch.no_grad():
        steps = model(given_source, inputs)[0].log_softmax(dim=-1)
    return float(steps.gather(1, torch.tensor(tokens)[:, None]).sum()) / ((5 + len(tokens)) / 6) ** alpha


def oracle_everything(case: Case) -> list[tuple[tuple[int, ...], float]]:
    """Every hypothesis there is, and its log-probability: those that end with eos, and those that are cut off."""
    model, given_source = decoding.model(case, VOCAB), source(case)
    found = []
    for length in range(1, STEPS + 1):
        for tokens in itertools.product(range(VOCAB), repeat=length):
            closed = tokens[-1] == EOS
            if EOS not in tokens[:-1] and (closed or length == STEPS):
                found.append((tokens, oracle_score(model, given_source, tokens, 0.0)))
    return found


def same_score(got: float, right: float, what: str) -> None:
    if not abs(got - right) <= 1e-3:
        raise Failed(f"{what}: expected the score {right:.4f}, got {got:.4f}.")


@COMPONENT.law(points=0.25)
def one_step(candidate: Candidate, case: Case) -> None:
    """With a single step the hypotheses are the likeliest tokens, best first

    Of how many tokens is each hypothesis made when max_len is 1, and which of them are kept?
    """
    found = hypotheses(candidate, case, max_len=1, beam_size=2, alpha=0.0)
    model, given_source = decoding.model(case, VOCAB), source(case)
    right = sorted(((oracle_score(model, given_source, (token,), 0.0), token) for token in range(VOCAB)), reverse=True)[:2]
    wanted = [(token,) for _, token in right]
    expect.true([tokens for tokens, _ in found] == wanted, f"for max_len=1, beam_size=2: expected {wanted}, got {found}.")


@COMPONENT.law(points=0.75, needs=one_step)
def exhaustive(candidate: Candidate, case: Case) -> None:
    """With room for every continuation it finds every hypothesis, each with its score, best first

    Work out one score by hand: add the log-probabilities, the closing eos included, then divide by the penalty of the length.
    """
    right = oracle_everything(case)
    for alpha in (0.6, 0.0, 1.0):
        found = hypotheses(candidate, case, max_len=STEPS, beam_size=EVERYTHING, **({} if alpha == 0.6 else {"alpha": alpha}))
        missing = sorted({tokens for tokens, _ in right} - {tokens for tokens, _ in found})
        more = sorted({tokens for tokens, _ in found} - {tokens for tokens, _ in right})
        expect.true(not missing, f"{len(missing)} hypotheses are missing, the first is {missing[:1]}; eos is {EOS}.")
        expect.true(
            not more and len(found) == len(right), f"there are {len(found)} hypotheses of {len(right)}, among them {more[:1]}."
        )
        for tokens, total in right:
            score = total / ((5 + len(tokens)) / 6) ** alpha
            same_score(dict(found)[tokens], score, f"the hypothesis {list(tokens)} for {alpha=}")
        scores = [score for _, score in found]
        expect.true(all(a >= b - 1e-6 for a, b in itertools.pairwise(scores)), f"for {alpha=} the best does not come first.")


@COMPONENT.law(points=0.25, needs=one_step)
def few_beams(candidate: Candidate, case: Case) -> None:
    """With few beams there are at most as many hypotheses, and each has its own score

    What is kept from step to step, and what is handed back at the end? A hypothesis that has ended keeps its score.
    """
    for beam_size in (1, 3):
        found = hypotheses(candidate, case, max_len=6, beam_size=beam_size, alpha=0.0, vocab=7)
        expect.true(0 < len(found) <= beam_size, f"for {beam_size=} there are {len(found)} hypotheses.")
        model = decoding.model(case, 7)
        for tokens, score in found:
            expect.true(0 < len(tokens) <= 6, f"a hypothesis has {len(tokens)} tokens for max_len=6.")
            expect.true(EOS not in tokens[:-1], f"the hypothesis {list(tokens)} goes on behind eos.")
            same_score(score, oracle_score(model, source(case), tokens, 0.0), f"the hypothesis {list(tokens)} for {beam_size=}")


def told(candidate: Candidate, case: Case, modes: tuple[bool, bool], fails: bool) -> dict:
    return decoding.run(candidate, case, source(case), VOCAB, modes=modes, fails=fails, max_len=STEPS, beam_size=2)


decoding.add_common(COMPONENT, one_step, "searches", told)
