"""The explorer of chapter 02: one query looks up a few keys in the plane, and the picture shows what each one gets.

The picture is an SVG that this module writes itself: it is drawn in a millisecond, so it follows a slider, and the
same function draws the static row of settings for readers whose page runs no widgets.
"""

import base64
import math
from dataclasses import dataclass
from html import escape

import torch
from IPython.display import display
from ipywidgets import HTML as Screen
from ipywidgets import Checkbox, FloatSlider, HBox, VBox

from utils import session

BLUE, ORANGE, GREY, PALE, INK = "#0072b2", "#d55e00", "#767676", "#dddddd", "#1a1a1a"  # after Okabe and Ito
WIDTH, HEIGHT, GAP = 320, 260, 8
CENTRE_X, CENTRE_Y, HALF = 103, 126, 93  # of the plane, which is the left part of the picture
LONGEST = 2.4  # of a query: the plane's scale holds it and never jumps


@dataclass(frozen=True)
class Setting:
    """Where the explorer stands: angle (in degrees) and length of the query, temperature, hidden keys by name."""

    angle: float = 45.0
    length: float = 2.0
    temperature: float = 1.0
    hidden: tuple[str, ...] = ()

    def tip(self):
        """Where the query's arrow ends: (x, y)."""
        turn = math.radians(self.angle)
        return self.length * math.cos(turn), self.length * math.sin(turn)

    def title(self):
        parts = [f"query at {self.angle:g}°", f"temperature {self.temperature:g}"]
        return ", ".join(parts + ([f"hidden: {', '.join(self.hidden)}"] if self.hidden else []))


@dataclass(frozen=True)
class Lookup:
    """What is looked up: names, keys (k_len, 2), values (k_len, d_v), the names of the keys' two features, a unit."""

    labels: tuple[str, ...]
    keys: torch.Tensor
    values: torch.Tensor
    axes: tuple[str, str]
    unit: str = ""

    def attend(self, attention, setting):
        """(output, weights) of the one query, as lists of numbers. The temperature divides the scores."""
        query = torch.tensor([setting.tip()]) / setting.temperature
        mask = torch.tensor([[label not in setting.hidden for label in self.labels]])
        output, weights = attention(query, self.keys, self.values, mask=mask)
        return output[0].tolist(), weights[0].tolist()


def picture(attention, lookup, setting):
    """`-> (svg, alt)`: the keys in the plane, a bar for each weight, the output; and the same in words."""
    output, weights = lookup.attend(attention, setting)
    result = f"output: {', '.join(f'{number:.1f}' for number in output)} {lookup.unit}".strip()
    spoken = ", ".join(f"{label} {weight:.2f}" for label, weight in zip(lookup.labels, weights, strict=True))
    alt = f"{setting.title()}. Weights: {spoken}. {result}"
    svg = "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" ',
            f'role="img" aria-label="{escape(alt)}" font-family="sans-serif" font-size="12" fill="{INK}">',
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="4" fill="#ffffff" stroke="#c8c8c8"/>',
            _text(10, 18, setting.title(), 'font-weight="bold"'),
            *_plane(lookup, setting, weights),
            *_bars(lookup.labels, weights),
            _text(10, HEIGHT - 9, result),
            "</svg>",
        ]
    )
    return svg, alt


