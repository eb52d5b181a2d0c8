"""Names the misconception behind a failing answer.

Rules come first. Then the fingerprints: the id of which one version agrees with the answer on all probes is named. Then
what a law by itself proves. Where none fits, nothing is named: a name that does not fit is worse than none.
"""

from __future__ import annotations

from autograder.framework import catalogue, fingerprints, solutions
from autograder.framework.candidate import Candidate
from autograder.framework.expect import About
from autograder.framework.happening import What
from autograder.framework.known_answers import read
from autograder.framework.verdict import Finding, Verdict
from utils.manifest import load

RULES = fingerprints.RULES


def name(candidate: Candidate, verdict: Verdict) -> str | None:
    """The catalogue id for a candidate whose `verdict` has failed laws, or None."""
    failed = [finding for finding in verdict.findings if finding.failed]
    for rule in RULES:
        if any(finding.proves == rule for finding in failed):
            return rule
    if any(finding.happening and (finding.happening.gone or finding.happening.what is What.STUB) for finding in failed):
        return None
    try:
        return _from_probes(candidate) or _from_laws(candidate, failed)
    except fingerprints.CannotProbe:
        return None


def _from_probes(candidate: Candidate) -> str | None:
    component = candidate.component
    outcomes = candidate.remembered("its probes", lambda: fingerprints.run_probes(candidate), lambda outcomes: True)
    wrong = fingerprints.wrong_ones(component, outcomes)
    if not wrong:
        return None
    for id, versions in fingerprints.shipped(component.name).items():
        if any(fingerprints.alike(wrong, version) for version in versions):
            return id
    return None


def _from_laws(candidate: Candidate, failed: list[Finding]) -> str | None:
    """The one id that the failed laws prove. A law about an edge that proves nothing does not stand in the way."""
    telling = [finding for finding in failed if finding.proves or not finding.edge]
    if telling and all(finding.about is About.GRADIENT for finding in telling):
        return "not-differentiable"
    proved = {finding.proves for finding in telling}
    known = catalogue.ids(candidate.component.name)
    return proved.pop() if len(proved) == 1 and proved <= set(known) else None


def uncovered(chapter: str) -> list[tuple[str, str]]:
    """(component, id) pairs of the catalogue without a wrong answer in `misconceptions.py`."""
    there = {(known.component, known.id) for known in read(chapter, solutions.MISCONCEPTIONS)}
    wanted = {(e.id, id) for e in load().chapter(chapter).exercises for id in catalogue.own(e.id)}
    return sorted(wanted - there)
