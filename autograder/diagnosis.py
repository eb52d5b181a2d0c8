"""Names the misconception behind a failing answer.

Every catalogue id has wrong answers in `solutions/`. The build runs them on the probes of their component and ships what
came out, the fingerprints. A failing answer is run on the same probes: the id that explains every output in which it
differs from the oracle is named. An id explains an output when one of its wrong answers gives it. Where none explains
all, nothing is named: a name that does not fit is worse than none.
"""

import json
import math
from functools import cache
from pathlib import Path

import torch

from autograder import catalogue, misconceptions
from autograder.checks.candidate import CandidateError, LocalCandidate
from autograder.checks.case import Case
from autograder.checks.component import component as find
from autograder.checks.expect import INCOMPARABLE, WRONG_GRADIENT, Failed, Other
from autograder.manifest import load

FOLDER = Path(__file__).parent / "fingerprints"
RULES = ("uses-builtin", "changes-input", "not-differentiable")
_DIGITS = 6
# Probes hold numbers of size 1. Two answers that mean the same differ by 1e-5; two misconceptions by 1e-2 and more.
_RTOL, _ATOL = 2e-3, 2e-4


def name(candidate, checks):
    """The catalogue id for a candidate that failed `checks`, or None."""
    failed = [check.rule for check in checks if not check.passed]
    for rule in RULES:
        if rule in candidate.rules or rule in failed:
            return rule
    if "gone" in failed:
        return None
    named = _from_probes(candidate)
    if named is not None:
        return named
    proofs = {rule for rule in failed if rule != "not run"}
    if proofs == {WRONG_GRADIENT}:
        return "not-differentiable"
    known = catalogue.ids(candidate.component)
    return proofs.pop() if len(proofs) == 1 and proofs <= set(known) else None


def _from_probes(candidate):
    component = candidate.component
    outcomes = run_probes(candidate)
    right = _right(component)
    wrong = {probe: outcome for probe, outcome in outcomes.items() if not same(outcome, right[probe])}
    if not wrong:
        return None
    for id, versions in read_fingerprints(component.chapter).get(component.name, {}).items():
        if all(any(same(outcome, version[probe]) for version in versions) for probe, outcome in wrong.items()):
            return id
    return None


@cache
def _right(component):
    return run_probes(LocalCandidate(component, component.oracle))


def run_probes(candidate):
    """{probe: outcome} of a candidate, an outcome as `encode` makes it."""
    outcomes = {}
    for probe, run in candidate.component.probes.items():
        try:
            outcomes[probe] = encode(run(candidate, Case(seed=7).fresh(probe)))
        except CandidateError as error:
            outcomes[probe] = {"error": error.type}
            if error.type in ("Timeout", "Ended", "OutOfMemory"):
                return {probe: {"error": error.type} for probe in candidate.component.probes}
        except (Failed, *INCOMPARABLE):
            outcomes[probe] = {"other": "nothing that the probe can take"}
    return outcomes


def encode(value):
    """A tensor, number or nest of them as JSON: kind, shape, and values to six digits."""
    if isinstance(value, torch.Tensor):
        kind = "bool" if value.dtype == torch.bool else "float" if value.is_floating_point() else "int"
        values = value.detach().reshape(-1).tolist()
        return {"kind": kind, "shape": list(value.shape), "values": [_short(v) for v in values]}
    if isinstance(value, (list, tuple)):
        return [encode(entry) for entry in value]
    if isinstance(value, dict):
        return {"entries": {str(key): encode(value[key]) for key in sorted(value)}}
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return {"value": value}
    if isinstance(value, float):
        return {"value": _short(value)}
    return {"other": value.kind if isinstance(value, Other) else type(value).__name__}


def _short(value):
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)
    return value


def same(a, b):
    """Whether two encoded outcomes agree within the tolerance of fingerprints."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if not (isinstance(a, dict) and isinstance(b, dict)) or a.keys() != b.keys():
        return False
    if "entries" in a:
        return a["entries"].keys() == b["entries"].keys() and all(same(a["entries"][k], b["entries"][k]) for k in a["entries"])
    if "values" in a:
        heads = a["kind"] == b["kind"] and a["shape"] == b["shape"]
        return heads and all(_near(x, y) for x, y in zip(a["values"], b["values"], strict=True))
    if "value" in a:
        return _near(a["value"], b["value"])
    return a == b


def _near(x, y):
    if isinstance(x, float) or isinstance(y, float):
        numbers = isinstance(x, (int, float)) and isinstance(y, (int, float))
        return numbers and math.isclose(x, y, rel_tol=_RTOL, abs_tol=_ATOL)
    return x == y


def fingerprints(chapter):
    """{component: {id: [{probe: outcome}]}} made from the chapter's misconceptions, in their order.

    Versions that leave every probe right (what rules and laws alone find) are left out, and so are doubles.
    """
    made = {}
    for entry in misconceptions.read(chapter, "misconceptions.py"):
        if entry.id in RULES:
            continue
        component = find(entry.component)
        right = _right(component)
        outcomes = run_probes(LocalCandidate(component, entry.answer))
        versions = made.setdefault(entry.component, {}).setdefault(entry.id, [])
        if outcomes not in versions and not all(same(outcomes[probe], right[probe]) for probe in outcomes):
            versions.append(outcomes)
    return {name: {id: versions for id, versions in ids.items() if versions} for name, ids in made.items()}


@cache
def read_fingerprints(chapter):
    """The shipped fingerprints of a chapter; empty where there are none."""
    path = FOLDER / f"{chapter}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write_fingerprints(chapter):
    """Makes the fingerprints of a chapter anew and writes them; returns the file."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{chapter}.json"
    # One outcome a line keeps a change readable.
    text = json.dumps(fingerprints(chapter), separators=(",", ":")).replace('":{"', '":\n{"').replace("]},", "]},\n")
    path.write_text(text + "\n", encoding="utf-8")
    read_fingerprints.cache_clear()
    return path


def covered(chapter):
    """(component, id) pairs of the catalogue without a wrong answer in `misconceptions.py`."""
    there = {(entry.component, entry.id) for entry in misconceptions.read(chapter, "misconceptions.py")}
    wanted = {(e.id, id) for e in load().chapter(chapter).exercises for id in catalogue.read(chapter).get(e.id, {})}
    return sorted(wanted - there)
