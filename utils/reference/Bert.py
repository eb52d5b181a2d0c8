"""An encoder on PyTorch's own layers, as `transformers.BertModel` lays it out."""

import torch
from torch import nn

from utils.checkpoints import Pretrained
from utils.reference.EncoderBlock import EncoderBlock
from utils.reference.FeedForward import FeedForward
from utils.reference.LayerNorm import LayerNorm
from utils.reference.LearnedPositionalEmbedding import LearnedPositionalEmbedding


class Bert(Pretrained):
    """tokens `(batch, seq)` -> `(batch, seq, d_model)` (Devlin et al. 2018); `ValueError` past `max_len`.

    segments: `(batch, seq)` of ints, all 0 where none are given; mask: True = may attend.
    """

    family = "bert"

    def __init__(
        self, vocab_size: int, d_model: int, num_heads: int, d_ff: int, num_layers: int, max_len: int, num_segments: int = 2,
        dropout: float = 0.0, eps: float = 1e-12,
    ) -> None:  # fmt: skip
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.segment_embedding = nn.Embedding(num_segments, d_model)
        self.positions = LearnedPositionalEmbedding(max_len, d_model)
        self.norm, self.dropout = LayerNorm(d_model, eps), nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            gelu_block(d_model, num_heads, d_ff, dropout, eps=eps, norm_first=False) for _ in range(num_layers)
        )

    def forward(
        self, tokens: torch.Tensor, segments: torch.Tensor | None = None, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        segments = torch.zeros_like(tokens) if segments is None else segments
        x = self.positions(self.token_embedding(tokens) + self.segment_embedding(segments))
        x = self.dropout(self.norm(x))
        for block in self.blocks:
            x = block(x, mask=mask)
        return x


def gelu_block(
    d_model: int, num_heads: int, d_ff: int, dropout: float, eps: float, norm_first: bool, approximate: str = "none"
) -> EncoderBlock:
    """An encoder block with GELU in the place of ReLU, and another eps in its norms."""
    block = EncoderBlock(d_model, num_heads, d_ff, dropout, norm_first=norm_first)
    block.feed_forward = _Gelu(d_model, d_ff, dropout, approximate)
    block.norm1, block.norm2 = LayerNorm(d_model, eps), LayerNorm(d_model, eps)
    return block


class _Gelu(FeedForward):
    """`linear2(dropout(gelu(linear1(x))))`."""

    def __init__(self, d_model: int, d_ff: int, dropout: float, approximate: str) -> None:
        super().__init__(d_model, d_ff, dropout)
        self._row = (nn.Sequential(self.linear1, nn.GELU(approximate), nn.Dropout(dropout), self.linear2),)
