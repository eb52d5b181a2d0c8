"""Greedy decoding, each sentence of the batch on its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence


def greedy_decode(model: Any, source: torch.Tensor, bos_id: int, eos_id: int, max_len: int) -> torch.Tensor:
    """`(batch, seq) -> (batch, at most max_len)`: the likeliest token at each step, without bos.

    A row ends with its first eos and is padded with `model.pad_id` behind it.
    """
    with torch.no_grad(), evaluating(model):
        rows = [_one(model, row, bos_id, eos_id, max_len) for row in source.split(1)]
    return pad_sequence(rows, batch_first=True, padding_value=model.pad_id)


def _one(model: Any, source: torch.Tensor, bos_id: int, eos_id: int, max_len: int) -> torch.Tensor:
    """`(1, seq) -> (at most max_len,)`."""
    memory, tokens = model.encode(source), source.new_full((1, 1), bos_id)
    while tokens.shape[1] <= max_len and (tokens.shape[1] == 1 or tokens[0, -1] != eos_id):
        best = model.decode(tokens, memory, source)[:, -1:].argmax(dim=-1)
        tokens = torch.cat([tokens, best], dim=1)
    return tokens[0, 1:]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in eval mode; afterwards every submodule's flag is as it was."""
    flags = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in flags:
            module.training = training
