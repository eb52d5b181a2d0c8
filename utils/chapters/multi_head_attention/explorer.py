"""The explorer of chapter 04, what each head looks at when a question names two places, and the picture of a split."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from utils.chapters.multi_head_attention.experiment import PLACES, VALUES, questions
from utils.explorers import explore
from utils.palette import BLUE, GROUND, INK, QUIET, TINTS, VERMILLION
from utils.pictures import BOLD, CENTRED, Drawing, rect, show, text

LETTERS = "abcdefgh"[:VALUES]
FIRST_ROW = "fcahabeg"  # of the chapter's own example
CELL, ROW, LEFT, TOP = 29, 24, 54, 62  # pixels: of a weight, before the first
ENTRY = 27  # pixels: of an entry in the picture of a split

Model = Callable[..., tuple[torch.Tensor, torch.Tensor]]
Split = Callable[[torch.Tensor, int], torch.Tensor]


@dataclass(frozen=True)
class QuestionSetting:
    """The two places that are asked for, and which row of letters is asked about (0: the chapter's own)."""

    first: int = 1
    second: int = 5
    row: int = 0

    def tokens(self) -> torch.Tensor:
        """(PLACES,) ids of the letters."""
        if self.row == 0:
            return torch.tensor([LETTERS.index(letter) for letter in FIRST_ROW])
        return questions(1, 2, torch.Generator().manual_seed(self.row))[0][0]

    def asked(self) -> tuple[int, int]:
        """The two places."""
        return self.first, self.second

    def title(self) -> str:
        """The question, in words."""
        return f"which letters at {self.first} and {self.second}?"


@torch.no_grad()
def answer(model: Model, setting: QuestionSetting) -> tuple[list[list[float]], str]:
    """(weights (num_heads, PLACES), letters of the answer) of one question."""
    logits, weights = model(setting.tokens()[None], torch.tensor([setting.asked()]))
    return weights[0].tolist(), "".join(LETTERS[i] for i in logits[0].argmax(-1))


def question_picture(model: Model, setting: QuestionSetting) -> Drawing:
    """The places and their letters, under them a row of weights for each head, and the answer."""
    weights, said = answer(model, setting)
    wanted = "".join(LETTERS[setting.tokens()[place]] for place in setting.asked())
    verdict = f"answer: {said} ({'right' if said == wanted else f'wrong, it is {wanted}'})"
    most = "; ".join(f"head {i} most on place {row.index(max(row))} ({max(row):.2f})" for i, row in enumerate(weights))
    height = TOP + ROW * len(weights) + 30
    parts = (*_places(setting), *_rows(weights), text(10, height - 10, verdict))
    return Drawing(setting.title(), parts, LEFT + CELL * PLACES + 8, height, f"{setting.title()} {verdict}. {most}.")


def _places(setting: QuestionSetting) -> Iterator[str]:
    """Numbers and letters of the places, the ones asked for marked."""
    for place, letter in enumerate(setting.tokens().tolist()):
        middle = LEFT + CELL * (place + 0.5)
        look = {"fill": VERMILLION, **BOLD} if place in setting.asked() else {"fill": QUIET}
        yield text(middle, 37, place, font_size=10, fill=QUIET, **CENTRED)
        yield text(middle, 54, LETTERS[letter], font_size=14, **CENTRED, **look)


def _rows(weights: list[list[float]]) -> Iterator[str]:
    """A row of shaded cells for each head, each with its number."""
    for head, row in enumerate(weights):
        top = TOP + ROW * head
        yield text(10, top + 16, f"head {head}")
        for place, weight in enumerate(row):
            left, ink = LEFT + CELL * place, GROUND if weight > 0.6 else INK
            yield rect(left, top, CELL - 2, ROW - 2, BLUE, fill_opacity=max(weight, 0.02))
            yield text(left + CELL / 2 - 1, top + 15, f"{weight:.2f}", font_size=10, fill=ink, **CENTRED)


def question_settings(model: Model, settings: Iterable[QuestionSetting]) -> None:
    """Shows several questions side by side."""
    show(question_picture(model, setting) for setting in settings)


def question_explorer(models: Mapping[int, Model]) -> Any:
    """Sliders for the two places and the row of letters, a choice of model, and the picture that follows them.

    `models` has a trained model for each number of heads.
    """

    def controls(widgets: ModuleType) -> dict[str, Any]:
        chosen = 2 if 2 in models else max(models)
        return {
            "first": widgets.IntSlider(1, 0, PLACES - 1, description="first place"),
            "second": widgets.IntSlider(5, 0, PLACES - 1, description="second place"),
            "row": widgets.IntSlider(0, 0, 20, description="row of letters"),
            "heads": widgets.ToggleButtons(
                options=list(models), value=chosen, description="heads", style={"button_width": "44px"}
            ),
        }

    def draw(heads: int, **chosen: int) -> Drawing:
        return question_picture(models[heads], QuestionSetting(**chosen))

    return explore("to ask for other places", controls, draw)


def split_picture(splits: Mapping[str, Split], seq: int = 2, d_model: int = 6, num_heads: int = 3) -> None:
    """Shows what each of `splits`, {title: function(x, num_heads)}, makes of x (1, seq, d_model): a grid for each head.

    A number says which entry of x stands there, position before feature; the colour is that of its position.
    """
    x = torch.arange(seq)[:, None] * 10 + torch.arange(d_model)
    grids = {"x": {"all features": x.tolist()}}
    for title, split in splits.items():
        grids[title] = {f"head {i}": rows for i, rows in enumerate(split(x[None], num_heads)[0].tolist())}
    show(_grids(title, parts) for title, parts in grids.items())


def _grids(title: str, grids: dict[str, list[list[int]]]) -> Drawing:
    """Grids of two-digit numbers side by side, each with its caption."""
    parts: list[str] = []
    left, bottom = 12, 0
    for caption, rows in grids.items():
        parts.append(text(left, 38, caption, fill=QUIET))
        for i, row in enumerate(rows):
            for j, entry in enumerate(row):
                x, y, size = left + j * ENTRY, 46 + i * ENTRY, ENTRY - 2
                parts.append(rect(x, y, size, size, TINTS[entry // 10]))
                parts.append(text(x + size / 2, y + 17, f"{entry:02d}", **CENTRED))
        left += len(rows[0]) * ENTRY + 12
        bottom = max(bottom, 46 + len(rows) * ENTRY)
    spoken = "; ".join(f"{caption} {rows}" for caption, rows in grids.items())
    return Drawing(title, parts, left, bottom + 8, f"{title}: {spoken}")
