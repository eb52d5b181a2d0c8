"""What is checked of sinusoidal_encoding."""

import math
from collections.abc import Callable
from typing import Any

import torch

from autograder.framework import watch
from autograder.framework.procedures import plain
from autograder.shared_laws.tables import fits, in_float32, longer_begins_with_shorter, near
from autograder.words import Candidate, CandidateError, Case, Component, Drawn, Failed, Probe, agree, expect, settled
from utils import reference

FAR = 10_001  # rows


def draw(case: Case) -> Drawn:
    return table(case.seq_len, case.d_model)


def table(seq_len: int, d_model: int) -> Drawn:
    return Drawn({"seq_len": seq_len, "d_model": d_model})


# What a diagnosis looks at. Bases that a wrong exponent gives as well: 10000^(i/d) = 100^(2i/d), 10000^(4i/d) = (10^8)^(2i/d).
_BASES_OF_EXPONENTS = (10_000.0, 100.0, 1e8)


def speeds(candidate: Candidate, case: Case) -> Any:
    """Two tables of four positions; only what is wrong with the speeds where they alone are wrong.

    "another base": both follow the formula with one other base. "other speeds": sines and cosines stand in their places,
    their speeds are not those of the formula, nor a fixed multiple of them.
    """
    tables = [candidate.raw(table(4, d_model)) for d_model in (4, 6)]
    if not all(map(_waves, tables, (4, 6))) or all(near(x, reference.sinusoidal_encoding(*x.shape)) for x in tables):
        return tables
    found = [torch.atan2(x[1, 0::2].double(), x[1, 1::2].double()) for x in tables]
    pairs = [torch.arange(1, len(speed)) for speed in found]
    factors = torch.cat([s[1:] * 10_000.0 ** (i / len(s)) for s, i in zip(found, pairs, strict=True)])
    if torch.allclose(factors, factors[:1], rtol=0.01, atol=0.0):
        return tables
    bases = torch.cat([s[1:] ** (-len(s) / i) for s, i in zip(found, pairs, strict=True)])
    base = float(bases[0])
    one = torch.allclose(bases, bases[:1], rtol=0.01) and all(abs(float(s[0]) - 1) < 1e-3 for s in found)
    known = any(math.isclose(base, other, rel_tol=0.01) for other in _BASES_OF_EXPONENTS)
    return "another base" if one and base > 1.01 and not known else "other speeds"


def _waves(x: Any, d_model: int) -> bool:
    """Whether even columns are sin(pos · s) and odd ones cos(pos · t), for whatever speeds s and t of their own."""
    if not fits(x, 4, d_model):
        return False
    sine, cosine = x.double()[:, 0::2], x.double()[:, 1::2]
    double, triple = 2 * sine[1] * (1 - sine[1].square()).clamp(min=0).sqrt(), 3 * sine[1] - 4 * sine[1] ** 3
    sines = torch.stack([torch.zeros_like(triple), double.abs(), triple])
    cosines = torch.stack([torch.ones_like(triple), 2 * cosine[1] ** 2 - 1, 4 * cosine[1] ** 3 - 3 * cosine[1]])
    found = torch.stack([sine[0], sine[2].abs(), sine[3]])
    return torch.allclose(found, sines, atol=3e-3) and torch.allclose(cosine[[0, 2, 3]], cosines, atol=3e-3)


def two_columns(candidate: Candidate, case: Case) -> Any:
    found = candidate.raw(table(4, 2))
    return "other speed" if _waves(found, 2) and not near(found, reference.sinusoidal_encoding(4, 2)) else found


def odd_sizes(candidate: Candidate, case: Case) -> str:
    try:
        found = [(candidate.raw(table(4, d_model)), d_model) for d_model in (1, 3, 7)]
    except CandidateError as error:
        if error.happening.gone:
            raise
        return "wrong"
    return "right" if all(fits(x, 4, n) and near(x, reference.sinusoidal_encoding(4, n)) for x, n in found) else "wrong"


COMPONENT = Component(
    draw,
    cases=Case.table(601, "seq_len d_model odd far", (7, 14, 5, 6), (13, 6, 17, 2)),
    parts=("the table",),
    probes={"even sizes": Probe(look=speeds), "two columns": Probe(look=two_columns), "odd sizes": Probe(look=odd_sizes)},
)


@COMPONENT.law(points=0.25)
def one_row_a_position(candidate: Candidate, case: Case) -> None:
    """The table has one row a position, in float32

    One row for each position, one column for each feature, and no batch. Double precision is for the way there.
    """
    for drawn in (draw(case), table(1, 2)):
        in_float32(candidate, drawn)


