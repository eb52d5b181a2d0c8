"""What keeps a class from being graded, or stops that on the way."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from autograder.classroom.engine.outcome import Outcome

_KEPT = "Who is graded stays graded, and what was found is kept: running it again goes on from here."


class CannotStart(Exception):
    """Grading cannot start as asked for; the message says why."""


class Stopped(Exception):
    """Grading stopped on the way; the message says why. Running it again goes on."""


@contextmanager
def told(outcome: Outcome) -> Iterator[None]:
    """What stops grading on the way is part of the outcome."""
    try:
        yield
    except (Stopped, OSError, OperationalError) as problem:
        outcome.stopped = _what_stops(problem)
        if not outcome.stopped:
            raise


def raise_if_it_stops(error: BaseException) -> None:
    """Raises `Stopped` where every other submission would meet the same: a full disk, a locked gradebook."""
    reason = _what_stops(error)
    if reason:
        raise Stopped(reason) from error


def _what_stops(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Stopped):
            return str(cause)
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"the disk is full ({cause.filename or cause.strerror}): make room and run it again. {_KEPT}"
        if isinstance(cause, OperationalError):
            reason = str(cause.orig or cause).strip()
            return f"the gradebook cannot be written ({reason}): close what else uses it, or make room. {_KEPT}"
        cause = cause.__cause__ or cause.__context__
    return ""
