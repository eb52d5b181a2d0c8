"""The explorer of chapter 06: an encoding as a row of clocks, and the shift matrix that turns all their hands.

The picture is an SVG that this module writes itself, so that it follows a slider; the same function draws the static row
of settings for pages that run no widgets.
"""

import math
from dataclasses import dataclass
from html import escape

from IPython.display import HTML

from utils import session

BLUE, ORANGE, GREY, PALE, INK = "#0072b2", "#d55e00", "#6b6b6b", "#d9d9d9", "#1a1a1a"      # Okabe and Ito's palette, and greys
D_MODEL = 8                                             # four pairs: four clocks
STEP, RADIUS, LEFT, MIDDLE, HEIGHT = 92, 36, 52, 74, 176        # pixels
LONGEST = 100                                           # of a position


@dataclass(frozen=True)
class Setting:
    """A position and an offset to move it by."""

    position: int = 0
    offset: int = 3

    def title(self):
        return f"position {self.position}, moved by {self.offset}"


def hands(encode, shift, setting):
    """(encoding of the position, the same times the shift matrix), each a list of `D_MODEL` numbers."""
    row = encode(LONGEST + 1, D_MODEL)[setting.position]
    matrix = shift(setting.offset, D_MODEL).to(row.dtype)
    return row.tolist(), (row @ matrix).tolist()


def picture(encode, shift, setting):
    """SVG text: a clock for each pair, with the hand of the position and the hand that the shift matrix makes of it.

    `encode(seq_len, d_model)` and `shift(offset, d_model)` are the learner's own components or the reference's.
    """
    before, after = hands(encode, shift, setting)
    width = LEFT + STEP * (D_MODEL // 2 - 1) + RADIUS + 16
    numbers = [f"({sine:.2f}, {cosine:.2f})" for sine, cosine in zip(before[0::2], before[1::2], strict=True)]
    moved = [f"({sine:.2f}, {cosine:.2f})" for sine, cosine in zip(after[0::2], after[1::2], strict=True)]
    alt = escape(f"{setting.title()}. Hands (sine, cosine): {', '.join(numbers)}. Moved: {', '.join(moved)}.")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" role="img" ',
        f'aria-label="{alt}" font-family="sans-serif" font-size="10" fill="{INK}"><title>{alt}</title>',
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{HEIGHT - 1}" rx="4" fill="#ffffff" stroke="#c8c8c8"/>',
        f'<text x="10" y="19" font-size="11" font-weight="bold">{escape(setting.title())}</text>',
    ]
    for pair in range(D_MODEL // 2):
        parts += _clock(pair, before[2 * pair : 2 * pair + 2], after[2 * pair : 2 * pair + 2])
    return "".join([*parts, "</svg>"])


def _clock(pair, before, after):
    """One pair as a clock: straight up is position 0, time runs clockwise, x is the sine and y the cosine."""
    x = LEFT + STEP * pair
    yield f'<circle cx="{x}" cy="{MIDDLE}" r="{RADIUS}" fill="none" stroke="{PALE}" stroke-width="1.5"/>'
    yield f'<line x1="{x}" y1="{MIDDLE - RADIUS}" x2="{x}" y2="{MIDDLE - RADIUS + 6}" stroke="{GREY}"/>'
    for (sine, cosine), colour, thickness in ((before, BLUE, 3), (after, ORANGE, 2)):
        tip = f'x2="{x + RADIUS * sine:.1f}" y2="{MIDDLE - RADIUS * cosine:.1f}"'
        yield f'<line x1="{x}" y1="{MIDDLE}" {tip} stroke="{colour}" stroke-width="{thickness}" stroke-linecap="round"/>'
    turn = 2 * math.pi * 10_000 ** (2 * pair / D_MODEL)
    rows = ((f"pair {pair}", INK), (f"({before[0]:.2f}, {before[1]:.2f})", BLUE), (f"({after[0]:.2f}, {after[1]:.2f})", ORANGE))
    for line, (words, colour) in enumerate(rows):
        yield f'<text x="{x}" y="{MIDDLE + RADIUS + 16 + 14 * line}" text-anchor="middle" fill="{colour}">{words}</text>'
    yield f'<text x="{x}" y="{MIDDLE + RADIUS + 58}" text-anchor="middle" fill="{GREY}">turn: {turn:,.0f} steps</text>'


def clock_settings(encode, shift, settings):
    """The static picture: several settings side by side."""
    drawn = "".join(picture(encode, shift, setting) for setting in settings)
    return HTML(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{drawn}</div>')


def clock_explorer(encode, shift):
    """Sliders for the position and the offset, and the clocks that follow them.

    Where no widgets run, one line says so.
    """
    if not session.widgets_work():
        print("The explorer needs a running notebook: open this one in JupyterLab to move the hands.")
        return None
    from ipywidgets import HTML as Picture
    from ipywidgets import HBox, IntSlider, VBox

    wide = {"description_width": "80px"}
    position = IntSlider(0, 0, LONGEST, description="position", style=wide)
    offset = IntSlider(3, -20, 20, description="offset", style=wide)
    screen = Picture()

    def draw(_=None):
        screen.value = picture(encode, shift, Setting(position.value, offset.value))

    for control in (position, offset):
        control.observe(draw, names="value")
    draw()
    return HBox([VBox([position, offset]), screen])
