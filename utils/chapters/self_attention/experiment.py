"""Chapter 03's two small languages, and the loops that train a model on them.

The toy language has 108 sentences, `The cat sat on the mat` among them. In each, the verb belongs to the animal, the
number of the animal to the first word, and the preposition to the place; everything else is free. So it is known which
word each word depends on, and what the best possible loss is. The other language is real prose, from CPython's own help.
"""

import math
import re
from collections.abc import Callable, Sequence
from pydoc_data.topics import topics
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from tqdm.auto import trange

Model = Callable[..., tuple[torch.Tensor, torch.Tensor]]
"""model(tokens (batch, seq), mask=None) -> logits (batch, seq, vocab), weights (batch, seq, seq)"""
Shift = Callable[[torch.Tensor], Sequence[torch.Tensor]]
"""shift(tokens) -> inputs and targets, see `pairs`"""
Writer = Callable[[Any, torch.Tensor, int, int], torch.Tensor]
"""writer(model, tokens, steps, longest) -> longer tokens, see `draw`"""

_VERBS = {"cat": "sat", "dog": "lay", "bird": "sang", "frog": "jumped", "goat": "stood", "duck": "swam"}
_PLACES = {"on": ("mat", "roof", "wall"), "in": ("pond", "box", "garden"), "under": ("table", "tree", "bridge")}
HELD_OUT = "The cat sat on the mat"
SENTENCES = tuple(
    f"{number} {animal}{'s' if number == 'Two' else ''} {verb} {preposition} the {place}"
    for number in ("The", "Two")
    for animal, verb in _VERBS.items()
    for preposition, places in _PLACES.items()
    for place in places
)
PAD, HIDDEN, STOP = "–", "?", "."
WORDS = (PAD, HIDDEN, STOP, *sorted({word for sentence in SENTENCES for word in sentence.split()}))
_ID = {word: i for i, word in enumerate(WORDS)}

FILL_IN_FLOOR = math.log(3) / 6
"""Least mean loss of guessing one hidden word of six: only the place is open, one of three."""
NEXT_WORD_FLOOR = math.log(len(SENTENCES)) / 7
"""Least mean loss of predicting the seven words of `The … place .` one by one: the entropy of the language."""


def encode(text: str) -> torch.Tensor:
    """(words,) int64 ids of a text of the toy language."""
    return torch.tensor([_ID[word] for word in text.split()])


def decode(tokens: torch.Tensor) -> list[str]:
    """The words of (words,) ids."""
    return [WORDS[i] for i in tokens.tolist()]


def training_sentences(framed: bool = False) -> torch.Tensor:
    """(107, 6) ids of all sentences without the held-out one; `framed`: (107, 8), between two full stops."""
    form = f"{STOP} {{}} {STOP}" if framed else "{}"
    return torch.stack([encode(form.format(sentence)) for sentence in SENTENCES if sentence != HELD_OUT])


def is_sentence(words: list[str]) -> bool:
    """Whether a list of words, framed by full stops or not, is one of the language."""
    return " ".join(word for word in words if word != STOP) in SENTENCES


