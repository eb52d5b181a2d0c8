"""The explorer of chapter 04, what each head looks at when a question names two places, and the picture of a split.

Both are SVG that this module writes itself: drawn in a millisecond, so that a picture follows a slider. What stays in the
notebook is shown as one image: JupyterLab takes inline SVG out of a notebook that it does not trust, and leaves images in.
"""

import base64
from dataclasses import dataclass
from html import escape

import torch
from IPython.display import display

from utils import session
from utils.experiments.multi_head_attention import PLACES, VALUES, questions

BLUE, ORANGE, GREY, INK = "#0072b2", "#d55e00", "#6b6b6b", "#1a1a1a"      # Okabe and Ito's palette, and two greys
LIGHT = ("#cfe5f3", "#fbe3c0", "#cdeadf", "#f5d9e6", "#fdf6bd", "#e3e3e3")   # its colours, light enough for dark ink
GAP = 8
LETTERS = "abcdefgh"[:VALUES]
FIRST_ROW = "fcahabeg"       # of the chapter's own example


@dataclass(frozen=True)
class Drawing:
    """SVG elements of a framed picture, its size in pixels, and what it shows in words."""

    parts: tuple
    width: int
    height: int
    alt: str

    def framed(self):
        yield f'<rect x="0.5" y="0.5" width="{self.width - 1}" height="{self.height - 1}" rx="4" fill="#fff" stroke="#c8c8c8"/>'
        yield from self.parts

    def svg(self):
        return _svg(self.width, self.height, self.framed(), self.alt)


def _svg(width, height, parts, alt):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(alt)}" font-family="sans-serif" font-size="12" fill="{INK}">{"".join(parts)}</svg>'
    )


def _text(x, y, words, look=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(str(words))}</text>'


def show(drawings):
    """Shows drawings side by side, as one image with its text."""
    parts, left = [], 0
    for drawing in drawings:
        parts += [f'<g transform="translate({left})">', *drawing.framed(), "</g>"]
        left += drawing.width + GAP
    alt = " | ".join(drawing.alt for drawing in drawings)
    whole = _svg(left - GAP, max(drawing.height for drawing in drawings), parts, alt)
    data = base64.b64encode(whole.encode()).decode("ascii")
    image = f'<img width="{left - GAP}" alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'
    display({"text/html": image, "text/plain": alt}, raw=True)


# The explorer

_CELL, _ROW, _LEFT, _TOP = 29, 24, 54, 62


@torch.no_grad()
def answer(model, tokens, asked):
    """(weights (num_heads, PLACES), letters of the answer) of one question: `tokens` (PLACES,), `asked` two places."""
    logits, weights = model(tokens[None], torch.tensor([asked]))
    return weights[0].tolist(), "".join(LETTERS[i] for i in logits[0].argmax(-1))


def picture(model, tokens, asked):
    """A `Drawing`: the places and their letters, under them a row of weights for each head, and the answer."""
    weights, said = answer(model, tokens, asked)
    wanted = "".join(LETTERS[tokens[place]] for place in asked)
    title = f"which letters at {asked[0]} and {asked[1]}?"
    verdict = f"answer: {said} ({'right' if said == wanted else f'wrong, it is {wanted}'})"
    most = "; ".join(f"head {i} most on place {row.index(max(row))} ({max(row):.2f})" for i, row in enumerate(weights))
    height = _TOP + _ROW * len(weights) + 30
    parts = [_text(10, 18, title, 'font-weight="bold"'), *_places(tokens, asked), *_rows(weights)]
    parts.append(_text(10, height - 10, verdict))
    return Drawing(tuple(parts), _LEFT + _CELL * PLACES + 8, height, f"{title} {verdict}. {most}.")


def _places(tokens, asked):
    """Numbers and letters of the places, the ones asked for marked."""
    for place in range(PLACES):
        middle = _LEFT + _CELL * (place + 0.5)
        mark = f'fill="{ORANGE}" font-weight="bold"' if place in asked else f'fill="{GREY}"'
        yield _text(middle, 37, place, f'text-anchor="middle" font-size="10" fill="{GREY}"')
        yield _text(middle, 54, LETTERS[tokens[place]], f'text-anchor="middle" font-size="14" {mark}')


