"""Chapter 08's one model for four tasks: each is a source text with a prefix and a target text."""

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch.nn import functional as F

from utils import reference, session
from utils.chapters.applications import fitting
from utils.data import articles, translation
from utils.data.translation import BOS, EOS, PAD, SPECIAL, Pair, Vocabulary

SENTINELS = tuple(f"<{number}>" for number in range(4))
_PREFIXES = ("translate", "summarize", "sentiment", "question", "context", ":")
SIZES = {"d_model": 64, "num_heads": 4, "d_head": 16, "d_ff": 128, "num_layers": 2, "num_buckets": 16, "max_distance": 32}
STEPS, BLANK_STEPS, BATCH, RATE = 2500, 150, 64, 3e-3
SHARES = {"translate": 0.5, "summarize": 0.15, "sentiment": 0.1, "question": 0.25}
"""How often each task is trained; translation has the most to learn."""
MAX_LEN = 14
WORDS = 7
"""English words of a sentence to be translated, at most."""
_TRAINING, _HELD_OUT = 12_000, 300

Example = tuple[list[int], list[int]]
"""source and target, with eos, without bos"""


@cache
def vocabulary() -> Vocabulary:
    """The words of all tasks, both languages, the prefixes, and the sentinels of the blanks."""
    pairs = translation.training_pairs() + translation.held_out_pairs()
    words = {word for pair in pairs for sentence in pair for word in sentence.split()} | set(articles.words()) | set(_PREFIXES)
    return Vocabulary((*SPECIAL, *SENTINELS, *sorted(words)))


@cache
def texts(held_out: bool = False) -> dict[str, list[Pair]]:
    """(source, target) texts of each task, {task: list}; those held out are in no training list."""
    drawn = articles.Texts(2 if held_out else 1)
    count = _HELD_OUT if held_out else _TRAINING
    pairs = translation.held_out_pairs() if held_out else translation.training_pairs()
    short = [(f"translate : {english}", spanish) for english, spanish in pairs if len(english.split()) <= WORDS]
    told = [drawn.article(people=1, facts=4, between=2) for _ in range(count)]
    asked = [drawn.question(drawn.article(people=1, facts=4, between=2)) for _ in range(count)]
    reviews = [drawn.review((1, 3)) for _ in range(count)]
    return {
        "translate": short[:count] if held_out else short,
        "summarize": [(f"summarize : {article.text}", article.summary()) for article in told],
        "sentiment": [(f"sentiment : {review.text}", articles.OPINIONS[review.opinion]) for review in reviews],
        "question": [(f"question : {q.text} context : {q.article.text}", q.answer) for q in asked],
    }


