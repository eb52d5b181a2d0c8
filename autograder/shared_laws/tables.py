"""Laws on tables of numbers that a function makes without tensor inputs."""

from __future__ import annotations

from collections.abc import Callable

import torch

from autograder.framework.authoring import Candidate, Case, Component, Drawn, Failed, Law, expect


def in_float32(candidate: Candidate, drawn: Drawn) -> None:
    """The result of one use has the oracle's shape, and its numbers are in float32."""
    candidate.use(drawn)
    dtype = candidate.raw(drawn).dtype
    if dtype is not torch.float32:
        raise Failed(f"{candidate.component.parts[0]}: expected dtype float32, got {expect.name_of(dtype)}.")


def longer_begins_with_shorter(component: Component, needs: Callable, hint: str) -> None:
    """Adds a law of a quarter: what is made for `seq_len` is the corner of what is made for three times as much.

    Positions lie along the last axis but one, and along the last one where it is as long.
    """

    def longer_begins_with_shorter(candidate: Candidate, case: Case) -> None:
        seq_len = case.seq_len
        short, long = (candidate.use(component.draw(case.at(seq_len=n))) for n in (seq_len, 3 * seq_len))
        corner = long[..., :seq_len, : short.shape[-1]]
        expect.close(corner, short, f"the first {seq_len} positions of {3 * seq_len}")

    component.add(Law(
        longer_begins_with_shorter.__name__, "A longer table begins with the shorter one", hint, longer_begins_with_shorter, 0.25,
        needs.__name__,
    ))  # fmt: skip


def fits(x: object, *shape: int) -> bool:
    """Whether a probe can take `x` for a table of floats of this shape."""
    return isinstance(x, torch.Tensor) and x.shape == shape and x.is_floating_point() and x.device.type == "cpu"


def near(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal to the tolerance of a fingerprint."""
    return torch.allclose(a.double(), b.double(), atol=1e-4, rtol=1e-3)
