"""The laws of sinusoidal_encoding."""

import math

import torch

from autograder.checks import expect, watch
from autograder.checks.candidate import CandidateError
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "06_positional_encoding"


def near(a, b):
    """Equal in shape and, to the 1e-4 of a fingerprint, in value."""
    return isinstance(a, torch.Tensor) and a.shape == b.shape and torch.allclose(a.double(), b.double(), atol=1e-4, rtol=1e-3)


ENCODING = Component(
    "sinusoidal_encoding", CHAPTER, reference.sinusoidal_encoding, input_points=0,
    cases=[
        Case(seed=601, seq_len=7, d_model=14, odd=5, far=10),
        Case(seed=602, seq_len=13, d_model=6, odd=17, far=2),
    ],
)  # fmt: skip
_FORMULA = "each entry is the sine or cosine of pos / 10000^(2i/d_model)"


def oracle_encoding(seq_len, d_model, first=0):
    """The formula, one number at a time, in float64."""
    table = torch.empty(seq_len, d_model, dtype=torch.float64)
    for row in range(seq_len):
        for column in range(d_model):
            pair = column // 2
            angle = (first + row) / 10000 ** (2 * pair / d_model)
            table[row, column] = math.sin(angle) if column % 2 == 0 else math.cos(angle)
    return table


@ENCODING.law(
    "the table has one row a position, in float32", points=0.25,
    hint="The result has shape (seq_len, d_model), is float32, and has no batch axis.",
)  # fmt: skip
def _(candidate, case):
    expect.tensor(candidate(case.seq_len, case.d_model), (case.seq_len, case.d_model), torch.float32, "the table")
    expect.tensor(candidate(1, 2), (1, 2), torch.float32, "the table for one position")


