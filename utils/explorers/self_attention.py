"""The explorer of chapter 03: one word of a sentence looks at all the others, and the model guesses it.

The picture is an SVG that this module writes itself, so that it follows a click; the same function draws the static row
of settings for pages that run no widgets.
"""

from dataclasses import dataclass
from html import escape

import torch
from IPython.display import HTML

from utils import session
from utils.experiments import self_attention as toy

BLUE, ORANGE, GREY, INK = "#0072b2", "#d55e00", "#8a8a8a", "#1a1a1a"      # Okabe and Ito's palette, and two greys
STEP, LEFT, HEIGHT, LINE = 62, 34, 236, 132     # pixels: between words, before the first, of the picture, of the words
GUESSES = 3


@dataclass(frozen=True)
class Setting:
    """A sentence, the position that looks, whether its word is hidden, and whether it may look ahead."""

    sentence: str = toy.HELD_OUT
    position: int = 1
    hide: bool = True
    look_ahead_mask: bool = False

    def tokens(self):
        """(1, words) ids, the word that looks exchanged for the question mark where it is hidden."""
        tokens = toy.encode(self.sentence)[None].clone()
        if self.hide:
            tokens[0, self.position] = toy.encode(toy.HIDDEN)[0]
        return tokens

    def title(self):
        word = self.sentence.split()[self.position]
        parts = [f"“{word}” {'is hidden' if self.hide else 'looks'}"]
        return ", ".join(parts + (["look-ahead mask on"] if self.look_ahead_mask else []))


def look(model, mask_of, setting):
    """(weights of the word that looks, its likeliest words with their probabilities), as lists.

    `model(tokens, mask=None)` gives logits and weights; `mask_of(words)` is the look-ahead mask.
    """
    tokens = setting.tokens()
    mask = mask_of(tokens.shape[1]) if setting.look_ahead_mask else None
    with torch.no_grad():
        logits, weights = model(tokens, mask=mask)
    best = logits[0, setting.position].softmax(-1).topk(GUESSES)
    guesses = list(zip(toy.decode(best.indices), best.values.tolist(), strict=True))
    return weights[0, setting.position].tolist(), guesses


def picture(model, mask_of, setting):
    """SVG text: the sentence, an arc from the word that looks to each word, the guesses below."""
    weights, guesses = look(model, mask_of, setting)
    words = setting.sentence.split()
    shown = [toy.HIDDEN if setting.hide and i == setting.position else word for i, word in enumerate(words)]
    width = 2 * LEFT + STEP * (len(words) - 1)
    guess = ", ".join(f"{word} {share:.2f}" for word, share in guesses)
    spoken = "; ".join(f"{word} {weight:.2f}" for word, weight in zip(shown, weights, strict=True))
    alt = f"{setting.title()}. Weights: {spoken}. Guesses: {guess}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" role="img" '
        f'aria-label="{escape(alt)}" font-family="sans-serif" font-size="12" fill="{INK}">',
        f"<title>{escape(alt)}</title>",
        f'<rect width="{width}" height="{HEIGHT}" rx="4" fill="#ffffff" stroke="#c8c8c8"/>',
        f'<text x="10" y="18" font-weight="bold">{escape(setting.title())}</text>',
        *_arcs(setting, weights),
        *_words(setting, shown, weights),
        f'<text x="10" y="{HEIGHT - 28}" fill="{GREY}">the model\'s guesses for this place:</text>',
        f'<text x="10" y="{HEIGHT - 11}">{escape(guess)}</text>',
        "</svg>",
    ]
    return "".join(parts)


def _arcs(setting, weights):
    """An arc to each word that is seen: the thicker, the more weight."""
    start = LEFT + STEP * setting.position
    for i, weight in enumerate(weights):
        if weight < 0.005 or i == setting.position:
            continue
        end = LEFT + STEP * i
        top = LINE - 24 - 15 * abs(i - setting.position)
        path = f"M {start} {LINE - 16} C {start} {top}, {end} {top}, {end} {LINE - 16}"
        yield f'<path d="{path}" fill="none" stroke="{BLUE}" stroke-width="{0.5 + 9 * weight:.1f}" stroke-opacity="0.7"/>'


def _words(setting, shown, weights):
    """The words, under each its weight as a bar and a number."""
    for i, (word, weight) in enumerate(zip(shown, weights, strict=True)):
        x, looks = LEFT + STEP * i, i == setting.position
        style = f'fill="{ORANGE}" font-weight="bold"' if looks else f'fill="{INK}"'
        yield f'<text x="{x}" y="{LINE}" text-anchor="middle" {style}>{escape(word)}</text>'
        yield f'<rect x="{x - 16}" y="{LINE + 9}" width="{max(32 * weight, 0.5):.1f}" height="8" fill="{BLUE}"/>'
        yield f'<text x="{x}" y="{LINE + 32}" text-anchor="middle" font-size="11">{weight:.2f}</text>'


def sentence_settings(model, mask_of, settings):
    """The static picture: several settings side by side."""
    drawn = [picture(model, mask_of, setting) for setting in settings]
    return HTML(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(drawn)}</div>')


def sentence_explorer(model, mask_of, sentences):
    """Menus for the sentence and the word that looks, two tick boxes, and the live picture.

    Where no widgets run, one line says so.
    """
    if not session.widgets_work():
        print("The explorer needs a running notebook: open this one in JupyterLab to choose the word that looks.")
        return None
    from ipywidgets import HTML as Picture
    from ipywidgets import Checkbox, Dropdown, HBox, IntSlider, VBox

    wide = {"description_width": "115px"}
    controls = {
        "sentence": Dropdown(options=sentences, description="sentence", style=wide),
        "position": IntSlider(1, 0, 5, description="place that looks", style=wide),
        "hide": Checkbox(True, description="hide that word", indent=False),
        "look_ahead_mask": Checkbox(False, description="look-ahead mask", indent=False),
    }
    screen = Picture()

    def draw(_=None):
        setting = Setting(**{name: control.value for name, control in controls.items()})
        screen.value = picture(model, mask_of, setting)

    for control in controls.values():
        control.observe(draw, names="value")
    draw()
    return HBox([VBox(list(controls.values())), screen])
