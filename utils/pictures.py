"""Drawings as SVG text, shown as one image with a text for whoever cannot see it.

An SVG is written in a millisecond, so a drawing can follow a slider. It is shown as an image, and not inline: JupyterLab
takes inline SVG out of a notebook that it does not trust, and leaves images in. Every drawing has a white ground and a
frame of its own, so it reads the same in a light and in a dark notebook.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from utils import session
from utils.palette import GROUND, INK, RULE

GAP = 8  # pixels between drawings side by side
THINNEST = 0.5  # pixels of a bar whose weight is 0
TITLE_SIGN = 7.5  # pixels of a bold letter, on average
CENTRED = {"text_anchor": "middle"}
BOLD = {"font_weight": "bold"}


@dataclass(frozen=True)
class Drawing:
    """A title, the SVG elements under it, the size in pixels, and what is shown in words."""

    title: str
    parts: Iterable[str]
    width: int
    height: int
    alt: str

    def framed(self) -> str:
        """The elements on their ground, in their frame."""
        frame = rect(0.5, 0.5, self.width - 1, self.height - 1, GROUND, stroke=RULE, rx=4)
        room = self.width - 20
        fit: dict[str, str | float] = {}
        if TITLE_SIGN * len(self.title) > room:
            fit = {"textLength": room, "lengthAdjust": "spacingAndGlyphs"}
        return frame + text(10, 18, self.title, **BOLD, **fit) + "".join(self.parts)


def text(x: float, y: float, words: object, **look: str | float) -> str:
    """Words from x on, standing on y. `look` are SVG's own attributes, here and below, with `_` for `-`."""
    return _element("text", escape(str(words)), x=x, y=y, **look)


def line(x1: float, y1: float, x2: float, y2: float, colour: str, **look: str | float) -> str:
    """A straight line from one point to the other."""
    return _element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, **look)


def rect(x: float, y: float, width: float, height: float, colour: str, **look: str | float) -> str:
    """A filled rectangle, or a bar: it can be seen even where it stands for 0."""
    return _element("rect", x=x, y=y, width=max(width, THINNEST), height=max(height, THINNEST), fill=colour, **look)


def circle(x: float, y: float, radius: float, colour: str = "none", **look: str | float) -> str:
    """A disc of the colour; without one, and with a `stroke` in `look`, a circle."""
    return _element("circle", cx=x, cy=y, r=radius, fill=colour, **look)


def arc(start: float, end: float, y: float, rise: float, colour: str, **look: str | float) -> str:
    """A curve from `start` to `end`, both at height y, that leaves and arrives upright; the more `rise`, the higher."""
    bend = f"M {start:g} {y:g} C {start:g} {y - rise:g}, {end:g} {y - rise:g}, {end:g} {y:g}"
    return _element("path", d=bend, fill="none", stroke=colour, **look)


def _element(name: str, content: str = "", /, **attributes: str | float) -> str:
    written = [f'{key.replace("_", "-")}="{_value(value)}"' for key, value in attributes.items()]
    return f"<{name} {' '.join(written)}>{content}</{name}>"


def _value(value: str | float) -> str:
    """An attribute's text; a hundredth of a pixel is fine enough."""
    return escape(value) if isinstance(value, str) else f"{round(value, 2):g}"


def image(*drawings: Drawing) -> str:
    """The HTML of the drawings side by side: one image with its text."""
    panels: list[str] = []
    left = 0
    for drawing in drawings:
        panels.append(f'<g transform="translate({left})">{drawing.framed()}</g>')
        left += drawing.width + GAP
    width, height = left - GAP, max(drawing.height for drawing in drawings)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">{"".join(panels)}</svg>'
    )
    return tag("svg+xml", base64.b64encode(svg.encode()).decode("ascii"), _alt(drawings), width, height)


def show(drawings: Iterable[Drawing]) -> None:
    """Shows the drawings side by side; a terminal prints their text, and under grading nobody looks."""
    drawings = tuple(drawings)
    if session.in_ipython() and not session.grading():
        from IPython.display import display

        display({"text/html": image(*drawings), "text/plain": _alt(drawings)}, raw=True)
    elif not session.grading():
        print(_alt(drawings))


def tag(kind: str, data: str, alt: str, width: int, height: int | None = None) -> str:
    """An `<img>` with its data in base 64. A page that knows the height keeps the place while the image is exchanged."""
    size = f'width="{width}"' + (f' height="{height}"' if height else "")
    return f'<img {size} alt="{escape(alt)}" src="data:image/{kind};base64,{data}">'


def _alt(drawings: tuple[Drawing, ...]) -> str:
    return " | ".join(drawing.alt for drawing in drawings)