@COMPONENT.law(points=0.25)
def waves(candidate: Candidate, case: Case) -> None:
    """Each column is a wave along the positions

    Down a column the angle grows by the same amount from each position to the next, and its sine or cosine is taken.
    """
    found = candidate.use(draw(case))
    _wave(found, 1e-3, "beside a wave with the values around it")
    for axis, kind in enumerate(("row is the same, whatever the position", "column is the same")):
        expect.true(bool(found.std(axis).amax() > 0.1), f"every {kind}.")


def _wave(found: torch.Tensor, tolerance: float, where: str) -> None:
    """In each column the neighbours of an entry sum to one and the same multiple of it: 2 cos(speed)."""
    found = found.double()
    middle, sides = found[1:-1], found[:-2] + found[2:]
    multiple = (sides * middle).sum(0) / middle.square().sum(0).clamp(min=1e-12)
    expect.close(sides / 2, multiple * middle / 2, f"the mean of each entry's neighbours, {where}", (0.0, tolerance))


@COMPONENT.law(points=0.25, needs=waves)
def starts_with_sine_zero(candidate: Candidate, case: Case) -> None:
    """Position 0 reads 0, 1, 0, 1, …

    The first position is 0, even columns are sines and odd ones cosines.
    """
    start = torch.tensor([0.0, 1.0]).repeat(case.d_model // 2)
    expect.close(candidate.use(draw(case))[0], start, "the row of position 0")


@COMPONENT.law(points=0.75, needs=starts_with_sine_zero)
def agrees(candidate: Candidate, case: Case) -> None:
    """Each entry is the sine or cosine of pos / 10000^(2i/d_model)

    Work one entry out by hand. Here i = 0, 1, … counts pairs and not columns, and both columns of a pair share one angle.
    """
    for seq_len, d_model in ((case.seq_len, case.d_model), (11, 2), (1, 4)):
        agree(candidate, table(seq_len, d_model), f"of sinusoidal_encoding({seq_len}, {d_model})")


@COMPONENT.law(points=0.5, needs=waves)
def odd_size(candidate: Candidate, case: Case) -> None:
    """An odd d_model ends with a sine

    How many sines and how many cosines do 5 columns hold? The exponents stay 2i/d_model.
    """
    even_is_right = settled(candidate, draw(case))
    for d_model in (case.odd, 1, 3):
        drawn = table(case.seq_len, d_model)
        if even_is_right:
            agree(candidate, drawn, f"of sinusoidal_encoding({case.seq_len}, {d_model})")
        else:
            candidate.use(drawn)


@COMPONENT.law(points=0.5, needs=waves)
def exact_far_out(candidate: Candidate, case: Case) -> None:
    """It is exact to 1e-6 up to position 10,000

    Between 8,192 and 16,384 float32 numbers are 0.001 apart. In which dtype are the angles, and what goes into them?
    """
    found = candidate.use(table(FAR, case.far))
    if not settled(candidate, table(case.seq_len, case.far)):
        _wave(found[-100:], 1e-5, "from position 9,901 on, beside a wave with the values around it")
        return
    off = (found - candidate.right(table(FAR, case.far))).abs().nan_to_num(math.inf)
    row, column = divmod(int(off.argmax()), case.far)
    if off.max() > 1.1e-6:  # the oracle is itself rounded to float32
        place = f"position {row}, column {column} of sinusoidal_encoding({FAR}, {case.far})"
        raise Failed(f"{place} is off by {off.max():.1e}.", proves="float32-angles" if off.max() < 0.05 else None)


longer_begins_with_shorter(COMPONENT, waves, "Does the row of a position depend on how many rows there are?")


def before_and_after_change(component: Callable[..., Any], seq_len: int, d_model: int) -> list[torch.Tensor]:
    """The table that `component` returns, and the one that it returns after its caller has written into the first."""
    with watch.on():
        first = component(seq_len, d_model)
    kept = plain(first)
    with torch.no_grad():
        first.fill_(7.0)
    with watch.on():
        return [kept, plain(component(seq_len, d_model))]


@COMPONENT.law(points=0.25, needs=waves)
def callers_own(candidate: Candidate, case: Case) -> None:
    """The table belongs to the caller, who may change it

    Is a table that is kept for the next call the very one that was handed out?
    """
    right = candidate.right(draw(case))
    before, again = expect.form(candidate.there(before_and_after_change, case.seq_len, case.d_model), [right, right])
    expect.close(again, before, "the table of a second call, after its caller had overwritten the first")
