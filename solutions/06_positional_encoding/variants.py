"""Right answers to the exercises of chapter 06 in other styles. All of them must pass, unaccused."""

import cmath
import math

import numpy as np
import torch
from torch import nn

from autograder.misconceptions import variant

# sinusoidal_encoding


@variant("sinusoidal_encoding", "one number at a time")
def encoding_by_loops(seq_len, d_model):
    encoding = torch.zeros(seq_len, d_model)
    for column in range(d_model):
        function = math.cos if column % 2 else math.sin
        speed = 10000 ** (-(column - column % 2) / d_model)
        encoding[:, column] = torch.tensor([function(position * speed) for position in range(seq_len)])
    return encoding


@variant("sinusoidal_encoding", "through numpy")
def encoding_by_numpy(seq_len, d_model):
    columns = np.arange(d_model)
    angles = np.arange(seq_len)[:, None] / np.power(10000.0, 2 * (columns // 2) / d_model)
    angles[:, 0::2] = np.sin(angles[:, 0::2])
    angles[:, 1::2] = np.cos(angles[:, 1::2])
    return torch.from_numpy(angles).to(torch.float32)


@variant("sinusoidal_encoding", "exp of logarithms")
def encoding_by_exp(seq_len, d_model):
    positions = torch.arange(seq_len, dtype=torch.float64).unsqueeze(1)
    div_term = torch.exp(torch.arange(0, d_model, 2, dtype=torch.float64) * (-math.log(10000.0) / d_model))
    pe = torch.zeros(seq_len, d_model, dtype=torch.float64)
    pe[:, 0::2] = torch.sin(positions * div_term)
    pe[:, 1::2] = torch.cos(positions * div_term[: d_model // 2])
    return pe.float()


@variant("sinusoidal_encoding", "cosine as a shifted sine")
def encoding_by_phase(seq_len, d_model):
    columns = torch.arange(d_model, dtype=torch.float64)
    phase = columns.remainder(2) * (math.pi / 2)
    speeds = 10000 ** (-(columns - columns.remainder(2)) / d_model)
    return torch.sin(torch.arange(seq_len, dtype=torch.float64)[:, None] * speeds + phase).float()


@variant("sinusoidal_encoding", "stacked and cut")
def encoding_by_stacking(seq_len, d_model):
    speeds = torch.tensor([1 / 10000 ** (2 * i / d_model) for i in range((d_model + 1) // 2)], dtype=torch.float64)
    angles = torch.outer(torch.arange(seq_len).double(), speeds)
    return torch.stack((angles.sin(), angles.cos()), dim=2).reshape(seq_len, -1)[:, :d_model].to(torch.float32)


@variant("sinusoidal_encoding", "complex exponential")
def encoding_by_complex_numbers(seq_len, d_model):
    speeds = 10000 ** (-torch.arange(0, d_model, 2).double() / d_model)
    hands = torch.polar(torch.ones(seq_len, len(speeds)).double(), torch.arange(seq_len).double()[:, None] * speeds)
    return torch.view_as_real(hands).flip(-1).flatten(1)[:, :d_model].float()


@variant("sinusoidal_encoding", "one turn after another")
def encoding_by_repeated_turns(seq_len, d_model):
    turns = [cmath.exp(1j * 10000 ** (-2 * i / d_model)) for i in range((d_model + 1) // 2)]
    hands, rows = [1 + 0j] * len(turns), []
    for _ in range(seq_len):
        rows.append([part for hand in hands for part in (hand.imag, hand.real)][:d_model])
        hands = [hand * turn for hand, turn in zip(hands, turns, strict=True)]
    return torch.tensor(rows, dtype=torch.float64).float()


# LearnedPositionalEmbedding


@variant("LearnedPositionalEmbedding", "by index")
class LearnedByIndex(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.table = nn.Parameter(torch.empty(max_len, d_model))
        nn.init.normal_(self.table, std=0.02)

    def forward(self, x):
        seq = x.size(1)
        if seq > self.table.size(0):
            raise ValueError(f"x has seq={seq} positions, but the table has max_len={self.table.size(0)} rows")
        return x + self.table[torch.arange(seq, device=x.device)].unsqueeze(0)


@variant("LearnedPositionalEmbedding", "through the function embedding")
class LearnedByLookUp(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.max_len = max_len
        self.table = nn.Parameter(torch.zeros(max_len, d_model))

    def forward(self, x):
        batch, seq, d_model = x.shape
        if seq > self.max_len:
            raise ValueError(f"sequence of length {seq} does not fit into max_len={self.max_len}")
        rows = nn.functional.embedding(torch.arange(seq, device=x.device).expand(batch, seq), self.table)
        return rows + x


@variant("LearnedPositionalEmbedding", "with a registered buffer of positions")
class LearnedWithPositions(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.register_parameter("table", nn.Parameter(torch.rand(max_len, d_model) - 0.5))
        self.register_buffer("positions", torch.arange(max_len), persistent=False)

    def forward(self, x):
        if x.shape[1] > len(self.positions):
            raise ValueError(f"max_len={len(self.positions)} rows are too few for seq={x.shape[1]}")
        return torch.add(x, self.table.index_select(0, self.positions[: x.shape[1]]))


@variant("LearnedPositionalEmbedding", "one-hot product")
class LearnedByProduct(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.max_len, self.table = max_len, nn.Parameter(torch.ones(max_len, d_model))

    def forward(self, x):
        seq = x.shape[-2]
        if not seq <= self.max_len:
            raise ValueError(f"seq must be at most max_len: got {seq} and {self.max_len}")
        one_hot = torch.eye(seq, self.max_len, dtype=x.dtype, device=x.device)
        return x + one_hot @ self.table


@variant("LearnedPositionalEmbedding", "frozen start from the sinusoidal encoding")
class LearnedFromSinusoids(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.table = nn.Parameter(encoding_by_loops(max_len, d_model).clone(), requires_grad=True)

    def forward(self, x):
        max_len, seq = self.table.shape[0], x.shape[1]
        if max_len < seq:
            raise ValueError(f"seq = {seq} > max_len = {max_len}")
        return x + self.table.narrow(0, 0, seq).expand_as(x)


# shift_matrix


@variant("shift_matrix", "one block at a time")
def shift_by_loops(offset, d_model):
    if d_model % 2 != 0:
        raise ValueError(f"d_model must be even, got {d_model}")
    matrix = torch.zeros(d_model, d_model)
    for i in range(0, d_model, 2):
        angle = offset / 10000 ** (i / d_model)
        matrix[i, i] = matrix[i + 1, i + 1] = math.cos(angle)
        matrix[i, i + 1], matrix[i + 1, i] = -math.sin(angle), math.sin(angle)
    return matrix


@variant("shift_matrix", "in float64")
def shift_in_float64(offset, d_model):
    return shift_by_loops(offset, d_model).double()


@variant("shift_matrix", "two diagonals")
def shift_by_diagonals(offset, d_model):
    if d_model & 1:
        raise ValueError(f"the last sine has no cosine: d_model={d_model}")
    angles = (offset * 10000 ** (-torch.arange(0, d_model, 2) / d_model)).repeat_interleave(2)
    sines = torch.sin(angles)[:-1] * torch.tensor([1.0, 0.0]).repeat(d_model // 2)[:-1]
    return torch.diag(torch.cos(angles)) + torch.diag(sines, -1) - torch.diag(sines, 1)


@variant("shift_matrix", "exponential of the generator")
def shift_by_matrix_exponential(offset, d_model):
    if d_model % 2:
        raise ValueError(f"odd d_model {d_model}")
    generator = torch.zeros(d_model, d_model, dtype=torch.float64)
    even = torch.arange(0, d_model, 2)
    speeds = 10000 ** (-even.double() / d_model)
    generator[even, even + 1], generator[even + 1, even] = -speeds, speeds
    return torch.matrix_exp(generator * offset).float()


@variant("shift_matrix", "a rotation of the unit vectors")
def shift_by_columns(offset, d_model):
    if d_model % 2:
        raise ValueError(f"d_model={d_model}: choose an even size")
    pairs = torch.eye(d_model).reshape(d_model, -1, 2)
    angles = torch.tensor([offset / 10000 ** (2 * i / d_model) for i in range(d_model // 2)])
    sine, cosine = pairs.unbind(-1)
    moved = (sine * angles.cos() + cosine * angles.sin(), cosine * angles.cos() - sine * angles.sin())
    return torch.stack(moved, -1).flatten(1)


@variant("shift_matrix", "solved from the table")
def shift_by_solving(offset, d_model):
    if d_model % 2:
        raise ValueError(f"d_model={d_model} is odd")
    speeds = np.power(10000.0, -np.arange(0, d_model, 2) / d_model)
    matrix = np.zeros((d_model, d_model))
    for i, speed in enumerate(speeds):
        rows = np.array([[math.sin(p * speed), math.cos(p * speed)] for p in (0, 1)])
        goals = np.array([[math.sin((p + offset) * speed), math.cos((p + offset) * speed)] for p in (0, 1)])
        matrix[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = np.linalg.solve(rows, goals)
    return torch.tensor(matrix, dtype=torch.float32)


# apply_rotary


@variant("apply_rotary", "complex numbers")
def rotary_by_complex_numbers(x, positions):
    if x.shape[-1] % 2:
        raise ValueError(f"d_head={x.shape[-1]} must be even")
    speeds = 10000.0 ** (-torch.arange(0, x.shape[-1], 2, dtype=torch.float64) / x.shape[-1])
    angles = positions.double().unsqueeze(-1) * speeds
    turns = torch.polar(torch.ones_like(angles), angles).to(x.dtype.to_complex())
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2)


@variant("apply_rotary", "x cos plus its quarter turn sin")
def rotary_by_quarter_turn(x, positions):
    *lead, seq, d_head = x.shape
    if d_head % 2 == 1:
        raise ValueError(f"x has d_head={d_head}, which is odd")
    inv_freq = 1.0 / 10000 ** (torch.arange(0, d_head, 2).to(x.dtype) / d_head)
    angles = torch.einsum("i,j->ij", positions.to(x.dtype), inv_freq).repeat_interleave(2, dim=-1)
    turned = torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).reshape(x.shape)
    return x * angles.cos() + turned * angles.sin()


@variant("apply_rotary", "into an empty tensor")
def rotary_into_empty(x, positions):
    if x.size(-1) % 2:
        raise ValueError(f"the last axis of x (d_head) has odd size {x.size(-1)}")
    half = x.size(-1) // 2
    speeds = torch.tensor([10000 ** (-i / half) for i in range(half)], dtype=x.dtype)
    theta = positions.to(x.dtype).view(-1, 1) * speeds
    result = torch.empty_like(x)
    result[..., 0::2] = x[..., 0::2] * theta.cos() - x[..., 1::2] * theta.sin()
    result[..., 1::2] = x[..., 0::2] * theta.sin() + x[..., 1::2] * theta.cos()
    return result


@variant("apply_rotary", "as a product with rotation matrices")
def rotary_by_matrices(x, positions):
    d_head = x.shape[-1]
    if d_head % 2:
        raise ValueError(f"d_head {d_head} is odd")
    rows = []
    for position in positions.tolist():
        angles = [position / 10000 ** (2 * i / d_head) for i in range(d_head // 2)]
        blocks = [torch.tensor([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]], dtype=x.dtype) for a in angles]
        rows.append(torch.block_diag(*blocks))
    return torch.einsum("...sd,sde->...se", x, torch.stack(rows))


@variant("apply_rotary", "pair by pair, joined")
def rotary_pair_by_pair(x, positions):
    d_head = x.shape[-1]
    if d_head % 2:
        raise ValueError(f"d_head={d_head}")
    columns = []
    for i in range(0, d_head, 2):
        angle = positions.to(x.dtype) * 10000 ** (-i / d_head)
        a, b = x[..., i], x[..., i + 1]
        columns += [a * torch.cos(angle) - b * torch.sin(angle), a * torch.sin(angle) + b * torch.cos(angle)]
    return torch.stack(columns, dim=-1)


@variant("apply_rotary", "looked up in a table")
def rotary_by_look_up(x, positions):
    if x.shape[-1] % 2:
        raise ValueError(f"d_head must be even, not {x.shape[-1]}")
    steps = torch.arange(int(positions.max()) + 1, dtype=x.dtype)
    angles = torch.outer(steps, 10000 ** (-torch.arange(0, x.shape[-1], 2, dtype=x.dtype) / x.shape[-1]))
    cos, sin = angles.cos()[positions], angles.sin()[positions]
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)


# alibi_bias


@variant("alibi_bias", "one number at a time")
def bias_by_loops(num_heads, seq_len):
    bias = torch.full((num_heads, seq_len, seq_len), float("-inf"))
    for h in range(num_heads):
        for i in range(seq_len):
            for j in range(i + 1):
                bias[h, i, j] = -(2 ** (-8 * (h + 1) / num_heads)) * (i - j)
    return bias


@variant("alibi_bias", "geometric series")
def bias_by_series(num_heads, seq_len):
    start = 2 ** (-8 / num_heads)
    slopes = torch.tensor([start ** (h + 1) for h in range(num_heads)])
    steps = torch.arange(seq_len)
    distance = (steps[None, :] - steps[:, None]).to(slopes.dtype)
    bias = torch.einsum("h,ij->hij", slopes, distance)
    return torch.where(distance <= 0, bias, -torch.inf)


@variant("alibi_bias", "added upper triangle")
def bias_by_addition(num_heads, seq_len):
    slopes = torch.exp2(-8.0 * torch.arange(1, num_heads + 1) / num_heads).view(-1, 1, 1)
    steps = torch.arange(seq_len).float()
    back = (steps.unsqueeze(1) - steps.unsqueeze(0)).clamp(min=0)
    return -slopes * back + torch.full((seq_len, seq_len), -math.inf).triu(1)


@variant("alibi_bias", "through numpy")
def bias_by_numpy(num_heads, seq_len):
    i, j = np.indices((seq_len, seq_len))
    slopes = np.power(2.0, -8 * (np.arange(num_heads) + 1) / num_heads)
    bias = np.where(j > i, -np.inf, slopes[:, None, None] * (j - i))
    return torch.from_numpy(bias.astype(np.float32))


@variant("alibi_bias", "in place, head by head")
def bias_in_place(num_heads, seq_len):
    heads = []
    look_ahead = torch.ones(seq_len, seq_len).triu(diagonal=1).bool()
    for h in range(1, num_heads + 1):
        grid = torch.cumsum(torch.ones(seq_len, seq_len).tril(-1), 0)
        heads.append((-(0.5 ** (8 * h / num_heads)) * grid).masked_fill_(look_ahead, -math.inf))
    return torch.stack(heads)