def build(kind: Callable[..., Any], seed: int = 0) -> Any:
    """A `T5` of the chapter's sizes with starting weights for the seed."""
    model = kind(len(vocabulary()), **SIZES)
    fitting.begin(model, seed, embeddings=1.0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("w_q.weight"):
                weight.mul_(SIZES["d_head"] ** -0.5)  # what the missing scale would do at the start
            elif "_bias." in name:
                weight.mul_(0.1)
    return model.to(session.device())


@cache
def _ids() -> dict[str, int]:
    return {word: number for number, word in enumerate(vocabulary().words)}


def encode(text: str) -> list[int]:
    """The ids of a text's tokens and eos. `KeyError` for a word that is not known."""
    return [*(_ids()[word] for word in text.split()), EOS]


def numbers(pairs: Sequence[Pair]) -> list[Example]:
    """The ids of texts, each closed by eos."""
    return [(encode(source), encode(target)) for source, target in pairs]


def batches(size: int = BATCH) -> Callable[[int, torch.Generator], tuple[torch.Tensor, torch.Tensor]]:
    """A function (step, generator) -> (source, target): one task a batch, texts of like length together."""
    tasks = {
        task: sorted(numbers(pairs), key=lambda example: (len(example[0]), len(example[1]))) for task, pairs in texts().items()
    }
    shares = torch.tensor([SHARES[task] for task in tasks])

    def batch(step: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        task = list(tasks)[int(torch.multinomial(shares, 1, generator=generator))]
        first = int(torch.randint(len(tasks[task]) - size, (), generator=generator))
        return padded(tasks[task][first : first + size])

    return batch


def padded(examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Sources and targets as two tensors, filled up with padding."""
    source, target = (translation.padded([example[side] for example in examples]) for side in (0, 1))
    return source.to(session.device()), target.to(session.device())


def blanks(span_corruption: Callable[..., Any], size: int = BATCH) -> Callable[[int, torch.Generator], Any]:
    """A function (step, generator) -> (source, target): source texts of all tasks with two spans blanked."""
    words = vocabulary()
    sentinels = [words.words.index(name) for name in SENTINELS]
    sources = [source[:-1] for pairs in texts().values() for source, _ in numbers(pairs[:3000]) if len(source) > 8]

    def batch(step: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = random.Random(int(torch.randint(2**31, (), generator=generator)))
        rows = drawn.choices(sources, k=size)
        return padded([_blanked(span_corruption, row, spans(len(row), drawn), sentinels) for row in rows])

    return batch


def spans(length: int, drawn: random.Random, mean: int = 2) -> list[tuple[int, int]]:
    """Two spans of about 15 % of `length` tokens together, sorted and apart from each other."""
    each = max(1, min(3, round(0.15 * length / mean)))
    first = drawn.randint(0, length // 2 - each - 1)
    second = drawn.randint(length // 2, length - each)
    return [(first, each), (second, each)]


def _blanked(span_corruption: Callable[..., Any], row: list[int], where: list[tuple[int, int]], ids: list[int]) -> Example:
    inputs, targets = span_corruption(row, where, ids, EOS)
    return [*inputs, EOS], list(targets)


def loss(model: Any, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Teacher forcing, with label smoothing: a scalar."""
    source, target = batch
    logits = model(source, reference.shift_right(target, BOS), reference.create_padding_mask(source, PAD))
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD, label_smoothing=0.1)


def train(model: Any, seed: int = 0, steps: int = STEPS) -> list[float]:
    """Trains `model` in place on all four tasks and returns the losses."""
    return fitting.fit(model, batches(), loss, steps, RATE, averaged=0.25, tables=6, seed=seed, label=f"T5, seed {seed}")


def fill_blanks(model: Any, span_corruption: Callable[..., Any], seed: int = 0, steps: int = BLANK_STEPS) -> list[float]:
    """Trains `model` in place on blanked spans and returns the losses."""
    return fitting.fit(model, blanks(span_corruption), loss, steps, RATE, tables=6, seed=seed, label="blanks")


@torch.no_grad()
def answers(model: Any, sources: Sequence[str], size: int = 100) -> list[str]:
    """What the model writes for each source text, greedily."""
    words, said = vocabulary(), []
    for start in range(0, len(sources), size):
        source = translation.padded([encode(text) for text in sources[start : start + size]])
        source = source.to(session.device())
        mask = reference.create_padding_mask(source, PAD)
        apart = hasattr(model, "encode") and hasattr(model, "decode")  # else the source is read anew for every word
        memory, tokens = model.encode(source, mask) if apart else None, source.new_full((len(source), 1), BOS)
        while tokens.shape[1] <= MAX_LEN and not bool((tokens == EOS).any(dim=1).all()):
            logits = model.decode(tokens, memory, mask) if apart else model(source, tokens, mask)
            best = logits[:, -1:].argmax(dim=-1)
            tokens = torch.cat([tokens, best], dim=1)
        said += [words.decode(row) for row in tokens[:, 1:].tolist()]
    return said


def exact_match(model: Any) -> dict[str, float]:
    """Share of held-out targets that the model writes in every word, {task: share}."""
    shares = {}
    for task, pairs in texts(held_out=True).items():
        said = answers(model, [source for source, _ in pairs])
        shares[task] = sum(a == b for a, (_, b) in zip(said, pairs, strict=True)) / len(pairs)
    return shares
