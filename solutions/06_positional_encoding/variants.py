"""Right answers to the exercises of chapter 06 in other styles. All of them must pass, unaccused."""

import cmath
import math

import numpy as np
import torch

from autograder.framework.known_answers import edits, variant

edits("sinusoidal_encoding", {
    "exp of logarithms": (
        "/ 10_000**exponents → * torch.exp(-exponents.new_tensor(10000.0).log() * exponents)",
        "torch.empty(seq_len, d_model) → torch.zeros(seq_len, d_model, dtype=torch.float64)",
        "return encoding → return encoding.float()",
    ),
    "complex exponential": (
        "torch.empty(seq_len, d_model) → torch.view_as_real(torch.polar(torch.ones_like(angles), angles)).flip(-1)",
        "encoding[:, 0::2] = → _ =", "encoding[:, 1::2] = → _ =",
        "return encoding → return encoding.flatten(1)[:, :d_model].float()",
    ),
})  # fmt: skip


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
    angles[:, 0::2], angles[:, 1::2] = np.sin(angles[:, 0::2]), np.cos(angles[:, 1::2])
    return torch.from_numpy(angles).to(torch.float32)


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


@variant("sinusoidal_encoding", "one turn after another")
def encoding_by_repeated_turns(seq_len, d_model):
    turns = [cmath.exp(1j * 10000 ** (-2 * i / d_model)) for i in range((d_model + 1) // 2)]
    hands, rows = [1 + 0j] * len(turns), []
    for _ in range(seq_len):
        rows.append([part for hand in hands for part in (hand.imag, hand.real)][:d_model])
        hands = [hand * turn for hand, turn in zip(hands, turns, strict=True)]
    return torch.tensor(rows, dtype=torch.float64).float()


_RETURNED, _TOLD = "return x + self.table[:seq] → return", '"seq={seq} does not fit into max_len={max_len} rows" →'
_MADE = "0.02 * torch.randn(max_len, d_model) →"
edits("LearnedPositionalEmbedding", {
    "by index": (
        f"{_RETURNED} x + self.table[torch.arange(seq, device=x.device)].unsqueeze(0)",
        f'{_TOLD} "x has seq={{seq}} positions, but the table has max_len={{max_len}} rows"',
    ),
    "through the function embedding": (
        f"{_RETURNED} nn.functional.embedding(torch.arange(seq, device=x.device).expand(len(x), seq), self.table) + x",
        f'{_TOLD} "sequence of length {{seq}} does not fit into max_len={{max_len}}"', f"{_MADE} torch.zeros(max_len, d_model)",
    ),
    "with a registered buffer of positions": (
        "super().__init__() → super().__init__(); self.register_buffer('positions', torch.arange(max_len), persistent=False)",
        f"{_RETURNED} torch.add(x, self.table.index_select(0, self.positions[: x.shape[1]]))",
        "self.table.shape[0] → len(self.positions)", f'{_TOLD} "max_len={{max_len}} rows are too few for seq={{seq}}"',
    ),
    "one-hot product": (
        f"{_RETURNED} x + torch.eye(seq, max_len, dtype=x.dtype, device=x.device) @ self.table",
        "if seq > max_len → if not seq <= max_len", f'{_TOLD} "seq must be at most max_len: got {{seq}} and {{max_len}}"',
    ),
    "frozen start from waves": (
        f"{_MADE} torch.outer(torch.arange(max_len), torch.ones(d_model)).sin(), requires_grad=True",
        f"{_RETURNED} x + self.table.narrow(0, 0, seq).expand_as(x)", f'{_TOLD} "seq = {{seq}} > max_len = {{max_len}}"',
    ),
})  # fmt: skip

_TOLD, _BUILT = '"d_model={d_model} is odd: only pairs can turn" →', "torch.block_diag(*blocks) →"
edits("shift_matrix", {
    "in float64": ".float() →",
    "two diagonals": (
        f"{_BUILT} torch.diag(cos.repeat_interleave(2)) + torch.diag(sines, -1) - torch.diag(sines, 1)",
        "rows = → sines = torch.stack([sin, 0 * sin], dim=-1).flatten()[:-1]\n    rows =",
        f'{_TOLD} "the last sine has no cosine: d_model={{d_model}}"',
    ),
    "exponential of the generator": (
        "rows = → turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)\n    rows =",
        f"{_BUILT} torch.matrix_exp(torch.kron(torch.diag(angles), turn))", "if d_model % 2 → if d_model & 1",
        f'{_TOLD} "odd d_model {{d_model}}"',
    ),
    "a rotation of the unit vectors": (
        "rows = → first, second = torch.eye(d_model).reshape(d_model, -1, 2).unbind(-1)\n    rows =",
        f"{_BUILT} torch.stack((first * cos + second * sin, second * cos - first * sin), dim=-1).flatten(1)",
    ),
    "solved from the table": (
        "rows = → waves = [p / 10_000**exponents for p in (0, 1, offset, offset + 1)]\n    rows =",
        "blocks = torch.stack(rows, dim=-2) → tables = [torch.stack([w.sin(), w.cos()], -1) for w in waves]\n"
        "    blocks = torch.linalg.solve(torch.stack(tables[:2], -2), torch.stack(tables[2:], -2))",
    ),
})  # fmt: skip


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


_TOLD, _PAIRS = '"d_head={d_head} is odd: only pairs can turn" →', "first, second = x[..., 0::2], x[..., 1::2] →"
_JOINED = "torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1) →"
_OWN_DTYPE = (
    "torch.arange(0, d_head, 2, dtype=torch.float64, device=x.device) → torch.arange(0, d_head, 2, device=x.device).to(x.dtype)"
)
edits("apply_rotary", {
    "complex numbers": (
        f"{_PAIRS} turns = torch.polar(torch.ones_like(angles), angles).to(x.dtype.to_complex())",
        f'{_TOLD} "d_head={{d_head}} must be even"',
        f"{_JOINED} torch.view_as_real(torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous()) * turns)",
    ),
    "x cos plus its quarter turn sin": (
        _OWN_DTYPE,
        "positions[:, None] / base ** (pairs / d_head) → positions.to(x.dtype)[:, None] * (1.0 / base ** (pairs / d_head))",
        f"{_PAIRS} cos, sin = cos.repeat_interleave(2, dim=-1), sin.repeat_interleave(2, dim=-1)",
        f"{_JOINED} torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).reshape(x.shape)",
        "turned.flatten(-2) → x * cos + turned * sin", f'{_TOLD} "x has d_head={{d_head}}, which is odd"',
    ),
    "into an empty tensor": (
        f"{_JOINED} torch.empty_like(x)\n    turned[..., 0::2] = first * cos - second * sin",
        "return → turned[..., 1::2] = first * sin + second * cos\n    return",
        "turned.flatten(-2) → turned", f'{_TOLD} "the last axis of x (d_head) has odd size {{x.size(-1)}}"',
    ),
    "looked up in a table": (
        _OWN_DTYPE,
        "positions[:, None] / → torch.arange(int(positions.max()) + 1, dtype=x.dtype, device=x.device)[:, None] /",
        "angles.cos().to(x.dtype), angles.sin().to(x.dtype) → angles.cos()[positions], angles.sin()[positions]",
        f"{_PAIRS} first, second = x.unflatten(-1, (-1, 2)).unbind(-1)", f'{_TOLD} "d_head must be even, not {{d_head}}"',
    ),
})  # fmt: skip


@variant("apply_rotary", "as a product with rotation matrices")
def rotary_by_matrices(x, positions, base=10000.0):
    d_head = x.shape[-1]
    if d_head % 2:
        raise ValueError(f"d_head {d_head} is odd")
    rows = []
    for position in positions.tolist():
        angles = [position / base ** (2 * i / d_head) for i in range(d_head // 2)]
        blocks = [x.new_tensor([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]]) for a in angles]
        rows.append(torch.block_diag(*blocks))
    return torch.einsum("...sd,sde->...se", x, torch.stack(rows))


@variant("apply_rotary", "pair by pair, joined")
def rotary_pair_by_pair(x, positions, base=10000.0):
    d_head = x.shape[-1]
    if d_head % 2:
        raise ValueError(f"d_head={d_head}")
    columns = []
    for i in range(0, d_head, 2):
        angle = positions.to(x.dtype) * base ** (-i / d_head)
        a, b = x[..., i], x[..., i + 1]
        columns += [a * torch.cos(angle) - b * torch.sin(angle), a * torch.sin(angle) + b * torch.cos(angle)]
    return torch.stack(columns, dim=-1)


_SLOPES = "slopes = 2.0 ** (-8 * torch.arange(1, num_heads + 1) / num_heads) → slopes ="
edits("alibi_bias", {
    "geometric series": (
        f"{_SLOPES} torch.tensor([(2 ** (-8 / num_heads)) ** (h + 1) for h in range(num_heads)])",
        "-slopes[:, None, None] * steps_back → torch.einsum('h,ij->hij', slopes, -steps_back.to(slopes.dtype))",
        "bias.masked_fill(steps_back < 0, -math.inf) → torch.where(steps_back >= 0, bias, -torch.inf)",
    ),
    "added upper triangle": (
        f"{_SLOPES} torch.exp2(-8.0 * torch.arange(1, num_heads + 1) / num_heads)",
        "* steps_back → * steps_back.float().clamp(min=0)",
        "bias.masked_fill(steps_back < 0, -math.inf) → bias + torch.full((seq_len, seq_len), -math.inf).triu(1)",
    ),
})  # fmt: skip


@variant("alibi_bias", "one number at a time")
def bias_by_loops(num_heads, seq_len):
    bias = torch.full((num_heads, seq_len, seq_len), float("-inf"))
    for h in range(num_heads):
        for i in range(seq_len):
            for j in range(i + 1):
                bias[h, i, j] = -(2 ** (-8 * (h + 1) / num_heads)) * (i - j)
    return bias


@variant("alibi_bias", "through numpy")
def bias_by_numpy(num_heads, seq_len):
    i, j = np.indices((seq_len, seq_len))
    slopes = np.power(2.0, -8 * (np.arange(num_heads) + 1) / num_heads)
    bias = np.where(j > i, -np.inf, slopes[:, None, None] * (j - i))
    return torch.from_numpy(bias.astype(np.float32))


@variant("alibi_bias", "in place, head by head")
def bias_in_place(num_heads, seq_len):
    look_ahead = torch.ones(seq_len, seq_len).triu(diagonal=1).bool()
    grid = torch.cumsum(torch.ones(seq_len, seq_len).tril(-1), 0)
    slopes = [0.5 ** (8 * h / num_heads) for h in range(1, num_heads + 1)]
    return torch.stack([(-slope * grid).masked_fill_(look_ahead, -math.inf) for slope in slopes])
