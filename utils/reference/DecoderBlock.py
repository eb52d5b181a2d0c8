"""PyTorch's decoder layer, on parts that keep the contract's rules for masks."""

from typing import Any

import torch
from torch import nn

from utils.reference.FeedForward import FeedForward
from utils.reference.LayerNorm import LayerNorm
from utils.reference.MultiHeadAttention import MultiHeadAttention


class DecoderBlock(nn.Module):
    """x `(batch, seq, d_model)`, memory `(batch, k_len, d_model)` -> `(batch, seq, d_model)`.

    The order of the parts is `nn.TransformerDecoderLayer`'s.
    """

    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.0, norm_first: bool = False) -> None:
        super().__init__()
        self.norm_first, self.dropout = norm_first, nn.Dropout(dropout)
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2, self.norm3 = (LayerNorm(d_model) for _ in range(3))

    def forward(
        self,
        x: torch.Tensor,
        memory: torch.Tensor,
        self_mask: torch.Tensor | None = None,
        memory_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return _DecoderLayer(self)(x, memory, self_mask, memory_mask)


class _DecoderLayer(nn.TransformerDecoderLayer):
    """PyTorch's layer with the block's parts for one call: its own attention gives NaN where nothing may be seen."""

    def __init__(self, block: DecoderBlock) -> None:
        nn.Module.__init__(self)
        self.block, self.norm_first = (block,), block.norm_first
        norms = block.norm1, block.norm2, block.norm3
        self.norm1, self.norm2, self.norm3 = norms  # type: ignore[assignment]  # PyTorch names its own class

    def _sa_block(self, x: torch.Tensor, mask: torch.Tensor | None, *_: Any) -> torch.Tensor:
        (block,) = self.block
        return block.dropout(block.self_attention(x, x, x, mask)[0])

    def _mha_block(self, x: torch.Tensor, memory: torch.Tensor, mask: torch.Tensor | None, *_: Any) -> torch.Tensor:
        (block,) = self.block
        return block.dropout(block.cross_attention(x, memory, memory, mask)[0])

    def _ff_block(self, x: torch.Tensor) -> torch.Tensor:
        (block,) = self.block
        return block.dropout(block.feed_forward(x))
