"""From the cells that a learner hands in to the chapter's notebook, as the learner means them.

Every cell of the released notebook is known by its nbgrader id, else by its cell id, else, for checks, by its text. What is
locked comes from the release and stands once; what a learner wrote into it runs beside it. A learner's cells keep their
order and all run; of several copies the last that says something bears the exercise's id. A check stands where the learner
has it, but never before its exercise; what is gone comes back. No metadata of a submission are believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from autograder.submission.binding import binds
from autograder.submission.reading import grade_id, marks, plain_cell

CHECK = "check-"


@dataclass
class _Piece:
    """A cell on its way: the id of the released cell that it is, or None, and what the learner wrote."""

    id: str | None
    cell: NotebookNode

    @property
    def code(self) -> bool:
        return self.cell.cell_type == "code"


def take_in(submitted: NotebookNode, released: NotebookNode) -> NotebookNode:
    """The released notebook of a chapter with what the learner wrote. `submitted` is as `reading.read` gives it.

    `released` stays as it is.
    """
    return _TakingIn(released).notebook(submitted)


class _TakingIn:
    def __init__(self, released: NotebookNode) -> None:
        self._metadata = released.metadata
        self._released = {id: cell for cell in released.cells if (id := grade_id(cell)) is not None}
        self._order = list(self._released)
        self._texts = {cell.source.strip() for cell in released.cells}
        self._locked_texts = {
            cell.source.strip(): id
            for id, cell in self._released.items()
            if cell.cell_type == "markdown" and not marks(cell).get("solution")
        }
        self._checks = {id: cell.source.strip() for id, cell in self._released.items() if id.startswith(CHECK)}

    def notebook(self, submitted: NotebookNode) -> NotebookNode:
        pieces = self._apart([_Piece(self._known(cell), cell) for cell in submitted.cells])
        pieces = self._locked(pieces)
        pieces = self._written(pieces)
        self._one_each(pieces)
        pieces = self._in_place(pieces)
        return self._assembled(pieces)

    def _solution(self, id: str | None) -> bool:
        return id is not None and bool(marks(self._released[id]).get("solution"))

    def _by_hand(self, id: str | None) -> bool:
        return self._solution(id) and id is not None and bool(marks(self._released[id]).get("grade"))

    def _known(self, cell: NotebookNode) -> str | None:
        id = grade_id(cell)
        if id is not None:
            return id if id in self._released else None  # of another chapter, or of an older release
        if cell.id in self._released:
            return cell.id
        return self._locked_texts.get(cell.source.strip()) if cell.cell_type == "markdown" else None

    def _apart(self, pieces: list[_Piece]) -> list[_Piece]:
        """Checks that lost their marks, alone or merged into another cell, are cells of their own again."""
        there = {piece.id for piece in pieces}
        lost = {source: id for id, source in self._checks.items() if id not in there}
        return [part for piece in pieces for part in (self._parts(piece, lost) if piece.code else [piece])]

    def _parts(self, piece: _Piece, lost: dict[str, str]) -> Iterator[_Piece]:
        lines: list[str] = []
        for line in piece.cell.source.split("\n"):
            if line.rstrip() in lost:
                yield from self._part(piece, lines)
                yield _Piece(lost[line.rstrip()], plain_cell("code", line.rstrip()))
                lines = []
            else:
                lines.append(line)
        yield from self._part(piece, lines)

    def _part(self, piece: _Piece, lines: list[str]) -> Iterator[_Piece]:
        source = "\n".join(lines).strip("\n")
        if source == piece.cell.source.strip("\n"):
            yield piece
        elif source.strip():
            yield _Piece(piece.id, plain_cell(piece.cell.cell_type, source))

    def _locked(self, pieces: list[_Piece]) -> list[_Piece]:
        """Each locked cell once, as released: of copies the first, of checks the last. What was written in it stays beside it."""
        kept: dict[str, _Piece] = {}
        for piece in pieces:
            if piece.id is not None and not self._solution(piece.id):
                if piece.id.startswith(CHECK) or piece.id not in kept:
                    kept[piece.id] = piece
        result: list[_Piece] = []
        for piece in pieces:
            if piece.id is None or self._solution(piece.id):
                result.append(piece)
                continue
            released = self._released[piece.id]
            known = {line.strip() for line in released.source.split("\n")}
            own = "\n".join(line for line in piece.cell.source.split("\n") if line.strip() not in known).strip("\n")
            added = [_Piece(None, plain_cell(piece.cell.cell_type, own))] if own.strip() else []
            locked = [_Piece(piece.id, nbformat.from_dict(released))] if kept[piece.id] is piece else []
            result += added + locked if piece.id.startswith(CHECK) else locked + added
        return result

    def _written(self, pieces: list[_Piece]) -> list[_Piece]:
        """Answers in words: of several cells one, in which all stands; an answer in a cell of its own counts as well."""
        for id in [id for id in self._order if self._by_hand(id)]:
            stub = self._released[id].source.strip()
            own = [piece for piece in pieces if piece.id == id and piece.cell.source.strip() not in ("", stub)]
            question = self._order[self._order.index(id) - 1] if self._order.index(id) else None
            if not own:
                own = self._texts_after(pieces, question)
            if own:
                answer = _Piece(id, plain_cell("markdown", "\n\n".join(piece.cell.source for piece in own)))
                pictures = {name: it for piece in own for name, it in piece.cell.get("attachments", {}).items()}
                if pictures:
                    answer.cell["attachments"] = nbformat.from_dict(pictures)
                place = next(place for place, piece in enumerate(pieces) if piece is own[0])
                pieces[place] = answer
                pieces = [p for p in pieces if p is answer or not (p.id == id or any(p is other for other in own))]
            elif any(piece.id == id for piece in pieces):
                first = next(piece for piece in pieces if piece.id == id)
                pieces = [piece for piece in pieces if piece is first or piece.id != id]
        return pieces

    def _texts_after(self, pieces: list[_Piece], question: str | None) -> list[_Piece]:
        """The learner's own texts between a question and the next cell of the release."""
        ids = [piece.id for piece in pieces]
        if question is None or question not in ids:
            return []
        found: list[_Piece] = []
        for piece in pieces[ids.index(question) + 1 :]:
            text = piece.cell.source.strip()
            if (piece.id is not None and not self._by_hand(piece.id)) or (piece.id is None and text in self._texts):
                break
            if piece.id is None and not piece.code and text:
                found.append(piece)
        return found

    def _one_each(self, pieces: list[_Piece]) -> None:
        """Of several copies of an exercise's cell one bears its id: the last above its check that is code and no stub."""
        for id in [id for id in self._order if self._solution(id) and not self._by_hand(id)]:
            copies = [piece for piece in pieces if piece.id == id]
            ids = [piece.id for piece in pieces]
            check = ids.index(f"{CHECK}{id}") if f"{CHECK}{id}" in ids else len(ids)
            above = [piece for piece in pieces[:check] if piece.id == id] or copies
            stub = self._released[id].source.strip()
            written = [piece for piece in above if piece.cell.source.strip() not in ("", stub)] or above
            as_released = [piece for piece in written if piece.code] or written
            for piece in copies:
                piece.id = id if piece is as_released[-1] else None

    def _in_place(self, pieces: list[_Piece]) -> list[_Piece]:
        """Set-up cells come first, checks after their exercise, and what is gone comes back where it belongs."""
        for id in self._order:
            ids = [piece.id for piece in pieces]
            if self._solution(id) and not self._by_hand(id):
                continue  # a cell that is gone may have been written anew: a stub would undo that
            there = ids.index(id) if id in ids else None
            place = self._place(id, pieces, there)
            if place != there:
                piece = pieces.pop(there) if there is not None else _Piece(id, nbformat.from_dict(self._released[id]))
                pieces.insert(place - (there is not None and there < place), piece)
        return pieces

    def _place(self, id: str, pieces: list[_Piece], there: int | None) -> int:
        ids = [piece.id for piece in pieces]
        if id.startswith(CHECK):
            exercise = ids.index(id.removeprefix(CHECK)) if id.removeprefix(CHECK) in ids else None
            if there is not None:
                return there if exercise is None or exercise < there else exercise + 1
            if exercise is not None:
                return _rewritten(pieces, exercise, id.removeprefix(CHECK)) + 1
            made = _binding(pieces, id.removeprefix(CHECK))
            if made is not None:
                return made + 1
        elif self._released[id].cell_type == "code":
            known = [place for place, other in enumerate(ids) if other is not None and other != id]
            if there is None or (known and known[0] < there and self._order.index(id) == 0):
                return 0
        if there is not None:
            return there
        later = set(self._order[self._order.index(id) + 1 :])
        return next((place for place, other in enumerate(ids) if other in later), len(ids))

    def _assembled(self, pieces: Iterable[_Piece]) -> NotebookNode:
        notebook = nbformat.v4.new_notebook(metadata=nbformat.from_dict(self._metadata))
        taken = {cell.id for cell in self._released.values()}
        for number, piece in enumerate(pieces):
            if piece.id is None:
                cell = piece.cell
                cell.metadata = nbformat.from_dict({})
                if cell.id in taken:
                    cell.id = f"own-{number}"
                taken.add(cell.id)
            else:
                cell = nbformat.from_dict(self._released[piece.id])
                if self._solution(piece.id):
                    cell.source = piece.cell.source
                    if cell.cell_type == "markdown" and "attachments" in piece.cell:
                        cell["attachments"] = piece.cell["attachments"]
            notebook.cells.append(cell)
        return notebook  # valid, since the released cells are, and what `reading.read` gives


def _rewritten(pieces: list[_Piece], place: int, name: str) -> int:
    """The place of an exercise's cell, or of the last own cell right below it that defines `name` anew."""
    for below in range(place + 1, len(pieces)):
        if pieces[below].id is not None:
            break
        if pieces[below].code and binds(pieces[below].cell.source, name):
            place = below
    return place


def _binding(pieces: list[_Piece], name: str) -> int | None:
    """The place of the first cell that defines `name`, or None."""
    return next((place for place, piece in enumerate(pieces) if piece.code and binds(piece.cell.source, name)), None)
