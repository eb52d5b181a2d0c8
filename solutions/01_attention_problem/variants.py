"""Right answers in other styles, which must all earn full points and no name."""

import functools

import torch
from torch.nn import functional as F

from autograder.framework.known_answers import edits, variant

TOP = "batch, seq, _ = x.shape"
STEP = "torch.tanh(x[:, t] @ w_x + h @ w_h + b)"
OUT = "torch.stack(states, dim=1)"
edits("rnn_forward", {
    "project-first": (
        f"{TOP} → {TOP}\n    given = torch.einsum('bsi,ih->bsh', x, w_x) + b", f"{STEP} → (given[:, t] + h.mm(w_h)).tanh()",
        f"{OUT} → torch.cat([h.unsqueeze(1) for h in states], dim=1)"),
    "filled-in": (
        "states = [] → states = torch.empty(batch, seq, w_h.shape[0], dtype=x.dtype, device=x.device)",
        f"{STEP} → torch.tanh(torch.nn.functional.linear(x[:, t], w_x.T, b) + h @ w_h)",
        "states.append(h) → states[:, t] = h", f"{OUT} → states"),
    "one-matrix": (
        f"{STEP} → torch.addmm(b, torch.cat([x[:, t], h], dim=1), torch.cat([w_x, w_h])).tanh()",
        f"{OUT} → torch.stack(states).transpose(0, 1)"),
    "sequence-by-sequence":
        f"{TOP} → if len(x) > 1:\n        return torch.cat([rnn_forward(one[None], w_x, w_h, b) for one in x])\n    {TOP}",
    "exponentials": f"{STEP} → 2 * torch.sigmoid(2 * (x[:, t] @ w_x + h @ w_h + b)) - 1",
})  # fmt: skip


@variant("rnn_forward", "reduce")
def rnn_by_reduce(x, w_x, w_h, b):
    def step(states, x_t):
        return [*states, torch.tanh((states[-1] @ w_h if states else 0.0) + x_t @ w_x + b)]

    return torch.stack(functools.reduce(step, x.unbind(dim=1), []), dim=1)


@variant("rnn_forward", "recursion")
def rnn_by_recursion(x, w_x, w_h, b):
    if x.shape[1] == 1:
        return torch.tanh(x @ w_x + b)
    past = rnn_by_recursion(x[:, :-1], w_x, w_h, b)
    now = torch.baddbmm(b.expand(len(x), 1, -1), x[:, -1:], w_x.expand(len(x), -1, -1)) + past[:, -1:] @ w_h
    return torch.cat([past, now.tanh()], 1)


LAST = "outputs[:, -1].sum()"
ASK = "torch.autograd.grad(last, inputs, retain_graph=True"
GRAD = f"(gradient,) = {ASK}, allow_unused=True)"
NORM = "gradient.norm(dim=(0, 2))"
edits("gradient_norms", {
    "position-by-position": f"{NORM} → torch.stack([{ASK})[0][:, t].norm() for t in range(len(zeros))])",
    "materialized": (
        f"{LAST} → {LAST} + 0 * inputs.sum()", ", allow_unused=True → ", "gradient.norm( → torch.linalg.vector_norm(gradient, "),
    "numpy": f"{NORM} → torch.from_numpy((gradient.numpy() ** 2).sum(axis=(0, 2)) ** 0.5)",
    "restores-everything": f"{GRAD} → before, inputs.grad = inputs.grad, None\n"
        "    last.backward(inputs=[inputs], retain_graph=True)\n    gradient, inputs.grad = inputs.grad, before",
})  # fmt: skip


@variant("gradient_norms", "grad-outputs")
def norms_with_chosen_cotangents(outputs, inputs):
    if outputs.grad_fn is None and outputs is not inputs:
        return torch.zeros(inputs.size(1)).to(inputs)
    chosen = torch.zeros_like(outputs)
    chosen[:, -1] = 1
    grads = torch.autograd.grad(outputs, inputs, chosen, retain_graph=True, allow_unused=True, materialize_grads=True)
    return grads[0].square().sum(2).sum(0).sqrt()


@variant("gradient_norms", "higher-order")
def norms_that_stay_in_the_graph(outputs, inputs):
    try:
        grad = torch.autograd.grad(outputs.select(1, -1).sum(), inputs, create_graph=True)[0]
    except RuntimeError:
        return torch.zeros_like(inputs[0, :, 0])
    return grad.transpose(0, 1).flatten(1).norm(dim=1)


ONES = "torch.ones(seq, seq, dtype=x.dtype, device=x.device)"
SHARE = "weights / weights.sum(dim=-1, keepdim=True)"
KERNEL = "torch.nn.functional.scaled_dot_product_attention"
edits("causal_average", {
    "triangle": (f"{ONES}.tril() → torch.tril(x.new_ones(seq, seq))", "weights @ x → torch.matmul(weights, x)"),
    "softmax": (
        f"{ONES}.tril() → torch.ones(seq, seq, dtype=torch.bool, device=x.device).triu(diagonal=1)",
        f"{SHARE} → x.new_zeros(len(x), seq, seq).masked_fill(weights, -1e9).softmax(-1)",
        "weights @ x → torch.bmm(weights, x)"),
    "einsum": (
        "seq = → t = torch.arange(x.shape[1], device=x.device)\n    seq = ", f"{ONES}.tril() → (t[:, None] >= t).to(x.dtype)",
        f"    weights = {SHARE}\n → ", "weights @ x → torch.einsum('ts,bsd->btd', weights, x) / (t + 1)[:, None]"),
    "nested-lists": (
        f"{ONES}.tril() → [[1 / (t + 1) if s <= t else 0.0 for s in range(seq)] for t in range(seq)]",
        f"{SHARE} → torch.tensor(weights, dtype=x.dtype, device=x.device)"),
    "broadcast": (
        f"{ONES}.tril() → torch.ones_like(x[0, :, 0], dtype=torch.bool).expand(seq, -1).tril()", f"    weights = {SHARE}\n → ",
        "weights @ x → torch.where(weights[..., None], x[:, None], 0).sum(2) / weights.sum(1)[:, None]"),
    "attention-kernel": f"weights @ x → {KERNEL}(torch.zeros_like(x), torch.zeros_like(x), x, is_causal=True)",
    "sdpa-mask": f"weights @ x → {KERNEL}(x[..., :1] * 0, x[..., :1] * 0, x, attn_mask=weights > 0)",
})  # fmt: skip


@variant("causal_average", "cumsum")
def average_by_cumsum(x):
    return torch.cumsum(x, 1) / torch.arange(1, x.shape[1] + 1, device=x.device).unsqueeze(-1)


@variant("causal_average", "own-copy")
def average_on_own_copy(x):
    sums = x.clone().cumsum_(dim=1)
    sums /= 1 + torch.arange(x.shape[1]).to(x).reshape(1, -1, 1)
    return sums


@variant("causal_average", "convolution")
def average_by_convolution(x):
    seq, d = x.shape[1:]
    sums = F.conv1d(F.pad(x.transpose(1, 2), (seq - 1, 0)), x.new_ones(d, 1, seq), groups=d)
    return sums.transpose(1, 2) / torch.linspace(1, seq, seq, dtype=x.dtype, device=x.device)[:, None]
