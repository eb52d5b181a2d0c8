"""Chapter 06's three small tasks, and one decoder that takes its positions in five ways.

Recall: which token stood `BACK` steps ago? Only a place helps. Periodic copy: a random pattern of unknown length is
repeated, what comes next? Places help, and so does what stands beside a token. The mark: one of the first `MARKED` tokens
bears a mark, and at every later place it is to be named: what helps is far away. All are trained at `TRAINED` tokens.
"""

import math
from collections.abc import Callable
from types import ModuleType

import torch
from torch import nn
from torch.nn import functional as F

from utils import training
from utils.chapters.positional_encoding.plugged import Attend, alibi, rotary
from utils.library import My

SCHEMES = ("none", "sinusoidal", "learned", "rotary", "ALiBi")
TRAINED, TESTED = 32, 128  # tokens of a sequence in training and in the test
BACK = 5  # recall: how many steps back the answer stands
TOKENS = {"recall": 16, "periodic copy": 4, "mark": 16}  # four: what stands beside a token rarely tells where you are
LAYERS = {"recall": 1, "periodic copy": 2, "mark": 1}
STEPS = {"recall": 300, "periodic copy": 400, "mark": 300}
GROUPS = (range(16, 32), range(32, 40), range(40, 48), range(48, 64), range(64, 128))  # places of a test, in a table
WINDOW = "rotary, window"  # the model with rotary positions, which then sees the last `TRAINED` tokens alone
MARKED = 8  # the mark: it stands in one of so many first places
PERIODS = range(3, 9)  # periodic copy: lengths of the pattern

