"""An encoder-decoder as `transformers.T5ForConditionalGeneration` lays it out, on PyTorch's attention."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from utils.checkpoints import Pretrained
from utils.reference.create_look_ahead_mask import create_look_ahead_mask
from utils.reference.MultiHeadAttention import over_heads
from utils.reference.relative_position_bucket import relative_position_bucket
from utils.reference.RMSNorm import RMSNorm


class T5(Pretrained):
    """source `(batch, seq)`, target_in `(batch, target_len)` -> logits `(batch, target_len, vocab)` (Raffel et al. 2020).

    source_mask: True = may attend, of 2 or 3 axes; it masks the source in the encoder and in cross-attention.
    """

    family = "t5"

    def __init__(
        self, vocab_size: int, d_model: int, num_heads: int, d_head: int, d_ff: int, num_layers: int, num_buckets: int = 32,
        max_distance: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_buckets, self.max_distance, self.scale = num_buckets, max_distance, d_model**-0.5
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        sizes = d_model, num_heads, d_head, d_ff
        self.encoder = nn.ModuleList(T5Block(*sizes, crosses=False) for _ in range(num_layers))
        self.decoder = nn.ModuleList(T5Block(*sizes, crosses=True) for _ in range(num_layers))
        self.encoder_norm, self.decoder_norm = RMSNorm(d_model), RMSNorm(d_model)
        self.encoder_bias, self.decoder_bias = (nn.Embedding(num_buckets, num_heads) for _ in range(2))

    def encode(self, source: torch.Tensor, source_mask: torch.Tensor | None = None) -> torch.Tensor:
        """The memory `(batch, seq, d_model)`."""
        x = self.token_embedding(source)
        bias = self._places(self.encoder_bias, source.shape[1], bidirectional=True) + _bias(over_heads(source_mask), x)
        for block in self.encoder:
            x = block(x, bias)
        return self.encoder_norm(x)

    def decode(self, target_in: torch.Tensor, memory: torch.Tensor, source_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Logits `(batch, target_len, vocab)`."""
        y, length = self.token_embedding(target_in), target_in.shape[1]
        hidden, future = _bias(over_heads(source_mask), y), _bias(create_look_ahead_mask(length).to(y.device), y)
        bias = self._places(self.decoder_bias, length, bidirectional=False) + future
        for block in self.decoder:
            y = block(y, bias, memory, hidden)
        return F.linear(self.decoder_norm(y) * self.scale, self.token_embedding.weight)

    def forward(self, source: torch.Tensor, target_in: torch.Tensor, source_mask: torch.Tensor | None = None) -> torch.Tensor:
        return self.decode(target_in, self.encode(source, source_mask), source_mask)

    def _places(self, table: nn.Embedding, length: int, bidirectional: bool) -> torch.Tensor:
        """`(num_heads, length, length)`, what each head adds to its scores."""
        place = torch.arange(length, device=table.weight.device)
        bucket = relative_position_bucket(place - place[:, None], bidirectional, self.num_buckets, self.max_distance)
        return table(bucket).permute(2, 0, 1)


class T5Block(nn.Module):
    """`(batch, seq, d_model) -> same shape`: T5's sublayers, each behind a norm and beside a residual."""

    def __init__(self, d_model: int, num_heads: int, d_head: int, d_ff: int, crosses: bool) -> None:
        super().__init__()
        self.self_attention = _Attention(d_model, num_heads, d_head)
        self.cross_attention = _Attention(d_model, num_heads, d_head) if crosses else None
        linear1, linear2 = nn.Linear(d_model, d_ff, bias=False), nn.Linear(d_ff, d_model, bias=False)
        self.feed_forward = nn.Sequential(OrderedDict(linear1=linear1, relu=nn.ReLU(), linear2=linear2))
        self.norm1, self.norm2 = RMSNorm(d_model), RMSNorm(d_model)
        if crosses:
            self.norm3 = RMSNorm(d_model)

    def forward(
        self, x: torch.Tensor, bias: torch.Tensor, memory: torch.Tensor | None = None, hidden: torch.Tensor | None = None
    ) -> torch.Tensor:
        normed = self.norm1(x)
        x = x + self.self_attention(normed, normed, bias)
        last = self.norm2
        if self.cross_attention is not None and memory is not None:
            x, last = x + self.cross_attention(self.norm2(x), memory, hidden), self.norm3
        return x + self.feed_forward(last(x))


class _Attention(nn.Module):
    """Attention in heads without a scale: query `(batch, q_len, d_model)`, key `(batch, k_len, d_model)`."""

    def __init__(self, d_model: int, num_heads: int, d_head: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        inner = num_heads * d_head
        self.w_q, self.w_k, self.w_v = (nn.Linear(d_model, inner, bias=False) for _ in range(3))
        self.w_o = nn.Linear(inner, d_model, bias=False)

    def forward(self, query: torch.Tensor, key: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        q, k, v = (torch.stack(x.chunk(self.num_heads, dim=-1), dim=1) for x in (self.w_q(query), self.w_k(key), self.w_v(key)))
        output = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
        return self.w_o(torch.cat(output.unbind(dim=1), dim=-1))


def _bias(mask: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
    """What is added to the scores: minus infinity where `mask` is False, zeros of any shape where there is none."""
    if mask is None:
        return like.new_zeros(1, 1, 1)
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask.logical_not(), -torch.inf)