@ENCODING.law(
    "position 0 reads 0, 1, 0, 1, … and each pair is a point on the unit circle", points=0.5,
    hint="Even columns are sines and the column right of each is the cosine of the same angle; the first position is 0.",
)  # fmt: skip
def _(candidate, case):
    table = expect.tensor(candidate(case.seq_len, case.d_model), (case.seq_len, case.d_model), what="the table")
    start = torch.tensor([0.0, 1.0]).repeat(case.d_model // 2)
    expect.close(table[0], start, case, what="the row of position 0")
    radius = table[:, 0::2].square() + table[:, 1::2].square()
    expect.close(radius, torch.ones_like(radius), case, what="sin² + cos² of each pair of columns")


@ENCODING.law(
    _FORMULA, points=0.75,
    hint="Both columns of pair i share one exponent, 2i/d_model, where i = 0, 1, … counts pairs and not columns.",
)  # fmt: skip
def _(candidate, case):
    table, right = candidate(case.seq_len, case.d_model), oracle_encoding(case.seq_len, case.d_model)
    expect.close(table, right, case, what=f"sinusoidal_encoding({case.seq_len}, {case.d_model})")
    expect.close(candidate(11, 2), oracle_encoding(11, 2), case, what="sinusoidal_encoding(11, 2)")


@ENCODING.law(
    "an odd d_model ends with a sine", points=0.5,
    hint="Of 5 columns 3 are sines and 2 are cosines: the last angle is used once. The exponents stay 2i/d_model.",
)  # fmt: skip
def _(candidate, case):
    for d_model in (case.odd, 1, 3):
        right = oracle_encoding(case.seq_len, d_model)
        expect.close(candidate(case.seq_len, d_model), right, case, what=f"sinusoidal_encoding({case.seq_len}, {d_model})")


@ENCODING.law(
    "it is exact to 1e-6 up to position 10,000", points=0.5, needs=_FORMULA,
    hint="Between 8,192 and 16,384 float32 numbers are 0.001 apart. In which dtype must the angles be, from the exponent "
    "to the sine, so that only the finished table is rounded to float32?",
)  # fmt: skip
def _(candidate, case):
    table = expect.tensor(candidate(10_001, case.far), (10_001, case.far), what="the table")
    for first in (5_000, 9_970):
        wrong = (table[first : first + 31].double() - oracle_encoding(31, case.far, first)).abs()
        row, column = divmod(int(wrong.nan_to_num(math.inf).argmax()), case.far)
        place = f"position {first + row}, column {column} of sinusoidal_encoding(10001, {case.far})"
        expect.true(bool(wrong.max() <= 1e-6), f"{place} is off by {wrong[row, column]:.1e}.")


@ENCODING.law(
    "a longer table begins with the shorter one", points=0.25, needs=_FORMULA,
    hint="The row of a position depends on that position alone, not on how many rows there are.",
)  # fmt: skip
def _(candidate, case):
    short, long = candidate(case.seq_len, case.d_model), candidate(3 * case.seq_len, case.d_model)
    expect.close(long[: case.seq_len], short, case, what=f"the first {case.seq_len} rows of {3 * case.seq_len}")


def table_after_change(component, seq_len, d_model):
    """Writes into the table that `component` returns; gives the table that it returns after that."""
    with watch.on():
        first = component(seq_len, d_model)
    with torch.no_grad():
        first.fill_(7.0)
    with watch.on():
        return component(seq_len, d_model).detach().clone()


@ENCODING.law(
    "the table belongs to the caller, who may change it", points=0.25, needs=_FORMULA,
    hint="A table that is kept for the next call must not be the one that was handed out: hand out a copy.",
)  # fmt: skip
def _(candidate, case):
    again = candidate.there(table_after_change, case.seq_len, case.d_model)
    right = oracle_encoding(case.seq_len, case.d_model)
    expect.close(again, right, case, what="the table of a second call, after the first one was overwritten by its caller")


# Bases that a wrong exponent gives as well: 10000^(i/d) = 100^(2i/d), 10000^(4i/d) = (10^8)^(2i/d).
_BASES_OF_EXPONENTS = (10_000.0, 100.0, 1e8)


def _speeds_named(tables):
    """`tables` of four positions for a diagnosis; only what is wrong with the speeds where they alone are wrong.

    "another base": all tables follow the formula with one other base. "other speeds": sines and cosines stand in their
    places, their speeds are not those of the formula, nor a fixed multiple of them.
    """
    if [getattr(table, "shape", None) for table in tables] != [(4, 4), (4, 6)] or not all(map(_waves, tables)):
        return tables
    if all(near(table, oracle_encoding(*table.shape)) for table in tables):
        return tables
    speeds = [torch.atan2(table[1, 0::2].double(), table[1, 1::2].double()) for table in tables]
    pairs = [torch.arange(1, len(speed)) for speed in speeds]
    factors = torch.cat([s[1:] * 10_000.0 ** (i / len(s)) for s, i in zip(speeds, pairs, strict=True)])
    if torch.allclose(factors, factors[:1], rtol=0.01, atol=0.0):
        return tables
    bases = torch.cat([s[1:] ** (-len(s) / i) for s, i in zip(speeds, pairs, strict=True)])
    base = float(bases[0])
    one = torch.allclose(bases, bases[:1], rtol=0.01) and all(abs(float(s[0]) - 1) < 1e-3 for s in speeds)
    known = any(math.isclose(base, other, rel_tol=0.01) for other in _BASES_OF_EXPONENTS)
    return "another base" if one and base > 1.01 and not known else "other speeds"


def _waves(table):
    """Whether even columns are sin(pos · s) and odd ones cos(pos · t), for whatever speeds s and t of their own."""
    if not isinstance(table, torch.Tensor) or table.dim() != 2 or table.shape[0] != 4 or table.shape[1] % 2:
        return False
    sine, cosine = table.double()[:, 0::2], table.double()[:, 1::2]
    double, triple = 2 * sine[1] * (1 - sine[1].square()).clamp(min=0).sqrt(), 3 * sine[1] - 4 * sine[1] ** 3
    sines = torch.stack([torch.zeros_like(triple), double.abs(), triple])
    cosines = torch.stack([torch.ones_like(triple), 2 * cosine[1] ** 2 - 1, 4 * cosine[1] ** 3 - 3 * cosine[1]])
    found = torch.stack([sine[0], sine[2].abs(), sine[3]])
    return torch.allclose(found, sines, atol=3e-3) and torch.allclose(cosine[[0, 2, 3]], cosines, atol=3e-3)


@ENCODING.probe("even sizes")
def _(candidate, given):
    return _speeds_named([candidate(4, 4), candidate(4, 6)])


@ENCODING.probe("two columns")
def _(candidate, given):
    table = candidate(4, 2)
    return "other speed" if _waves(table) and not near(table, oracle_encoding(4, 2)) else table


@ENCODING.probe("odd sizes are right")
def _(candidate, given):
    try:
        return all(near(candidate(4, d_model), oracle_encoding(4, d_model)) for d_model in (1, 3, 7))
    except CandidateError as error:
        if error.type in ("Timeout", "Ended", "OutOfMemory"):
            raise
        return False
