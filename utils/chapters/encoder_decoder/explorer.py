"""The explorer of chapter 07: type a sentence, go through its translation, and see where each word comes from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from utils.chapters.encoder_decoder.measures import Translation
from utils.data import translation
from utils.explorers import explore
from utils.palette import BLUE, GROUND, INK, QUIET, VERMILLION
from utils.pictures import BOLD, CENTRED, Drawing, rect, show, text

CELL, ROW, LEFT, TOP = 32, 20, 92, 116  # pixels: of a weight, before the first
OVERHANG = 44  # pixels that the last slanted word needs behind its column
BAR, LINE, NARROWEST = 150, 18, 340  # pixels: of a probability of 1, from one word to the next; of the whole picture
SENTENCE = "the girl 's red house is small"


@dataclass(frozen=True)
class TranslationSetting:
    """An English sentence, and how many words of its translation are written (1: the first one is being chosen)."""

    sentence: str = SENTENCE
    step: int = 1

    def title(self) -> str:
        """The step, in words."""
        return f"word {self.step} is chosen"

    def within(self, found: Translation) -> "TranslationSetting":
        """The nearest setting at a step that this translation has."""
        return replace(self, step=min(max(self.step, 1), len(found.said)))


def answer(model: Any, sentence: str) -> tuple[Translation | None, str]:
    """(the translation or None, the line that is shown): the Spanish words, or what is wrong with the sentence."""
    if not translation.tokenize(sentence):
        return None, "Type an English sentence."
    try:
        found = Translation.of(model, sentence)
    except translation.UnknownWord as error:
        return None, str(error)
    return found, found.spanish()


def translation_picture(model: Any, setting: TranslationSetting) -> Drawing:
    """The weights of cross-attention, a row for each word so far, and below it the likeliest words for this step.

    The weights are the mean of the last block's heads.
    """
    found, words = answer(model, setting.sentence)
    if found is None:
        return Drawing("no translation", (text(10, 40, words),), max(NARROWEST, 20 + 7 * len(words)), 54, words)
    setting = setting.within(found)
    last = setting.step - 1
    weights, best = found.weights()[: setting.step].tolist(), found.best(last)
    width = max(NARROWEST, LEFT + CELL * len(found.source) + OVERHANG)
    bars = TOP + ROW * len(found.said) + 30
    parts = (
        text(10, 36, words, fill=QUIET),
        *_columns(found.source),
        *_rows(found.said, weights),
        *_bars(best, bars),
    )
    place = max(range(len(found.source)), key=weights[last].__getitem__)
    alt = (
        f"{' '.join(found.source)}: after {' '.join(found.said[:last]) or 'nothing'} the likeliest word is {best[0][0]} with "
        f"probability {best[0][1]:.2f}; largest weight {weights[last][place]:.2f} on {found.source[place]}."
    )
    return Drawing(setting.title(), parts, width, bars + LINE * len(best) + 4, alt)


def _columns(source: list[str]) -> Iterator[str]:
    """The English words, slanted over their columns."""
    for place, word in enumerate(source):
        x = LEFT + CELL * (place + 0.5)
        yield text(x - 3, TOP - 6, word, transform=f"rotate(-45 {x:g} {TOP - 6})")


def _rows(said: list[str], weights: list[list[float]]) -> Iterator[str]:
    """A row of shaded cells for each word that is written, the last one marked; a dot for each word to come."""
    for number, word in enumerate(said):
        top = TOP + ROW * number
        if number >= len(weights):
            yield text(LEFT - 8, top + 14, "·", text_anchor="end", fill=QUIET)
            continue
        look = {"fill": VERMILLION, **BOLD} if number == len(weights) - 1 else {"fill": INK}
        yield text(LEFT - 8, top + 14, word, text_anchor="end", **look)
        for place, weight in enumerate(weights[number]):
            left, ink = LEFT + CELL * place, GROUND if weight > 0.6 else INK
            yield rect(left, top, CELL - 2, ROW - 2, BLUE, fill_opacity=max(weight, 0.02))
            yield text(left + CELL / 2 - 1, top + 13, f"{weight:.2f}", font_size=10, fill=ink, **CENTRED)


def _bars(best: list[tuple[str, float]], top: int) -> Iterator[str]:
    """The likeliest words with their probabilities."""
    yield text(10, top - 8, "likeliest words at this step", font_size=11, fill=QUIET)
    for number, (word, share) in enumerate(best):
        y = top + LINE * number
        yield text(LEFT - 8, y + 12, word, text_anchor="end")
        yield rect(LEFT, y + 2, BAR * share, LINE - 6, BLUE)
        yield text(LEFT + BAR * share + 5, y + 12, f"{share:.2f}")


def translation_settings(model: Any, settings: Iterable[TranslationSetting]) -> None:
    """Shows several steps or sentences side by side."""
    show(translation_picture(model, setting) for setting in settings)


def translation_explorer(model: Any, sentence: str = SENTENCE) -> Any:
    """A box for the sentence, a slider for the step, and the picture that follows them."""

    def controls(widgets: ModuleType) -> dict[str, Any]:
        box = widgets.Text(sentence, description="English", continuous_update=False)
        step = widgets.IntSlider(1, min=1, max=1, description="word")

        def fit(_: object = None) -> None:
            found, _words = answer(model, box.value)
            step.max = len(found.said) if found else 1
            step.value = step.max

        box.observe(fit, names="value")
        fit()
        return {"sentence": box, "step": step}

    return explore("to type sentences", controls, lambda **chosen: translation_picture(model, TranslationSetting(**chosen)))
