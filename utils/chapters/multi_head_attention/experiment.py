"""Chapter 04's task: a row of places that each hold a value, and a question that names several places at once.

The answer is the values at those places, in the order in which the question names them. Places, values and questions are
drawn afresh for each step, so nothing can be learned by heart.
"""

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from utils import training

PLACES = VALUES = 8
STEPS = 400
_HELD_OUT_SEED = 2017  # no run is seeded with it

Questions = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
Without = Callable[[Any, int, int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""without(layer, num_heads, head, query, key, value) -> the layer's output without that head"""


def questions(batch: int, look_ups: int, generator: torch.Generator) -> Questions:
    """(tokens (batch, PLACES), asked (batch, look_ups) different places, answers (batch, look_ups))."""
    tokens = torch.randint(VALUES, (batch, PLACES), generator=generator)
    asked = torch.rand(batch, PLACES, generator=generator).argsort(dim=1)[:, :look_ups]
    return tokens, asked, tokens.gather(1, asked)


def held_out(look_ups: int, batch: int = 2000) -> Questions:
    """The same questions at every call, to measure with."""
    return questions(batch, look_ups, torch.Generator().manual_seed(_HELD_OUT_SEED))


def begin(model: nn.Module, seed: int) -> None:
    """Starting weights that depend on the parameters' names, their shapes and the seed, and on nothing else."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            embedding = name.startswith(("value", "place", "asked"))
            scale = 1.0 if embedding else 1 / math.sqrt(3 * weight.shape[-1])
            weight.copy_(torch.randn(weight.shape, generator=generator) * scale)


def fit(model: nn.Module, look_ups: int = 2, seed: int = 0, steps: int = STEPS) -> list[float]:
    """Trains `model(tokens, asked) -> (logits (batch, look_ups, VALUES), weights)`; returns the losses."""

    def loss(model: nn.Module, batch: Questions) -> torch.Tensor:
        tokens, asked, answers = batch
        return F.cross_entropy(model(tokens, asked)[0].flatten(0, 1), answers.flatten())

    begin(model, seed)
    batches = partial(_batch, look_ups)
    return training.train(model, batches, loss, steps, lr=3e-3, seed=seed, label=f"seed {seed}")


def _batch(look_ups: int, step: int, generator: torch.Generator) -> Questions:
    return questions(64, look_ups, generator)


@torch.no_grad()
def right(model: nn.Module, look_ups: int = 2) -> tuple[list[float], float]:
    """(share of right answers for each look-up, share of questions answered right in all), on held-out questions."""
    tokens, asked, answers = held_out(look_ups)
    hits = model(tokens, asked)[0].argmax(dim=-1) == answers
    return hits.float().mean(dim=0).tolist(), hits.all(dim=1).float().mean().item()


@torch.no_grad()
def attended(model: nn.Module, look_ups: int = 2) -> torch.Tensor:
    """(num_heads, look_ups): the mean weight that each head gives to the place of each look-up."""
    tokens, asked, _ = held_out(look_ups)
    weights = model(tokens, asked)[1]
    places = asked[:, None, :].expand(-1, weights.shape[1], -1)
    return weights.gather(2, places).mean(dim=0)


# A layer without one of its heads


def written_by(layer: Any, num_heads: int, head: int, *inputs: torch.Tensor) -> torch.Tensor:
    """What one head writes into the output (batch, q_len, d_model); `inputs` are query, key and value."""
    size = layer.w_o.in_features // num_heads
    part = slice(head * size, (head + 1) * size)
    linears = (layer.w_q, layer.w_k, layer.w_v)
    q, k, v = (F.linear(x, each.weight[part], each.bias[part]) for x, each in zip(inputs, linears, strict=True))
    return F.linear(F.scaled_dot_product_attention(q, k, v), layer.w_o.weight[:, part])


def without(layer: Any, num_heads: int, head: int, *inputs: torch.Tensor) -> torch.Tensor:
    """The whole output less what one head writes into it."""
    return layer(*inputs)[0] - written_by(layer, num_heads, head, *inputs)


class Silenced(nn.Module):
    """A layer some of whose `heads` write nothing, as `silenced` takes one away; the weights are those of the whole layer."""

    def __init__(self, silenced: Without, layer: nn.Module, num_heads: int, heads: Sequence[int]) -> None:
        super().__init__()
        self.silenced, self.layer, self.num_heads, self.heads = silenced, layer, num_heads, heads

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        whole, weights = self.layer(*inputs)
        lost = [whole - self.silenced(self.layer, self.num_heads, head, *inputs) for head in self.heads]
        return whole - torch.stack(lost).sum(dim=0), weights


def silent(silenced: Without, model: Any, num_heads: int, *heads: int) -> Any:
    """A copy of a model with a `layer` in which these heads write nothing."""
    changed = copy.deepcopy(model)
    changed.layer = Silenced(silenced, changed.layer, num_heads, heads)
    return changed


@torch.no_grad()
def held_out_loss(model: nn.Module, look_ups: int = 2) -> float:
    """The mean cross-entropy of held-out questions."""
    tokens, asked, answers = held_out(look_ups)
    return F.cross_entropy(model(tokens, asked)[0].flatten(0, 1), answers.flatten()).item()


def losses_without(silenced: Without, models: Sequence[Any], num_heads: int) -> dict[str, list[float]]:
    """{"all", then each head that is missing: the loss of each model}."""
    found = {"all": [held_out_loss(model) for model in models]}
    for head in range(num_heads):
        found[str(head)] = [held_out_loss(silent(silenced, model, num_heads, head)) for model in models]
    return found


def print_without(silenced: Without, model: Any, num_heads: int) -> None:
    """Prints where each head looks and how many letters are right without it, then without all that look at one place."""

    def row(name: str, looks: str, *heads: int) -> None:
        each, _ = right(silent(silenced, model, num_heads, *heads))
        print(f"{name:16}{looks:30}{each[0]:.2f}, {each[1]:.2f}")

    print(f"{f'{num_heads} heads':16}{'weight on the two places':30}letters right without")
    looks = attended(model)
    for head, (first, second) in enumerate(looks.tolist()):
        row(f"head {head}", f"{first:.2f}, {second:.2f}", head)
    for place, name in enumerate(("first", "second")):
        heads = looks.argmax(dim=1).eq(place).nonzero().flatten().tolist()
        if len(heads) > 1:
            row(f"heads {', '.join(map(str, heads))}", f"all that look at the {name}", *heads)
    print()
