"""The explorer of chapter 03: one word of a sentence looks at all the others, and the model guesses it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from utils.chapters.self_attention import experiment as toy
from utils.explorers import explore
from utils.palette import BLUE, INK, QUIET, VERMILLION
from utils.pictures import BOLD, CENTRED, Drawing, arc, rect, show, text

STEP, LEFT, HEIGHT, LINE = 53, 31, 236, 132  # pixels: between words, before the first, of the picture, of the words
GUESSES = 3

Model = Callable[..., tuple[torch.Tensor, torch.Tensor]]
MaskOf = Callable[[int], torch.Tensor]


@dataclass(frozen=True)
class SentenceSetting:
    """A sentence, the position that looks, whether its word is hidden, and whether it may look ahead."""

    sentence: str = toy.HELD_OUT
    position: int = 1
    hide: bool = True
    causal_mask: bool = False

    def tokens(self) -> torch.Tensor:
        """(1, words) ids, the word that looks exchanged for the question mark where it is hidden."""
        tokens = toy.encode(self.sentence)[None].clone()
        if self.hide:
            tokens[0, self.position] = toy.encode(toy.HIDDEN)[0]
        return tokens

    def title(self) -> str:
        """Which word looks, in words."""
        word = self.sentence.split()[self.position]
        return f"“{word}” {'is hidden' if self.hide else 'looks'}{', causal mask on' if self.causal_mask else ''}"


def look(model: Model, mask_of: MaskOf, setting: SentenceSetting) -> tuple[list[float], list[tuple[str, float]]]:
    """(weights of the word that looks, its likeliest words with their probabilities), as lists.

    `model(tokens, mask=None)` gives logits and weights; `mask_of(words)` is the causal mask.
    """
    tokens = setting.tokens()
    mask = mask_of(tokens.shape[1]) if setting.causal_mask else None
    with torch.no_grad():
        logits, weights = model(tokens, mask=mask)
    best = logits[0, setting.position].softmax(-1).topk(GUESSES)
    guesses = list(zip(toy.decode(best.indices), best.values.tolist(), strict=True))
    return weights[0, setting.position].tolist(), guesses


def sentence_picture(model: Model, mask_of: MaskOf, setting: SentenceSetting) -> Drawing:
    """The sentence, an arc from the word that looks to each word, the guesses below."""
    weights, guesses = look(model, mask_of, setting)
    words = setting.sentence.split()
    shown = [toy.HIDDEN if setting.hide and i == setting.position else word for i, word in enumerate(words)]
    guess = ", ".join(f"{word} {share:.2f}" for word, share in guesses)
    spoken = "; ".join(f"{word} {weight:.2f}" for word, weight in zip(shown, weights, strict=True))
    parts = (
        *_arcs(setting.position, weights),
        *_words(setting.position, shown, weights),
        text(10, HEIGHT - 28, "the model's guesses for this place:", fill=QUIET),
        text(10, HEIGHT - 11, guess),
    )
    alt = f"{setting.title()}. Weights: {spoken}. Guesses: {guess}"
    return Drawing(setting.title(), parts, 2 * LEFT + STEP * (len(words) - 1), HEIGHT, alt)


def _arcs(looks: int, weights: list[float]) -> Iterator[str]:
    """An arc from the position that looks to each word that is seen: the thicker, the more weight."""
    for i, weight in enumerate(weights):
        if weight >= 0.005 and i != looks:
            start, end, rise = LEFT + STEP * looks, LEFT + STEP * i, 8 + 15 * abs(i - looks)
            yield arc(start, end, LINE - 16, rise, BLUE, stroke_width=0.5 + 9 * weight, stroke_opacity=0.7)


def _words(looks: int, shown: list[str], weights: list[float]) -> Iterator[str]:
    """The words, under each its weight as a bar and a number."""
    for i, (word, weight) in enumerate(zip(shown, weights, strict=True)):
        x, look = LEFT + STEP * i, {"fill": VERMILLION, **BOLD} if i == looks else {"fill": INK}
        yield text(x, LINE, word, **CENTRED, **look)
        yield rect(x - 16, LINE + 9, 32 * weight, 8, BLUE)
        yield text(x, LINE + 32, f"{weight:.2f}", font_size=11, **CENTRED)


def sentence_settings(model: Model, mask_of: MaskOf, settings: Iterable[SentenceSetting]) -> None:
    """Shows several settings side by side."""
    show(sentence_picture(model, mask_of, setting) for setting in settings)


def sentence_explorer(model: Model, mask_of: MaskOf, sentences: Sequence[str]) -> Any:
    """Controls for the sentence and the word that looks, two tick boxes, and the picture that follows them."""

    def controls(widgets: ModuleType) -> dict[str, Any]:
        return {
            "sentence": widgets.Dropdown(options=sentences, description="sentence"),
            "position": widgets.IntSlider(1, 0, 5, description="place that looks"),
            "hide": widgets.Checkbox(True, description="hide that word", indent=False),
            "causal_mask": widgets.Checkbox(False, description="causal mask", indent=False),
        }

    def draw(**chosen: Any) -> Drawing:
        return sentence_picture(model, mask_of, SentenceSetting(**chosen))

    return explore("to choose the word that looks", controls, draw)
