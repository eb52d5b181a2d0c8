"""The explorer of chapter 01: exchange one letter of a sequence and see whose answers follow.

The picture is an SVG that this module writes itself, so that it follows a slider. For pages that run no widgets several of
them are shown as one image: JupyterLab takes inline SVG out of a notebook that it does not trust, and leaves images in.
"""

import base64
from dataclasses import dataclass
from html import escape

import torch
from IPython.display import display

from utils import session
from utils.experiments import attention_problem as toy

BLUE, ORANGE, GREY, INK = "#0072b2", "#d55e00", "#6b6b6b", "#1a1a1a"  # Okabe and Ito's palette, and two greys
STEP, LEFT, HEIGHT, FLOOR, TALL = 46, 30, 220, 122, 62  # pixels: between letters, before the first; the bars' floor, height
START = "cafebd"
KEEP = "as it is"
GAP = 8


@dataclass(frozen=True)
class Setting:
    """A sequence of letters, and the letter that is put at a position (None: nothing is exchanged)."""

    text: str = START
    position: int = 0
    letter: str | None = None

    def tokens(self):
        """(1, length) tokens after the exchange."""
        letters = list(self.text)
        if self.letter is not None:
            letters[self.position] = self.letter
        return torch.tensor([[toy.LETTERS.index(letter) for letter in letters]])

    def title(self):
        if self.letter is None:
            return "nothing exchanged"
        return f"position {self.position}: {self.text[self.position]} becomes {self.letter}"


def answers(models, setting):
    """(weights of the last position of attention, {model: (its letter, the probability that it gives it)}).

    Each of `models` gives logits for (1, length) tokens; `models["attention"].look(tokens)` gives logits and weights.
    """
    tokens = setting.tokens()
    with torch.no_grad():
        _, weights = models["attention"].look(tokens)
        best = {name: model(tokens)[0].softmax(-1).max(-1) for name, model in models.items()}
    return weights[0].tolist(), {name: (toy.LETTERS[int(top.indices)], float(top.values)) for name, top in best.items()}


def picture(models, setting):
    """(SVG text, what it shows in words): the letters, over each the weight of attention as a bar, below what each model says."""
    weights, said = answers(models, setting)
    letters = toy.text_of(setting.tokens()[0])
    width = 2 * LEFT + STEP * (len(letters) - 1)
    spoken = "; ".join(f"{name} says {letter} with {share:.2f}" for name, (letter, share) in said.items())
    heaviest = max(range(len(weights)), key=weights.__getitem__)
    alt = f"{setting.title()}. Weight {weights[heaviest]:.2f} on position {heaviest}. Right is {letters[0]}; {spoken}."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(alt)}" font-family="sans-serif" font-size="12" fill="{INK}">',
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{HEIGHT - 1}" rx="4" fill="#ffffff" stroke="#c8c8c8"/>',
        f'<text x="10" y="18" font-weight="bold">{escape(setting.title())}</text>',
        f'<text x="10" y="38" font-size="11" fill="{GREY}">weight of attention at each position</text>',
        *_letters(setting, letters, weights),
        *_lines(letters[0], said),
        "</svg>",
    ]
    return "".join(parts), alt


def _letters(setting, letters, weights):
    """The letters in a row, the exchanged one marked, each under the bar of its weight."""
    for i, (letter, weight) in enumerate(zip(letters, weights, strict=True)):
        x, tall = LEFT + STEP * i, max(TALL * weight, 0.5)
        exchanged = setting.letter is not None and i == setting.position
        style = f'fill="{ORANGE}" font-weight="bold"' if exchanged else f'fill="{INK}"'
        yield f'<rect x="{x - 8}" y="{FLOOR - tall:.1f}" width="16" height="{tall:.1f}" fill="{BLUE}"/>'
        yield f'<text x="{x}" y="{FLOOR + 16}" text-anchor="middle" font-size="14" {style}>{letter}</text>'


def _lines(right, said):
    """What each model says, and whether that is right."""
    for row, (name, (letter, share)) in enumerate(said.items()):
        verdict = "right" if letter == right else f"right is {right}"
        yield f'<text x="10" y="{FLOOR + 44 + 20 * row}">{name}: {letter} with {share:.2f} ({verdict})</text>'


def recall_settings(models, settings):
    """Shows the static picture: several exchanges side by side, as one image."""
    drawn = [picture(models, setting) for setting in settings]
    each = 2 * LEFT + STEP * (len(START) - 1) + GAP
    whole = len(drawn) * each - GAP
    panels = "".join(f'<g transform="translate({place * each})">{svg}</g>' for place, (svg, _) in enumerate(drawn))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {HEIGHT}" width="{whole}">{panels}</svg>'
    data = base64.b64encode(svg.encode()).decode("ascii")
    spoken = " | ".join(alt for _, alt in drawn)
    image = f'<img width="{whole}" alt="{escape(spoken)}" src="data:image/svg+xml;base64,{data}">'
    display({"text/html": image, "text/plain": spoken}, raw=True)


def recall_explorer(models, text=START):
    """A slider for the position, a menu for its new letter, and the live picture.

    Where no widgets run, one line says so.
    """
    if not session.widgets_work():
        print("The explorer needs a running notebook: open this one in JupyterLab to exchange letters.")
        return None
    from ipywidgets import HTML as Picture
    from ipywidgets import Dropdown, HBox, IntSlider, VBox

    wide = {"description_width": "110px"}
    position = IntSlider(0, min=0, max=len(text) - 1, description="position", style=wide)
    letter = Dropdown(options=[KEEP, *toy.LETTERS], value=KEEP, description="becomes", style=wide)
    screen = Picture()

    def draw(_=None):
        chosen = None if letter.value == KEEP else letter.value
        screen.value = picture(models, Setting(text, position.value, chosen))[0]

    for control in (position, letter):
        control.observe(draw, names="value")
    draw()
    return HBox([VBox([position, letter]), screen])
