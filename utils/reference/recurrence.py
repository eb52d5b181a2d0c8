"""Chapter 01 on PyTorch's recurrent kernel, its autograd engine and its causal attention."""

import torch
from torch.nn import functional as F

from utils.reference.observed import component


@component("rnn_forward")
def rnn_forward(x, w_x, w_h, b):
    """x `(batch, seq, d_in)`, w_x `(d_in, d_hidden)`, w_h `(d_hidden, d_hidden)`, b `(d_hidden,)`.

    Returns every state `(batch, seq, d_hidden)` of an Elman RNN that starts from zeros.
    """
    start = x.new_zeros(1, x.shape[0], w_h.shape[0])
    weights = [w_x.T, w_h.T, b, torch.zeros_like(b)]
    settings = {"has_biases": True, "num_layers": 1, "dropout": 0.0, "train": False, "bidirectional": False}
    return torch.rnn_tanh(x, start, weights, **settings, batch_first=True)[0]


@component("gradient_norms")
def gradient_norms(outputs, inputs):
    """`(batch, seq, d_out), (batch, seq, d_in) -> (seq,)`: how much the last output hangs on each position.

    `inputs` is the leaf that `outputs` was computed from; zeros where there is no path.
    """
    norms = inputs.new_zeros(inputs.shape[1])
    if not outputs.requires_grad:
        return norms
    last = torch.zeros_like(outputs, requires_grad=False)
    last.select(1, -1).fill_(1)
    (gradient,) = torch.autograd.grad(outputs, inputs, last, retain_graph=True, allow_unused=True)
    return norms if gradient is None else torch.linalg.vector_norm(gradient, dim=(0, 2))


@component("causal_average")
def causal_average(x):
    """`(batch, seq, d) -> (batch, seq, d)`: attention to the past without a preference."""
    indifferent = torch.zeros_like(x)
    return F.scaled_dot_product_attention(indifferent, indifferent, x, is_causal=True)
