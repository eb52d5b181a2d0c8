"""MiniLM in a model of the course: sentences as vectors, search by meaning, a look at its attention."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from utils import plots
from utils.chapters.applications import hub


def load_tokenizer(folder: Path, most: int = 64) -> Any:
    """The folder's tokenizer: at most `most` tokens of a text, padding only as far as the longest text of a batch."""
    made = hub.load_tokenizer(folder)
    made.enable_truncation(most)
    made.enable_padding()
    return made


@torch.no_grad()
def sentence_vectors(model: Any, tokenizer: Any, texts: Sequence[str], size: int = 32) -> torch.Tensor:
    """`(len(texts), d_model)`: the mean of what the model gives for the real tokens of each text, at length 1."""
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # texts of like length together
    vectors: dict[int, torch.Tensor] = {}
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        batch = tokenizer.encode_batch([texts[index] for index in chosen])
        tokens = torch.tensor([one.ids for one in batch])
        real = torch.tensor([one.attention_mask for one in batch]).bool()
        hidden = model(tokens, mask=real.unsqueeze(1))
        means = (hidden * real.unsqueeze(-1)).sum(dim=1) / real.sum(dim=1, keepdim=True)
        vectors.update(zip(chosen, nn.functional.normalize(means, dim=-1), strict=True))
    return torch.stack([vectors[index] for index in range(len(texts))])


def nearest(question: torch.Tensor, vectors: torch.Tensor, count: int = 5) -> list[tuple[int, float]]:
    """(place, cosine) of the vectors nearest to `question` (d_model,), the nearest first."""
    best = (vectors @ question).topk(min(count, len(vectors)))
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


@contextmanager
def recorded(model: nn.Module) -> Iterator[list[torch.Tensor]]:
    """A list that fills with the weights (batch, num_heads, q_len, k_len) of each attention that hands them out."""
    weights: list[torch.Tensor] = []

    def note(module: nn.Module, given: Any, result: Any) -> None:
        if isinstance(result, tuple) and len(result) == 2 and torch.is_tensor(result[1]) and result[1].ndim == 4:
            weights.append(result[1].detach())

    hooks = [part.register_forward_hook(note) for part in model.modules()]
    try:
        yield weights
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def attention_of(model: Any, tokenizer: Any, sentence: str) -> tuple[list[str], torch.Tensor]:
    """(tokens, weights (num_layers, num_heads, seq, seq)) of one sentence. `ValueError` where the model keeps them to itself."""
    one = tokenizer.encode(sentence)
    with recorded(model) as weights:
        model(torch.tensor([one.ids]))
    if not weights:
        raise ValueError("no part of this model returns (output, weights): build it on MultiHeadAttention to see its maps")
    return one.tokens, torch.cat(weights)


def plain_heads(tokens: Sequence[str], maps: torch.Tensor) -> dict[str, torch.Tensor]:
    """The head that looks most at the token before, the one that looks most at the token after, and the last layer's mean.

    -> {what it is: weights (seq, seq)}. The first and the last token do not count when heads are chosen.
    """
    inner = torch.arange(1, len(tokens) - 1)
    chosen = {}
    for place, columns in {"token before": inner - 1, "token after": inner + 1}.items():
        means = maps[:, :, inner, columns].mean(dim=-1)
        layer, head = divmod(int(means.argmax()), maps.shape[1])
        chosen[f"layer {layer}, head {head}\n{place}: {means.max():.2f}"] = maps[layer, head]
    return chosen | {f"layer {len(maps) - 1}\nmean of all heads": maps[-1].mean(dim=0)}


def attention_picture(tokens: Sequence[str], heads: Mapping[str, torch.Tensor]) -> None:
    """Draws maps {title: weights (seq, seq)} side by side."""
    drawn = plots.heads(list(heads.values()), tokens, tokens, titles=list(heads), columns=3)
    told = "; ".join(title.replace("\n", ", ") for title in heads)
    plots.alt(drawn, f"Attention maps for {' '.join(tokens)}: {told}")
