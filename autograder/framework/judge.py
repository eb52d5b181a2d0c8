"""Judges an answer: runs the laws, adds up points, names the misconception."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from autograder.framework import catalogue, diagnosis
from autograder.framework.candidate import Candidate, CandidateError, EndedAtOnce, OracleCandidate
from autograder.framework.case import Case
from autograder.framework.component import Component
from autograder.framework.expect import About, Failed
from autograder.framework.happening import What, sentence
from autograder.framework.law import Law
from autograder.framework.solutions import hidden_cases
from autograder.framework.verdict import Fault, Finding, Status, Verdict

INPUTS = "It leaves its inputs as they were"
OWN_PARTS = "It is built from its own parts"
HIDDEN = "It holds for the sizes and numbers shown here and fails for others: is a size, an axis or a number fixed in the code?"
SHORT_CUT = "This exercise asks you to build that yourself, so the answer earns no points this way."
WRITES = "It writes into a tensor or list that it was given. The caller still needs what was there: work on a new one."
FAULT = "This check has a fault of its own, which is not yours: you keep its points, and the report of the class names it."
STRANGE = "This check could not take what came back, which the report of the class names: a person has to look at it."
_MOST_CHARACTERS = 2000  # of what a law finds
LITTLE = 0.25  # points: leaving its inputs alone earns nothing for an answer that does no more than this


def judge(candidate: Candidate, hidden: bool = False) -> Verdict:
    """The `Verdict` on `candidate`; with `hidden` the cases of `solutions/` are run too, where they are there."""
    verdict = _judged(candidate, hidden, {})
    if not verdict.passed:
        verdict.misconception = diagnosis.name(candidate, verdict)
        verdict.sentence = catalogue.sentence(candidate.component.name, verdict.misconception)
    return verdict


def _judged(candidate: Candidate, hidden: bool, taken: dict[str, Finding]) -> Verdict:
    """The verdict without its misconception. The findings `taken` stand for the laws of these names, which are not judged."""
    component = candidate.component
    extra = hidden_cases(component.chapter) if hidden else {}
    verdict = Verdict(component.name, 0.0, component.points)
    for law in component.laws:
        verdict.findings.append(taken.get(law.name) or _find(candidate, component, law, extra, verdict))
        if "uses-builtin" in candidate.rules or _gone(verdict.findings[-1]) or _out_of_memory(verdict.findings):
            break
    rest = component.laws[len(verdict.findings) :]
    if "uses-builtin" in candidate.rules:
        _short_cut(candidate, verdict)
    else:
        verdict.findings += [_waits(law, "It could not be judged after that.") for law in rest]
        _conclude_inputs(candidate, component, verdict)
        verdict.points = sum(finding.points for finding in verdict.findings)
    return verdict


def judge_with_exchange(
    open_candidate: Callable[[Iterable[str]], Candidate], exchangeable: Sequence[str], hidden: bool = False
) -> Verdict:
    """Judges as it stands and, where that fails, again with earlier components exchanged for the reference's.

    `open_candidate(exchange)` makes the candidate; `exchangeable` names the earlier components that its code defines. The
    better of the two verdicts stands: a mistake costs its points in the component where it was made, and a helper that
    only happens to bear a component's name costs nothing.
    """
    first = judge(open_candidate(()), hidden)
    if first.passed or not exchangeable or first.misconception == "uses-builtin":
        return first
    if first.misconception is not None and _fails_alike(open_candidate(tuple(exchangeable)), first, hidden):
        return first
    second = judge(open_candidate(tuple(exchangeable)), hidden)
    better = (second.points, second.misconception is not None) >= (first.points, first.misconception is not None)
    return second if better else first


def _fails_alike(candidate: Candidate, first: Verdict, hidden: bool) -> bool:
    """Whether all that failed or waited in the `first` verdict does so for this candidate, and for the same reasons.

    Then no verdict on it has more points. Most mistakes are the component's own, and this takes the laws that failed alone.
    """
    laws = candidate.component.laws
    held = {law.name: found for law, found in zip(laws, first.findings, strict=False) if found.held}
    return _judged(candidate, hidden, held).findings == first.findings


def _find(candidate: Candidate, component: Component, law: Law, extra: dict, verdict: Verdict) -> Finding:
    held = {known.name for known, found in zip(component.laws, verdict.findings, strict=False) if found.held}
    faulty = {known.name for known, found in zip(component.laws, verdict.findings, strict=False) if found.status is Status.FAULT}
    if law.needs is not None and law.needs not in held | faulty:
        needed = next(known for known in component.laws if known.name == law.needs)
        return _waits(law, f"It is judged once “{needed.sentence}” holds.")
    finding = _judge(candidate, law, component.cases_of(law), verdict)
    if finding.held and extra:
        finding = _judge(candidate, law, component.hidden_cases_of(law, extra), verdict, shown=False)
    told = {found.message: found.law for found in verdict.findings if found.failed and _says_all(found)}
    if finding.message in told and _says_all(finding):
        return _waits(law, f"It is judged once “{told[finding.message]}” holds.")
    return finding


def _judge(candidate: Candidate, law: Law, cases: Sequence[Case], verdict: Verdict, shown: bool = True) -> Finding:
    def find() -> Finding:
        try:
            for case in cases:
                law.judge(candidate, case.fresh(law.name))
        except (Failed, CandidateError) as failure:
            return _failed(law, failure, shown)
        return Finding(law.sentence, Status.HELD, law.points, law.points)

    try:
        return replace(candidate.remembered(f"{law.name}{'' if shown else ', hidden'}", find, lambda finding: finding.held))
    except EndedAtOnce:
        raise
    except Exception:  # noqa: BLE001 (whatever a law raises else is a bug of the course, and not the learner's)
        verdict.faults.append(Fault(law.sentence, traceback.format_exc()))
        if _raises_for_the_oracle(candidate.component, law, cases):
            return Finding(law.sentence, Status.FAULT, law.points, law.points, FAULT)
        return Finding(law.sentence, Status.FAILED, 0.0, law.points, STRANGE, edge=law.edge)


def _raises_for_the_oracle(component: Component, law: Law, cases: Sequence[Case]) -> bool:
    """Whether a law is broken whatever the answer is. Where it is not, an answer has made it raise, and may have meant to."""
    try:
        for case in cases:
            law.judge(OracleCandidate(component), case.fresh(law.name))
    except Exception:  # noqa: BLE001 (as above)
        return True
    return False


def _failed(law: Law, failure: Failed | CandidateError, shown: bool) -> Finding:
    finding = Finding(law.sentence, Status.FAILED, 0.0, law.points, edge=law.edge)
    if isinstance(failure, CandidateError):
        finding.happening = failure.happening
        finding.message = sentence(failure.happening)
        if "Can't call numpy() on Tensor that requires grad" in failure.happening.message:
            finding.proves = "not-differentiable"
        hint = ""
    else:
        finding.proves, finding.about = failure.proves, failure.about
        finding.message = _as_sentence(_shortened(str(failure)))
        hint = "" if failure.about is About.FORM else law.hint
    if not shown and not _gone(finding):
        finding.message, hint = HIDDEN, ""
    finding.message = f"{finding.message} {hint}".strip()
    return finding


def _says_all(finding: Finding) -> bool:
    """Whether the finding is a crash, a stub or a wrong form, which is told once."""
    return finding.happening is not None or finding.about is About.FORM


def _out_of_memory(findings: Sequence[Finding]) -> bool:
    """Whether the answer has taken all memory twice: filling it again for each law takes a class's time."""
    ended = [finding for finding in findings if finding.happening is not None and finding.happening.what is What.MEMORY]
    return len(ended) > 1


