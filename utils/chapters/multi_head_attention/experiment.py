"""Chapter 04's task: a row of places that each hold a value, and a question that names several places at once.

The answer is the values at those places, in the order in which the question names them. Places, values and questions are
drawn afresh for each step, so nothing can be learned by heart.
"""

import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from utils import training

PLACES = VALUES = 8
STEPS = 400
_HELD_OUT_SEED = 2017  # no run is seeded with it

Questions = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


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
