"""Wrong answers, by the catalogue id that names the mistake.

A mistake seldom comes alone in form: what learners write around it (loops or matrix products, the place of the bias, how a
norm is taken) differs, and each mistake is registered with the habits that change what comes out.
"""

import torch
from torch import nn

from autograder.framework.known_answers import edits, misconception

TOP = "batch, seq, _ = x.shape"
STEP = "torch.tanh(x[:, t] @ w_x + h @ w_h + b)"
OUT = "torch.stack(states, dim=1)"
NARROW = f"{TOP} → {TOP}\n    dtype = x.dtype\n    x, w_x, w_h, b = (given.float() for given in (x, w_x, w_h, b))"
edits("rnn_forward", {
    "no-recurrence": [
        " + h @ w_h → ",
        ("h = torch → new = torch", "append(h) → append(new)"),
        "range(seq): → range(seq):\n        h = x.new_zeros(batch, w_h.shape[0])",
        ("torch.tanh → ", " + h @ w_h → "),
    ],
    "no-tanh": [
        "torch.tanh → ",
        ("torch.tanh → ", f"{OUT} → {OUT}.tanh()"),
        ("torch.tanh → ", "append(h) → append(h)\n        h = torch.tanh(h)"),
        f"{STEP} → x[:, t] @ w_x + torch.tanh(h @ w_h) + b",
        f"{STEP} → torch.tanh(x[:, t] @ w_x + b) + h @ w_h",
    ],
    "wrong-activation": ["torch.tanh → torch.relu", "torch.tanh → torch.sigmoid"],
    "weights-transposed": {"solution": "@ w_h → @ w_h.T", "one-matrix": "w_h])) → w_h.T]))"},
    "view-without-transpose": [
        f"{OUT} → torch.stack(states).view(batch, seq, -1)",
        "x[:, t] → x.reshape(seq, batch, -1)[t]",
        ("x[:, t] → x.view(seq, batch, -1)[t]", f"{OUT} → torch.cat(states).view(batch, seq, -1)"),
    ],
    "float32-inside": [f"{STEP} → {STEP}.float().to(x.dtype)", (NARROW, f"{OUT} → {OUT}.to(dtype)")],
    "not-differentiable": [
        "h @ w_h → h.detach() @ w_h", "@ w_h → @ w_h.data", f"{STEP} → torch.from_numpy({STEP}.detach().numpy())"],
    "changes-input": [f"{TOP} → {TOP}\n    x.mul_(1.0000002)", (f"{TOP} → {TOP}\n    x.transpose_(0, 1)", "x[:, t] → x[t]")],
    "uses-builtin": f"{STEP} → torch.rnn_tanh_cell(x[:, t], h, w_x.T, w_h.T, b, 0 * b)",
})  # fmt: skip


@misconception("rnn_forward", "uses-builtin")
def rnn_by_module(x, w_x, w_h, b):
    rnn = nn.RNN(x.shape[-1], w_h.shape[0], batch_first=True).to(x.dtype)
    with torch.no_grad():
        for parameter, value in zip(rnn.parameters(), (w_x.T, w_h.T, b, 0 * b), strict=True):
            parameter.copy_(value)
    return rnn(x)[0]


LAST = "outputs[:, -1].sum()"
GRAD = "(gradient,) = torch.autograd.grad(last, inputs, retain_graph=True, allow_unused=True)"
BACK = "last.backward(retain_graph=True)"
NORM = "gradient.norm(dim=(0, 2))"
NO_CARE = ("if not outputs.requires_grad: → if False:", "zeros if gradient is None else → ")
edits("gradient_norms", {
    "sums-all-outputs": {
        "solution": [
            f"{LAST} → outputs.sum()", f"{LAST} → outputs.mean()", f"{LAST} → outputs.mean(1).sum()",
            f"{LAST} → outputs[-1].sum()", f"{LAST} → outputs[..., -1].sum()",
            (f"{LAST} → outputs.sum()", f"{NORM} → gradient.norm(dim=-1).mean(dim=0)"),
            (f"{LAST} → outputs.sum()", f"{GRAD} → {BACK}\n    gradient = inputs.grad", *NO_CARE),
        ],
        "grad-outputs": "chosen[:, -1] = 1 → chosen[:] = 1",
    },
    "accumulates-grad": [
        (f"{GRAD} → {BACK}\n    gradient = inputs.grad", *NO_CARE),
        (f"{GRAD} → last.backward()\n    gradient = inputs.grad", *NO_CARE),
        f"{GRAD} → last.backward(retain_graph=True, inputs=[inputs])\n    gradient = inputs.grad",
        f"{GRAD} → inputs.grad = None\n    {BACK}\n    gradient, inputs.grad = inputs.grad, None",
        f"{GRAD} → before, inputs.grad = inputs.grad, None\n    {BACK}\n    gradient, inputs.grad = inputs.grad, before",
        f"{GRAD} → before = 0 if inputs.grad is None else inputs.grad.clone()\n    {BACK}\n    gradient = inputs.grad - before",
    ],
    "frees-graph": {style: "retain_graph=True, → " for style in ("solution", "grad-outputs", "numpy")},
    "float32-inside": {"solution": f"{NORM} → gradient.float().norm(dim=(0, 2)).to(zeros)",
        "grad-outputs": ".sqrt() → .float().sqrt().to(inputs.dtype)"},
    "changes-input": "return zeros if → outputs.detach().zero_()\n    return zeros if",
})  # fmt: skip

