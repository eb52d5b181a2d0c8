"""T5's buckets of distances, from a table of where each begins."""

import math
from functools import cache

import numpy as np
import torch


def relative_position_bucket(
    relative_position: torch.Tensor, bidirectional: bool = True, num_buckets: int = 32, max_distance: int = 128
) -> torch.Tensor:
    """int64 of any shape, key's position minus query's -> buckets, int64 of the same shape (Raffel et al. 2020).

    Half of the buckets hold one distance each, the other half grow with the logarithm up to `max_distance`.
    `bidirectional`: keys behind the query have buckets of their own; otherwise they count as distance 0.
    """
    ours = num_buckets // 2 if bidirectional else num_buckets
    ahead = relative_position > 0
    distance = relative_position.abs() if bidirectional else (-relative_position).clamp(min=0)
    begins = torch.tensor(_begins(ours, max_distance), device=relative_position.device)
    bucket = torch.bucketize(distance, begins, right=True) - 1
    return bucket + ours * ahead if bidirectional else bucket


@cache
def _begins(buckets: int, max_distance: int) -> list[int]:
    """The smallest distance of each bucket."""
    exact = buckets // 2
    grow = buckets - exact
    far = np.arange(exact, max_distance + 1, dtype=np.float64)
    number = exact + np.floor(np.log(far / exact) / math.log(max_distance / exact) * grow + 1e-9)
    number = np.minimum(number, buckets - 1)
    later = [int(far[np.argmax(number >= b)]) if (number >= b).any() else max_distance for b in range(exact, buckets)]
    return [*range(exact), *later]
