"""What the cells of a shell show, in the form in which a notebook stores it. The far end: all of it may be forged."""

from __future__ import annotations

import base64
import json
from typing import Any

MOST_CHARACTERS = 200_000  # of what one cell prints
_MOST_BUNDLE = 4_000_000  # of one picture or table
UPDATE = "update_display_data"
"""The type of what stands among a cell's outputs for those of the cells before: `cell` and `place` say which, counted from 0."""


class Displays:
    """Where the displays with an id stand, in all cells: an update goes to each of them, as nbclient does it."""

    def __init__(self) -> None:
        self._cell = -1
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._updated: dict[tuple[int, int], dict] = {}

    def begin(self) -> None:
        """Another cell runs."""
        self._cell += 1
        self._updated = {}

    def note(self, id: str, place: int) -> None:
        """A display with this id is the output of the cell at `place`."""
        self._places.setdefault(id, []).append((self._cell, place))

    def update(self, id: str, bundle: dict, own: list[dict]) -> None:
        """What displays with this id show from now on; `own` are the outputs of the cell."""
        for cell, place in self._places.get(id, ()):
            if cell == self._cell:
                own[place].update(bundle)
            else:
                self._updated[cell, place] = bundle

    def clear(self) -> None:
        """The displays of the cell are gone."""
        for id, places in self._places.items():
            self._places[id] = [place for place in places if place[0] != self._cell]

    def updates(self) -> list[dict]:
        """What the cell has changed in the outputs of those before."""
        return [
            {"output_type": UPDATE, "cell": cell, "place": place, **bundle} for (cell, place), bundle in self._updated.items()
        ]


class Outputs:
    """What one cell shows, as a notebook's `outputs`."""

    def __init__(self, displays: Displays) -> None:
        self.entries: list[dict] = []
        self._room = MOST_CHARACTERS
        self._displays = displays
        self._to_clear = False

    def stream(self, name: str, text: str) -> None:
        """Text on stdout or stderr; what follows text of the same stream joins it."""
        text = _text(text[: max(self._room, 0)])
        self._room -= len(text)
        if self._room == 0 and text:
            text, self._room = text + "\n… (the rest is left out)\n", -1
        if not text:
            return
        self._begin_entry()
        last = self.entries[-1] if self.entries else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        else:
            self.entries.append({"output_type": "stream", "name": name, "text": text})

    def bundle(self, kind: str, data: dict, metadata: dict | None, count: int | None = None, id: str | None = None) -> None:
        """A display or a result."""
        entry: dict[str, Any] = {"output_type": kind, **_bundle(data, metadata)}
        if kind == "execute_result":
            entry["execution_count"] = count
        if id is not None:
            self.update(id, data, metadata)
        self._begin_entry()
        if id is not None:
            self._displays.note(id, len(self.entries))
        self.entries.append(entry)

    def update(self, id: str, data: dict, metadata: dict | None) -> None:
        """What the displays with this id show from now on, here and in the cells before."""
        self._displays.update(id, _bundle(data, metadata), self.entries)

    def error(self, kind: str, message: str, traceback: list[str]) -> None:
        self._begin_entry()
        lines = [_text(str(line)) for line in traceback]
        self.entries.append({"output_type": "error", "ename": _text(kind), "evalue": _text(message[:2000]), "traceback": lines})

    def clear(self, wait: bool) -> None:
        """Drops what is there; with `wait` only when something else is shown."""
        self._to_clear = wait
        if not wait:
            self.entries.clear()
            self._displays.clear()

    def _begin_entry(self) -> None:
        if self._to_clear:
            self.clear(wait=False)


def _text(text: str) -> str:
    """The text with halves of surrogate pairs, which no notebook can hold, exchanged for a question mark."""
    return text.encode("utf-8", "replace").decode()


def _bundle(data: dict, metadata: dict | None) -> dict[str, Any]:
    kept = _stored(data)
    if sum(len(str(value)) for value in kept.values()) > _MOST_BUNDLE:
        kept = {"text/plain": "(an output that is too large to keep)"}
    return {"data": kept, "metadata": _plain_metadata(metadata)}


def _stored(data: dict) -> dict[str, Any]:
    """A bundle as a notebook holds it: pictures as base64, JSON as it is, the rest as text."""
    return {_text(str(mime)): _stored_as(str(mime), value) for mime, value in data.items() if value is not None}


def _stored_as(mime: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _plain(value) if mime.endswith("json") else _text(str(value))


def _plain(value: Any) -> Any:
    """What JSON can hold of a value; of the rest its text."""
    try:
        return json.loads(_text(json.dumps(value, default=repr)))
    except (TypeError, ValueError, RecursionError):
        return _text(repr(value)[:MOST_CHARACTERS])


def _plain_metadata(metadata: dict | None) -> dict:
    """Sizes of pictures and the like. `course` is ours alone: a submission's own is left out."""
    kept = {key: value for key, value in (metadata or {}).items() if isinstance(key, str) and key != "course"}
    plain = _plain(kept)
    return plain if isinstance(plain, dict) else {}
