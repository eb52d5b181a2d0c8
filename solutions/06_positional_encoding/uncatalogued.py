"""Wrong answers to the exercises of chapter 06 for which no id of the catalogue is right: they fail and get no name."""

from autograder.framework.known_answers import edits

edits("sinusoidal_encoding", {
    "in double precision": "torch.empty(seq_len, d_model) → torch.empty(seq_len, d_model, dtype=torch.float64)",
    "one row a feature": "return encoding → return encoding.T",
    "an axis for the batch": "return encoding → return encoding[None]",
    "sines alone": ".cos() → .sin()",
    "the cosine is negative": "= angles[:, → = -angles[:,",
    "angles in degrees": {
        "solution": "angles.sin() → angles.deg2rad().sin()",
        "one number at a time": "position * speed → math.radians(position * speed)",
    },
    "positions as a share of the length": "dtype=torch.float64)\n    exp → dtype=torch.float64) / seq_len\n    exp",
    "the caller's table is kept": (
        "positions = torch → kept = globals().setdefault('kept', {})\n    if (seq_len, d_model) in kept:\n"
        "        return kept[seq_len, d_model]\n    positions = torch",
        "return encoding → kept[seq_len, d_model] = encoding\n    return encoding",
    ),
    "five thousand rows at most": "return encoding → return encoding[:5000]",
})  # fmt: skip

_ADDED = "return x + self.table[:seq] → return"
edits("LearnedPositionalEmbedding", {
    "the table lies on its side": (
        "randn(max_len, d_model) → randn(d_model, max_len)", "self.table[:seq] → self.table.T[:seq]", "shape[0] → shape[1]",
    ),
    "the last rows": "[:seq] → [-seq:]",
    "starts one row too late": "[:seq] → .roll(-1, 0)[:seq]",
    "multiplied instead of added": "x + self → x * self",
    "x is scaled as in the paper": "x + self → x * x.shape[-1] ** 0.5 + self",
    "an embedding with a name of its own": (
        "nn.Parameter(0.02 * torch.randn(max_len, d_model)) → nn.Embedding(max_len, d_model)",
        "self.table.shape → self.table.weight.shape",
        "self.table[:seq] → self.table.weight[:seq]",
    ),
    "the rows alone": f"{_ADDED} self.table[:seq].expand_as(x)",
    "the last row is refused too": "seq > → seq >=",
    "the table is divided by its length": "self.table[:seq] → self.table[:seq] / max_len",
    "the message has no numbers": "seq={seq} does not fit into max_len={max_len} → seq is too long for max_len",
})  # fmt: skip

edits("shift_matrix", {
    "the offset counts twice": "offset / → 2 * offset /",
    "only forward": "offset / → abs(offset) /",
    "the same angle for every pair": "offset / 10_000**exponents → offset / 10_000 ** (0 * exponents)",
    "a reflection": "[cos, -sin] → [cos, sin]",
    "sine and cosine changed places": "cos, sin = → sin, cos =",
    "an odd size gets a matrix": "raise ValueError( → return torch.eye(d_model), (",
    "the sine is forgotten on one side": "[sin, cos] → [0 * sin, cos]",
})  # fmt: skip

edits("apply_rotary", {
    "a table of 128 positions": "positions[:, None] → torch.arange(128, device=x.device)[positions][:, None]",
    "far positions are cut off": "positions[:, None] → positions.clamp(max=2047)[:, None]",
    "no base": ("positions, base=10000.0 → positions", "base ** → 10000.0 **"),
    "the same angle for every pair": "(pairs / d_head) → (0 * pairs)",
    "a reflection": "first * sin + second * cos → first * sin - second * cos",
    "the waves are added": "first * cos - second * sin, first * sin + second * cos → first + sin, second + cos",
    "an odd size is cut": "raise ValueError( → x, d_head, _ = x[..., :-1], d_head - 1, (",
    "only the first axis of x": "x[..., 0::2], x[..., 1::2] → x[:, :, 0::2], x[:, :, 1::2]",
    "the angles are in degrees": "base ** (pairs / d_head) → base ** (pairs / d_head) * torch.pi / 180",
})  # fmt: skip

_FILLED = "bias.masked_fill(steps_back < 0, -math.inf) →"
edits("alibi_bias", {
    "a reward for the distance": "-slopes → slopes",
    "in double precision": "torch.arange(1, num_heads + 1) → torch.arange(1, num_heads + 1).double()",
    "the heads come last": "-math.inf) → -math.inf).permute(1, 2, 0)",
    "infinity times nothing": f"{_FILLED} bias + torch.ones(seq_len, seq_len).triu(1) * -math.inf",
    "the query itself is hidden too": "steps_back < 0 → steps_back <= 0",
    "the square of the distance": "* steps_back → * steps_back**2",
    "the distance counts from one": "* steps_back → * (steps_back + 1)",
    "the heads share one slope": "-slopes[:, None, None] * steps_back → (-slopes[:1, None, None] * steps_back)[0]",
    "a share of the length": "* steps_back → * steps_back / seq_len",
})  # fmt: skip
