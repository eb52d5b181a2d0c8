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
SIZES = {"d_model": 64, "num_heads": 4, "d_head": 16, "d_ff": 128, "num_layers": 1, "num_buckets": 16, "max_distance": 32}
STEPS, BLANK_STEPS, BATCH, RATE, BLANK_RATE = 4200, 150, 64, 3e-3, 1e-3
"""`BATCH` is of sentences to be translated; the other texts are longer, and half as many make a batch."""
SHARES = {"translate": 0.55, "summarize": 0.14, "sentiment": 0.06, "question": 0.25}
"""How often each task is trained; translation has the most to learn."""
MAX_LEN = 18
_POOL = 20  # batches whose texts are sorted by length together
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
    if held_out:
        return _drawn(2, _HELD_OUT, translation.held_out_pairs(_HELD_OUT))
    kept = {source for pairs in texts(held_out=True).values() for source, _ in pairs}
    drawn = _drawn(1, _TRAINING, translation.training_pairs())
    # a short review may be drawn in both
    return {task: [pair for pair in pairs if pair[0] not in kept] for task, pairs in drawn.items()}


def _drawn(seed: int, count: int, sentences: Sequence[Pair]) -> dict[str, list[Pair]]:
    drawn = articles.Texts(seed)
    told = [drawn.article(people=1, facts=4, between=1) for _ in range(count)]
    asked = [drawn.question(drawn.article(people=1, facts=4, between=1)) for _ in range(count)]
    reviews = [drawn.review((1, 3)) for _ in range(count)]
    return {
        "translate": [(f"translate : {english}", spanish) for english, spanish in sentences],
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
                half = weight.shape[1] // 2
                weight[:, :half] *= 4  # heads that look at places of their own from the first step
                weight[:, half:] *= 0.1  # and heads that look everywhere
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
    examples = {task: numbers(pairs) for task, pairs in texts().items()}
    queues: dict[str, list[list[Example]]] = {task: [] for task in examples}
    shares = torch.tensor([SHARES[task] for task in examples])

    def batch(step: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        task = list(examples)[int(torch.multinomial(shares, 1, generator=generator))]
        if not queues[task]:
            queues[task] = _cut(examples[task], size if task == "translate" else size // 2, generator)
        return padded(queues[task].pop())

    return batch


def _cut(examples: Sequence[Example], size: int, generator: torch.Generator) -> list[list[Example]]:
    """All examples in batches, shuffled; within a pool of batches texts of like length come together."""
    cut: list[list[Example]] = []
    for pool in torch.randperm(len(examples), generator=generator).split(size * _POOL):
        rows = sorted((examples[i] for i in pool.tolist()), key=lambda example: (len(example[0]), len(example[1])))
        cut += [rows[start : start + size] for start in range(0, len(rows), size)]
    return [cut[i] for i in torch.randperm(len(cut), generator=generator).tolist()]


def padded(examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Sources and targets as two tensors, filled up with padding."""
    source, target = (translation.padded([example[side] for example in examples]) for side in (0, 1))
    return source.to(session.device()), target.to(session.device())


def blanks(span_corruption: Callable[..., Any], size: int = BATCH // 2) -> Callable[[int, torch.Generator], Any]:
    """A function (step, generator) -> (source, target): articles that tell each fact twice, with two spans blanked.

    Most missing words stand once more in the source. Where they stand nowhere else, copying is never right, and after a training
    on such blanks the tasks that copy are learned later.
    """
    words = vocabulary()
    sentinels = [words.words.index(name) for name in SENTINELS]
    drawn_texts = articles.Texts(3)
    sources = [encode(drawn_texts.article(people=1, facts=4, between=0, again=4).text)[:-1] for _ in range(3000)]

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
    return fitting.fit(model, blanks(span_corruption), loss, steps, BLANK_RATE, seed=seed, label="blanks")


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
