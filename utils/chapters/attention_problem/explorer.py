"""The explorer of chapter 01: exchange one letter of a sequence and see whose answers follow."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from utils.chapters.attention_problem import experiment as toy
from utils.explorers import explore
from utils.palette import BLUE, INK, QUIET, VERMILLION
from utils.pictures import BOLD, CENTRED, Drawing, rect, show, text

STEP, LEFT, HEIGHT, FLOOR, TALL = 46, 30, 220, 122, 62  # pixels: between letters, before the first; the bars' floor, height
START = "cafebd"
KEEP = "as it is"


@dataclass(frozen=True)
class RecallSetting:
    """A sequence of letters, and the letter that is put at a position (if empty, nothing is exchanged)."""

    text: str = START
    position: int = 0
    letter: str = ""

    def tokens(self) -> torch.Tensor:
        """(1, length) tokens after the exchange."""
        letters = list(self.text)
        letters[self.position] = self.letter or letters[self.position]
        return torch.tensor([[toy.LETTERS.index(letter) for letter in letters]])

    def title(self) -> str:
        """What is exchanged, in words."""
        if not self.letter:
            return "nothing exchanged"
        return f"position {self.position}: {self.text[self.position]} becomes {self.letter}"


def answers(models: Mapping[str, Any], setting: RecallSetting) -> tuple[list[float], dict[str, tuple[str, float]]]:
    """(weights of the last position of attention, {model: (its letter, the probability that it gives it)}).

    Each of `models` gives logits for (1, length) tokens; `models["attention"].look(tokens)` gives logits and weights.
    """
    tokens = setting.tokens()
    with torch.no_grad():
        _, weights = models["attention"].look(tokens)
        best = {name: model(tokens)[0].softmax(-1).max(-1) for name, model in models.items()}
    return weights[0].tolist(), {name: (toy.LETTERS[int(top.indices)], float(top.values)) for name, top in best.items()}


def recall_picture(models: Mapping[str, Any], setting: RecallSetting) -> Drawing:
    """The letters, over each the weight of attention as a bar, below what each model says."""
    weights, said = answers(models, setting)
    letters = toy.text_of(setting.tokens()[0])
    spoken = "; ".join(f"{name} says {letter} with {share:.2f}" for name, (letter, share) in said.items())
    heaviest = max(range(len(weights)), key=weights.__getitem__)
    alt = f"{setting.title()}. Weight {weights[heaviest]:.2f} on position {heaviest}. Right is {letters[0]}; {spoken}."
    caption = text(10, 38, "weight of attention at each position", font_size=11, fill=QUIET)
    parts = (caption, *_letters(setting, letters, weights), *_lines(letters[0], said))
    return Drawing(setting.title(), parts, 2 * LEFT + STEP * (len(letters) - 1), HEIGHT, alt)


def _letters(setting: RecallSetting, letters: str, weights: list[float]) -> Iterator[str]:
    """The letters in a row, the exchanged one marked, each under the bar of its weight."""
    for i, (letter, weight) in enumerate(zip(letters, weights, strict=True)):
        x, tall = LEFT + STEP * i, TALL * weight
        look = {"fill": VERMILLION, **BOLD} if setting.letter and i == setting.position else {"fill": INK}
        yield rect(x - 8, FLOOR - tall, 16, tall, BLUE)
        yield text(x, FLOOR + 16, letter, font_size=14, **CENTRED, **look)


def _lines(right: str, said: dict[str, tuple[str, float]]) -> Iterator[str]:
    """What each model says, and whether that is right."""
    for row, (name, (letter, share)) in enumerate(said.items()):
        verdict = "right" if letter == right else f"right is {right}"
        yield text(10, FLOOR + 44 + 20 * row, f"{name}: {letter} with {share:.2f} ({verdict})")


def recall_settings(models: Mapping[str, Any], settings: Iterable[RecallSetting]) -> None:
    """Shows several exchanges side by side."""
    show(recall_picture(models, setting) for setting in settings)


def recall_explorer(models: Mapping[str, Any], start: str = START) -> Any:
    """A slider for the position, a menu for its new letter, and the picture that follows them."""

    def controls(widgets: ModuleType) -> dict[str, Any]:
        letters = [(KEEP, ""), *((letter, letter) for letter in toy.LETTERS)]
        return {
            "position": widgets.IntSlider(0, 0, len(start) - 1, description="position"),
            "letter": widgets.Dropdown(options=letters, description="becomes"),
        }

    return explore("to exchange letters", controls, lambda **chosen: recall_picture(models, RecallSetting(start, **chosen)))