def _rows(weights):
    """A row of shaded cells for each head, each with its number."""
    for head, row in enumerate(weights):
        top = _TOP + _ROW * head
        yield _text(10, top + 16, f"head {head}")
        for place, weight in enumerate(row):
            left, shade = _LEFT + _CELL * place, max(weight, 0.02)
            ink = "#ffffff" if weight > 0.6 else INK
            yield f'<rect x="{left}" y="{top}" width="{_CELL - 2}" height="{_ROW - 2}" fill="{BLUE}" fill-opacity="{shade:.3f}"/>'
            yield _text(left + _CELL / 2 - 1, top + 15, f"{weight:.2f}", f'text-anchor="middle" font-size="10" fill="{ink}"')


def some_letters(seed):
    """A row of letters, (PLACES,) ids: for seed 0 the one at the beginning of the chapter."""
    if seed == 0:
        return torch.tensor([LETTERS.index(letter) for letter in FIRST_ROW])
    return questions(1, 2, torch.Generator().manual_seed(seed))[0][0]


def heads_settings(model, asked, seed=0):
    """Shows the static picture: several questions about one row of letters, side by side."""
    show([picture(model, some_letters(seed), pair) for pair in asked])


def heads_explorer(models):
    """Sliders for the two places, a choice of model and of letters, and the live picture.

    `models` has a trained model for each number of heads. Where no widgets run, one line says so.
    """
    if not session.widgets_work():
        print("The explorer needs a running notebook: open this one in JupyterLab.")
        return None
    from ipywidgets import HTML as Picture
    from ipywidgets import HBox, IntSlider, ToggleButtons, VBox

    wide = {"description_width": "110px"}
    first = IntSlider(1, min=0, max=PLACES - 1, description="first place", style=wide)
    second = IntSlider(5, min=0, max=PLACES - 1, description="second place", style=wide)
    letters = IntSlider(0, min=0, max=20, description="row of letters", style=wide)
    number = ToggleButtons(options=list(models), value=2 if 2 in models else max(models), description="heads", style=wide)
    number.style.button_width = "44px"
    screen = Picture()

    def draw(_=None):
        screen.value = picture(models[number.value], some_letters(letters.value), (first.value, second.value)).svg()

    for control in (number, first, second, letters):
        control.observe(draw, names="value")
    draw()
    return HBox([VBox([first, second, letters, number]), screen])


# The picture of a split

_ENTRY = 27


def split_picture(splits, seq=2, d_model=6, num_heads=3):
    """Shows what each of `splits`, {title: function(x, num_heads)}, makes of x (1, seq, d_model): a grid for each head.

    A number says which entry of x stands there, position before feature; the colour is that of its position.
    """
    x = torch.arange(seq)[:, None] * 10 + torch.arange(d_model)
    drawings = [_grids("x", {"all features": x.tolist()})]
    for title, split in splits.items():
        heads = split(x[None], num_heads)[0].tolist()
        drawings.append(_grids(title, {f"head {i}": rows for i, rows in enumerate(heads)}))
    show(drawings)


def _grids(title, grids):
    """A `Drawing` of grids of two-digit numbers side by side, each with its caption."""
    parts, left, bottom = [_text(12, 18, title, 'font-weight="bold"')], 12, 0
    for caption, rows in grids.items():
        parts.append(_text(left, 38, caption, f'fill="{GREY}"'))
        for i, row in enumerate(rows):
            for j, entry in enumerate(row):
                at_x, at_y, size = left + j * _ENTRY, 46 + i * _ENTRY, _ENTRY - 2
                parts.append(f'<rect x="{at_x}" y="{at_y}" width="{size}" height="{size}" fill="{LIGHT[entry // 10]}"/>')
                parts.append(_text(at_x + size / 2, at_y + 17, f"{entry:02d}", 'text-anchor="middle"'))
        left += len(rows[0]) * _ENTRY + 12
        bottom = max(bottom, 46 + len(rows) * _ENTRY)
    spoken = "; ".join(f"{caption} {rows}" for caption, rows in grids.items())
    return Drawing(tuple(parts), left, bottom + 8, f"{title}: {spoken}")
