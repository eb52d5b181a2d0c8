"""The form of what an answer's process replies: it may have forged it, so that each entry that is read is looked at first."""

from __future__ import annotations

from autograder.framework.happening import MOST, Happening
from autograder.framework.isolation import wire

_WORDS, _MOST_WORDS = ("seen", "defined", "bound"), 1000
_KINDS: dict[str, type] = {"seen": list, "defined": list, "bound": list, "changed": bool, "has": bool, "outputs": list}


def _is_happening(entries: object) -> bool:
    try:
        found = Happening.from_dict(entries)  # type: ignore[arg-type]
    except (TypeError, ValueError, KeyError, AttributeError):
        return False
    words = all(isinstance(each, str) and len(each) <= MOST for each in (found.error, found.message, found.text or ""))
    return words and isinstance(found.line, int | None) and isinstance(found.seconds, int | float)


def checked(reply: object) -> dict:
    """A reply, which the process may have forged: its entries that are read are of the right types. Raises `wire.WireError`."""
    if not isinstance(reply, dict):
        raise wire.WireError("a reply that is none")
    if reply.get("happened") is not None and not _is_happening(reply["happened"]):
        raise wire.WireError("a reply with a happening that is none")
    for name, kind in _KINDS.items():
        if not isinstance(reply.get(name, kind()), kind):
            raise wire.WireError(f"a reply whose entry {name} is of another type")
    words = [each for name in _WORDS for each in reply.get(name, ())]
    if len(words) > _MOST_WORDS or not all(isinstance(each, str) and len(each) <= MOST for each in words):
        raise wire.WireError("a reply with names that are none")
    return reply
