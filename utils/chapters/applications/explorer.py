"""The explorer of chapter 08: what temperature, top-k and top-p leave of the next token's probabilities, and what is written."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from utils.explorers import explore
from utils.palette import BLUE, PALE, QUIET
from utils.pictures import Drawing, rect, show, text

LEFT, TOP, LINE, BAR, SHOWN = 110, 74, 18, 190, 12  # pixels; how many tokens have a bar
WIDTH = 380
BEGINNING = "The value of the"
NEW = 24

Sampler = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class SamplingSetting:
    """A beginning, the settings of `sample_token` (top_k 0: all tokens), and the seed of what is written."""

    beginning: str = BEGINNING
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def title(self) -> str:
        """The settings, in words."""
        kept = [f"temperature {self.temperature:g}"]
        kept += [f"top-k {self.top_k}"] if self.top_k else []
        kept += [f"top-p {self.top_p:g}"] if self.top_p < 1 else []
        return ", ".join(kept)

    def options(self) -> dict[str, Any]:
        """The arguments of `sample_token`."""
        options: dict[str, Any] = {"temperature": self.temperature}
        if self.top_k:
            options["top_k"] = self.top_k
        if self.top_p < 1:
            options["top_p"] = self.top_p
        return options


@dataclass(frozen=True)
class Writer:
    """What writes: a model with its tokenizer, and the learner's `sample_token` and `generate`."""

    model: Any
    tokenizer: Any
    sample_token: Sampler
    generate: Callable[..., torch.Tensor]

    def probabilities(self, beginning: str) -> torch.Tensor:
        """(vocab,): of each next token, before any setting."""
        with torch.no_grad():
            return self.model.eval()(self._read(beginning))[0, -1].softmax(dim=-1).cpu()

    def shares(self, probabilities: torch.Tensor, setting: SamplingSetting, draws: int = 2000) -> torch.Tensor:
        """(vocab,): how often `sample_token` draws each token under a setting."""
        generator = torch.Generator().manual_seed(0)
        logits = probabilities.log().expand(draws, -1)
        drawn = self.sample_token(logits, generator=generator, **setting.options())
        return torch.bincount(drawn, minlength=len(probabilities)) / draws

    def write(self, setting: SamplingSetting) -> str:
        """The beginning and what comes after it."""
        generator = torch.Generator().manual_seed(setting.seed)
        tokens = self.generate(
            self.model, self._read(setting.beginning), NEW,
            lambda logits: self.sample_token(logits.cpu(), generator=generator, **setting.options()).to(logits.device),
        )  # fmt: skip
        return self.tokenizer.decode(tokens[0].tolist())

    def _read(self, words: str) -> torch.Tensor:
        ids = self.tokenizer.encode(words).ids or self.tokenizer.encode(" ").ids
        return torch.tensor([ids], device=next(self.model.parameters()).device)


def sampling_picture(writer: Writer, setting: SamplingSetting) -> Drawing:
    """The likeliest next tokens: pale their probabilities, dark how often they are drawn; below, what is written."""
    chances = writer.probabilities(setting.beginning)
    shares = writer.shares(chances, setting)
    order = chances.argsort(descending=True)[:SHOWN].tolist()
    names = [repr(writer.tokenizer.decode([i])) for i in order]
    written = writer.write(setting)
    lines = _wrapped(written, 52)
    bars = _bars(names, [float(chances[i]) for i in order], [float(shares[i]) for i in order])
    below = TOP + LINE * SHOWN + 24
    prose = [text(10, below + 16 * number, words, font_size=11) for number, words in enumerate(lines)]
    head = (
        text(10, 40, f"after {setting.beginning!r}", fill=QUIET),
        text(10, TOP - 10, "pale: the model; dark: drawn", fill=QUIET),
    )
    kept = int((shares > 0).sum())
    alt = (
        f"{setting.title()}: {kept} {'tokens are' if kept > 1 else 'token is'} drawn; "
        f"the likeliest, {names[0]}, has probability {float(chances[order[0]]):.2f} "
        f"and is drawn in {float(shares[order[0]]):.2f} of all cases. Written: {written}"
    )
    return Drawing(setting.title(), (*head, *bars, *prose), WIDTH, below + 16 * len(lines), alt)


def _bars(names: list[str], chances: list[float], shares: list[float]) -> Iterator[str]:
    widest = max([*chances, *shares, 0.05])
    for number, (name, chance, share) in enumerate(zip(names, chances, shares, strict=True)):
        y = TOP + LINE * number
        yield text(LEFT - 8, y + 12, name, text_anchor="end")
        yield rect(LEFT, y + 1, BAR * chance / widest, LINE - 4, PALE)
        yield rect(LEFT, y + 4, BAR * share / widest, LINE - 10, BLUE)
        yield text(LEFT + BAR * max(chance, share) / widest + 5, y + 12, f"{share:.2f}", font_size=10)


def _wrapped(words: str, width: int) -> list[str]:
    """Lines of at most `width` letters; a line end is shown as a sign."""
    shown = words.replace("\n", "⏎")
    return [shown[start : start + width] for start in range(0, len(shown), width)]


def sampling_settings(writer: Writer, settings: Iterable[SamplingSetting]) -> None:
    """Shows several settings, two in a row: more would be too small to read on a page."""
    drawings = [sampling_picture(writer, setting) for setting in settings]
    for first in range(0, len(drawings), 2):
        show(drawings[first : first + 2])


def sampling_explorer(writer: Writer, beginning: str = BEGINNING) -> Any:
    """A box for the beginning and sliders for temperature, top-k, top-p and the seed, above the picture that follows them."""

    def controls(widgets: ModuleType) -> dict[str, Any]:
        return {
            "beginning": widgets.Text(beginning, description="beginning", continuous_update=False),
            "temperature": widgets.FloatSlider(1.0, min=0.0, max=2.0, step=0.1, description="temperature"),
            "top_k": widgets.IntSlider(0, min=0, max=50, description="top-k (0: all)"),
            "top_p": widgets.FloatSlider(1.0, min=0.05, max=1.0, step=0.05, description="top-p"),
            "seed": widgets.IntSlider(0, min=0, max=20, description="seed"),
        }

    return explore("to change the settings", controls, lambda **chosen: sampling_picture(writer, SamplingSetting(**chosen)))
