"""What is checked of sample_token: which tokens come out, and how often, beside exact probabilities."""

from collections.abc import Iterator
from typing import Any

import torch

from autograder.words import Candidate, Case, Component, Drawn, Failed, chance, expect

FILTERS = {"temperature": 0.7, "top_k": 3, "top_p": 1.0}
DRAWS = 600  # few, so that an answer that goes row by row is judged in seconds too


def draw(case: Case, **options: Any) -> Drawn:
    """Each row falls from its likeliest token at a pace of its own, in an order of its own; no two logits are near."""
    falls = [case.uniform(0.25, 0.45, case.vocab) * (1 + row) for row in range(case.batch)]
    return Drawn({"logits": torch.stack([(2.0 - fall.cumsum(0))[case.permutation(case.vocab)] for fall in falls])}, options)


COMPONENT = Component(draw, cases=Case.table(851, "batch vocab", (2, 7), (3, 5)), parts=("the tokens",))


def filtered(logits: torch.Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
             renormal: bool = True, crossing: bool = True) -> torch.Tensor:  # fmt: skip
    """What the filters leave of each row's probabilities, in float64, the rest 0; not yet summing to one where they filter.

    Without `renormal` top-p looks at probabilities that top-k has made smaller; without `crossing` it drops the last of its set.
    """
    ordered, ids = (logits.double() / temperature).softmax(-1).sort(descending=True)
    kept = ordered.clone()
    kept[:, len(logits[0]) if top_k is None else top_k :] = 0.0
    shares = ordered / kept.sum(-1, keepdim=True) if renormal else ordered
    reached = shares.cumsum(-1) - shares * crossing
    if top_p is not None:
        kept[:, 1:] *= reached[:, 1:] < top_p
    return torch.zeros_like(kept).scatter(-1, ids, kept)


def whole(p: torch.Tensor) -> torch.Tensor:
    """The same where each row sums to one."""
    return p / p.sum(-1, keepdim=True)


def mistaken(logits: torch.Tensor, options: dict) -> list[tuple[str, torch.Tensor]]:
    """What known mistakes would make of it: (catalogue id, probabilities)."""
    temperature, rest = options.get("temperature", 1.0), {name: x for name, x in options.items() if name != "temperature"}
    found = [
        ("temperature-multiplied", filtered(logits, 1 / temperature, **rest)),
        ("top-p-drops-crossing-token", filtered(logits, **options, crossing=False)),
        ("filter-after-softmax", filtered((logits / temperature).softmax(-1), **rest)),
    ]
    for renormal in (False, True):
        p = filtered(logits, **options, renormal=renormal)
        clamped = p.clone()
        clamped[:, -1] += 1 - p.sum(-1)
        again = whole(p) if renormal else p
        twice = [x.masked_fill(x == 0, hidden).softmax(-1) for x in (p, again) for hidden in (0.0, -torch.inf)]
        found += [("filter-after-softmax", x) for x in (p, clamped, *twice)]
    return [(id, whole(x)) for id, x in found]


def counts(candidate: Candidate, logits: torch.Tensor, options: dict, times: int = DRAWS) -> torch.Tensor:
    """How often each token of each row came out of so many draws."""
    batch, vocab = logits.shape
    drawn = Drawn({"logits": logits.repeat(times, 1)}, options)
    tokens = expect.form(candidate.raw(drawn), torch.zeros(times * batch, dtype=torch.int64), COMPONENT.parts[0])
    outside = (tokens < 0) | (tokens >= vocab)
    expect.true(not outside.any(), f"among the tokens is {tokens[outside][:1].tolist()}, and there are {vocab} of them.")
    return torch.nn.functional.one_hot(tokens.view(times, batch), vocab).sum(0)


def fits(found: torch.Tensor, p: torch.Tensor, sigmas: float = chance.SIGMAS) -> torch.Tensor:
    """Whether each count is one that its probability lets come out, to so many standard deviations."""
    times = found.sum(-1, keepdim=True)
    slack = sigmas * (times * p * (1 - p)).sqrt() + 6 * (p > 0)
    return (found - times * p).abs() <= slack


def fair(candidate: Candidate, logits: torch.Tensor, **options: Any) -> None:
    """Tokens come out as often as they should. Where that is not so, and one known mistake explains it, that is proved."""
    found, p = counts(candidate, logits, options), whole(filtered(logits, **options))
    good = fits(found, p)
    if bool(good.all()):
        return
    more = found + counts(candidate, logits, options, 4 * DRAWS)  # by which two mistakes that look alike are told apart
    ids = {id for id, wrong in mistaken(logits, options) if bool(fits(more, wrong, 4.0).all())}
    row, token = (~good).nonzero()[0].tolist()
    named = ", ".join(f"{name}={value:.3g}" for name, value in options.items()) or "no filter"
    what = f"for {named}: of {DRAWS} draws from the logits {[round(x, 2) for x in logits[row].tolist()]} {int(found[row, token])}"
    wanted = f"about {DRAWS * float(p[row, token]):.0f}" if p[row, token] else "none"
    raise Failed(f"{what} are token {token}; expected {wanted}.", ids.pop() if len(ids) == 1 else None)


