"""Wrong answers to the exercises of chapter 06, by the catalogue id that names their mistake."""

from autograder.framework.known_answers import borrowed, edits

borrowed("sinusoidal_encoding", "shift_matrix", "apply_rotary", "alibi_bias")


# What is wrong for odd sizes alone stands first, since every other mistake may be wrong there too.
_LOOPS, _STACKED, _POWER = "one number at a time", "stacked and cut", "10_000**exponents →"
_INTERLEAVED, _CONCATENATED = "stack((angles.sin(), angles.cos()), dim=2) →", "cat((angles.sin(), angles.cos()), dim=1)"
_COSINES, _DIFFERENT = "angles[:, : d_model // 2].cos() →", "(positions[:, None] / 10_000 ** {})[:, : d_model // 2].cos()"
edits("sinusoidal_encoding", {
    "odd-size": {
        "solution": [
            f"{_COSINES} angles.cos()",
            "return encoding → encoding[:, -1] = encoding[:, -1] if d_model % 2 == 0 else angles[:, -1].cos(); return encoding",
            ("torch.empty → torch.zeros", "0::2] = angles.sin() → 0 : d_model // 2 * 2 : 2] = angles[:, : d_model // 2].sin()"),
            "dtype=torch.float64) / d_model → dtype=torch.float64) / (d_model + d_model % 2)",
            "positions = → if d_model % 2:\n        raise ValueError(f'd_model={d_model} must be even')\n    positions =",
        ],
        _STACKED: ["(d_model + 1) // 2 → d_model // 2", "[:, :d_model] →"],
    },
    "concatenated": {_STACKED: [
        f"{_INTERLEAVED} {_CONCATENATED}", f"{_INTERLEAVED} cat((angles.cos(), angles.sin()), dim=1)",
        (f"{_INTERLEAVED} {_CONCATENATED}", "2 * i / d_model → i / max(d_model // 2 - 1, 1)"),
    ]},
    "sin-cos-swapped": {
        _STACKED: "(angles.sin(), angles.cos()) → (angles.cos(), angles.sin())",
        _LOOPS: "math.cos if column % 2 else math.sin → math.sin if column % 2 else math.cos",
    },
    "counts-from-one": {
        "solution": "torch.arange(seq_len → torch.arange(1, seq_len + 1", _LOOPS: "position * speed → (position + 1) * speed",
    },
    # Before wrong-exponent: no wrong exponent gives the base of these.
    "wrong-base": ["10_000 → 1000", "10_000 → torch.e"],
    "wrong-exponent": [
        *(f"{_POWER} 10_000 ** ({wrong})" for wrong in (
            "exponents / 2", "exponents * 2", "exponents * d_model / max(d_model - 2, 1)",
            "exponents * d_model / max(d_model - 1, 1)",
            "exponents + 2 / d_model", "exponents.floor()", "exponents * d_model", "exponents * d_model / 2", "-exponents",
        )),
        *(f"{_COSINES} {_DIFFERENT.format(wrong)}" for wrong in ("(exponents + 1 / d_model)", "(exponents + 2 / d_model)")),
        (f"{_POWER} 10_000 ** (2 * exponents)", f"{_COSINES} {_DIFFERENT.format('(2 * exponents + 2 / d_model)')}"),
    ],
    "float32-angles": {
        "solution": ("seq_len, dtype=torch.float64 → seq_len", "2, dtype=torch.float64 → 2"),
        "exp of logarithms": "float64 → float32", "cosine as a shifted sine": "float64 → float32",
    },
})  # fmt: skip

_ADDED, _TABLE = "return x + self.table[:seq] → return", "self.table = nn.Parameter(0.02 * torch.randn(max_len, d_model)) →"
_UNCHECKED = "if seq > max_len → if False"
# Two slips at once are named by the graver one, so each stands with and without the check of the length.
_UNTRAINED = [
    f"{_TABLE} self.register_buffer('table', torch.randn(max_len, d_model))",
    f"{_TABLE} self.register_buffer('table', torch.randn(max_len, d_model), persistent=False)",
    f"{_TABLE} self.table = nn.Parameter(torch.randn(max_len, d_model), requires_grad=False)",
    f"{_TABLE} self.table = torch.randn(max_len, d_model)",
]
edits("LearnedPositionalEmbedding", {
    "uses-builtin": "return x + self.table[:seq] → from utils import reference\n"
        "        return reference.LearnedPositionalEmbedding.forward(self, x)",
    "changes-input": [
        f"{_ADDED} x.add_(self.table[:seq])", "return x + self → x += self.table[:seq]\n        return x + 0 * self",
    ],
    "not-differentiable": [
        f"{_ADDED} x + self.table.detach()[:seq]", f"{_ADDED} x.detach() + self.table[:seq]",
        f"{_ADDED} x + self.table.data[:seq]",
    ],
    "no-length-check": {
        "solution": [
            _UNCHECKED, (_UNCHECKED, f"{_ADDED} x + self.table[torch.arange(seq).clamp(max=max_len - 1)]"),
            (_UNCHECKED, f"{_ADDED} x + self.table[torch.arange(seq) % max_len]"),
            (_UNCHECKED, f"{_ADDED} x[:, :max_len] + self.table[:seq]"),
            "raise ValueError( → assert False, (",
        ],
        "by index": _UNCHECKED,
        "through the function embedding": _UNCHECKED,
    },
    "not-trainable": [*_UNTRAINED, *((change, _UNCHECKED) for change in _UNTRAINED)],
    "float32-inside": [f"{_ADDED} (x.float() + self.table[:seq]).to(x.dtype)", f"{_ADDED} x + self.table[:seq].float()"],
})  # fmt: skip

