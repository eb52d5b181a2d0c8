"""What is checked of sample_token: which tokens come out, and how often, beside exact probabilities."""

from collections.abc import Callable
from typing import Any

import torch

from autograder.framework import expect, procedures, watch
from autograder.framework.candidate import Candidate
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn
from autograder.framework.expect import Failed

DRAWS, SIGMAS = 600, 6.0  # few, so that an answer that goes row by row is judged in seconds too


def draw(case: Case, **options: Any) -> Drawn:
    """Each row falls from its likeliest token at a pace of its own, in an order of its own; no two logits are near."""
    rows = []
    for row in range(case.batch):
        falls = case.uniform(0.25, 0.45, case.vocab) * (1 + row)
        rows.append((2.0 - falls.cumsum(0))[case.permutation(case.vocab)])
    return Drawn({"logits": torch.stack(rows)}, options)


COMPONENT = Component(
    __name__,
    draw,
    cases=[Case(seed=851, batch=2, vocab=7), Case(seed=852, batch=3, vocab=5)],
    parts=("the tokens",),
)


def filtered(logits: torch.Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
             renormal: bool = True, crossing: bool = True) -> torch.Tensor:  # fmt: skip
    """What the filters leave of each row's probabilities, in float64, the rest 0; not yet summing to one where they filter.

    Without `renormal` top-p looks at probabilities that top-k has made smaller; without `crossing` it drops the last of its set.
    """
    rows = (logits.double() / temperature).softmax(-1).tolist()
    for row in rows:
        order = sorted(range(len(row)), key=row.__getitem__, reverse=True)
        kept = order[:top_k]
        whole, before = sum(row[token] for token in kept) if renormal else 1.0, 0.0
        for place, token in enumerate(order):
            share = row[token] / whole
            spare = top_p is not None and place > 0 and (before if crossing else before + share) >= top_p
            before += share
            row[token] *= token in kept and not spare
    return torch.tensor(rows, dtype=torch.float64)


def right(logits: torch.Tensor, **options: Any) -> torch.Tensor:
    p = filtered(logits, **options)
    return p / p.sum(-1, keepdim=True)


def _wrong_ones(logits: torch.Tensor, options: dict) -> list[tuple[str, torch.Tensor]]:
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
        again = p if not renormal else p / p.sum(-1, keepdim=True)
        twice = [x.masked_fill(x == 0, hidden).softmax(-1) for x in (p, again) for hidden in (0.0, -torch.inf)]
        found += [("filter-after-softmax", x) for x in [p, clamped, *twice]]
    return [(id, x / x.sum(-1, keepdim=True)) for id, x in found]


def counts(candidate: Candidate, logits: torch.Tensor, options: dict, times: int = DRAWS) -> torch.Tensor:
    """How often each token of each row came out of so many draws."""
    batch, vocab = logits.shape
    drawn = Drawn({"logits": logits.repeat(times, 1)}, options)
    tokens = expect.form(candidate.raw(drawn), torch.zeros(times * batch, dtype=torch.int64), COMPONENT.parts[0])
    outside = (tokens < 0) | (tokens >= vocab)
    expect.true(not outside.any(), f"among the tokens is {tokens[outside][:1].tolist()}, and there are {vocab} of them.")
    return torch.nn.functional.one_hot(tokens.view(times, batch), vocab).sum(0)


