"""Drawings of architectures: boxes and arrows in one style, from which every chapter makes its picture.

    from utils import drawings

    drawn = drawings.Diagram()
    drawn.box("x", 0, 0, "x", kind="data")
    drawn.box("ff", 0, 1, "feed-forward")
    drawn.box("add", 0, 2, "+", kind="add")
    drawn.arrow("x", "ff", "(batch, seq, d_model)").arrow("ff", "add")
    drawn.skip("x", "add")
    drawn.show("x goes into the feed-forward layer, and past it to the sum.")

A place is a column and a row, counted from the lower left; half steps are allowed. The picture has a light ground of its own,
so it reads the same in a light and in a dark notebook, and it is never shown without its text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from utils import plots
from utils.palette import GREY, GROUND, INK, QUIET, RULE, TINTS, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[float, float]

KINDS = {
    "part": TINTS[0],  # something with weights
    "attention": TINTS[1],
    "norm": TINTS[4],
    "step": TINTS[5],  # something without weights
    "data": GROUND,
    "add": TINTS[2],
}
"""What a box can be, and its ground, light enough for dark ink."""

TONES = {"plain": (QUIET, 1.1), "strong": (VERMILLION, 2.0), "faint": (RULE, 0.8)}
"""How an arrow can look, its colour and width: strong is the one to look at, faint one of many."""

_COLUMN, _ROW = 2.1, 0.66  # inches from the middle of one box to that of the next
_WIDE, _HIGH, _ROUND = 1.5, 0.36, 0.26  # of a box, and across the circle of a sum


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    wide: float
    high: float
    text: str
    ground: str | None  # without one it has no frame
    round: bool

    def edge(self, side: str) -> Point:
        """The middle of an edge: bottom, top, left or right."""
        across = {"left": -1, "right": 1}.get(side, 0) * self.wide / 2
        along = {"bottom": -1, "top": 1}.get(side, 0) * self.high / 2
        return self.x + across, self.y + along


class Diagram:
    """A drawing in the making; every method but `show` and `figure` returns the drawing itself."""

    def __init__(self, column: float = _COLUMN, row: float = _ROW) -> None:
        """`column`, `row`: inches from one place to the next."""
        self._column, self._row = column, row
        self._boxes: dict[str, _Box] = {}
        self._lines: list[tuple[list[Point], str, float | None, str]] = []
        self._words: list[tuple[float, float, str, float, str, str, str]] = []
        self._frames: list[tuple[float, float, float, float, str]] = []

    def box(
        self,
        name: str,
        column: float,
        row: float,
        text: str | None = None,
        kind: str = "part",
        wide: float = _WIDE,
        ground: str | None = None,
    ) -> Diagram:
        """A box called `name` at a place, with its text and a kind of `KINDS`; `add` is a small circle, `data` has no frame.

        With a `ground` the box has that colour in place of its kind's, and a frame.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind=} is not a kind of box: use one of {', '.join(KINDS)}")
        lines = (name if text is None else text).count("\n")
        across, up = (_ROUND, _ROUND) if kind == "add" else (wide, _HIGH + 0.17 * lines)
        x, y = column * self._column, row * self._row
        filled = ground or (None if kind == "data" else KINDS[kind])
        self._boxes[name] = _Box(x, y, across, up, name if text is None else text, filled, kind == "add")
        return self

    def arrow(
        self,
        start: str,
        end: str,
        label: str = "",
        sides: tuple[str, str] | None = None,
        bend: float = 0.0,
        tone: str = "plain",
    ) -> Diagram:
        """From one box to another, by the edges that face each other or by `sides`, such as ("right", "left").

        The label stands beside the middle; `bend` curves the arrow, to the left of its direction where positive; `tone` is
        one of `TONES`.
        """
        if tone not in TONES:
            raise ValueError(f"{tone=} is not a look of an arrow: use one of {', '.join(TONES)}")
        from_box, to_box = self._boxes[start], self._boxes[end]
        first, second = sides or _facing(from_box, to_box)
        self._lines.append(([from_box.edge(first), to_box.edge(second)], label, bend, tone))
        return self

    def skip(self, start: str, end: str, side: str = "left", reach: float = 0.16, label: str = "") -> Diagram:
        """A residual arrow: leaves the line above `start`, goes round what lies between, and enters `end` from the side.

        `reach` is how far it keeps from the boxes, in inches.
        """
        low, high = self._boxes[start], self._boxes[end]
        sign = -1 if side == "left" else 1
        between = [b.wide / 2 for b in self._boxes.values() if b.x == high.x and low.y < b.y < high.y]
        out = high.x + sign * (max([*between, high.wide / 2]) + reach)
        above = min(b.y - b.high / 2 for b in self._boxes.values() if b.x == low.x and b.y > low.y)
        fork = (above + low.edge("top")[1]) / 2
        self._lines.append(([(low.x, fork), (out, fork), (out, high.y), high.edge(side)], label, None, "plain"))
        return self

    def text(
        self,
        column: float,
        row: float,
        words: str,
        size: float = 8.5,
        align: str = "center",
        bold: bool = False,
        colour: str = INK,
    ) -> Diagram:
        """Words without a box."""
        weight = "bold" if bold else "normal"
        self._words.append((column * self._column, row * self._row, words, size, align, weight, colour))
        return self

    def frame(self, names: Iterable[str], title: str = "", margin: float = 0.3) -> Diagram:
        """A dashed frame round the boxes called `names`, with a title at its upper left."""
        boxes = [self._boxes[name] for name in names]
        left, right = min(b.x - b.wide / 2 for b in boxes) - margin, max(b.x + b.wide / 2 for b in boxes) + margin
        low, high = min(b.y - b.high / 2 for b in boxes) - 0.22, max(b.y + b.high / 2 for b in boxes) + 0.16
        self._frames.append((left, low, right - left, high - low, title))
        return self

    def figure(self) -> Figure:
        """The drawing as a matplotlib figure, for whoever wants to add something of their own."""
        left, low, right, high = self._bounds()
        drawn, ax = plots.figure(right - left, high - low)
        drawn.set_layout_engine("none")
        ax.set_position([0, 0, 1, 1])
        ax.set(xlim=(left, right), ylim=(low, high), aspect="equal")
        ax.axis("off")
        for frame in self._frames:
            _draw_frame(ax, *frame)
        for line in sorted(self._lines, key=lambda line: TONES[line[-1]][1]):  # the strong ones on top
            _draw_line(ax, *line)
        for box in self._boxes.values():
            _draw_box(ax, box)
        for x, y, words, size, align, weight, colour in self._words:
            ax.text(x, y, words, ha=align, va="center", fontsize=size, color=colour, weight=weight)
        return drawn

    def show(self, alt: str) -> None:
        """Shows the drawing, with `alt` for those who cannot see it."""
        plots.alt(self.figure(), alt)

    def _bounds(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of everything, in inches, with room for the labels."""
        xs: list[float] = []
        ys: list[float] = []
        for box in self._boxes.values():
            xs += [box.x - box.wide / 2, box.x + box.wide / 2]
            ys += [box.y - box.high / 2, box.y + box.high / 2]
        for points, label, *_ in self._lines:
            xs += [x for x, _ in points]
            if label:
                xs.append((points[0][0] + points[-1][0]) / 2 + 0.12 + _length(label, 7.5))
        for left, low, wide, high, _ in self._frames:
            xs += [left, left + wide]
            ys += [low, low + high]
        for x, y, words, size, align, *_ in self._words:
            long = _length(words, size)
            xs += [x - {"center": long / 2, "right": long}.get(align, 0), x + {"center": long / 2, "left": long}.get(align, 0)]
            tall = 0.12 + 0.0085 * size * words.count("\n")
            ys += [y - tall, y + tall]
        return min(xs) - 0.15, min(ys) - 0.15, max(xs) + 0.15, max(ys) + 0.15


def _length(words: str, size: float) -> float:
    """Inches that the longest line of `words` takes, about."""
    return max(len(line) for line in words.split("\n")) * size * 0.0085


def _facing(start: _Box, end: _Box) -> tuple[str, str]:
    if abs(end.y - start.y) >= (start.high + end.high) / 2:
        return ("top", "bottom") if end.y > start.y else ("bottom", "top")
    return ("right", "left") if end.x > start.x else ("left", "right")


def _draw_box(ax: Axes, box: _Box) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch

    look: dict[str, Any] = {"facecolor": box.ground, "edgecolor": QUIET, "linewidth": 0.9}
    if box.round:
        ax.add_patch(Circle((box.x, box.y), box.wide / 2, **look))
    elif box.ground:
        corner = box.x - box.wide / 2 + 0.05, box.y - box.high / 2 + 0.05
        ax.add_patch(FancyBboxPatch(corner, box.wide - 0.1, box.high - 0.1, boxstyle="round,pad=0.05", **look))
    ax.text(box.x, box.y, box.text, ha="center", va="center", fontsize=9, color=INK)


def _draw_line(ax: Axes, points: list[Point], label: str, bend: float | None, tone: str) -> None:
    from matplotlib.patches import FancyArrowPatch

    colour, width = TONES[tone]
    if len(points) > 2:
        ax.plot(*zip(*points[:-1], strict=True), color=colour, linewidth=width, solid_joinstyle="round")
    style = f"arc3,rad={-bend}" if bend else None
    look: dict[str, Any] = {
        "arrowstyle": "-|>", "mutation_scale": 7.9 + width, "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0,
    }  # fmt: skip
    ax.add_patch(FancyArrowPatch(points[-2], points[-1], connectionstyle=style or "arc3", **look))
    if label:
        middle = [(points[0][axis] + points[-1][axis]) / 2 for axis in (0, 1)]
        ax.text(middle[0] + 0.09, middle[1], label, ha="left", va="center", fontsize=7.5, color=QUIET)


def _draw_frame(ax: Axes, left: float, low: float, wide: float, high: float, title: str) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((left, low), wide, high, fill=False, edgecolor=GREY, linewidth=0.9, linestyle="--"))
    if title:
        ax.text(left, low + high + 0.05, title, ha="left", va="bottom", fontsize=8.5, color=QUIET)
