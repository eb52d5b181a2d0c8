"""Laws on tables of numbers that a function makes without tensor inputs."""

from __future__ import annotations

import torch

from autograder.framework.authoring import Candidate, Drawn, Failed, expect


def in_float32(candidate: Candidate, drawn: Drawn) -> None:
    """The result of one use has the oracle's shape, and its numbers are in float32."""
    candidate.use(drawn)
    dtype = candidate.raw(drawn).dtype
    if dtype is not torch.float32:
        raise Failed(f"{candidate.component.parts[0]}: expected dtype float32, got {expect.name_of(dtype)}.")


def fits(x: object, *shape: int) -> bool:
    """Whether a probe can take `x` for a table of floats of this shape."""
    return isinstance(x, torch.Tensor) and x.shape == shape and x.is_floating_point() and x.device.type == "cpu"


def near(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal to the tolerance of a fingerprint."""
    return torch.allclose(a.double(), b.double(), atol=1e-4, rtol=1e-3)