def fits(found: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """Whether each count is one that its probability lets come out, to six standard deviations."""
    times = found.sum(-1, keepdim=True)
    slack = SIGMAS * (times * p * (1 - p)).sqrt() + 6 * (p > 0)
    return (found - times * p).abs() <= slack


def fair(candidate: Candidate, logits: torch.Tensor, **options: Any) -> None:
    """Tokens come out as often as they should. Where that is not so, and one known mistake explains it, that is proved."""
    found, p = counts(candidate, logits, options), right(logits, **options)
    good = fits(found, p)
    if bool(good.all()):
        return
    ids: set[str] = set()
    for times in (DRAWS, 5 * DRAWS):  # more of them where two mistakes look alike
        more = found if times == DRAWS else counts(candidate, logits, options, times)
        ids = {id for id, wrong in _wrong_ones(logits, options) if bool(fits(more, wrong).all())}
        if len(ids) < 2:
            break
    row, token = (~good).nonzero()[0].tolist()
    named = ", ".join(f"{name}={value:.3g}" for name, value in options.items()) or "no filter"
    what = f"for {named}: of {DRAWS} draws from the logits {[round(x, 2) for x in logits[row].tolist()]} {int(found[row, token])}"
    wanted = f"about {DRAWS * float(p[row, token]):.0f}" if p[row, token] else "none"
    raise Failed(f"{what} are token {token}; expected {wanted}.", ids.pop() if len(ids) == 1 else None)


def telling(logits: torch.Tensor, *rivals: dict, **options: Any) -> float:
    """A top_p far from every sum of probabilities, at which other sets are left than with the `rivals` for options.

    No row is left with its first token alone, even where the token with which the sum reaches top_p is dropped.
    """
    ordered = filtered(logits, **options).sort(descending=True).values
    sums = (ordered / ordered.sum(-1, keepdim=True)).cumsum(-1)

    def shows(p: float) -> tuple[bool, int, float]:
        mine = filtered(logits, **options, top_p=p) > 0
        fewer = filtered(logits, **options, top_p=p, crossing=False) > 0
        others = [filtered(logits, **{"top_p": p, **rival}) > 0 for rival in rivals]
        apart = not any(torch.equal(one, other) for one in (mine, fewer) for other in others)
        kinds = len({str(x.tolist()) for x in others})
        margin = float((sums - p).abs().min())
        return bool((sums[:, 0] < p).all()) and not bool(mine.all()) and apart and margin > 0.008, kinds, margin

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
    expect.true(bool((more > SIGMAS * DRAWS**0.5).all()), told)


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
    for temperature in (0.5, 2.0):
        fair(candidate, logits, temperature=temperature)
    fair(candidate, logits, temperature=2.0, top_p=telling(logits, {}, {"temperature": 0.5}, temperature=2.0))


@COMPONENT.law(points=0.25, needs=draws, once=True)
def top_k_keeps_k(candidate: Candidate, case: Case) -> None:
    """top_k keeps exactly the k largest of each row, and all where k is more than there are

    What must a logit become so that its probability is 0, and the others still sum to one?
    """
    logits = draw(case).inputs["logits"]
    for top_k in (3, 1, case.vocab + 5):
        fair(candidate, logits, top_k=top_k)


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
    fair(
        candidate,
        logits,
        top_k=3,
        top_p=telling(logits, {"top_k": 3, "renormal": False}, {}, {"top_k": 3, "top_p": None}, top_k=3),
    )


def chosen(component: Callable, logits: torch.Tensor, options: dict, seeds: list) -> list:
    """Runs where the answer is: two draws in a row for each seed of a generator; None is a call without one."""
    results = []
    for number, seed in enumerate(seeds):
        torch.manual_seed(100 + number)
        given = {} if seed is None else {"generator": torch.Generator().manual_seed(seed)}
        with watch.on():
            results.append([procedures.plain(component(logits.clone(), **options, **given)) for _ in range(2)])
    return results


@COMPONENT.law(points=0.25, needs=draws, once=True)
def generator_decides(candidate: Candidate, case: Case) -> None:
    """The generator alone decides: the same seed draws the same, and otherwise each draw is a new one

    Which of PyTorch's functions draws for you, and does it know of `generator`?
    """
    logits = draw(case).inputs["logits"].repeat(101, 1)
    wanted = [[torch.zeros(len(logits), dtype=torch.int64)] * 2] * 4
    for options in ({}, {"temperature": 0.7, "top_k": 4, "top_p": 0.9}):
        found = candidate.there(chosen, logits, options, [5, 5, 6, None])
        (one, later), (same, _), (other, _), (free, new) = expect.form(found, wanted, "the draws")
        expect.equal(same, one, "the tokens of a second generator with the same seed")
        for x, y, named in ((one, later, "of one generator"), (one, other, "of other seeds"), (free, new, "without a generator")):
            expect.true(not torch.equal(x, y), f"two draws {named} are the same, for {len(x)} rows.")


@COMPONENT.law(points=0.25, needs=draws, once=True)
def any_size_and_device(candidate: Candidate, case: Case) -> None:
    """It works for sizes of 1 and on any device

    The result has one axis, and it is of int64. Is an axis of size 1 dropped, or one too many left?
    """
    filters = {"temperature": 0.7, "top_k": 3, "top_p": 1.0}
    for options in ({}, filters):
        for batch, vocab in ((1, case.vocab), (case.batch, 1), (1, 1)):
            candidate.use(draw(case.at(batch=batch, vocab=vocab), **options))
        got = candidate.raw(draw(case.at(torch.float64), **options))
        expect.form(got, torch.zeros(case.batch, dtype=torch.int64), COMPONENT.parts[0])
        expect.true(got.dtype is torch.int64, f"the tokens: expected dtype int64, got {expect.name_of(got.dtype)}.")
        mixed = candidate.elsewhere(draw(case, **options))
        expect.true(not mixed, f"{mixed}. A new tensor belongs on the device of the logits.")