Mix = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class Block(nn.Module):
    """Attention and feed-forward, each normed first and added; `attend` makes the heads' output of queries, keys, values."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.w_qkv, self.w_o = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.feed_forward = nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))

    def forward(self, x: torch.Tensor, attend: Mix) -> torch.Tensor:
        parts = self.w_qkv(self.norm1(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in parts)
        x = x + self.w_o(attend(q, k, v).transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.norm2(x))


class Decoder(nn.Module):
    """(batch, seq) tokens -> (batch, seq, vocab) logits, with positions by one of `SCHEMES`.

    `parts` supplies the components of chapter 06 under their names, `attend` a learner's attention for rotary or ALiBi (as in
    `plugged`). Without `look_ahead_mask` every position sees all.
    """

    def __init__(
        self,
        scheme: str,
        parts: My | ModuleType,
        vocab: int,
        num_layers: int,
        d_model: int = 32,
        num_heads: int = 4,
        d_ff: int = 64,
        look_ahead_mask: bool = True,
        attend: Attend | None = None,
    ) -> None:
        super().__init__()
        self.scheme, self.parts, self.d_model = scheme, parts, d_model
        self.look_ahead_mask = look_ahead_mask
        self.attend = attend or (alibi if scheme == "ALiBi" else rotary)(parts)
        self.window: int | None = None  # how many of the last tokens each position sees; None: all before it
        self.embedding = nn.Embedding(vocab, d_model)
        self.blocks = nn.ModuleList(Block(d_model, num_heads, d_ff) for _ in range(num_layers))
        self.norm, self.output = nn.LayerNorm(d_model), nn.Linear(d_model, vocab)
        if scheme == "learned":
            self.positions = parts.LearnedPositionalEmbedding(TESTED, d_model)
            nn.init.normal_(self.positions.table, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        seq = tokens.shape[1]
        x = self.embedding(tokens)
        if self.scheme == "sinusoidal":
            x = x + self.parts.sinusoidal_encoding(seq, self.d_model)
        elif self.scheme == "learned":
            x = self.positions(x)
        for block in self.blocks:
            x = block(x, self._mix)
        return self.output(self.norm(x))

    def _mix(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        if self.scheme == "ALiBi":
            return self.attend(q, k, v)
        if self.scheme == "rotary":
            return self.attend(q, k, v, self._mask(q.shape[-2]))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self._mask(q.shape[-2]))

    def _mask(self, seq: int) -> torch.Tensor | None:
        if not self.look_ahead_mask:
            return None
        mask = self.parts.create_look_ahead_mask(seq)
        return mask if self.window is None else mask & ~mask.tril(-self.window)


def sequences(task: str, batch: int, length: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """(tokens (batch, length), targets (batch, length)); a target is -1 where nothing can be known."""
    if task == "recall":
        tokens = torch.randint(TOKENS[task], (batch, length), generator=generator)
        return tokens, F.pad(tokens[:, :-BACK], (BACK, 0), value=-1)
    if task == "mark":
        tokens = torch.randint(TOKENS[task], (batch, length), generator=generator)
        place = torch.randint(MARKED, (batch, 1), generator=generator)
        right = tokens.gather(1, place).expand(-1, length)
        later = torch.arange(length) > place
        return tokens.scatter_add(1, place, torch.full_like(place, TOKENS[task])), right.where(later, -1)
    periods = torch.randint(PERIODS.start, PERIODS.stop, (batch, 1), generator=generator)
    pattern = torch.randint(TOKENS[task], (batch, PERIODS[-1]), generator=generator)
    tokens = pattern.gather(1, torch.arange(length + 1) % periods)
    return tokens[:, :-1], tokens[:, 1:]


def train(
    scheme: str,
    task: str,
    parts: My | ModuleType,
    steps: int,
    look_ahead_mask: bool = True,
    rate: float = 1e-2,
    seed: int = 0,
    layers: int | None = None,
    attend: Attend | None = None,
) -> tuple[Decoder, list[float]]:
    """A `Decoder` trained on `task` with sequences of `TRAINED` tokens, and its losses; `layers` other than `LAYERS`.

    `attend` stands in the place of the course's own attention, for rotary and ALiBi.
    """
    torch.manual_seed(seed)
    vocab = TOKENS[task] * (2 if task == "mark" else 1)  # each token with and without the mark
    model = Decoder(scheme, parts, vocab, layers or LAYERS[task], look_ahead_mask=look_ahead_mask, attend=attend)
    losses = training.train(
        model, lambda _, generator: sequences(task, 32, TRAINED, generator), _loss, steps, rate, seed,
        schedule=lambda step: min(1.0, (step + 1) / 40) * (0.5 + 0.5 * math.cos(math.pi * step / steps)),
        label=f"{task}, {scheme}",
    )  # fmt: skip
    return model, losses


def _loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    tokens, targets = batch
    return F.cross_entropy(model(tokens).transpose(1, 2), targets, ignore_index=-1)


@torch.no_grad()
def accuracy_by_position(model: nn.Module, task: str, batch: int = 400, length: int = TESTED) -> torch.Tensor:
    """(length,) share of right answers at each position, of those that can be known.

    The model is causal: place t tells how it does at length t + 1.
    """
    tokens, targets = sequences(task, batch, length, torch.Generator().manual_seed(1))
    right, asked = model(tokens).argmax(-1) == targets, targets >= 0
    return (right & asked).sum(0) / asked.sum(0).clamp(min=1)


@torch.no_grad()
def continued(model: nn.Module, given: int = 16, length: int = TRAINED, batch: int = 400) -> float:
    """Share of right tokens when the model goes on from `given` tokens of a periodic pattern by itself, up to `length`."""
    tokens, _ = sequences("periodic copy", batch, length, torch.Generator().manual_seed(2))
    written = tokens[:, :given]
    for _ in range(length - given):
        written = torch.cat([written, model(written)[:, -1:].argmax(-1)], dim=1)
    return (written[:, given:] == tokens[:, given:]).float().mean().item()


def mean_over(accuracies: torch.Tensor, first: int, window: int = 8) -> tuple[list[float], list[float]]:
    """(centres, means) of neighbouring groups of `window` places, for a calm curve; `first` is the first place."""
    means = accuracies.unfold(0, window, window).mean(-1).tolist()
    return [first + window * i + (window - 1) / 2 for i in range(len(means))], means
