"""Inputs of a check: sizes, a dtype, and reproducible random tensors."""

import zlib

import numpy as np
import torch

_TOLERANCE = {torch.float32: (1e-4, 1e-5), torch.float64: (1e-9, 1e-11)}


class Case:
    """One set of sizes, a dtype and a seed; sizes are attributes (`case.batch`).

    The numbers come from NumPy's legacy generator, whose stream is frozen, so that a case is the same on every platform.
    """

    def __init__(self, seed, dtype=torch.float32, **sizes):
        self.seed = seed
        self.dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
        self.sizes = sizes
        self._random = np.random.RandomState(seed % 2**32)

    def __getattr__(self, name):
        try:
            return self.__dict__["sizes"][name]
        except KeyError:
            raise AttributeError(f"case has no size {name!r}: it has {sorted(self.__dict__.get('sizes', {}))}") from None

    def __repr__(self):
        sizes = ", ".join(f"{name}={value}" for name, value in self.sizes.items())
        return f"Case(seed={self.seed}, dtype={str(self.dtype).removeprefix('torch.')}, {sizes})"

    @property
    def tolerance(self):
        """(rtol, atol) of a comparison with a float64 oracle: float32 leaves 1e-6 on these sizes, float64 1e-15."""
        return _TOLERANCE[self.dtype]

    def fresh(self, stream):
        """The same sizes with a stream of numbers that belongs to `stream`, the sentence of a law."""
        return Case(zlib.crc32(f"{self.seed}/{stream}".encode()), self.dtype, **self.sizes)

    def normal(self, *shape, scale=1.0):
        """Standard normal numbers times `scale`."""
        return torch.tensor(self._random.standard_normal(shape) * scale, dtype=self.dtype)

    def uniform(self, low, high, *shape):
        """Numbers between `low` and `high`."""
        return torch.tensor(self._random.uniform(low, high, shape), dtype=self.dtype)

    def integers(self, low, high, *shape):
        """int64 numbers from `low` up to and without `high`."""
        return torch.tensor(self._random.randint(low, high, shape), dtype=torch.int64)

    def permutation(self, n):
        """A permutation of 0 … n - 1 that is not the identity where n > 1."""
        order = self._random.permutation(n)
        if n > 1 and (order == np.arange(n)).all():
            order = np.roll(order, 1)
        return torch.tensor(order, dtype=torch.int64)

    def mask(self, *shape):
        """Booleans: every row (last axis) has at least one True and, where it is longer than one, one False."""
        mask = torch.tensor(self._random.uniform(size=shape) < 0.6)
        rows = mask.reshape(-1, shape[-1])
        seen = self._random.randint(0, shape[-1], rows.shape[0])
        index = torch.arange(rows.shape[0])
        if shape[-1] > 1:
            rows[index, torch.tensor((seen + 1) % shape[-1])] = False
        rows[index, torch.tensor(seen)] = True
        return rows.reshape(shape)