def _text(x, y, words, look=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'


def _line(x1, y1, x2, y2, look):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {look}/>'


def _plane(lookup, setting, weights):
    """The two features as axes, the query as an arrow, a dot for each key: the more weight, the larger."""
    reach = max(float(lookup.keys.norm(dim=-1).max()), LONGEST)

    def place(x, y):
        return CENTRE_X + HALF * x / reach, CENTRE_Y - HALF * y / reach

    yield _line(CENTRE_X - HALF, CENTRE_Y, CENTRE_X + HALF, CENTRE_Y, f'stroke="{PALE}"')
    yield _line(CENTRE_X, CENTRE_Y - HALF, CENTRE_X, CENTRE_Y + HALF, f'stroke="{PALE}"')
    yield _text(CENTRE_X + HALF, CENTRE_Y + HALF + 8, f"{lookup.axes[0]} →", f'text-anchor="end" fill="{GREY}"')
    yield _text(CENTRE_X - HALF, CENTRE_Y - HALF + 9, f"{lookup.axes[1]} ↑", f'fill="{GREY}"')
    tip = place(*setting.tip())
    yield _line(CENTRE_X, CENTRE_Y, *tip, f'stroke="{ORANGE}" stroke-width="2.5"')
    yield f'<circle cx="{tip[0]:.1f}" cy="{tip[1]:.1f}" r="4" fill="{ORANGE}"/>'
    for label, key, weight in zip(lookup.labels, lookup.keys.tolist(), weights, strict=True):
        x, y = place(*key)
        radius = 3 + 9 * math.sqrt(max(weight, 0.0))
        hidden = label in setting.hidden
        look = f'fill="none" stroke="{GREY}" stroke-dasharray="2 2"' if hidden else f'fill="{BLUE}" fill-opacity="0.75"'
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{5 if hidden else radius:.1f}" {look}/>'
        label_y = y - radius - 4 if key[1] > reach / 2 else y + radius + 12
        yield _text(x, label_y, label, 'text-anchor="middle" paint-order="stroke" stroke="#ffffff" stroke-width="3"')


def _bars(labels, weights):
    """A bar and a number for each weight."""
    left, room, step = 214, 66, (HEIGHT - 62) / len(labels)
    for row, (label, weight) in enumerate(zip(labels, weights, strict=True)):
        top, length = 30 + row * step, max(room * weight, 0.5)
        yield _text(left, top + 9, label)
        yield f'<rect x="{left}" y="{top + 13:.1f}" width="{length:.1f}" height="9" fill="{BLUE}"/>'
        yield _text(left + length + 4, top + 21, f"{weight:.2f}")


def attention_settings(attention, lookup, settings):
    """Shows the static picture: the same look-up at several settings, side by side.

    As one image: JupyterLab takes inline SVG out of a notebook that it does not trust, and leaves images in.
    """
    drawn = [picture(attention, lookup, setting) for setting in settings]
    width = len(drawn) * (WIDTH + GAP) - GAP
    panels = "".join(f'<g transform="translate({place * (WIDTH + GAP)})">{svg}</g>' for place, (svg, _) in enumerate(drawn))
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}">{panels}</svg>'
    data = base64.b64encode(whole.encode()).decode("ascii")
    spoken = " | ".join(alt for _, alt in drawn)
    image = f'<img width="{width}" alt="{escape(spoken)}" src="data:image/svg+xml;base64,{data}">'
    display({"text/html": image, "text/plain": spoken}, raw=True)


def attention_explorer(attention, lookup):
    """Sliders for the query and the temperature, a tick box for each key, and the picture that follows them.

    `attention` is the learner's own or the reference. Where no widgets run, one line says so.
    """
    if not session.widgets_work():
        print("The explorer needs a running notebook: open this one in JupyterLab to move the sliders.")
        return None
    sliders = {
        "angle": _slider("query angle (°)", 45, -180, 180, 5),
        "length": _slider("query length", 2, 0, LONGEST, 0.1),
        "temperature": _slider("temperature", 1, 0.1, 5, 0.1),
    }
    boxes = {label: Checkbox(True, description=f"{label} may be attended to", indent=False) for label in lookup.labels}
    screen = Screen()

    def draw(_=None):
        hidden = tuple(label for label, box in boxes.items() if not box.value)
        setting = Setting(**{name: control.value for name, control in sliders.items()}, hidden=hidden)
        screen.value = picture(attention, lookup, setting)[0]

    for control in (*sliders.values(), *boxes.values()):
        control.observe(draw, names="value")
    draw()
    return HBox([VBox([*sliders.values(), *boxes.values()]), screen])


def _slider(name, value, low, high, step):
    return FloatSlider(value, min=low, max=high, step=step, description=name, style={"description_width": "110px"})
