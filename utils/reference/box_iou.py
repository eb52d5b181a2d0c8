"""Intersection over union, a pair at a time for the sides, all pairs at once for the areas."""

import torch


def box_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Boxes `(n, 4), (m, 4)`, each (x0, y0, x1, y1) -> `(n, m)`; 0 where the union is empty."""
    low, high = torch.maximum(a[:, None, :2], b[:, :2]), torch.minimum(a[:, None, 2:], b[:, 2:])
    common = torch.relu(high - low).prod(dim=-1)
    union = _area(a)[:, None] + _area(b) - common
    return torch.where(union > 0, common / torch.where(union > 0, union, 1.0), torch.zeros_like(union))


def _area(boxes: torch.Tensor) -> torch.Tensor:
    """`(n, 4) -> (n,)`."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
