"""Wrong answers to the exercises of chapter 06, by the catalogue id that names their mistake."""

import math

import numpy as np
import torch
from torch import nn

from autograder.misconceptions import misconception
from utils import reference


def _table(seq_len, d_model, exponents, base=10000.0, start=0):
    """The right table but for what is passed: `exponents` of the sines and of the cosines, base, first position."""
    sines, cosines = exponents if isinstance(exponents, tuple) else (exponents, exponents)
    positions = torch.arange(start, start + seq_len, dtype=torch.float64)[:, None]
    encoding = torch.zeros(seq_len, d_model)
    encoding[:, 0::2] = torch.sin(positions / base**sines)
    encoding[:, 1::2] = torch.cos(positions / base**cosines)[:, : d_model // 2]
    return encoding


def _exponents(d_model):
    return torch.arange(0, d_model, 2, dtype=torch.float64) / d_model


# sinusoidal_encoding: what is wrong for odd sizes alone stands first, since every other mistake may be wrong there too


@misconception("sinusoidal_encoding", "uses-builtin")
def encoding_from_the_reference(seq_len, d_model):
    return reference.sinusoidal_encoding(seq_len, d_model)


@misconception("sinusoidal_encoding", "odd-size")
def odd_size_does_not_fit(seq_len, d_model):
    positions = torch.arange(seq_len, dtype=torch.float64).unsqueeze(1)
    angles = positions * torch.exp(torch.arange(0, d_model, 2, dtype=torch.float64) * (-math.log(10000.0) / d_model))
    encoding = torch.zeros(seq_len, d_model)
    encoding[:, 0::2] = torch.sin(angles)
    encoding[:, 1::2] = torch.cos(angles)
    return encoding


@misconception("sinusoidal_encoding", "odd-size")
def odd_size_one_column_short(seq_len, d_model):
    angles = torch.arange(seq_len).double()[:, None] / 10000 ** (2 * torch.arange(d_model // 2).double() / d_model)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1).float()


@misconception("sinusoidal_encoding", "odd-size")
def odd_size_one_column_more(seq_len, d_model):
    angles = torch.arange(seq_len).double()[:, None] / 10000 ** _exponents(d_model)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1).float()


@misconception("sinusoidal_encoding", "odd-size")
def odd_size_ends_with_a_cosine(seq_len, d_model):
    encoding = _table(seq_len, d_model, _exponents(d_model))
    if d_model % 2:
        angle = torch.arange(seq_len, dtype=torch.float64) / 10000 ** ((d_model - 1) / d_model)
        encoding[:, -1] = torch.cos(angle)
    return encoding


@misconception("sinusoidal_encoding", "odd-size")
def odd_size_last_column_left_zero(seq_len, d_model):
    encoding = _table(seq_len, d_model, _exponents(d_model))
    if d_model % 2:
        encoding[:, -1] = 0.0
    return encoding


@misconception("sinusoidal_encoding", "odd-size")
def odd_size_cut_from_the_next_even_one(seq_len, d_model):
    even = d_model + d_model % 2
    return _table(seq_len, even, _exponents(even))[:, :d_model]


@misconception("sinusoidal_encoding", "odd-size")
def odd_size_refused(seq_len, d_model):
    if d_model % 2:
        raise ValueError(f"d_model={d_model} must be even")
    return _table(seq_len, d_model, _exponents(d_model))


@misconception("sinusoidal_encoding", "concatenated")
def sines_then_cosines(seq_len, d_model):
    angles = torch.arange(seq_len).double()[:, None] / 10000 ** _exponents(d_model)
    return torch.cat([angles.sin(), angles.cos()], -1)[:, :d_model].float()


@misconception("sinusoidal_encoding", "concatenated")
def cosines_then_sines(seq_len, d_model):
    angles = torch.arange(seq_len).double()[:, None] / 10000 ** _exponents(d_model)
    return torch.cat([angles.cos(), angles.sin()], -1)[:, :d_model].float()


@misconception("sinusoidal_encoding", "concatenated")
def sines_then_cosines_up_to_the_base_itself(seq_len, d_model):
    half = d_model // 2
    speeds = torch.exp(-math.log(10000) * torch.arange(half).double() / max(half - 1, 1))
    angles = torch.arange(seq_len).double()[:, None] * speeds
    return torch.cat([angles.sin(), angles.cos()], -1).float()


@misconception("sinusoidal_encoding", "sin-cos-swapped")
def cosines_in_even_columns(seq_len, d_model):
    angles = torch.arange(seq_len).double()[:, None] / 10000 ** _exponents(d_model)
    return torch.stack([angles.cos(), angles.sin()], -1).flatten(1)[:, :d_model].float()


@misconception("sinusoidal_encoding", "counts-from-one")
def first_position_is_one(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model), start=1)


# Before wrong-exponent: the base of these is none that a wrong exponent gives.
@misconception("sinusoidal_encoding", "wrong-base")
def base_one_thousand(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model), base=1000.0)


