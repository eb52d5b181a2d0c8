"""The explorer of chapter 05: how large the signal is behind each block, and how large the gradient that comes back."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import nn

from utils.chapters.transformer_architecture import experiment
from utils.explorers import explore
from utils.palette import BLUE, PALE, QUIET, RULE, VERMILLION
from utils.pictures import CENTRED, Drawing, circle, line, rect, show, text

MOST = 24  # blocks
ARRANGEMENTS = (*experiment.WAYS, "pre-norm")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 260, 250, 46, 248, 56, 190  # pixels, of the drawing and of its axes
LOW, HIGH, TICK = -14, 12, 6  # powers of ten
SMALLEST = 1e-30  # of a size, so that it has a logarithm


@dataclass(frozen=True)
class StackSetting:
    """One stack: an arrangement of `ARRANGEMENTS`, the number of blocks, the start, the seed."""

    arrangement: str = "residual and norm"
    depth: int = 12
    small: bool = False
    seed: int = 0

    def title(self) -> str:
        """The stack in words."""
        return f"{self.arrangement}, {self.depth} blocks, {self.start()}"

    def start(self) -> str:
        """The starting weights in words."""
        return f"{'smaller' if self.small else 'Xavier'} start, seed {self.seed}"


def measure(setting: StackSetting) -> tuple[list[float], list[float]]:
    """(sizes of the signal behind each block, sizes of the gradient there): roots of the mean square."""
    if setting.arrangement == "pre-norm":
        model = experiment.of_blocks(True, setting.depth)
    else:
        model = experiment.of_parts(setting.arrangement, setting.depth)
    experiment.begin(model, setting.seed, setting.small)
    behind: list[Any] = []

    def keep(_: nn.Module, __: Any, made: torch.Tensor) -> None:
        made.retain_grad()
        behind.append(made)

    for block in model.blocks:
        block.register_forward_hook(keep)
    batch = experiment.rows(64, torch.Generator().manual_seed(setting.seed))
    experiment.loss(model, batch).backward()
    return [_size(x) for x in behind], [_size(x.grad) for x in behind]


def _size(x: torch.Tensor) -> float:
    return x.detach().pow(2).mean().sqrt().item()


def stack_picture(setting: StackSetting) -> Drawing:
    """The signal and the gradient behind each block, on a logarithmic scale."""
    signal, gradient = measure(setting)
    alt = (
        f"{setting.title()}: signal from {signal[0]:.1e} behind the first block to {signal[-1]:.1e} behind the last, "
        f"gradient from {gradient[-1]:.1e} at the last back to {gradient[0]:.1e} at the first."
    )
    parts = [
        text(10, 36, setting.start(), fill=QUIET, font_size=11),
        *_axes(setting.depth),
        *_curve(signal, BLUE),
        *_curve(gradient, VERMILLION, dashed=True),
    ]
    return Drawing(f"{setting.arrangement}, {setting.depth} blocks", parts, WIDTH, HEIGHT, alt)


def _axes(depth: int) -> Iterator[str]:
    small: dict[str, Any] = {"font_size": 10, "fill": QUIET}
    for power in range(LOW + 2, HIGH + 1, TICK):
        y = _height(power)
        yield line(LEFT, y, RIGHT, y, RULE if power == 0 else PALE)
        yield text(LEFT - 4, y + 3, "1" if power == 0 else f"1e{power}", text_anchor="end", **small)
    for number in range(1, depth + 1, max(1, depth // 6)):
        yield text(_across(number, depth), BOTTOM + 14, number, **CENTRED, **small)
    yield text((LEFT + RIGHT) / 2, BOTTOM + 30, "block", **CENTRED, **small)
    yield circle(LEFT + 4, HEIGHT - 13, 3, BLUE)
    yield text(LEFT + 12, HEIGHT - 9, "signal", fill=BLUE, font_size=11)
    yield rect(LEFT + 78, HEIGHT - 16, 6, 6, VERMILLION)
    yield text(LEFT + 90, HEIGHT - 9, "gradient", fill=VERMILLION, font_size=11)


def _curve(sizes: Sequence[float], colour: str, dashed: bool = False) -> Iterator[str]:
    points = [(_across(i, len(sizes)), _height(math.log10(max(size, SMALLEST)))) for i, size in enumerate(sizes, 1)]
    look = {"stroke_dasharray": "4 3"} if dashed else {}
    for (x, y), (right, next_y) in zip(points[:-1], points[1:], strict=True):
        yield line(x, y, right, next_y, colour, stroke_width=1.5, **look)
    for x, y in points:
        yield rect(x - 2.5, y - 2.5, 5, 5, colour) if dashed else circle(x, y, 2.5, colour)


def _across(number: int, depth: int) -> float:
    return LEFT + 8 + (RIGHT - LEFT - 16) * (number - 1) / max(1, depth - 1)


def _height(power: float) -> float:
    """Where a power of ten stands; what is beyond the scale stands at its edge."""
    return BOTTOM - (BOTTOM - TOP) * (min(max(power, LOW), HIGH) - LOW) / (HIGH - LOW)


def stack_settings(settings: Iterable[StackSetting]) -> None:
    """Shows several settings side by side."""
    show(stack_picture(setting) for setting in settings)


def stack_explorer() -> Any:
    """Controls for the arrangement, the depth, the start and the seed, and the picture that follows them."""

    def controls(widgets: ModuleType) -> dict[str, Any]:
        return {
            "arrangement": widgets.Dropdown(options=ARRANGEMENTS, value="residual and norm", description="arrangement"),
            "depth": widgets.IntSlider(12, 1, MOST, description="blocks", continuous_update=False),
            "small": widgets.Checkbox(False, description="smaller start"),
            "seed": widgets.IntSlider(0, 0, 9, description="seed", continuous_update=False),
        }

    return explore("to change the stack", controls, lambda **chosen: stack_picture(StackSetting(**chosen)))
