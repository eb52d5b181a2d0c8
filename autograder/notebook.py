"""`check` in a learner's notebook: judges the name as it stands in the kernel and shows the verdict."""

from IPython import get_ipython

from autograder import render
from autograder.checks.candidate import LocalCandidate
from autograder.checks.component import component as find
from autograder.judge import judge_with_exchange
from autograder.manifest import load
from utils import library, reference, session


def check(name):
    """See `autograder.check`."""
    shell = get_ipython()
    namespace = shell.user_ns if shell is not None else {}
    exercise = load().exercise(name)
    if name not in namespace:
        render.show_sentence(f"{name} is not there yet: run the cell above that defines it, then this one.")
        return 0.0
    try:
        verdict = judge_in(namespace, name, hidden=session.grading())
    except KeyboardInterrupt:
        render.show_sentence(f"The check of {name} was stopped. If it would not end: does a loop in your code never end?")
        return 0.0
    render.show(verdict, exercise)
    if verdict.passed and not session.grading():
        library.passed(name, namespace[name])
        library.keep(name, [cell for cell in namespace.get("In", []) if cell], namespace)
    return 0.0 if exercise.stretch else float(verdict.points)


def judge_in(namespace, name, hidden=False):
    """The `Verdict` on `namespace[name]`."""
    component = find(name)
    stand_ins = reference.COMPONENTS
    exchangeable = [
        other
        for other in component.earlier
        if (other in namespace or other in component.chapter_mates) and namespace.get(other) is not stand_ins[other]
    ]

    def open_candidate(exchange):
        replaced = {other: stand_ins[other] for other in exchange}
        return LocalCandidate(component, namespace[name], namespace, replaced)

    return judge_with_exchange(open_candidate, exchangeable, hidden)
