"""What one law asks of one answer after another: it is asked at once, and what has been judged before is known.

A law asks right answers the same questions. So those that it asked of an answer for which it held go to the next answer
together, in one message. A law's judgement follows from the replies alone: where they are, byte for byte, those of an
earlier answer, it stands already. Where an answer's replies lead a law to other questions, these are asked one by one.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autograder.framework.candidate import EndedAtOnce
from autograder.framework.component import Component
from autograder.framework.isolation import wire
from autograder.framework.isolation.process import Process, RemoteCandidate
from autograder.framework.isolation.replies import checked

_MOST_BYTES = 8 * 2**20  # of one law's questions
_MOST_KNOWN = 1000  # judgements of one law


@dataclass
class _Known:
    """What a law found, and what it noted on the way."""

    found: Any
    seen: frozenset[str]
    rules: frozenset[str]


@dataclass
class _Transcript:
    """The questions of one law, as one message and each by itself, and what was found by the digest of the replies."""

    message: bytes
    questions: list[bytes]
    known: dict[bytes, _Known] = field(default_factory=dict)


class Transcripts:
    """The transcripts of all laws that this process has judged."""

    def __init__(self) -> None:
        self._by_law: dict[tuple[str, str], _Transcript] = {}

    def get(self, component: str, law: str) -> _Transcript | None:
        return self._by_law.get((component, law))

    def keep(self, component: str, law: str, asked: list[tuple[bytes, dict]], known: _Known) -> None:
        """Keeps what a law asked, each question with its reply, and what it found."""
        if asked and sum(len(question) for question, _ in asked) <= _MOST_BYTES:
            questions, replies = [question for question, _ in asked], [reply for _, reply in asked]
            requests = [wire.unpack(question) for question in questions]
            message = {"do": "performs", "component": component, "requests": requests}
            digest = _digest(wire.pack({"happened": None, "replies": replies}))
            self._by_law[component, law] = _Transcript(wire.pack(message), questions, {digest: known})


class TranscriptCandidate(RemoteCandidate):
    """An answer in a `Process` whose replies come from transcripts as far as these go. Judging raises `EndedAtOnce`."""

    def __init__(self, component: Component, process: Process, transcripts: Transcripts):
        super().__init__(component, process)
        self._transcripts = transcripts
        self._questions: list[bytes] = []  # those whose replies are there
        self._replies: list[dict] = []
        self._asked: list[tuple[bytes, dict]] = []
        self._astray = False

    def remembered(self, law: str, find: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        transcript = self._transcripts.get(self.component.name, law)
        self._asked, self._astray, self._questions, self._replies = [], False, [], []
        if transcript is None:
            known = self._find(find)
            if holds(known.found):
                self._transcripts.keep(self.component.name, law, self._asked, known)
            return known.found
        data = self._process.ask_packed(transcript.message)
        if data is None:
            raise EndedAtOnce
        digest = _digest(data)
        if digest not in transcript.known:
            self._questions, self._replies = transcript.questions, _replies(data)
            known = self._find(find)
            if self._astray or len(transcript.known) >= _MOST_KNOWN:
                return known.found
            transcript.known[digest] = known
        known = transcript.known[digest]
        self.seen |= known.seen
        self.rules |= known.rules
        return known.found

    def _find(self, find: Callable[[], Any]) -> _Known:
        before = self.seen, self.rules
        self.seen, self.rules = set(), set()
        try:
            found = find()
        finally:
            noted = self.seen, self.rules
            self.seen, self.rules = before[0] | noted[0], before[1] | noted[1]
        return _Known(found, *map(frozenset, noted))

    def _ask(self, name: str, args: tuple, meanwhile: Callable[[], object] | None) -> dict:
        question = wire.pack({"procedure": name, "args": list(args)})
        number = len(self._asked)
        if not self._astray and number < len(self._replies) and question == self._questions[number]:
            reply = self._replies[number]
        else:
            self._astray = True
            reply = super()._ask(name, args, meanwhile)
        self._asked.append((question, reply))
        return reply


def _replies(data: bytes) -> list[dict]:
    """The replies of one message, in order, up to the first that is none: from there on each question is asked by itself."""
    replies: list[dict] = []
    with contextlib.suppress(wire.WireError):
        found = checked(wire.unpack(data)).get("replies")
        for reply in found if isinstance(found, list) else ():
            replies.append(checked(reply))
    return replies


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
