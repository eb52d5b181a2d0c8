"""PyTorch's gated linear unit with the other gate."""

import torch
from torch import nn
from torch.nn import functional as F


class SwiGLU(nn.Module):
    """`(..., d_model) -> (..., d_model)` (Shazeer 2020)."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.w_gate, self.w_up = nn.Linear(d_model, d_ff, bias=False), nn.Linear(d_model, d_ff, bias=False)
        self.w_down = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # `F.glu` multiplies with a sigmoid; what is left of the SiLU is its argument.
        gate = self.w_gate(x)
        return self.w_down(F.glu(torch.cat((gate * self.w_up(x), gate), dim=-1), dim=-1))
