"""The quiz's feedback as text and as HTML: words and signs beside the colours, readable on light and dark."""

import html
import re
from dataclasses import dataclass

from IPython.display import display

SIGNS = {True: ("✓", "right", "#0072b2"), False: ("✗", "not yet", "#d55e00"), None: ("·", "", "#888888")}


@dataclass(frozen=True)
class Line:
    """One line of feedback. `right` is None where there was nothing to judge."""

    question: str
    text: str
    right: bool | None = None


def show(lines: list[Line], total: str = "") -> None:
    """Displays the lines in the notebook, and the total under them."""
    display({"text/plain": as_text(lines, total), "text/html": as_html(lines, total)}, raw=True)


def as_text(lines: list[Line], total: str = "") -> str:
    rows = []
    for line in lines:
        sign, word, _ = SIGNS[line.right]
        rows.append(f"{sign} {line.question}{', ' + word if word else ''}: {line.text}")
    return "\n".join([*rows, *([total] if total else [])])


def as_html(lines: list[Line], total: str = "") -> str:
    rows = []
    for line in lines:
        sign, word, colour = SIGNS[line.right]
        head = html.escape(f"{sign} {line.question}{', ' + word if word else ''}")
        text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(line.text))
        rows.append(
            f'<div style="border-left: 4px solid {colour}; padding: 0.1em 0.8em; margin: 0.3em 0"><b>{head}</b>: {text}</div>'
        )
    if total:
        rows.append(f"<div><b>{html.escape(total)}</b></div>")
    return "\n".join(rows)
