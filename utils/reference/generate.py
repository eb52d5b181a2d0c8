"""Writing on, with the whole text read anew at every step."""

from collections.abc import Callable
from typing import Any

import torch

from utils.reference.greedy_decode import evaluating


def generate(
    model: Any, tokens: torch.Tensor, max_new_tokens: int, sampler: Callable[[torch.Tensor], torch.Tensor],
    use_cache: bool = True,
) -> torch.Tensor:  # fmt: skip
    """`(batch, seq) -> (batch, seq + max_new_tokens)`: the tokens, and what the sampler chose behind them.

    A model with a method `extend(tokens, past)` gets the new tokens alone where `use_cache`.
    """
    past, cached = None, use_cache and hasattr(model, "extend")
    with torch.no_grad(), evaluating(model):
        for _ in range(max_new_tokens):
            if cached:
                logits, past = model.extend(tokens if past is None else tokens[:, -1:], past)
            else:
                logits = model(tokens)
            tokens = torch.cat([tokens, sampler(logits[:, -1]).unsqueeze(1)], dim=1)
    return tokens