def pairs(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (batch, seq) -> inputs and targets (batch, seq - 1): each word but the last, and the word after it."""
    inputs, targets = tokens.unfold(1, 2, 1).unbind(-1)
    return inputs, targets


def draw(model: Model, tokens: torch.Tensor, steps: int, longest: int) -> torch.Tensor:
    """Tokens (batch, seq) grown by `steps`, each drawn from the prediction behind the last `longest` of them."""
    columns = list(tokens.unbind(1))
    for _ in range(steps):
        logits, _ = model(torch.stack(columns[-longest:], 1))
        columns.append(torch.distributions.Categorical(logits=logits.select(1, -1)).sample())
    return torch.stack(columns, 1)


def prose() -> tuple[torch.Tensor, list[str]]:
    """(ids of every character of CPython's help topics in lower-case letters and three marks, the characters)."""
    text = re.sub(r"[^a-z ,.]+", " ", "\n".join(topics.values()).lower())
    text = re.sub(r" +", " ", text)
    letters = sorted(set(text))
    index = {letter: i for i, letter in enumerate(letters)}
    return torch.tensor([index[letter] for letter in text]), letters


def begin(model: nn.Module, seed: int, held_back: bool = True) -> None:
    """Starting weights that depend on the parameters' names and the seed, and on nothing else.

    Where queries and keys are `held_back` they start small and learn slowly (`_optimizer`): the weights of attention then
    stay even until the values mean something.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            embedding = name.startswith(("word", "place"))
            scale = 0.7 if embedding else 0.3 if held_back and _slow(name) else 1.0
            fan_in = 1 if embedding else weight.shape[-1]
            weight.copy_(torch.randn(weight.shape, generator=generator) * scale / math.sqrt(3 * fan_in))


def _slow(name: str) -> bool:
    return name.endswith(("w_q.weight", "w_k.weight"))


def _optimizer(
    model: nn.Module, steps: int, rate: float, held_back: bool
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    slow = [weight for name, weight in model.named_parameters() if held_back and _slow(name)]
    rest = [weight for name, weight in model.named_parameters() if not (held_back and _slow(name))]
    optimizer = torch.optim.AdamW([{"params": slow, "lr": rate / 10}, {"params": rest, "lr": rate}])
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


def _train(
    model: nn.Module, loss_of: Callable[[], torch.Tensor], steps: int, rate: float, what: str, held_back: bool = True
) -> list[float]:
    """Runs `steps` steps on one thread; returns the losses."""
    optimizer, schedule = _optimizer(model, steps, rate, held_back)
    losses = []
    for _ in trange(steps, desc=what, leave=False):
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def train_fill_in(
    model: nn.Module, steps: int = 800, batch: int = 64, rate: float = 5e-3, seed: int = 0, held_back: bool = True
) -> list[float]:
    """Hides one word of each sentence and has the model guess it; returns the losses. For `held_back` see `begin`."""
    begin(model, seed, held_back)
    sentences, generator = training_sentences(), torch.Generator().manual_seed(seed)

    def loss_of() -> torch.Tensor:
        rows = torch.arange(batch)
        right = sentences[torch.randint(len(sentences), (batch,), generator=generator)]
        place = torch.randint(right.shape[1], (batch,), generator=generator)
        shown = right.clone()
        shown[rows, place] = _ID[HIDDEN]
        logits, _ = model(shown)
        return F.cross_entropy(logits[rows, place], right[rows, place])

    return _train(model, loss_of, steps, rate, "filling in", held_back)


@torch.no_grad()
def looks(model: nn.Module, sentence: str = HELD_OUT) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Each word of a sentence is hidden in turn: (the tokens shown, the row of weights of the `?`, the guesses for it).

    Shapes (seq, seq), (seq, seq) and (seq, vocab); the guesses are probabilities.
    """
    hidden = encode(sentence).repeat(len(sentence.split()), 1)
    hidden.fill_diagonal_(_ID[HIDDEN])
    logits, weights = model(hidden)
    rows = torch.arange(len(hidden))
    return hidden, weights[rows, rows], logits[rows, rows].softmax(-1)


def train_next_word(
    model: nn.Module,
    mask: torch.Tensor | None = None,
    shift: Shift = pairs,
    steps: int = 800,
    batch: int = 64,
    rate: float = 5e-3,
    seed: int = 0,
) -> list[float]:
    """At every position of a sentence, predicts the next word; returns the losses. `mask` goes to the model."""
    begin(model, seed)
    sentences, generator = training_sentences(framed=True), torch.Generator().manual_seed(seed)

    def loss_of() -> torch.Tensor:
        chosen = sentences[torch.randint(len(sentences), (batch,), generator=generator)]
        return next_loss(model, chosen, mask, shift)

    return _train(model, loss_of, steps, rate, "next word")


def train_next_letter(
    model: nn.Module,
    tokens: torch.Tensor,
    length: int,
    mask: torch.Tensor | None = None,
    shift: Shift = pairs,
    steps: int = 800,
    batch: int = 32,
    rate: float = 5e-3,
    seed: int = 0,
) -> list[float]:
    """The same on windows of `length` characters of a long text."""
    begin(model, seed)
    generator = torch.Generator().manual_seed(seed)

    def loss_of() -> torch.Tensor:
        starts = torch.randint(len(tokens) - length, (batch, 1), generator=generator)
        return next_loss(model, tokens[starts + torch.arange(length + 1)], mask, shift)

    return _train(model, loss_of, steps, rate, "next letter")


def next_loss(model: Model, tokens: torch.Tensor, mask: torch.Tensor | None = None, shift: Shift = pairs) -> torch.Tensor:
    """Mean loss of predicting the targets that `shift` makes of `tokens` (batch, seq) from its inputs."""
    inputs, targets = shift(tokens)
    logits, _ = model(inputs, mask=mask)
    return F.cross_entropy(logits.transpose(1, 2), targets)


@torch.no_grad()
def language_losses(models: Sequence[Model], mask: torch.Tensor | None) -> list[float]:
    """The loss of each model over all sentences that it was trained on, seen under `mask`."""
    return [next_loss(model, training_sentences(framed=True), mask).item() for model in models]


@torch.no_grad()
def texts(model: Model, writer: Writer = draw, count: int = 500, seed: int = 0) -> list[str]:
    """`count` texts of seven words that a model writes behind a full stop."""
    torch.manual_seed(seed)
    written = writer(model, encode(STOP).repeat(count, 1), 7, 7)
    return [" ".join(decode(text)) for text in written]


def share(some: Sequence[str]) -> float:
    """The share of texts that are sentences of the language."""
    return sum(is_sentence(text.split()) for text in some) / len(some)


@torch.no_grad()
def loss_by_place(
    model: Model, tokens: torch.Tensor, length: int, mask: torch.Tensor | None = None, windows: int = 500
) -> list[float]:
    """`length` mean losses, one for each place in the window: how well the model does at the first, …, the last."""
    starts = torch.randint(len(tokens) - length, (windows, 1), generator=torch.Generator().manual_seed(1))
    inputs, targets = pairs(tokens[starts + torch.arange(length + 1)])
    logits, _ = model(inputs, mask=mask)
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").mean(0).tolist()