def _gone(finding: Finding) -> bool:
    return finding.happening is not None and finding.happening.gone


def _waits(law: Law, message: str) -> Finding:
    return Finding(law.sentence, Status.WAITS, 0.0, law.points, message)


def _shortened(text: str) -> str:
    """The text, of which names that an answer gives may be a part, in a length that a page can show."""
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} … (the rest is left out)"


def _as_sentence(text: str) -> str:
    first = text.split(maxsplit=1)[0]
    # Identifiers keep their case: `w_q.weight`, `d_model`, `softmax(x)`.
    plain = first.strip(",.:;").isalpha() and first.islower()
    text = text[:1].upper() + text[1:] if plain else text
    return text if text.endswith((".", "!", "?", "`")) else f"{text}."


def _short_cut(candidate: Candidate, verdict: Verdict) -> None:
    """An answer that calls what it was to build earns nothing, and says so first."""
    for finding in verdict.findings:
        finding.points = 0.0
    message = f"It calls {', '.join(sorted(candidate.seen))}. {SHORT_CUT}"
    verdict.findings.insert(0, Finding(OWN_PARTS, Status.FAILED, 0.0, 0.0, message, "uses-builtin"))


def _conclude_inputs(candidate: Candidate, component: Component, verdict: Verdict) -> None:
    points = component.input_points
    if "changes-input" in candidate.rules:
        verdict.findings.append(Finding(INPUTS, Status.FAILED, 0.0, points, WRITES, "changes-input"))
    elif points and sum(finding.points for finding in verdict.findings) > LITTLE:
        verdict.findings.append(Finding(INPUTS, Status.HELD, points, points))
    elif points:
        message = "It is judged once more of the other checks hold."
        verdict.findings.append(Finding(INPUTS, Status.WAITS, 0.0, points, message))
