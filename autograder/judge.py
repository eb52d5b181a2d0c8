"""Judges an answer: runs the laws, adds up points, names the misconception."""

from dataclasses import asdict, dataclass, field

from autograder import catalogue, diagnosis
from autograder.checks import expect
from autograder.checks.candidate import CandidateError
from autograder.hidden import hidden_cases

INPUTS = "it leaves its inputs as they were"
OWN_PARTS = "it is built from its own parts"
HIDDEN = "It holds for the sizes and numbers shown here and fails for others: is a size, an axis or a dtype fixed in the code?"


@dataclass
class Check:
    """The outcome of one law."""

    name: str
    passed: bool
    message: str
    points: float
    max_points: float
    rule: str | None = None


@dataclass
class Verdict:
    """The outcome of one component."""

    component: str
    points: float
    max_points: float
    checks: list[Check] = field(default_factory=list)
    misconception: str | None = None
    sentence: str | None = None

    @property
    def passed(self):
        return all(check.passed for check in self.checks)

    def as_dict(self):
        """The object that `check --json` prints, without the file's name."""
        checks = [{key: asdict(check)[key] for key in ("name", "passed", "message")} for check in self.checks]
        return {
            "component": self.component, "passed": self.passed, "points": self.points, "max_points": self.max_points,
            "checks": checks, "misconception": self.misconception,
        }  # fmt: skip


def judge(candidate, hidden=False):
    """The `Verdict` on `candidate`; with `hidden` the cases of `solutions/` are run too, where they are there."""
    component = candidate.component
    extra = hidden_cases(component) if hidden else []
    checks = []
    for law in component.laws:
        check = _check(candidate, component, law, extra, {check.name for check in checks if check.passed})
        checks.append(check)
        if "uses-builtin" in candidate.rules or check.rule == "gone":
            break
    if checks[-1].rule == "gone":
        checks += [_not_run(law, "It could not be judged after that.") for law in component.laws[len(checks) :]]
    _conclude_inputs(candidate, component, checks)
    verdict = Verdict(component.name, sum(check.points for check in checks), component.points, checks)
    if "uses-builtin" in candidate.rules:
        verdict.points = 0.0
        for check in checks:
            check.points = 0.0
        names = ", ".join(sorted(candidate.seen))
        message = f"It calls {names}. This exercise asks you to build that yourself, so it earns no points this way."
        checks.insert(0, Check(OWN_PARTS, False, message, 0.0, 0.0, "uses-builtin"))
    if not verdict.passed:
        verdict.misconception = diagnosis.name(candidate, checks)
        verdict.sentence = catalogue.sentence(component, verdict.misconception)
    return verdict


def judge_with_exchange(open_candidate, exchangeable, hidden=False):
    """Judges as it stands and, where that fails, again with earlier components exchanged for the reference's.

    `open_candidate(exchange)` makes the candidate; `exchangeable` names the earlier components that its code defines. The
    better of the two verdicts stands: a mistake costs its points in the component where it was made, and a helper that
    only happens to bear a component's name costs nothing.
    """
    first = judge(open_candidate(()), hidden)
    if first.passed or not exchangeable or first.misconception == "uses-builtin":
        return first
    second = judge(open_candidate(tuple(exchangeable)), hidden)
    better = (second.points, second.misconception is not None) >= (
        first.points,
        first.misconception is not None,
    )
    return second if better else first


def _check(candidate, component, law, extra, held):
    if law.needs is not None and law.needs not in held:
        return _not_run(law, f"It is judged once “{law.needs}” holds.")
    try:
        for case in component.cases_of(law):
            _hold(candidate, law, case)
    except (expect.Failed, CandidateError) as failure:
        return _failed(law, failure, shown=True)
    try:
        for case in component.cases_of(law, extra) if extra else []:
            _hold(candidate, law, case)
    except (expect.Failed, CandidateError) as failure:
        return _failed(law, failure, shown=False)
    return Check(law.name, True, "", law.points, law.points)


def _hold(candidate, law, case):
    """Judges one case. A result that the law's own arithmetic cannot take is wrong too, and ends no run."""
    try:
        law.judge(candidate, case.fresh(law.name))
    except expect.INCOMPARABLE as error:
        raise expect.Failed(f"what came back cannot be compared: have its parts the right shapes? ({error})") from error


def _failed(law, failure, shown):
    rule = getattr(failure, "rule", None)
    if isinstance(failure, CandidateError):
        message = failure.sentence()
        if failure.type in ("Timeout", "Ended", "OutOfMemory"):
            return Check(law.name, False, message, 0.0, law.points, "gone")
        if failure.type == "NotImplementedError":
            return Check(law.name, False, message, 0.0, law.points)
        if "Can't call numpy() on Tensor that requires grad" in failure.message:
            rule = "not-differentiable"
    else:
        message = str(failure)
    message = f"{_sentence(message)} {law.hint}" if shown else HIDDEN
    return Check(law.name, False, message, 0.0, law.points, rule)


def _not_run(law, message):
    return Check(law.name, False, message, 0.0, law.points, "not run")


def _sentence(text):
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "`")) else f"{text}."


def _conclude_inputs(candidate, component, checks):
    if "changes-input" in candidate.rules:
        message = "It writes into a tensor that it was given. The caller still needs that tensor: work on a new one."
        checks.append(Check(INPUTS, False, message, 0.0, component.input_points, "changes-input"))
    elif component.input_points:
        earned = any(check.points for check in checks)
        message = "" if earned else "It is judged once another check holds."
        points = component.input_points if earned else 0.0
        checks.append(Check(INPUTS, earned, message, points, component.input_points, None if earned else "not run"))