@misconception("sinusoidal_encoding", "wrong-base")
def base_e(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model), base=math.e)


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_i_over_d(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model) / 2)


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_doubled(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model) * 2)


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_by_column(seq_len, d_model):
    return _table(seq_len, d_model, (_exponents(d_model), _exponents(d_model) + 1 / d_model))


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_twice_the_column(seq_len, d_model):
    return _table(seq_len, d_model, (2 * _exponents(d_model), 2 * _exponents(d_model) + 2 / d_model))


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_next_pair_for_the_cosine(seq_len, d_model):
    return _table(seq_len, d_model, (_exponents(d_model), _exponents(d_model) + 2 / d_model))


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_reaches_one(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model) * d_model / max(d_model - 2, 1))


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_over_d_minus_one(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model) * d_model / max(d_model - 1, 1))


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_from_pair_one(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model) + 2 / d_model)


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_rounded_down(seq_len, d_model):
    return _table(seq_len, d_model, torch.floor(_exponents(d_model)))


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_without_d(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model) * d_model)


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_pair_number_alone(seq_len, d_model):
    return _table(seq_len, d_model, _exponents(d_model) * d_model / 2)


@misconception("sinusoidal_encoding", "wrong-exponent")
def exponent_with_the_wrong_sign(seq_len, d_model):
    return _table(seq_len, d_model, -_exponents(d_model))


# LearnedPositionalEmbedding


class _Learned(nn.Module):
    """The right module, which each wrong one below differs from in one place."""

    checked = True

    def __init__(self, max_len, d_model):
        super().__init__()
        self.max_len = max_len
        self.make_table(max_len, d_model)

    def make_table(self, max_len, d_model):
        self.table = nn.Parameter(torch.randn(max_len, d_model) * 0.02)

    def rows(self, seq):
        return self.table[:seq]

    def forward(self, x):
        batch, seq, d_model = x.shape
        if self.checked and seq > self.max_len:
            raise ValueError(f"seq={seq} is longer than max_len={self.max_len}")
        return x + self.rows(seq)


@misconception("LearnedPositionalEmbedding", "uses-builtin")
class LearnedFromTheReference(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(max_len, d_model))
        self.inner = [reference.LearnedPositionalEmbedding(max_len, d_model)]

    def forward(self, x):
        self.inner[0].table.data = self.table.data.to(x.dtype)
        return self.inner[0](x)


@misconception("LearnedPositionalEmbedding", "changes-input")
class AddsInPlace(_Learned):
    def forward(self, x):
        if x.shape[1] > self.max_len:
            raise ValueError(f"seq={x.shape[1]} is longer than max_len={self.max_len}")
        with torch.no_grad():
            x += self.table[: x.shape[1]]
        return x


@misconception("LearnedPositionalEmbedding", "not-differentiable")
class TableDetached(_Learned):
    def rows(self, seq):
        return self.table.detach()[:seq]


@misconception("LearnedPositionalEmbedding", "not-differentiable")
class InputDetached(_Learned):
    def forward(self, x):
        return super().forward(x.detach())


@misconception("LearnedPositionalEmbedding", "no-length-check")
class LongerThanTheTable(_Learned):
    checked = False


@misconception("LearnedPositionalEmbedding", "no-length-check")
class LongerThanTheTableByIndex(_Learned):
    checked = False

    def rows(self, seq):
        return self.table[torch.arange(seq)]


