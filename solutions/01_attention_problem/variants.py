"""Right answers in other styles, which must all earn full points and no name."""

import functools

import numpy
import torch
from torch.nn import functional as F

from autograder.misconceptions import variant

# rnn_forward


@variant("rnn_forward", "project-first")
def rnn_that_projects_all_inputs_first(x, w_x, w_h, b):
    from_input = torch.einsum("bsi,ih->bsh", x, w_x) + b
    h = torch.zeros(x.size(0), w_h.size(1), dtype=x.dtype, device=x.device)
    out = []
    for step in from_input.transpose(0, 1):
        h = (step + h.mm(w_h)).tanh()
        out.append(h.unsqueeze(1))
    return torch.cat(out, dim=1)


@variant("rnn_forward", "filled-in")
def rnn_written_into_a_tensor(x, w_x, w_h, b):
    batch, seq, _ = x.shape
    states = torch.empty(batch, seq, w_h.shape[0], dtype=x.dtype)
    h = torch.zeros(batch, w_h.shape[0], dtype=x.dtype)
    for t in range(seq):
        h = torch.tanh(F.linear(x[:, t], w_x.T, b) + F.linear(h, w_h.T))
        states[:, t] = h
    return states


@variant("rnn_forward", "reduce")
def rnn_by_reduce(x, w_x, w_h, b):
    def step(states, x_t):
        before = states[-1] @ w_h if states else 0.0
        return [*states, torch.tanh(before + x_t @ w_x + b)]

    return torch.stack(functools.reduce(step, x.unbind(dim=1), []), dim=1)


@variant("rnn_forward", "recursion")
def rnn_by_recursion(x, w_x, w_h, b):
    if x.shape[1] == 1:
        return torch.tanh(x @ w_x + b)
    past = rnn_by_recursion(x[:, :-1], w_x, w_h, b)
    now = torch.tanh(torch.baddbmm(b.expand(x.shape[0], 1, -1), x[:, -1:], w_x.expand(x.shape[0], -1, -1)) + past[:, -1:] @ w_h)
    return torch.cat([past, now], 1)


@variant("rnn_forward", "one-matrix")
def rnn_with_one_matrix(x, w_x, w_h, b):
    both = torch.cat([w_x, w_h], dim=0)
    h = x.new_zeros(x.shape[0], w_h.shape[1])
    states = []
    for t in range(x.shape[1]):
        h = torch.tanh(torch.addmm(b, torch.cat([x[:, t], h], dim=1), both))
        states.append(h)
    return torch.stack(states, dim=1)


@variant("rnn_forward", "sequence-by-sequence")
def rnn_one_sequence_at_a_time(x, w_x, w_h, b):
    results = []
    for sequence in x:
        h, states = torch.zeros_like(b), []
        for vector in sequence:
            h = torch.tanh(vector @ w_x + h @ w_h + b)
            states.append(h)
        results.append(torch.stack(states))
    return torch.stack(results)


@variant("rnn_forward", "exponentials")
def rnn_with_its_own_tanh(x, w_x, w_h, b):
    h, states = 0.0 * b, []
    for t in range(x.shape[1]):
        h = 2 * torch.sigmoid(2 * (x[:, t] @ w_x + h @ w_h + b)) - 1
        states.append(h)
    return torch.stack(states, dim=1)


# gradient_norms


@variant("gradient_norms", "position-by-position")
def norms_one_position_at_a_time(outputs, inputs):
    if not outputs.requires_grad:
        return torch.zeros(inputs.shape[1], dtype=inputs.dtype)
    norms = []
    for t in range(inputs.shape[1]):
        grad = torch.autograd.grad(outputs[:, -1].sum(), inputs, retain_graph=True, allow_unused=True)[0]
        norms.append(torch.zeros((), dtype=inputs.dtype) if grad is None else grad[:, t].norm())
    return torch.stack(norms)


@variant("gradient_norms", "materialized")
def norms_with_materialized_gradients(outputs, inputs):
    last = outputs[:, -1].sum() + 0 * inputs.sum()
    grad = torch.autograd.grad(last, [inputs], retain_graph=True)[0]
    return torch.linalg.vector_norm(grad, dim=(0, 2))


