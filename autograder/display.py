"""The one display of what was judged, a verdict or a quiz: as text for a terminal, as HTML for notebooks and feedback."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from html import escape

from IPython.display import display

from utils import palette


class Mark(Enum):
    """How an entry came out: a sign, a word, and a colour that colour-blind readers can tell from the others."""

    RIGHT = ("✓", "ok", palette.RIGHT)
    WRONG = ("✗", "no", palette.WRONG)
    WAITS = ("…", "wait", palette.WAITING)
    OPEN = ("·", "", palette.WAITING)
    FAULT = ("?", "?", palette.WAITING)

    @property
    def colour(self) -> str:
        return self.value[2]


# Hides the row of a result in JupyterLab and on a feedback page, its prompt included; other pages show an empty row.
_NO_ROW = (
    "<style>.jp-OutputArea-child:has(.course-points), .output_area:has(.course-points) { display: none }</style>"
    '<span class="course-points"></span>'
)


class Points(float):
    """What a check cell gives: a float whose text is the number, for nbgrader, and which a page does not show.

    The card above it has said the points.
    """

    def _repr_html_(self) -> str:
        return _NO_ROW


@dataclass(frozen=True)
class Entry:
    """One line of a card: what was judged, how it came out, and what there is to say."""

    mark: Mark
    title: str
    text: str = ""


@dataclass(frozen=True)
class Fold:
    """Code below the entries that a reader opens; as text, the command that prints it."""

    heading: str
    code: str
    command: str


@dataclass(frozen=True)
class Card:
    """What is shown at once. `note` is a (heading, name, sentence) above the entries, `aside` a few words after the headline."""

    headline: str
    entries: tuple[Entry, ...] = ()
    note: tuple[str, str, str] | None = None
    aside: str = ""
    mark: Mark = Mark.OPEN
    fold: Fold | None = None

    def __repr__(self) -> str:
        return text(self)

    def _repr_html_(self) -> str:
        return html(self)


def text(card: Card) -> str:
    """The card as lines of text."""
    lines = [f"{card.headline} {card.aside}".strip()]
    if card.note:
        heading, name, sentence = card.note
        lines.append(f"  {heading} ({name}): {sentence}")
    for entry in card.entries:
        lines.append(f"  {entry.mark.value[1]:4} {entry.title}")
        if entry.text:
            lines.append(f"       {entry.text}")
    if card.fold:
        lines.append(f"  {card.fold.heading}: {card.fold.command}")
    return "\n".join(lines)


def html(card: Card) -> str:
    """The card as an HTML fragment without scripts; every text is escaped."""
    parts = [f'<div style="border-left:4px solid {card.mark.colour};padding:0.2em 0.8em">']
    aside = f" {escape(card.aside)}" if card.aside else ""
    parts.append(f"<p><strong>{_inline(card.headline)}</strong>{aside}</p>")
    if card.note:
        heading, name, sentence = card.note
        parts.append(f"<p><strong>{escape(heading)}</strong> <code>{escape(name)}</code>: {_inline(sentence)}</p>")
    if card.entries:
        parts.append('<ul style="list-style:none;padding-left:0;margin:0">')
        parts += [_item(entry) for entry in card.entries]
        parts.append("</ul>")
    if card.fold:
        parts.append(f'<details style="margin-top:0.6em"><summary>{escape(card.fold.heading)}</summary>')
        parts.append(f'<pre style="margin:0.4em 0 0 1.2em"><code>{escape(card.fold.code)}</code></pre></details>')
    return "".join([*parts, "</div>"])


def show(card: Card, metadata: dict | None = None) -> None:
    """Displays the card in a notebook; the output's `metadata` carry what the report of a class reads."""
    display(card, metadata={} if metadata is None else metadata)


def number(points: float) -> str:
    """Points without needless zeros: 1, 1.5, 0.25."""
    return f"{points:g}"


def _item(entry: Entry) -> str:
    sign, word, colour = entry.mark.value
    # White on the colour: seen on a light and on a dark page, as a thin sign of the colour is not.
    badge = f"background:{colour};color:#fff;border-radius:3px;padding:0 0.3em;font-weight:bold"
    line = f'<span style="{badge}" aria-label="{word}">{sign}</span> {_inline(entry.title)}'
    if entry.text:
        line += f'<br><span style="margin-left:1.2em;display:inline-block">{_inline(entry.text)}</span>'
    return f"<li>{line}</li>"


def _inline(words: str) -> str:
    """Escapes, and sets what stands between backticks as code."""
    pieces = escape(words).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
