"""PyTorch's own recurrent kernel."""

import torch


def rnn_forward(x: torch.Tensor, w_x: torch.Tensor, w_h: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """x `(batch, seq, d_in)`, w_x `(d_in, d_hidden)`, w_h `(d_hidden, d_hidden)`, b `(d_hidden,)`.

    Returns every state `(batch, seq, d_hidden)` of an Elman RNN that starts from zeros.
    """
    start = x.new_zeros(1, x.shape[0], w_h.shape[0])
    weights = [w_x.T, w_h.T, b, torch.zeros_like(b)]
    states, _ = torch.rnn_tanh(
        x, start, weights, has_biases=True, num_layers=1, dropout=0.0, train=False, bidirectional=False, batch_first=True
    )
    return states