_LOOPS, _EVEN = "one block at a time", "torch.arange(0, d_model, 2, dtype=torch.float64)"
edits("shift_matrix", {
    "wrong-direction": {
        "solution": [
            "(*blocks) → (*blocks).T", "offset / → -offset /",
            ("offset / → -offset /", "raise ValueError( → d_model, _ = d_model - 1, ("),
        ],
        _LOOPS: "-math.sin(angle), math.sin(angle) → math.sin(angle), -math.sin(angle)",
        "exponential of the generator": ", turn) → , -turn)",
    },
    "concatenated": {
        _LOOPS: (
            "range(0, d_model, 2) → range(d_model // 2)", "(i / d_model) → (2 * i / d_model)",
            "[i + 1, i] → [i + d_model // 2, i]", "[i, i + 1] → [i, i + d_model // 2]",
            "[i + 1, i + 1] → [i + d_model // 2, i + d_model // 2]",
        ),
        "solution": "block_diag(*blocks) → einsum('iab,ij->aibj', blocks, (0 * cos + 1).diag()).reshape(d_model, -1)" ,
    },
    "wrong-exponent": {
        "solution": [
            f"{_EVEN} → torch.arange(d_model // 2)", f"{_EVEN} → 2 * {_EVEN}",
            "10_000**exponents → 10_000 ** (exponents * d_model)",
        ],
        "two diagonals": "repeat_interleave(2) → repeat(2)",
    },
})  # fmt: skip

_FIRST, _SECOND, _SLICES = "first * cos - second * sin", "first * sin + second * cos", "x[..., 0::2], x[..., 1::2] →"
_JOINED, _QUARTER = f"torch.stack([{_FIRST}, {_SECOND}], dim=-1) →", "x cos plus its quarter turn sin"
_IN_HALVES = f"{_JOINED} torch.cat([{_FIRST}, {_SECOND}], dim=-1)[..., None]"
_TURNED = "torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).reshape(x.shape) →"
_HALF = f"{_TURNED} torch.cat((-x[..., d_head // 2:], x[..., :d_head // 2]), dim=-1)"
edits("apply_rotary", {
    "changes-input": (
        f"{_SLICES} x[..., 0::2].clone(), x[..., 1::2].clone()",
        f"{_JOINED} x\n    x[..., 0::2], x[..., 1::2] = {_FIRST}, {_SECOND}",
        "turned.flatten(-2) → x",
    ),
    "not-differentiable": [
        f"{_SLICES} x.detach()[..., 0::2], x.data[..., 1::2]",
        "turned.flatten(-2) → torch.from_numpy(turned.detach().numpy()).flatten(-2)",
    ],
    "ignores-positions": [f"positions[:, None] → torch.arange({row}, device=x.device)[:, None]" for row in (
        "x.shape[-2]", "int(positions[0]), int(positions[0]) + x.shape[-2]",
    )],
    "ignores-base": {
        "solution": "base ** → 10000.0 **", _QUARTER: "base ** → 10000 **", "pair by pair, joined": "base ** → 10000 **",
    },
    "wrong-direction": {
        "solution": [
            "positions[:, None] → -positions[:, None]",
            f"{_FIRST}, {_SECOND} → first * cos + second * sin, second * cos - first * sin",
        ],
        _QUARTER: "(-x[..., 1::2], x[..., ::2]) → (x[..., 1::2], -x[..., ::2])",
    },
    "half-split": {
        _QUARTER: [(_HALF, "repeat_interleave(2, dim=-1) → repeat(1, 2)"), _HALF, "repeat_interleave(2, dim=-1) → repeat(1, 2)"],
        "solution": [_IN_HALVES, f"{_SLICES} x.chunk(2, -1)", (f"{_SLICES} x.chunk(2, -1)", _IN_HALVES)],
    },
    "wrong-exponent": [
        f"pairs / d_head → {wrong}" for wrong in (
            "pairs / (2 * d_head)", "2 * pairs / d_head", "pairs", "pairs / max(d_head - 2, 1)",
        )
    ],
    "float32-inside": ["float64 → float32", "angles.cos().to(x.dtype) → angles.float().cos().to(x.dtype)"],
})  # fmt: skip

_FILLED, _PRODUCT = "bias.masked_fill(steps_back < 0, -math.inf) →", "-slopes[:, None, None] * steps_back"
_SLOPES = "slopes = 2.0 ** (-8 * torch.arange(1, num_heads + 1) / num_heads) → slopes ="
edits("alibi_bias", {
    "sees-future": [
        f"{_FILLED} bias", f"{_FILLED} {_PRODUCT}.abs()", f"{_FILLED} bias.tril()", "-math.inf) → -math.inf).mT",
        "steps_back < 0 → steps_back > 0",
    ],
    "wrong-slopes": [
        "torch.arange(1, num_heads + 1) → torch.arange(num_heads)", f"{_SLOPES} 2.0 ** -torch.arange(1.0, num_heads + 1)",
        "-8 * → -4 *",
        f"{_SLOPES} torch.ones(num_heads)", f"{_SLOPES} 1 / torch.arange(1.0, num_heads + 1)",
    ],
})  # fmt: skip
