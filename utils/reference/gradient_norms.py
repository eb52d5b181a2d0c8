"""PyTorch's autograd engine."""

import torch


def gradient_norms(outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
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
