"""Drawing the next token, a row at a time, from a sorted list."""

import torch


def sample_token(
    logits: torch.Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:  # fmt: skip
    """logits `(batch, vocab)` -> tokens `(batch,)` int64.

    Temperature 0 is argmax. Top-k keeps the k largest, then top-p the smallest set whose probability reaches p
    (Fan et al. 2018, Holtzman et al. 2020).
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    rows = [_row(row / temperature, top_k, top_p, generator) for row in logits]
    return torch.stack(rows)


def _row(logits: torch.Tensor, top_k: int | None, top_p: float | None, generator: torch.Generator | None) -> torch.Tensor:
    """One token, a tensor without axes, of `(vocab,)` logits."""
    ordered, ids = logits.sort(descending=True)
    ordered = ordered[:top_k]
    probabilities = torch.softmax(ordered, dim=-1)
    if top_p is not None:
        reached = torch.searchsorted(probabilities.cumsum(dim=-1), top_p)
        probabilities = probabilities[: int(reached) + 1]
    return ids[torch.multinomial(probabilities, 1, generator=generator)].squeeze(0)
