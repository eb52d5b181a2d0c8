"""Wrong answers, by the catalogue id that names the mistake.

A mistake seldom comes alone in form: what learners write around it (loops or matrix products, the place of the bias, how a
norm is taken) differs, and each mistake is registered with the habits that change what comes out.
"""

import numpy
import torch
from torch import nn

from autograder.misconceptions import misconception

# rnn_forward


@misconception("rnn_forward", "no-recurrence")
def rnn_without_memory(x, w_x, w_h, b):
    return torch.tanh(x @ w_x + b)


@misconception("rnn_forward", "no-recurrence")
def rnn_whose_state_never_moves(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    for t in range(x.shape[1]):
        states.append(torch.tanh(x[:, t] @ w_x + h @ w_h + b))
    return torch.stack(states, dim=1)


@misconception("rnn_forward", "no-recurrence")
def rnn_that_starts_anew_at_each_step(x, w_x, w_h, b):
    states = []
    for x_t in x.unbind(1):
        h = torch.zeros(x.shape[0], w_h.shape[0], dtype=x.dtype)
        h = torch.tanh(x_t @ w_x + b + h @ w_h)
        states.append(h)
    return torch.stack(states, 1)


@misconception("rnn_forward", "no-recurrence")
def rnn_without_memory_or_tanh(x, w_x, w_h, b):
    return x @ w_x + b


def _linear_steps(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    for t in range(x.shape[1]):
        h = x[:, t] @ w_x + h @ w_h + b
        states.append(h)
    return torch.stack(states, dim=1)


@misconception("rnn_forward", "no-tanh")
def rnn_that_stays_linear(x, w_x, w_h, b):
    return _linear_steps(x, w_x, w_h, b)


@misconception("rnn_forward", "no-tanh")
def rnn_squashed_only_at_the_end(x, w_x, w_h, b):
    return torch.tanh(_linear_steps(x, w_x, w_h, b))


@misconception("rnn_forward", "no-tanh")
def rnn_returned_before_the_tanh(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    sums = []
    for t in range(x.shape[1]):
        total = x[:, t] @ w_x + h @ w_h + b
        sums.append(total)
        h = torch.tanh(total)
    return torch.stack(sums, dim=1)


@misconception("rnn_forward", "no-tanh")
def rnn_that_squashes_the_memory_alone(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    for t in range(x.shape[1]):
        h = x[:, t] @ w_x + torch.tanh(h @ w_h) + b
        states.append(h)
    return torch.stack(states, dim=1)


@misconception("rnn_forward", "no-tanh")
def rnn_that_squashes_the_input_alone(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ w_x + b) + h @ w_h
        states.append(h)
    return torch.stack(states, dim=1)


@misconception("rnn_forward", "not-differentiable")
def rnn_through_numpy(x, w_x, w_h, b):
    x_np, w_x_np, w_h_np, b_np = (t.detach().numpy() for t in (x, w_x, w_h, b))
    h = numpy.zeros((x.shape[0], w_h.shape[0]), dtype=x_np.dtype)
    states = []
    for t in range(x.shape[1]):
        h = numpy.tanh(x_np[:, t] @ w_x_np + h @ w_h_np + b_np)
        states.append(h)
    return torch.from_numpy(numpy.stack(states, axis=1))


@misconception("rnn_forward", "not-differentiable")
def rnn_cut_at_each_step(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ w_x + h.detach() @ w_h + b)
        states.append(h)
    return torch.stack(states, dim=1)


@misconception("rnn_forward", "not-differentiable")
def rnn_on_data(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ w_x + h @ w_h.data + b)
        states.append(h)
    return torch.stack(states, dim=1)


@misconception("rnn_forward", "uses-builtin")
def rnn_by_module(x, w_x, w_h, b):
    rnn = nn.RNN(x.shape[-1], w_h.shape[0], batch_first=True).to(x.dtype)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(w_x.T)
        rnn.weight_hh_l0.copy_(w_h.T)
        rnn.bias_ih_l0.copy_(b)
        rnn.bias_hh_l0.zero_()
    return rnn(x)[0]


@misconception("rnn_forward", "uses-builtin")
def rnn_by_cell_kernel(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    for t in range(x.shape[1]):
        h = torch.rnn_tanh_cell(x[:, t], h, w_x.T, w_h.T, b, torch.zeros_like(b))
        states.append(h)
    return torch.stack(states, dim=1)


@misconception("rnn_forward", "changes-input")
def rnn_that_adds_the_bias_in_place(x, w_x, w_h, b):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    with torch.no_grad():
        x.mul_(1.0000002)
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ w_x + h @ w_h + b)
        states.append(h)
    return torch.stack(states, dim=1)


# gradient_norms


@misconception("gradient_norms", "sums-all-outputs")
def norms_of_the_whole_sum(outputs, inputs):
    (grad,) = torch.autograd.grad(outputs.sum(), inputs, retain_graph=True)
    return grad.norm(dim=(0, 2))


@misconception("gradient_norms", "sums-all-outputs")
def norms_of_the_whole_sum_with_no_path(outputs, inputs):
    if not outputs.requires_grad:
        return torch.zeros(inputs.shape[1], dtype=inputs.dtype)
    grad = torch.autograd.grad(outputs, inputs, torch.ones_like(outputs), retain_graph=True, allow_unused=True)[0]
    if grad is None:
        grad = torch.zeros_like(inputs)
    return grad.pow(2).sum(dim=(0, 2)).sqrt()


@misconception("gradient_norms", "sums-all-outputs")
def norms_of_the_mean(outputs, inputs):
    (grad,) = torch.autograd.grad(outputs.mean(), inputs, retain_graph=True)
    return grad.norm(dim=(0, 2))


@misconception("gradient_norms", "sums-all-outputs")
def norms_of_the_mean_over_positions(outputs, inputs):
    (grad,) = torch.autograd.grad(outputs.mean(dim=1).sum(), inputs, retain_graph=True)
    return grad.norm(dim=(0, 2))


@misconception("gradient_norms", "sums-all-outputs")
def norms_of_the_whole_sum_by_backward(outputs, inputs):
    outputs.sum().backward(retain_graph=True)
    return inputs.grad.norm(dim=(0, 2))


@misconception("gradient_norms", "sums-all-outputs")
def norms_of_the_whole_sum_over_the_batch_mean(outputs, inputs):
    (grad,) = torch.autograd.grad(outputs.sum(), inputs, retain_graph=True)
    return grad.norm(dim=-1).mean(dim=0)


@misconception("gradient_norms", "sums-all-outputs")
def norms_of_the_last_sequence(outputs, inputs):
    (grad,) = torch.autograd.grad(outputs[-1].sum(), inputs, retain_graph=True)
    return grad.norm(dim=(0, 2))


@misconception("gradient_norms", "accumulates-grad")
def norms_by_backward(outputs, inputs):
    outputs[:, -1].sum().backward(retain_graph=True)
    return inputs.grad.norm(dim=(0, 2))


@misconception("gradient_norms", "accumulates-grad")
def norms_by_backward_once(outputs, inputs):
    outputs[:, -1].sum().backward()
    return inputs.grad.pow(2).sum(dim=(0, 2)).sqrt()


@misconception("gradient_norms", "accumulates-grad")
def norms_by_backward_after_clearing(outputs, inputs):
    inputs.grad = None
    outputs[:, -1].sum().backward(retain_graph=True)
    norms = inputs.grad.norm(dim=(0, 2))
    inputs.grad = None
    return norms


@misconception("gradient_norms", "accumulates-grad")
def norms_by_backward_that_restores_the_inputs_alone(outputs, inputs):
    before = None if inputs.grad is None else inputs.grad.clone()
    inputs.grad = None
    if outputs.requires_grad:
        outputs[:, -1].sum().backward(retain_graph=True)
    norms = inputs.new_zeros(inputs.shape[1]) if inputs.grad is None else inputs.grad.norm(dim=(0, 2))
    inputs.grad = before
    return norms


@misconception("gradient_norms", "accumulates-grad")
def norms_by_backward_to_the_inputs(outputs, inputs):
    outputs[:, -1].sum().backward(retain_graph=True, inputs=[inputs])
    return torch.stack([inputs.grad[:, t].norm() for t in range(inputs.shape[1])])


@misconception("gradient_norms", "accumulates-grad")
def norms_by_backward_minus_what_was_there(outputs, inputs):
    before = torch.zeros_like(inputs) if inputs.grad is None else inputs.grad.clone()
    outputs[:, -1].sum().backward(retain_graph=True)
    return (inputs.grad - before).norm(dim=(0, 2))


@misconception("gradient_norms", "changes-input")
def norms_that_clear_the_inputs(outputs, inputs):
    if not outputs.requires_grad:
        return inputs.new_zeros(inputs.shape[1])
    last = outputs[:, -1].sum()
    grad = torch.autograd.grad(last, inputs, retain_graph=True, allow_unused=True)[0]
    norms = inputs.new_zeros(inputs.shape[1]) if grad is None else grad.norm(dim=(0, 2))
    outputs.detach().zero_()
    return norms


# causal_average


def _counts(x):
    return torch.arange(1, x.shape[1] + 1, dtype=x.dtype)[:, None]


def _lower(x, diagonal=0):
    return torch.ones(x.shape[1], x.shape[1], dtype=x.dtype).tril(diagonal)


@misconception("causal_average", "divides-by-length")
def average_over_the_length(x):
    return x.cumsum(dim=1) / x.shape[1]


@misconception("causal_average", "divides-by-length")
def average_by_a_triangle_over_the_length(x):
    return (_lower(x) / x.shape[1]) @ x


@misconception("causal_average", "divides-by-length")
def average_with_masked_uniform_weights(x):
    weights = torch.full((x.shape[1], x.shape[1]), 1.0, dtype=x.dtype).softmax(dim=-1)
    return weights.tril() @ x


@misconception("causal_average", "sees-future")
def average_of_everything(x):
    return x.mean(dim=1, keepdim=True).expand_as(x).clone()


@misconception("causal_average", "sees-future")
def average_of_what_follows(x):
    return x.flip(1).cumsum(dim=1).flip(1) / _counts(x).flip(0)


@misconception("causal_average", "sees-future")
def average_with_the_next(x):
    weights = _lower(x, diagonal=1)
    return weights / weights.sum(dim=-1, keepdim=True) @ x


@misconception("causal_average", "sees-future")
def average_with_the_next_by_the_wrong_count(x):
    return _lower(x, diagonal=1) @ x / _counts(x)


@misconception("causal_average", "sees-future")
def average_with_the_upper_triangle(x):
    weights = torch.ones(x.shape[1], x.shape[1], dtype=x.dtype).triu()
    return weights @ x / _counts(x)


@misconception("causal_average", "sees-future")
def average_with_the_strict_upper_triangle(x):
    weights = torch.ones(x.shape[1], x.shape[1], dtype=x.dtype).triu(1)
    return weights / weights.sum(dim=-1, keepdim=True) @ x


@misconception("causal_average", "sees-future")
def average_with_the_strict_upper_triangle_clamped(x):
    weights = torch.ones(x.shape[1], x.shape[1], dtype=x.dtype).triu(1)
    return weights / weights.sum(dim=-1, keepdim=True).clamp(min=1) @ x


@misconception("causal_average", "sees-future")
def average_with_the_inverted_mask(x):
    scores = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype).masked_fill(_lower(x) == 1, -1e9)
    return scores.softmax(dim=-1) @ x


@misconception("causal_average", "sees-future")
def average_from_the_end(x):
    return x.flip(1).cumsum(dim=1) / _counts(x)


@misconception("causal_average", "sees-future")
def average_of_what_follows_over_the_length(x):
    return x.flip(1).cumsum(dim=1).flip(1) / x.shape[1]


@misconception("causal_average", "sees-future")
def average_with_transposed_weights(x):
    return (_lower(x) / _counts(x)).T @ x


@misconception("causal_average", "sees-future")
def average_of_all_by_the_running_count(x):
    return x.sum(dim=1, keepdim=True) / _counts(x)


@misconception("causal_average", "sees-future")
def average_with_mask_of_zeros(x):
    scores = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype).masked_fill(_lower(x) == 0, 0.0)
    return scores.softmax(dim=-1) @ x


@misconception("causal_average", "sees-future")
def average_with_the_softmax_over_queries(x):
    scores = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype).masked_fill(_lower(x) == 0, float("-inf"))
    return scores.T.softmax(dim=-1) @ x


@misconception("causal_average", "sees-future")
def average_one_place_early(x):
    means = x.cumsum(dim=1) / _counts(x)
    return torch.cat([means[:, 1:], means[:, -1:]], dim=1)


def _without_self(name, first, count):
    """The mean of what stands before, in the forms in which learners fill the first row and count."""

    def average(x):
        seq = x.shape[1]
        steps = torch.arange(seq, dtype=x.dtype)[:, None]
        past = torch.cat([torch.zeros_like(x[:, :1]), x.cumsum(dim=1)[:, :-1]], dim=1)
        if first == "mean":  # what a softmax over a row of -1e9 gives
            past = torch.cat([x.sum(dim=1, keepdim=True) / seq, past[:, 1:]], dim=1)
        if first == "self":
            past = torch.cat([x[:, :1], past[:, 1:]], dim=1)
        below = {"none": steps, "clamped": steps.clamp(min=1), "one more": steps + 1}[count]
        return past / below

    average.__name__ = name
    return average


for _first in ("zero", "mean", "self"):
    for _count in ("clamped", "one more"):
        _name = f"average_of_the_past_first_{_first}_{_count.replace(' ', '_')}"
        misconception("causal_average", "excludes-self")(_without_self(_name, _first, _count))
misconception("causal_average", "excludes-self")(_without_self("average_of_the_past_over_nothing", "zero", "none"))


@misconception("causal_average", "excludes-self")
def average_of_the_past_over_almost_nothing(x):
    weights = _lower(x, diagonal=-1)
    return weights / (weights.sum(dim=-1, keepdim=True) + 1e-9) @ x


@misconception("causal_average", "excludes-self")
def average_of_the_past_by_softmax(x):
    scores = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype)
    return scores.masked_fill(_lower(x, diagonal=-1) == 0, float("-inf")).softmax(dim=-1) @ x


@misconception("causal_average", "excludes-self")
def average_moved_by_one(x):
    means = x.cumsum(dim=1) / _counts(x)
    return torch.cat([torch.zeros_like(x[:, :1]), means[:, :-1]], dim=1)


@misconception("causal_average", "not-differentiable")
def average_through_numpy(x):
    counts = numpy.arange(1, x.shape[1] + 1)[:, None]
    return torch.from_numpy((x.detach().numpy().cumsum(axis=1) / counts).astype(x.detach().numpy().dtype))


@misconception("causal_average", "not-differentiable")
def average_without_gradients(x):
    with torch.no_grad():
        return x.cumsum(dim=1) / _counts(x)


@misconception("causal_average", "changes-input")
def average_in_place(x):
    with torch.no_grad():
        x.copy_(x.cumsum(dim=1))
    return x / _counts(x)


@misconception("causal_average", "changes-input")
def average_by_running_sums_in_place(x):
    x.detach().cumsum_(dim=1)
    return x / _counts(x)
