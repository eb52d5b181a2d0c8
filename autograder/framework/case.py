"""Inputs of a law: sizes, a dtype, and reproducible random tensors."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch


class Case:
    """One set of sizes, a dtype and a seed; sizes are attributes (`case.batch`).

    The numbers come from NumPy's legacy generator, whose stream is frozen, so that a case is the same on every platform.
    """

    def __init__(self, seed: int, dtype: torch.dtype | str = torch.float32, **sizes: int):
        self.seed = seed
        self.dtype: torch.dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
        self.sizes = sizes

    @cached_property
    def _random(self) -> np.random.RandomState:
        return np.random.RandomState(self.seed % 2**32)

    @classmethod
    def table(cls, seed: int, names: str, *rows: Sequence[int]) -> list[Case]:
        """A case for each row of sizes, seeds counting up from `seed`; `names` heads the columns: `"batch seq"`."""
        sizes: list[dict[str, Any]] = [dict(zip(names.split(), row, strict=True)) for row in rows]
        return [cls(seed + number, **some) for number, some in enumerate(sizes)]

    def __getattr__(self, name: str) -> int:
        try:
            return self.__dict__["sizes"][name]
        except KeyError:
            raise AttributeError(f"case has no size {name!r}: it has {sorted(self.__dict__.get('sizes', {}))}") from None

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={value}" for name, value in self.sizes.items())
        return f"Case(seed={self.seed}, dtype={str(self.dtype).removeprefix('torch.')}, {sizes})"

    def fresh(self, stream: str) -> Case:
        """The same sizes with a stream of numbers that belongs to `stream`, the name of a law."""
        return Case(zlib.crc32(f"{self.seed}/{stream}".encode()), self.dtype, **self.sizes)

    def at(self, dtype: torch.dtype | None = None, **sizes: int) -> Case:
        """The same case with other sizes or another dtype."""
        return Case(self.seed, dtype or self.dtype, **(self.sizes | sizes))

    def with_ones(self, names: tuple[str, ...] = ()) -> Iterator[tuple[str, Case]]:
        """(name, the same case with that size at 1) for each size, or for each of `names`."""
        for name in names or self.sizes:
            yield name, Case(self.seed, self.dtype, **(self.sizes | {name: 1}))

    def normal(self, *shape: int, scale: float = 1.0) -> torch.Tensor:
        """Standard normal numbers times `scale`."""
        return torch.tensor(self._random.standard_normal(shape) * scale, dtype=self.dtype)

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Numbers between `low` and `high`."""
        return torch.tensor(self._random.uniform(low, high, shape), dtype=self.dtype)

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """int64 numbers from `low` up to and without `high`."""
        return torch.tensor(self._random.randint(low, high, shape), dtype=torch.int64)

    def permutation(self, n: int) -> torch.Tensor:
        """A permutation of 0 … n - 1 that is not the identity where n > 1."""
        order = self._random.permutation(n)
        if n > 1 and (order == np.arange(n)).all():
            order = np.roll(order, 1)
        return torch.tensor(order, dtype=torch.int64)

    def mask(self, *shape: int) -> torch.Tensor:
        """Booleans: every row (last axis) has at least one True and, where it is longer than one, one False."""
        mask = torch.tensor(self._random.uniform(size=shape) < 0.6)
        rows = mask.reshape(-1, shape[-1])
        seen = self._random.randint(0, shape[-1], rows.shape[0])
        index = torch.arange(rows.shape[0])
        if shape[-1] > 1:
            rows[index, torch.tensor((seen + 1) % shape[-1])] = False
        rows[index, torch.tensor(seen)] = True
        return rows.reshape(shape)
