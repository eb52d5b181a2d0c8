"""The explorer of chapter 06: an encoding as a row of clocks, and the shift matrix that turns all their hands."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from utils.explorers import explore
from utils.palette import BLUE, INK, QUIET, RULE, VERMILLION
from utils.pictures import CENTRED, Drawing, circle, line, show, text

D_MODEL = 8  # four pairs: four clocks
STEP, RADIUS, LEFT, MIDDLE, HEIGHT = 80, 34, 44, 72, 188  # pixels
LONGEST = 100  # of a position

Component = Callable[[int, int], torch.Tensor]


@dataclass(frozen=True)
class ClockSetting:
    """A position and an offset to move it by."""

    position: int = 0
    offset: int = 3

    def title(self) -> str:
        """The position and its offset, in words."""
        return f"position {self.position}, moved by {self.offset}"


def hands(encode: Component, shift: Component, setting: ClockSetting) -> tuple[list[float], list[float]]:
    """(encoding of the position, the same times the shift matrix), each a list of `D_MODEL` numbers."""
    row = encode(LONGEST + 1, D_MODEL)[setting.position]
    matrix = shift(setting.offset, D_MODEL).to(row.dtype)
    return row.tolist(), (row @ matrix).tolist()


def clock_picture(encode: Component, shift: Component, setting: ClockSetting) -> Drawing:
    """A clock for each pair, with the hand of the position and the hand that the shift matrix makes of it.

    `encode(seq_len, d_model)` and `shift(offset, d_model)` are the learner's own components or the reference's.
    """
    before, after = (list(zip(row[0::2], row[1::2], strict=True)) for row in hands(encode, shift, setting))
    here, moved = (", ".join(map(_point, row)) for row in (before, after))
    parts = [part for pair in range(D_MODEL // 2) for part in _clock(pair, before[pair], after[pair])]
    width = LEFT + STEP * (D_MODEL // 2 - 1) + LEFT
    alt = f"{setting.title()}. Hands (sine, cosine): {here}. Moved: {moved}."
    return Drawing(setting.title(), parts, width, HEIGHT, alt)


def _clock(pair: int, before: tuple[float, float], after: tuple[float, float]) -> Iterator[str]:
    """One pair as a clock: straight up is position 0, time runs clockwise, x is the sine and y the cosine."""
    x = LEFT + STEP * pair
    yield circle(x, MIDDLE, RADIUS, stroke=RULE, stroke_width=1.5)
    yield line(x, MIDDLE - RADIUS, x, MIDDLE - RADIUS + 6, QUIET)
    for (sine, cosine), colour, thickness in ((before, BLUE, 3), (after, VERMILLION, 2)):
        tip = x + RADIUS * sine, MIDDLE - RADIUS * cosine
        yield line(x, MIDDLE, *tip, colour, stroke_width=thickness, stroke_linecap="round")
    turn = 2 * math.pi * 10_000 ** (2 * pair / D_MODEL)
    words = (f"pair {pair}", INK), (_point(before), BLUE), (_point(after), VERMILLION)
    for row, (said, colour) in enumerate((*words, ("one turn:", QUIET), (f"{turn:,.0f} steps", QUIET))):
        yield text(x, MIDDLE + RADIUS + 16 + 14 * row, said, font_size=11, fill=colour, **CENTRED)


def _point(hand: tuple[float, float]) -> str:
    return f"({hand[0]:.2f}, {hand[1]:.2f})"


def clock_settings(encode: Component, shift: Component, settings: Iterable[ClockSetting]) -> None:
    """Shows several settings, two in a row: three would be too small to read on a narrow page."""
    drawings = [clock_picture(encode, shift, setting) for setting in settings]
    for first in range(0, len(drawings), 2):
        show(drawings[first : first + 2])


def clock_explorer(encode: Component, shift: Component) -> Any:
    """Sliders for the position and the offset, and the clocks that follow them."""

    def controls(widgets: ModuleType) -> dict[str, Any]:
        return {
            "position": widgets.IntSlider(0, 0, LONGEST, description="position"),
            "offset": widgets.IntSlider(3, -20, 20, description="offset"),
        }

    return explore("to move the hands", controls, lambda **chosen: clock_picture(encode, shift, ClockSetting(**chosen)))
