"""Judges a component in a process that holds a learner's code."""

from autograder.checks.component import component as find
from autograder.isolation.process import RemoteCandidate
from autograder.judge import judge_with_exchange


class Gone(Exception):
    """The process can no longer be asked; `error` is its last reply's."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.error = error


def judge_in(process, name, supplied=()):
    """The `Verdict` on `name` as it stands in `process`, hidden cases included; None where it is not defined. Raises `Gone`.

    `supplied` names earlier components that the reference stands in for also where the learner has none.
    """
    component = find(name)
    reply = process.ask("defined", names=[name, *component.earlier])
    if reply.get("error"):
        raise Gone(reply["error"])
    defined = set(reply["defined"])
    # A name that is the reference's own object is there too: it is judged, and named a short cut.
    if name not in defined and not process.ask("has", name=name).get("has"):
        return None

    def open_candidate(exchange):
        process.ask("exchange", names=list(exchange))
        return RemoteCandidate(component, process)

    verdict = judge_with_exchange(open_candidate, sorted((defined | set(supplied)) - {name}), hidden=True)
    process.ask("exchange", names=[])
    return verdict
