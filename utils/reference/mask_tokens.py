"""BERT's masking, drawn with NumPy's generator."""

from collections.abc import Iterable

import numpy as np
import torch


def mask_tokens(
    tokens: torch.Tensor, mask_id: int, vocab_size: int, special_ids: Iterable[int], rate: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """`(batch, seq)` of ints -> inputs and labels of the same shape (Devlin et al. 2018).

    Each token that is not special is chosen with probability `rate`: 80 % of the chosen become `mask_id`, 10 % any id that is
    not special, 10 % stay. Labels are -100 where nothing was chosen.
    """
    special = {int(i) for i in special_ids}
    seed = int(torch.randint(2**62, (), generator=generator))
    random = np.random.default_rng(seed)
    ids = tokens.cpu().numpy()
    chosen = (random.random(ids.shape) < rate) & ~np.isin(ids, list(special))
    fate = random.choice(3, size=ids.shape, p=[0.8, 0.1, 0.1])
    others = random.choice([i for i in range(vocab_size) if i not in special], size=ids.shape)
    inputs = np.select([chosen & (fate == 0), chosen & (fate == 1)], [mask_id, others], ids)
    labels = np.where(chosen, ids, -100)
    return tuple(torch.from_numpy(x).to(tokens) for x in (inputs, labels))  # type: ignore[return-value]