@misconception("LearnedPositionalEmbedding", "no-length-check")
class LongerThanTheTableRepeatsItsLastRow(_Learned):
    checked = False

    def rows(self, seq):
        return self.table[torch.arange(seq).clamp(max=self.max_len - 1)]


@misconception("LearnedPositionalEmbedding", "no-length-check")
class LongerThanTheTableIsCut(_Learned):
    checked = False

    def forward(self, x):
        return x[:, : self.max_len] + self.table[: x.shape[1]]


class _WithBuffer(_Learned):
    def make_table(self, max_len, d_model):
        self.register_buffer("table", torch.randn(max_len, d_model) * 0.02)


class _Frozen(_Learned):
    def make_table(self, max_len, d_model):
        self.table = nn.Parameter(torch.randn(max_len, d_model) * 0.02, requires_grad=False)


class _PlainAttribute(_Learned):
    def make_table(self, max_len, d_model):
        self.table = torch.randn(max_len, d_model) * 0.02

    def _apply(self, function, recurse=True):
        self.table = function(self.table)
        return super()._apply(function, recurse)


class _HiddenBuffer(_Learned):
    def make_table(self, max_len, d_model):
        self.register_buffer("table", torch.randn(max_len, d_model) * 0.02, persistent=False)


# Two slips at once are named by the graver one, so each stands with and without the check of the length.
for _base in (_WithBuffer, _Frozen, _PlainAttribute, _HiddenBuffer):
    for _checked in (True, False):
        _name = f"NotTrained{_base.__name__.strip('_')}{'' if _checked else 'Unchecked'}"
        misconception("LearnedPositionalEmbedding", "not-trainable")(type(_name, (_base,), {"checked": _checked}))


# shift_matrix


def _turns(offset, d_model):
    """cos and sin of each pair's angle."""
    angles = offset / 10000 ** _exponents(d_model)
    return angles.cos(), angles.sin()


@misconception("shift_matrix", "uses-builtin")
def shift_from_the_reference(offset, d_model):
    return reference.shift_matrix(offset, d_model)