def telling(logits: torch.Tensor, *rivals: dict, **options: Any) -> float:
    """A top_p far from every sum of probabilities, at which other sets are left than with the `rivals` for options.

    No row is left with its first token alone, even where the token with which the sum reaches top_p is dropped.
    """
    sums = whole(filtered(logits, **options)).sort(descending=True).values.cumsum(-1)

    def shows(p: float) -> tuple[bool, int, float]:
        margin = float((sums - p).abs().min())
        if margin <= 0.008 or not bool((sums[:, 0] < p).all()):
            return False, 0, margin
        mine, fewer = (filtered(logits, **options, top_p=p, crossing=crossing) > 0 for crossing in (True, False))
        others = [filtered(logits, **{"top_p": p, **rival}) > 0 for rival in rivals]
        apart = not any(torch.equal(one, other) for one in (mine, fewer) for other in others)
        return apart and not bool(mine.all()), len({str(x.tolist()) for x in others}), margin

    return max((p / 200 for p in range(60, 196)), key=shows)


@COMPONENT.law(points=0.25)
def greedy_at_zero(candidate: Candidate, case: Case) -> None:
    """At temperature 0 it is the token of the largest logit

    Nothing is drawn there. Which number must you not divide by?
    """
    for options in ({"temperature": 0}, {"temperature": 0.0, "top_k": 3, "top_p": 0.9}):
        drawn = draw(case, **options)
        expect.equal(candidate.use(drawn), drawn.inputs["logits"].argmax(-1), f"the tokens for {options}")


@COMPONENT.law(points=0.25)
def draws(candidate: Candidate, case: Case) -> None:
    """Every token of a row can come out, and the likelier one does so more often

    Logits become probabilities. What is a draw from these?
    """
    found = counts(candidate, torch.tensor([[2.2, 0.0], [0.0, 2.2]], dtype=case.dtype), {})
    expect.true(bool((found > 0).all()), f"of two tokens with probabilities 0.9 and 0.1 only one came out in {DRAWS} draws.")
    more = found.diagonal() - found.flip(1).diagonal()
    told = f"the likelier one of two tokens came out {found.diagonal().tolist()} times of {DRAWS}, in two rows."
    expect.true(bool((more > chance.SIGMAS * DRAWS**0.5).all()), told)


@COMPONENT.law(points=0.25, needs=draws)
def as_often_as_likely(candidate: Candidate, case: Case) -> None:
    """Without filters each token comes out as often as its probability says, in each row on its own

    The softmax of a row is what its tokens are drawn with.
    """
    fair(candidate, draw(case).inputs["logits"])


@COMPONENT.law(points=0.25, needs=draws, once=True)
def temperature_divides(candidate: Candidate, case: Case) -> None:
    """The logits are divided by the temperature, before anything is filtered

    A small temperature makes large logits still larger. What does it do to the likeliest token?
    """
    logits = draw(case).inputs["logits"]
    for temperature in (0.25, 2.0):
        fair(candidate, logits, temperature=temperature)
    fair(candidate, logits, temperature=2.0, top_p=telling(logits, {}, {"temperature": 0.5}, temperature=2.0))


@COMPONENT.law(points=0.25, needs=draws, once=True)
def top_k_keeps_k(candidate: Candidate, case: Case) -> None:
    """top_k keeps exactly the k largest of each row, and all where k is more than there are

    What must a logit become so that its probability is 0, and the others still sum to one?
    """
    for top_k in (3, 1, case.vocab + 5):
        fair(candidate, draw(case).inputs["logits"], top_k=top_k)


@COMPONENT.law(points=0.25, needs=draws, once=True)
def top_p_keeps_the_smallest_set(candidate: Candidate, case: Case) -> None:
    """top_p keeps the smallest set whose probability reaches p, at least one token, in each row on its own

    Add up from the likeliest token on. Is the token with which the sum reaches p inside or outside?
    """
    logits = draw(case).inputs["logits"]
    for top_p in (telling(logits), 0.01, 1.0):
        fair(candidate, logits, top_p=top_p)


@COMPONENT.law(points=0.25, needs=draws)
def top_k_comes_first(candidate: Candidate, case: Case) -> None:
    """With both, top_p looks at what top_k has left, as probabilities that sum to one

    Which probabilities do you add up, and what do they sum to?
    """
    logits = draw(case).inputs["logits"]
    top_p = telling(logits, {"top_k": 3, "renormal": False}, {}, {"top_k": 3, "top_p": None}, top_k=3)
    fair(candidate, logits, top_k=3, top_p=top_p)


def many(case: Case) -> list[Drawn]:
    logits = draw(case).inputs["logits"].repeat(101, 1)
    return [Drawn({"logits": logits}, options) for options in ({}, FILTERS)]


def small(case: Case) -> Iterator[Drawn]:
    for batch, vocab in ((1, case.vocab), (case.batch, 1), (1, 1), (case.batch, case.vocab)):
        for options in ({}, FILTERS):
            drawn = draw(case.at(batch=batch, vocab=vocab), **options)
            yield from (drawn, drawn.to(torch.float64))


chance.add_common(
    COMPONENT,
    draws,
    many=many,
    small=small,
    like=lambda drawn: torch.zeros(len(drawn.inputs["logits"]), dtype=torch.int64),
)
