"""The explorer of chapter 04, what each head looks at when a question names two places, and the picture of a split.

Both are SVG text that this module writes itself: drawn in a millisecond, so that they follow a slider, and drawn in rows
for readers whose page runs no widgets.
"""

from html import escape

import torch
from IPython.display import HTML

from utils import session
from utils.experiments.multi_head_attention import PLACES, VALUES, questions

BLUE, ORANGE, GREY, INK = "#0072b2", "#d55e00", "#6b6b6b", "#1a1a1a"      # Okabe and Ito's palette, and two greys
LIGHT = ("#cfe5f3", "#fbe3c0", "#cdeadf", "#f5d9e6", "#fdf6bd", "#e3e3e3")   # its colours, light enough for dark ink
CELL, ROW = 34, 24
LETTERS = "abcdefgh"[:VALUES]


def _frame(width, height, alt):
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{escape(alt)}" font-family="sans-serif" font-size="11" fill="{INK}">'
    )
    yield f"<title>{escape(alt)}</title>"
    yield f'<rect width="{width}" height="{height}" rx="4" fill="#ffffff" stroke="#c8c8c8"/>'


def _row(drawings):
    """Pictures side by side, as many as fit."""
    return HTML(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(drawings)}</div>')


# The explorer


@torch.no_grad()
def answer(model, tokens, asked):
    """(weights (num_heads, PLACES), letters of the answer) of one question: `tokens` (PLACES,), `asked` two places."""
    logits, weights = model(tokens[None], torch.tensor([asked]))
    return weights[0].tolist(), "".join(LETTERS[i] for i in logits[0].argmax(-1))


def picture(model, tokens, asked):
    """SVG text: the places and their letters, and under them a row of weights for each head."""
    weights, said = answer(model, tokens, asked)
    wanted = "".join(LETTERS[tokens[place]] for place in asked)
    title = f"places {asked[0]} and {asked[1]}"
    most = "; ".join(f"head {i} most on place {row.index(max(row))} ({max(row):.2f})" for i, row in enumerate(weights))
    alt = f"Question: {title}. Answer: {said}, right would be {wanted}. {most}."
    left, top = 56, 62
    width, height = left + CELL * PLACES + 10, top + ROW * len(weights) + 30
    parts = [*_frame(width, height, alt), f'<text x="10" y="17" font-weight="bold">which letters at {title}?</text>']
    for place in range(PLACES):
        middle = left + CELL * (place + 0.5)
        named = place in asked
        colour, weight = (ORANGE, "bold") if named else (GREY, "normal")
        parts.append(f'<text x="{middle}" y="36" text-anchor="middle" fill="{GREY}">{place}</text>')
        style = f'text-anchor="middle" font-size="13" font-weight="{weight}" fill="{colour}"'
        parts.append(f'<text x="{middle}" y="53" {style}>{LETTERS[tokens[place]]}</text>')
    for head, row in enumerate(weights):
        y = top + ROW * head
        parts.append(f'<text x="10" y="{y + 16}">head {head}</text>')
        parts += [_cell(left + CELL * place, y, row[place]) for place in range(PLACES)]
    mark = "right" if said == wanted else f"wrong, it is {wanted}"
    parts += [f'<text x="10" y="{height - 10}">answer: {said} ({mark})</text>', "</svg>"]
    return "".join(parts)


def _cell(x, y, weight):
    ink = "#ffffff" if weight > 0.6 else INK
    shade = f'fill="{BLUE}" fill-opacity="{max(weight, 0.02):.3f}"'
    style = f'text-anchor="middle" font-size="9" fill="{ink}"'
    return (
        f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="{ROW - 2}" {shade}/>'
        f'<text x="{x + CELL / 2 - 1}" y="{y + 15}" {style}>{weight:.2f}</text>'
    )


def some_letters(seed):
    """A row of letters, (PLACES,) ids: for seed 0 the one at the beginning of the chapter."""
    if seed == 0:
        return torch.tensor([LETTERS.index(letter) for letter in "fcahabeg"])
    return questions(1, 2, torch.Generator().manual_seed(seed))[0][0]


def heads_settings(models, num_heads, asked, seed=0):
    """The static picture: several questions about one row of letters, side by side."""
    return _row(picture(models[num_heads], some_letters(seed), pair) for pair in asked)


def heads_explorer(models):
    """Sliders for the two places, a choice of model and of letters, and the live picture.

    `models` has a trained model for each number of heads. Where no widgets run, one line says so.
    """
    if not session.widgets_work():
        print("The explorer needs a running notebook: open this one in JupyterLab to move the sliders.")
        return None
    from ipywidgets import HTML as Picture
    from ipywidgets import HBox, IntSlider, ToggleButtons, VBox

    wide = {"description_width": "110px"}
    first = IntSlider(1, min=0, max=PLACES - 1, description="first place", style=wide)
    second = IntSlider(5, min=0, max=PLACES - 1, description="second place", style=wide)
    letters = IntSlider(0, min=0, max=20, description="row of letters", style=wide)
    number = ToggleButtons(options=list(models), value=max(models) if 2 not in models else 2, description="heads")
    screen = Picture()

    def draw(_=None):
        screen.value = picture(models[number.value], some_letters(letters.value), (first.value, second.value))

    for control in (first, second, letters, number):
        control.observe(draw, names="value")
    draw()
    return HBox([VBox([number, first, second, letters]), screen])


# The picture of a split


def split_picture(splits, seq=2, d_model=6, num_heads=3):
    """What each of `splits`, {title: function(x, num_heads)}, makes of x (1, seq, d_model): a grid for each head.

    A number says which entry of x stands there, position before feature; the colour is that of its position.
    """
    x = torch.arange(seq)[:, None] * 10 + torch.arange(d_model)
    drawings = [_grids("x", {"": x.tolist()})]
    for title, split in splits.items():
        heads = split(x[None], num_heads)[0].tolist()
        drawings.append(_grids(title, {f"head {i}": rows for i, rows in enumerate(heads)}))
    return _row(drawings)


def _grids(title, grids):
    """One framed drawing: grids of two-digit numbers side by side, each with its caption."""
    size, gap = 27, 16
    widths = [len(rows[0]) * size for rows in grids.values()]
    tallest = max(len(rows) for rows in grids.values())
    width = max(sum(widths) + gap * (len(widths) + 1), 120)
    height = 50 + tallest * size + 10
    spoken = "; ".join(f"{name or 'rows'}: {rows}" for name, rows in grids.items())
    parts = [*_frame(width, height, f"{title}. {spoken}")]
    parts.append(f'<text x="{gap}" y="18" font-weight="bold">{escape(title)}</text>')
    left = gap
    for (caption, rows), wide in zip(grids.items(), widths, strict=True):
        parts.append(f'<text x="{left}" y="40" fill="{GREY}">{escape(caption)}</text>')
        for i, row in enumerate(rows):
            for j, entry in enumerate(row):
                at_x, at_y = left + j * size, 48 + i * size
                fill = LIGHT[entry // 10 % len(LIGHT)]
                parts.append(f'<rect x="{at_x}" y="{at_y}" width="{size - 2}" height="{size - 2}" fill="{fill}"/>')
                middle = at_x + size / 2 - 1
                parts.append(f'<text x="{middle}" y="{at_y + 17}" text-anchor="middle">{entry:02d}</text>')
        left += wide + gap
    return "".join([*parts, "</svg>"])