@variant("gradient_norms", "grad-outputs")
def norms_with_chosen_cotangents(outputs, inputs):
    if outputs.grad_fn is None and outputs is not inputs:
        return inputs.new_zeros(inputs.size(1))
    chosen = torch.zeros_like(outputs)
    chosen[:, -1] = 1
    grads = torch.autograd.grad(
        outputs, inputs, grad_outputs=chosen, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return grads[0].square().sum(2).sum(0).sqrt()


@variant("gradient_norms", "higher-order")
def norms_that_stay_in_the_graph(outputs, inputs):
    try:
        grad = torch.autograd.grad(outputs.select(1, -1).sum(), inputs, create_graph=True)[0]
    except RuntimeError:
        return torch.zeros_like(inputs[0, :, 0])
    return grad.transpose(0, 1).flatten(1).norm(dim=1)


@variant("gradient_norms", "numpy")
def norms_by_numpy(outputs, inputs):
    seq = inputs.shape[1]
    grad = None
    if outputs.requires_grad:
        (grad,) = torch.autograd.grad(outputs[:, -1, :].sum(), (inputs,), retain_graph=True, allow_unused=True)
    if grad is None:
        return torch.zeros(seq).to(inputs.dtype)
    moved = numpy.moveaxis(grad.numpy(), 1, 0).reshape(seq, -1)
    return torch.as_tensor(numpy.sqrt((moved**2).sum(axis=1)), dtype=inputs.dtype)


@variant("gradient_norms", "restores-everything")
def norms_by_backward_that_restores(outputs, inputs):
    before = inputs.grad
    inputs.grad = None
    if outputs.requires_grad:
        (outputs[:, -1].sum() + 0 * inputs.sum()).backward(inputs=[inputs], retain_graph=True)
    found, inputs.grad = inputs.grad, before
    return inputs.new_zeros(inputs.shape[1]) if found is None else found.norm(dim=(0, -1))


# causal_average


@variant("causal_average", "cumsum")
def average_by_cumsum(x):
    return torch.cumsum(x, 1) / torch.arange(1, x.shape[1] + 1).unsqueeze(-1)


@variant("causal_average", "triangle")
def average_by_triangle(x):
    seq = x.size(1)
    weights = torch.tril(torch.ones(seq, seq, dtype=x.dtype, device=x.device))
    return (weights / weights.sum(1, keepdim=True)) @ x


@variant("causal_average", "softmax")
def average_by_softmax(x):
    batch, seq, _ = x.shape
    scores = torch.zeros(batch, seq, seq, dtype=x.dtype)
    later = torch.triu(torch.ones(seq, seq, dtype=torch.bool), diagonal=1)
    return torch.bmm(scores.masked_fill(later, -1e9).softmax(-1), x)


@variant("causal_average", "attention-kernel")
def average_by_attention_kernel(x):
    return F.scaled_dot_product_attention(torch.zeros_like(x), torch.zeros_like(x), x, is_causal=True)


@variant("causal_average", "einsum")
def average_by_einsum(x):
    t = torch.arange(x.shape[1])
    seen = (t[:, None] >= t[None, :]).to(x.dtype)
    return torch.einsum("ts,bsd->btd", seen, x) / (t + 1).to(x.dtype)[None, :, None]


@variant("causal_average", "convolution")
def average_by_convolution(x):
    seq, d = x.shape[1:]
    ones = torch.ones(d, 1, seq, dtype=x.dtype)
    sums = F.conv1d(F.pad(x.transpose(1, 2), (seq - 1, 0)), ones, groups=d)
    return sums.transpose(1, 2) / torch.linspace(1, seq, seq, dtype=x.dtype)[:, None]


@variant("causal_average", "nested-lists")
def average_by_nested_lists(x):
    seq = x.shape[1]
    rows = [[1 / (t + 1) if s <= t else 0.0 for s in range(seq)] for t in range(seq)]
    return torch.matmul(torch.tensor(rows, dtype=x.dtype), x)


@variant("causal_average", "broadcast")
def average_by_broadcasting(x):
    seq = x.shape[1]
    order = torch.arange(seq)
    past = order.view(1, 1, seq) <= order.view(1, seq, 1)
    chosen = torch.where(past.unsqueeze(-1), x.unsqueeze(1), x.new_zeros(()))
    return chosen.sum(2) / past.sum(2, keepdim=True)


@variant("causal_average", "own-copy")
def average_on_own_copy(x):
    sums = x.clone().cumsum_(dim=1)
    sums /= 1 + torch.arange(x.shape[1], dtype=x.dtype).reshape(1, -1, 1)
    return sums


@variant("causal_average", "sdpa-mask")
def average_by_masked_attention(x):
    seq = x.shape[-2]
    allowed = torch.ones(seq, seq, dtype=torch.bool).tril()
    query = torch.zeros(x.shape[0], seq, 1, dtype=x.dtype)
    return F.scaled_dot_product_attention(query, query, x, attn_mask=allowed)
