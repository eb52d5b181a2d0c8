"""Fingerprints: what comes out of an answer on the probes of its component, in a form small enough to ship.

The wrong answers of `solutions/` are nearly solutions and never ship. The build runs them on the probes and ships what came
out: of each tensor its kind, its shape and a few sums of its entries with fixed weights, to four digits.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import torch

from autograder.framework import solutions
from autograder.framework.candidate import Candidate, CandidateError, LocalCandidate, OracleCandidate
from autograder.framework.case import Case
from autograder.framework.component import Component
from autograder.framework.component import component as find
from autograder.framework.expect import Failed, Other, number_kind
from autograder.framework.known_answers import KnownAnswer, read

FOLDER = Path(__file__).resolve().parents[1] / "components"
RULES = ("uses-builtin", "changes-input", "not-differentiable")
SUMS = 3
_DIGITS = 4
# Probes hold numbers of size 1. Sums of two answers that mean the same differ by 1e-4; of two misconceptions by far more.
_RTOL, _ATOL = 3e-3, 3e-3
_STAND_INS = {"nan": 3.7, "inf": 23.1, "-inf": -29.3}


class CannotProbe(Exception):
    """The process of the answer is gone: nothing more can be probed."""


def run_probes(candidate: Candidate) -> dict[str, str]:
    """{probe: what came out, as text}. Raises `CannotProbe`."""
    outcomes = {}
    for name, probe in candidate.component.probes.items():
        case = Case(seed=7).fresh(name)
        try:
            if probe.look is not None:
                found = probe.look(candidate, case)
            elif probe.given is None:
                continue
            elif probe.gradient:
                drawn = probe.given(case)
                found = candidate.perform("autograder.framework.procedures:slopes", vars(drawn), candidate.cotangents(drawn))[1]
            else:
                found = candidate.raw(probe.given(case))
            outcomes[name] = encode(found)
        except CandidateError as error:
            if error.happening.gone:
                raise CannotProbe from None
            outcomes[name] = f"! {error.happening.cause}"
        except Failed:
            outcomes[name] = "? not what the probe can take"
    return outcomes


def encode(value: object) -> str:
    """A tensor, number or nest of them as a short text."""
    if isinstance(value, torch.Tensor) and (value.device.type != "cpu" or value.layout is not torch.strided):
        return f"a tensor on {value.device.type}, {value.layout}"
    if isinstance(value, torch.Tensor):
        shape = "x".join(map(str, value.shape))
        return f"{number_kind(value)[0]}{shape}: {' '.join(f'{s:.{_DIGITS}g}' for s in _sums(value))}"
    if isinstance(value, (list, tuple)):
        return f"[{' | '.join(map(encode, value))}]"
    if isinstance(value, dict):
        return "{" + " | ".join(f"{key}={encode(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    return repr(value) if value is None or isinstance(value, (bool, int, str)) else _kind(value)


def _kind(value: object) -> str:
    return value.kind if isinstance(value, Other) else type(value).__name__


def _sums(x: torch.Tensor) -> list[float]:
    """Weighted sums of the entries, with what is not finite replaced by numbers and large entries drawn in."""
    flat = x.detach().reshape(-1).double() if not x.is_complex() else torch.view_as_real(x).reshape(-1).double()
    flat = torch.nan_to_num(flat.asinh(), nan=_STAND_INS["nan"], posinf=_STAND_INS["inf"], neginf=_STAND_INS["-inf"])
    places = torch.arange(len(flat), dtype=torch.float64)
    return [float((flat * torch.cos(1.7 * (k + 1) + (k + 1.3) * places * (1 + places / 97))).sum()) for k in range(SUMS)]


def same(a: str, b: str) -> bool:
    """Whether two encoded outcomes agree within the tolerance of fingerprints."""
    if a == b:
        return True
    if a[:1] in "!?" or b[:1] in "!?":
        return False
    left, right = a.split(), b.split()
    return len(left) == len(right) and all(map(_near, left, right))


def _near(x: str, y: str) -> bool:
    if x == y:
        return True
    try:
        return math.isclose(float(x.rstrip("]}")), float(y.rstrip("]}")), rel_tol=_RTOL, abs_tol=_ATOL)
    except ValueError:
        return False


@cache
def right(component: Component) -> dict[str, str]:
    """What comes out of the oracle."""
    return run_probes(OracleCandidate(component))


def made(chapter: str) -> dict[str, dict[str, list[dict[str, str]]]]:
    """{component: {id: [{probe: outcome}]}} of the chapter's misconceptions, in their order.

    Of a version only the outcomes that differ from the oracle's are listed. Versions that leave every probe right (what
    rules and laws alone find) are left out, and so are doubles.
    """
    found: dict[str, dict[str, list[dict[str, str]]]] = {}
    for known in read(chapter, solutions.MISCONCEPTIONS):
        if known.id not in RULES:
            versions = found.setdefault(known.component, {}).setdefault(known.id, [])
            outcomes = differences(known)
            if outcomes and not any(alike(outcomes, version) for version in versions):
                versions.append(outcomes)
    return {name: {id: versions for id, versions in ids.items() if versions} for name, ids in found.items()}


def differences(known: KnownAnswer) -> dict[str, str]:
    component = find(known.component)
    return wrong_ones(component, run_probes(LocalCandidate(component, known.answer)))


def wrong_ones(component: Component, outcomes: dict[str, str]) -> dict[str, str]:
    """The outcomes that differ from the oracle's."""
    return {probe: outcome for probe, outcome in outcomes.items() if not same(outcome, right(component)[probe])}


def alike(some: dict[str, str], others: dict[str, str]) -> bool:
    """Whether two answers differ from the oracle on the same probes and in the same way."""
    return some.keys() == others.keys() and all(same(some[probe], others[probe]) for probe in some)


@cache
def shipped(name: str) -> dict[str, list[dict[str, str]]]:
    """{id: [{probe: outcome}]} of a component as the build wrote it; empty where there is none."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write(chapter: str) -> None:
    """Makes the fingerprints of a chapter's components anew and writes them."""
    for name, ids in made(chapter).items():
        rows = [
            f"{json.dumps(id)}: [\n" + ",\n".join(json.dumps(version, ensure_ascii=False) for version in versions) + "\n]"
            for id, versions in ids.items()
        ]
        (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    shipped.cache_clear()
