"""Chapter 08's language modelling: real prose, a byte-pair tokenizer, and an LSTM to compare with.

The prose is CPython's own help, the texts of `help("topics")`: explanations in English, with Python in between. Paragraphs
that are mostly code are left out. Every tenth paragraph is held out. Other versions of Python have other texts.
"""

import json
import re
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn
from tqdm.auto import tqdm

from utils import reference, session
from utils.chapters.applications import fitting

END = "<end>"
"""The token behind each paragraph."""
VOCAB, LENGTH = 512, 64
SIZES = {"d_model": 128, "num_heads": 4, "num_layers": 2, "max_len": 160}
SECONDS, BATCH = 20.0, 16
RATES = {"gpt": 6e-3, "lstm": 16e-3}
"""Chosen by the held-out loss after 20 s, for one seed, among 1.5, 3, 6, 9, 12, 18e-3 (5.14, 4.54, 3.93, 3.88, 4.26, 4.54) and
among 2, 4, 8, 12, 16, 24e-3 (4.79, 4.25, 3.62, 3.15, 2.94, 2.93); of two that are nearly equal the lower."""
_LEAST, _LETTERS = 120, 0.93  # characters of a paragraph, and the share of them that prose is made of
_EVERY = 10


@cache
def paragraphs() -> tuple[list[str], list[str]]:
    """(the paragraphs to train on, those held out)."""
    found = {
        " ".join(paragraph.split())
        for topic in sorted(topics)
        for paragraph in re.split(r"\n\s*\n", topics[topic])
        if _is_prose(" ".join(paragraph.split()))
    }
    ordered = sorted(found, key=lambda text: text[::-1])  # by their ends: neighbours in a topic are torn apart
    held_out = ordered[::_EVERY]
    return [text for text in ordered if text not in set(held_out)], held_out


def _is_prose(text: str) -> bool:
    plain = sum(letter.isalpha() or letter in " ,.'" for letter in text)
    return len(text) > _LEAST and plain / len(text) > _LETTERS


def train_tokenizer(texts: Iterable[str], vocab: int = VOCAB) -> Tokenizer:
    """A byte-pair tokenizer: it starts from bytes and joins the pair that is most frequent, until it has `vocab` tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def stream(tokenizer: Tokenizer, texts: Iterable[str]) -> torch.Tensor:
    """(tokens,) ids of all texts, one behind the other, `END` after each."""
    end = tokenizer.token_to_id(END)
    return torch.tensor([token for text in texts for token in [*tokenizer.encode(text).ids, end]])


def build(kind: Callable[..., Any], vocab: int = VOCAB, seed: int = 0) -> Any:
    """A `Gpt` of the chapter's sizes with starting weights for the seed; its positions start as small sinusoids."""
    model = kind(vocab, **SIZES, dropout=0.1)
    fitting.begin(model, seed, embeddings=0.05, positions=True)
    return model.to(session.device())


class Lstm(nn.Module):
    """tokens (batch, seq) -> logits (batch, seq, vocab): an LSTM about as large as the GPT, its output tied as well."""

    def __init__(self, vocab: int, d_model: int = 128, d_hidden: int = 256, dropout: float = 0.2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_model)
        nn.init.normal_(self.embedding.weight, std=0.05)
        self.lstm = nn.LSTM(d_model, d_hidden, batch_first=True)
        self.project, self.dropout = nn.Linear(d_hidden, d_model), nn.Dropout(dropout)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        hidden, _ = self.lstm(self.dropout(self.embedding(tokens)))
        return nn.functional.linear(self.project(self.dropout(hidden)), self.embedding.weight)


def lstm(vocab: int = VOCAB, seed: int = 0) -> Lstm:
    """The LSTM, with starting weights for the seed."""
    torch.manual_seed(seed)
    return Lstm(vocab).to(session.device())


Curve = list[tuple[float, float]]
"""(seconds of training, held-out loss)"""


def fit_for(
    model: nn.Module, tokens: torch.Tensor, held: torch.Tensor, lr: float, seconds: float = SECONDS, seed: int = 0,
    label: str = "training", looks: int = 10, loss: Callable[..., torch.Tensor] = reference.next_token_loss,
) -> Curve:  # fmt: skip
    """Trains `model` in place for so many seconds and returns how the held-out loss fell.

    The seconds are the processor's, or the clock's on a GPU; measuring the held-out loss does not count. The rate warms up for
    50 steps and falls to a thirtieth of `lr`.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05, fused=True)
    clock = time.perf_counter if session.device() == "cuda" else time.process_time
    curve: Curve = []
    spent, step = 0.0, 0
    places = torch.arange(LENGTH)
    model.train()
    with tqdm(total=round(seconds), desc=label, leave=False, unit="s") as bar:
        while spent < seconds:
            start, share = clock(), spent / seconds
            optimiser.param_groups[0]["lr"] = lr * min((step + 1) / 50, 1.0) * max(0.03, 1 - share)
            first = torch.randint(len(tokens) - LENGTH, (BATCH, 1), generator=generator)
            batch = tokens[first + places].to(session.device())
            value = loss(model(batch), batch)
            optimiser.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            spent += clock() - start
            if spent >= seconds * (len(curve) + 1) / looks:
                curve.append((spent, held_out_loss(model, held, loss)))
                bar.set_postfix(held_out=f"{curve[-1][1]:.3f}", refresh=False)
                bar.update(round(spent) - bar.n)
                model.train()
    model.eval()
    return curve


@torch.no_grad()
def held_out_loss(model: nn.Module, held: torch.Tensor, loss: Callable[..., torch.Tensor] = reference.next_token_loss) -> float:
    """Mean loss of the next token over the held-out stream, in pieces of `LENGTH`."""
    model.eval()
    pieces = held[: len(held) // LENGTH * LENGTH].view(-1, LENGTH).to(session.device())
    total = sum(float(loss(model(part), part)) * len(part) for part in pieces.split(64))
    return total / len(pieces)


def wrapped(text: str, indent: str = "", width: int = 74) -> str:
    """The text in lines that fit on a page, each with the indent; line ends of its own are kept."""
    lines = text.splitlines()
    return "\n".join(textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent) for line in lines)


def seconds_to_write(write: Callable[[int, bool], object], counts: Sequence[int]) -> dict[str, list[float]]:
    """Seconds to write so many tokens, {"with the cache": [...], "without": [...]}; `write(count, use_cache)` does it."""
    took: dict[str, list[float]] = {"with the cache": [], "without": []}
    write(2, True)
    for count in counts:
        for name, use_cache in (("with the cache", True), ("without", False)):
            start = time.perf_counter()
            write(count, use_cache)
            took[name].append(time.perf_counter() - start)
    return took


def print_runs() -> None:
    """The stored runs of `benchmarks/language_models.py`: held-out losses of each model, a number for each seed."""
    stored = json.loads(Path(__file__).with_name("language_models.json").read_text(encoding="utf-8"))
    names = dict.fromkeys(run["model"] for run in stored["runs"])
    for seconds in sorted({run["seconds"] for run in stored["runs"]}):
        print(f"held-out loss after {seconds:.0f} s, three seeds")
        for name in names:
            last = [run["curve"][-1][1] for run in stored["runs"] if (run["model"], run["seconds"]) == (name, seconds)]
            print(f"    {name:22} {' '.join(f'{loss:.2f}' for loss in last)}")
