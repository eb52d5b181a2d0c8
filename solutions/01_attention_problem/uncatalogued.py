"""Wrong answers for which no id of the catalogue fits: they must fail and be given no name."""

from autograder.framework.known_answers import edits, uncatalogued

STEP = "torch.tanh(x[:, t] @ w_x + h @ w_h + b)"
OUT = "torch.stack(states, dim=1)"
edits("rnn_forward", {
    "adds the bias outside of tanh": f"{STEP} → torch.tanh(x[:, t] @ w_x + h @ w_h) + b",
    "leaves the bias out": " + b → ",
    "starts from ones": "new_zeros → new_ones",
    "starts from noise": "x.new_zeros( → torch.randn(",
    "returns the last state alone": f"{OUT} → h",
    "returns the positions first": f"{OUT} → torch.stack(states)",
    "adds the state to the new one": f"{STEP} → h + {STEP}",
    "walks from the end": "range(seq) → reversed(range(seq))",
    "mixes the sequences": "h @ w_h → h.mean(0) @ w_h",
    "keeps every state of the first sequence": "append(h) → append(h[:1].expand(batch, -1))",
    "takes tanh apart, which overflows": {"exponentials": "2 * torch.sigmoid(2 * (x[:, t] @ w_x + h @ w_h + b)) - 1 → "
        "(e := torch.exp(2 * (x[:, t] @ w_x + h @ w_h + b))).sub(1) / (e + 1)"},
    "cannot take float64": "x.new_zeros( → torch.zeros(",
})  # fmt: skip

LAST = "outputs[:, -1].sum()"
NORM = "gradient.norm(dim=(0, 2))"
edits("gradient_norms", {
    "sums squares and takes no root": {"grad-outputs": ".sqrt() → "},
    "takes the mean of the last output": f"{LAST} → outputs[:, -1].mean()",
    "looks at one feature of the last output": f"{LAST} → outputs[:, -1, 0].sum()",
    "averages the norms of the sequences": f"{NORM} → gradient.norm(dim=-1).mean(0)",
    "sums absolute values": f"{NORM} → gradient.abs().sum(dim=(0, 2))",
    "gives a norm for each sequence": f"{NORM} → gradient.norm(dim=-1)",
    "gives a norm for each feature": f"{NORM} → gradient.norm(dim=(0, 1))",
    "divides by the largest": f"{NORM} → (found := {NORM}) / found.max()",
    "adds an epsilon": {"grad-outputs": ".sqrt() → .add(1e-12).sqrt()"},
    "has no zeros where the path is missing": ", allow_unused=True → ",
    "has float32 zeros where the path is missing": "inputs.new_zeros( → torch.zeros(",
    "returns the gradient": f"{NORM} → gradient",
})  # fmt: skip

COUNTS = "torch.arange(1, x.shape[1] + 1, device=x.device)"
edits("causal_average", {
    "makes its counts on the CPU": {"own-copy": "torch.arange(x.shape[1]).to(x) → torch.arange(x.shape[1], dtype=x.dtype)"},
    "sums and does not divide": {"cumsum": f" / {COUNTS}.unsqueeze(-1) → "},
    "counts from zero": {"einsum": "(t + 1) → t"},
    "counts from two": {"einsum": "(t + 1) → (t + 2)"},
    "counts what is not zero": {"cumsum": f"{COUNTS}.unsqueeze(-1) → (x != 0).cumsum(1)"},
    "lets the queries share out each input": {"softmax": ".softmax(-1) → .softmax(1)"},
    "averages over the last three": ".tril() → .tril().triu(-2)",
    "halves what came before": {"nested-lists": "1 / (t + 1) → 0.5 ** (t - s)"},
    "counts along the features": {"cumsum": f"{COUNTS}.unsqueeze(-1) → torch.arange(1, x.shape[2] + 1, device=x.device)"},
    "cannot take float64": "dtype=x.dtype, → ",
    "returns the weights": "return weights @ x → return weights",
    "has a table of a hundred counts": {"cumsum": f"{COUNTS} → torch.arange(1, 101, device=x.device)[:x.shape[1]]"},
})  # fmt: skip


@uncatalogued("causal_average", "averages the average and the next input")
def average_of_average(x):
    out = x.clone()
    for t in range(1, x.shape[1]):
        out[:, t] = (out[:, t - 1] + x[:, t]) / 2
    return out
