"""Judges a component in a process that holds a learner's code."""

from collections.abc import Iterable

from autograder.framework.component import component as find
from autograder.framework.exchange import exchangeable
from autograder.framework.happening import Happening
from autograder.framework.isolation.process import Process, RemoteCandidate
from autograder.framework.isolation.transcripts import TranscriptCandidate, Transcripts
from autograder.framework.judge import judge_with_exchange
from autograder.framework.usual import usual
from autograder.framework.verdict import Verdict


class Gone(Exception):
    """The process can no longer be asked; `happening` is what ended it."""

    def __init__(self, happening: Happening):
        super().__init__(happening.message)
        self.happening = happening


def judge_in(process: Process, name: str, transcripts: Transcripts | None = None) -> Verdict | None:
    """The `Verdict` on `name` as it stands in `process`, hidden cases included; None where it is not defined.

    Raises `Gone`, and with `transcripts`, by which a class is judged sooner, `EndedAtOnce`.
    """
    component = find(name)
    reply = process.ask("defined", names=[name, *component.earlier])
    if reply.get("happened"):
        raise Gone(Happening.from_dict(reply["happened"]))
    defined = set(reply.get("defined", ()))
    # A name that is the reference's own object is there too: it is judged, and named a short cut.
    if name not in defined:
        reply = process.ask("has", name=name)
        if reply.get("happened"):
            raise Gone(Happening.from_dict(reply["happened"]))
        if not reply.get("has"):
            return None

    def open_candidate(exchange: Iterable[str]) -> RemoteCandidate:
        process.ask("exchange", names=list(exchange))
        if transcripts is not None:
            return TranscriptCandidate(component, process, transcripts)
        return RemoteCandidate(component, process)

    with usual():
        verdict = judge_with_exchange(open_candidate, exchangeable(component, defined), hidden=True)
    process.ask("exchange", names=[])
    return verdict