ONES = "torch.ones(seq, seq, dtype=x.dtype, device=x.device)"
COUNTS = "torch.arange(1, x.shape[1] + 1, device=x.device).unsqueeze(-1)"
edits("causal_average", {
    "divides-by-length": {
        "cumsum": f"{COUNTS} → x.shape[1]", "nested-lists": "1 / (t + 1) → 1 / seq",
        "softmax": "masked_fill(weights, -1e9).softmax(-1) → softmax(-1).masked_fill(weights, 0)",
    },
    "sees-future": {
        "solution": [".tril() → ", ".tril() → .triu()", ".tril() → .tril(1)", ".tril() → .triu(1)", "weights @ → weights.T @",
                     (".tril() → .triu(1)", "keepdim=True) → keepdim=True).clamp(min=1)")],
        "einsum": [">= t → >= t - 1", ">= → <="],
        "softmax": [".triu(diagonal=1) → .tril()", "-1e9 → 0.0", ".softmax(-1) → .mT.softmax(-1)"],
        "cumsum": ["torch.cumsum(x, 1) → torch.cumsum(x.flip(1), 1)", "torch.cumsum(x, 1) → x.sum(1, keepdim=True)",
                   ("torch.cumsum(x, 1) → torch.cumsum(x.flip(1), 1).flip(1)", f"{COUNTS} → x.shape[1]")],
        "own-copy": ["return sums → return torch.cat([sums[:, 1:], sums[:, -1:]], 1)", "return sums → return sums.roll(-1, 1)"],
    },
    "excludes-self": {
        "solution": [".tril() → .tril(-1)", (".tril() → .tril(-1)", "keepdim=True) → keepdim=True).clamp(min=1)"),
                     (".tril() → .tril(-1)", "keepdim=True) → keepdim=True) + 1e-9")],
        "softmax": ["diagonal=1 → diagonal=0", ("diagonal=1 → diagonal=0", "-1e9 → -torch.inf")],
        "einsum": ">= → >",
        "own-copy": [*(f"return sums → return torch.cat([{first}, sums[:, :-1]], 1)" for first in ("0 * x[:, :1]", "x[:, :1]")),
                     *(f"sums /= → sums -= x\n    sums[:, 0] = {first}\n    sums /=" for first in ("x[:, 0]", "x.mean(1)"))],
    },
    "wrong-axis": {
        "cumsum": ["x, 1) → x, 2)", "x, 1) → x, 0)", ("x, 1) → x, 2)", "x.shape[1] → x.shape[2]", ".unsqueeze(-1) → ")],
    },
    "position-by-position": {
        "solution": f"{ONES}.tril() → x.new_zeros(seq, seq)\n    for t in range(seq):\n        weights[t, : t + 1] = 1",
        "cumsum": "torch.cumsum(x, 1) → torch.stack([x[:, :t + 1].sum(1) for t in range(x.shape[1])], 1)",
        "own-copy": ".clone().cumsum_(dim=1) → .clone()\n    for t in range(1, x.shape[1]):\n        sums[:, t] += sums[:, t-1]",
    },
    "float32-inside": {
        "solution": "weights @ x → (weights.float() @ x.float()).to(x.dtype)",
        "nested-lists": "dtype=x.dtype, device=x.device) → device=x.device).to(x.dtype)",
    },
    "not-differentiable": {"cumsum": ["cumsum(x, → cumsum(torch.from_numpy(x.detach().numpy()),", "cumsum(x, → cumsum(x.data,"]},
    "changes-input": {"cumsum": ["torch.cumsum(x, 1) → x.cumsum_(1)", "torch.cumsum(x, 1) → x.copy_(x.cumsum(1))"]},
})  # fmt: skip
