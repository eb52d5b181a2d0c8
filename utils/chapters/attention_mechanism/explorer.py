"""The explorer of chapter 02: one query looks up a few keys in the plane, and the picture shows what each one gets."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from utils.explorers import explore
from utils.palette import BLUE, GROUND, QUIET, RULE, VERMILLION
from utils.pictures import CENTRED, Drawing, circle, line, rect, show, text

WIDTH, HEIGHT = 320, 268
CENTRE_X, CENTRE_Y, HALF = 103, 134, 93  # of the plane, which is the left part of the picture
LONGEST = 2.4  # of a query: the plane's scale holds it and never jumps

Attention = Callable[..., tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class LookupSetting:
    """Where the explorer stands: angle (in degrees) and length of the query, temperature, hidden keys by name."""

    angle: float = 45.0
    length: float = 2.0
    temperature: float = 1.0
    hidden: tuple[str, ...] = ()

    def tip(self) -> tuple[float, float]:
        """Where the query's arrow ends: (x, y)."""
        turn = math.radians(self.angle)
        return self.length * math.cos(turn), self.length * math.sin(turn)

    def title(self) -> str:
        """The query and its temperature, in words."""
        return f"query at {self.angle:g}°, temperature {self.temperature:g}"

    def without(self) -> str:
        """The hidden keys, in words."""
        return f"hidden: {', '.join(self.hidden)}" if self.hidden else ""


@dataclass(frozen=True)
class Lookup:
    """What is looked up: names, keys (k_len, 2), values (k_len, d_v), the names of the keys' two features, a unit."""

    labels: tuple[str, ...]
    keys: torch.Tensor
    values: torch.Tensor
    axes: tuple[str, str]
    unit: str = ""

    def attend(self, attention: Attention, setting: LookupSetting) -> tuple[list[float], list[float]]:
        """(output, weights) of the one query, as lists of numbers. The temperature divides the scores."""
        query = torch.tensor([setting.tip()]) / setting.temperature
        mask = torch.tensor([[label not in setting.hidden for label in self.labels]])
        output, weights = attention(query, self.keys, self.values, mask=mask)
        return output[0].tolist(), weights[0].tolist()


def lookup_picture(attention: Attention, lookup: Lookup, setting: LookupSetting) -> Drawing:
    """The keys in the plane, a bar for each weight, the output below.

    `attention` is the learner's own or the reference.
    """
    output, weights = lookup.attend(attention, setting)
    result = f"output: {', '.join(f'{number:.1f}' for number in output)} {lookup.unit}".strip()
    spoken = ", ".join(f"{label} {weight:.2f}" for label, weight in zip(lookup.labels, weights, strict=True))
    at = ", ".join(filter(None, (setting.title(), setting.without())))
    parts = (
        text(10, 33, setting.without(), font_size=10, fill=QUIET),
        *_plane(lookup, setting, weights),
        *_bars(lookup.labels, weights),
        text(10, HEIGHT - 9, result),
    )
    return Drawing(setting.title(), parts, WIDTH, HEIGHT, f"{at}. Weights: {spoken}. {result}")


def _plane(lookup: Lookup, setting: LookupSetting, weights: list[float]) -> Iterator[str]:
    """The two features as axes, the query as an arrow, a dot for each key: the more weight, the larger."""
    reach = max(float(lookup.keys.norm(dim=-1).max()), LONGEST)

    def place(x: float, y: float) -> tuple[float, float]:
        return CENTRE_X + HALF * x / reach, CENTRE_Y - HALF * y / reach

    yield line(CENTRE_X - HALF, CENTRE_Y, CENTRE_X + HALF, CENTRE_Y, RULE)
    yield line(CENTRE_X, CENTRE_Y - HALF, CENTRE_X, CENTRE_Y + HALF, RULE)
    yield text(CENTRE_X + HALF, CENTRE_Y + HALF + 8, f"{lookup.axes[0]} →", text_anchor="end", fill=QUIET)
    yield text(CENTRE_X - HALF, CENTRE_Y - HALF + 9, f"{lookup.axes[1]} ↑", fill=QUIET)
    tip = place(*setting.tip())
    yield line(CENTRE_X, CENTRE_Y, *tip, VERMILLION, stroke_width=2.5)
    yield circle(*tip, 4, VERMILLION)
    for label, key, weight in zip(lookup.labels, lookup.keys.tolist(), weights, strict=True):
        x, y = place(*key)
        radius = 3 + 9 * math.sqrt(max(weight, 0.0))
        if label in setting.hidden:
            yield circle(x, y, 5, stroke=QUIET, stroke_dasharray="2 2")
        else:
            yield circle(x, y, radius, BLUE, fill_opacity=0.75)
        label_y = y - radius - 4 if key[1] > reach / 2 else y + radius + 12
        yield text(x, label_y, label, paint_order="stroke", stroke=GROUND, stroke_width=3, **CENTRED)


def _bars(labels: tuple[str, ...], weights: list[float]) -> Iterator[str]:
    """A bar and a number for each weight."""
    left, room, step = 214, 66, (HEIGHT - 70) / len(labels)
    for row, (label, weight) in enumerate(zip(labels, weights, strict=True)):
        top, length = 38 + row * step, room * weight
        yield text(left, top + 9, label)
        yield rect(left, top + 13, length, 9, BLUE)
        yield text(left + length + 4, top + 21, f"{weight:.2f}")


def lookup_settings(attention: Attention, lookup: Lookup, settings: Iterable[LookupSetting]) -> None:
    """Shows the same look-up at several settings, side by side."""
    show(lookup_picture(attention, lookup, setting) for setting in settings)


def lookup_explorer(attention: Attention, lookup: Lookup) -> Any:
    """Sliders for the query and the temperature, a tick box for each key, and the picture that follows them."""

    def controls(widgets: ModuleType) -> dict[str, Any]:
        boxes = {
            label: widgets.Checkbox(True, description=f"{label} may be attended to", indent=False) for label in lookup.labels
        }
        return {
            "angle": widgets.FloatSlider(45, min=-180, max=180, step=5, description="query angle (°)"),
            "length": widgets.FloatSlider(2, min=0, max=LONGEST, step=0.1, description="query length"),
            "temperature": widgets.FloatSlider(1, min=0.1, max=5, step=0.1, description="temperature"),
            **boxes,
        }

    def draw(angle: float, length: float, temperature: float, **seen: bool) -> Drawing:
        hidden = tuple(label for label in lookup.labels if not seen[label])
        return lookup_picture(attention, lookup, LookupSetting(angle, length, temperature, hidden))

    return explore("to move the sliders", controls, draw)
