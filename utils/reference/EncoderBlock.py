"""PyTorch's encoder layer, on parts that keep the contract's rules for masks."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from utils.reference.FeedForward import FeedForward
from utils.reference.LayerNorm import LayerNorm
from utils.reference.MultiHeadAttention import MultiHeadAttention


class EncoderBlock(nn.Module):
    """`(batch, seq, d_model) -> (batch, seq, d_model)`; the order of the parts is `nn.TransformerEncoderLayer`'s."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.0, norm_first: bool = False) -> None:
        super().__init__()
        self.norm_first, self.dropout = norm_first, nn.Dropout(dropout)
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return _EncoderLayer(self, mask)(x)


class _EncoderLayer(nn.TransformerEncoderLayer):
    """PyTorch's layer with the block's parts for one call: it turns masks round and gives NaN where nothing may be seen."""

    def __init__(self, block: EncoderBlock, mask: torch.Tensor | None) -> None:
        nn.Module.__init__(self)
        self.block, self.mask, self.norm_first = (block,), mask, block.norm_first
        self.norm1, self.norm2 = block.norm1, block.norm2  # type: ignore[assignment]  # PyTorch names its own class
        self.self_attn: Any = SimpleNamespace(batch_first=False)  # which keeps PyTorch off its fused kernel

    def _sa_block(self, x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        (block,) = self.block
        return block.dropout(block.self_attention(x, x, x, self.mask)[0])

    def _ff_block(self, x: torch.Tensor) -> torch.Tensor:
        (block,) = self.block
        return block.dropout(block.feed_forward(x))