@misconception("shift_matrix", "wrong-direction")
def shift_for_column_vectors(offset, d_model):
    if d_model % 2:
        raise ValueError(f"d_model={d_model} is odd")
    matrix = torch.zeros(d_model, d_model)
    for i, (c, s) in enumerate(zip(*_turns(offset, d_model), strict=True)):
        matrix[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = torch.tensor([[c, s], [-s, c]])
    return matrix


@misconception("shift_matrix", "wrong-direction")
def shift_by_minus_offset_unchecked(offset, d_model):
    return shift_for_column_vectors(offset, d_model - d_model % 2)


# apply_rotary


def _angles(x, positions):
    d_head = x.shape[-1]
    if d_head % 2:
        raise ValueError(f"d_head={d_head} is odd: the last entry of x has no partner")
    return positions.to(x.dtype)[:, None] / 10000 ** (torch.arange(0, d_head, 2, dtype=x.dtype) / d_head)


def _interleaved(even, odd):
    return torch.stack([even, odd], -1).flatten(-2)


def _rotate_half(x):
    first, second = x.chunk(2, -1)
    return torch.cat([-second, first], -1)


def _rotate_pairs(x):
    return _interleaved(-x[..., 1::2], x[..., 0::2])


@misconception("apply_rotary", "uses-builtin")
def rotary_from_the_reference(x, positions):
    return reference.apply_rotary(x, positions)


@misconception("apply_rotary", "changes-input")
def rotary_in_place(x, positions):
    angles = _angles(x, positions)
    even, odd = x[..., 0::2].clone(), x[..., 1::2].clone()
    with torch.no_grad():
        x[..., 0::2] = even * angles.cos() - odd * angles.sin()
        x[..., 1::2] = even * angles.sin() + odd * angles.cos()
    return x


@misconception("apply_rotary", "not-differentiable")
def rotary_through_numpy(x, positions):
    angles = _angles(x, positions).numpy()
    values = x.detach().numpy()
    turned = (values[..., 0::2] + 1j * values[..., 1::2]) * np.exp(1j * angles)
    return torch.from_numpy(np.stack([turned.real, turned.imag], -1)).reshape(x.shape).to(x.dtype)


def _turned(x, angles):
    return x * angles.cos().repeat_interleave(2, -1) + _rotate_pairs(x) * angles.sin().repeat_interleave(2, -1)


@misconception("apply_rotary", "ignores-positions")
def rotary_counts_itself(x, positions):
    return _turned(x, _angles(x, torch.arange(x.shape[-2])))


@misconception("apply_rotary", "ignores-positions")
def rotary_counts_from_the_first_position(x, positions):
    return _turned(x, _angles(x, positions[0] + torch.arange(x.shape[-2])))


@misconception("apply_rotary", "wrong-direction")
def rotary_clockwise(x, positions):
    angles = _angles(x, positions)
    even, odd = x[..., 0::2], x[..., 1::2]
    return _interleaved(even * angles.cos() + odd * angles.sin(), odd * angles.cos() - even * angles.sin())


@misconception("apply_rotary", "half-split")
def rotary_of_halves(x, positions):
    angles = _angles(x, positions)
    cos, sin = (torch.cat([part, part], -1) for part in (angles.cos(), angles.sin()))
    return x * cos + _rotate_half(x) * sin


@misconception("apply_rotary", "half-split")
def rotary_of_halves_with_interleaved_angles(x, positions):
    angles = _angles(x, positions).repeat_interleave(2, -1)
    return x * angles.cos() + _rotate_half(x) * angles.sin()


@misconception("apply_rotary", "half-split")
def rotary_of_pairs_with_halved_angles(x, positions):
    angles = torch.cat([_angles(x, positions)] * 2, -1)
    return x * angles.cos() + _rotate_pairs(x) * angles.sin()


@misconception("apply_rotary", "half-split")
def rotary_put_together_in_halves(x, positions):
    angles = _angles(x, positions)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.cat([even * angles.cos() - odd * angles.sin(), even * angles.sin() + odd * angles.cos()], -1)


@misconception("apply_rotary", "half-split")
def rotary_cut_in_halves(x, positions):
    angles = _angles(x, positions)
    first, second = x.chunk(2, -1)
    return _interleaved(first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos())


# alibi_bias


def _slopes(num_heads):
    return 2.0 ** (-8 * torch.arange(1, num_heads + 1) / num_heads)


def _distances(seq_len):
    positions = torch.arange(seq_len)
    return (positions[:, None] - positions[None, :]).float()


def _biased(slopes, seq_len):
    """The right bias with these slopes."""
    future = torch.ones(seq_len, seq_len, dtype=torch.bool).triu(1)
    return (-slopes[:, None, None].float() * _distances(seq_len)).masked_fill(future, -math.inf)


@misconception("alibi_bias", "uses-builtin")
def bias_from_the_reference(num_heads, seq_len):
    return reference.alibi_bias(num_heads, seq_len)


@misconception("alibi_bias", "sees-future")
def bias_by_distance_both_ways(num_heads, seq_len):
    return -_slopes(num_heads)[:, None, None] * _distances(seq_len).abs()


@misconception("alibi_bias", "sees-future")
def bias_prefers_the_future(num_heads, seq_len):
    return -_slopes(num_heads)[:, None, None] * _distances(seq_len)


@misconception("alibi_bias", "sees-future")
def bias_zero_for_the_future(num_heads, seq_len):
    return bias_prefers_the_future(num_heads, seq_len).tril()


@misconception("alibi_bias", "sees-future")
def bias_turned_round(num_heads, seq_len):
    return _biased(_slopes(num_heads), seq_len).mT


@misconception("alibi_bias", "sees-future")
def bias_masks_the_past(num_heads, seq_len):
    past = torch.ones(seq_len, seq_len, dtype=torch.bool).tril(-1)
    return bias_prefers_the_future(num_heads, seq_len).masked_fill(past, -math.inf)


@misconception("alibi_bias", "wrong-slopes")
def bias_slopes_from_head_zero(num_heads, seq_len):
    return _biased(2.0 ** (-8 * torch.arange(num_heads) / num_heads), seq_len)


@misconception("alibi_bias", "wrong-slopes")
def bias_slopes_of_eight_heads(num_heads, seq_len):
    return _biased(2.0 ** -torch.arange(1.0, num_heads + 1), seq_len)


@misconception("alibi_bias", "wrong-slopes")
def bias_slopes_all_one(num_heads, seq_len):
    return _biased(torch.ones(num_heads), seq_len)
