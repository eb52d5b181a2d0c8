"""Beam search, written hypothesis by hypothesis."""

import heapq
from typing import Any

import torch

from utils.reference.greedy_decode import evaluating


def beam_search(
    model: Any, source: torch.Tensor, bos_id: int, eos_id: int, max_len: int, beam_size: int = 4, alpha: float = 0.6
) -> list[tuple[list[int], float]]:
    """`(1, seq) ->` at most `beam_size` pairs (tokens, score), the best first; tokens without bos, with the closing eos."""
    live: list[tuple[float, list[int]]] = [(0.0, [])]
    ended: list[tuple[float, list[int]]] = []
    with torch.no_grad(), evaluating(model):
        memory = model.encode(source)
        for _ in range(max_len):
            grown = [
                (total + step, [*tokens, token])
                for total, tokens in live
                for token, step in enumerate(_log_probabilities(model, source, memory, [bos_id, *tokens]))
            ]
            best = heapq.nlargest(beam_size, grown, key=lambda hypothesis: hypothesis[0])
            ended += [hypothesis for hypothesis in best if hypothesis[1][-1] == eos_id]
            live = [hypothesis for hypothesis in best if hypothesis[1][-1] != eos_id]
            if not live:
                break
    scored = [(tokens, total / ((5 + len(tokens)) / 6) ** alpha) for total, tokens in ended + live]
    return heapq.nlargest(beam_size, scored, key=lambda hypothesis: hypothesis[1])


def _log_probabilities(model: Any, source: torch.Tensor, memory: torch.Tensor, tokens: list[int]) -> list[float]:
    """Of every next token, a list of floats."""
    return model.decode(source.new_tensor([tokens]), memory, source)[0, -1].log_softmax(dim=-1).tolist()
