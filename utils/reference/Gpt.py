"""A decoder-only model on PyTorch's own layers, as `transformers.GPT2LMHeadModel` lays it out."""

import torch
from torch import nn
from torch.nn import functional as F

from utils.checkpoints import Pretrained
from utils.reference.Bert import gelu_block
from utils.reference.create_look_ahead_mask import create_look_ahead_mask
from utils.reference.LayerNorm import LayerNorm
from utils.reference.LearnedPositionalEmbedding import LearnedPositionalEmbedding


class Gpt(Pretrained):
    """tokens `(batch, seq)` -> logits `(batch, seq, vocab)` (Radford et al. 2019); `ValueError` past `max_len`."""

    family = "gpt"

    def __init__(
        self, vocab_size: int, d_model: int, num_heads: int, num_layers: int, max_len: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.positions = LearnedPositionalEmbedding(max_len, d_model)
        self.dropout, self.norm = nn.Dropout(dropout), LayerNorm(d_model)
        self.blocks = nn.ModuleList(
            gelu_block(d_model, num_heads, 4 * d_model, dropout, eps=1e-5, norm_first=True, approximate="tanh")
            for _ in range(num_layers)
        )
        nn.init.normal_(self.token_embedding.weight, std=0.02)  # it is the output too

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.dropout(self.positions(self.token_embedding(tokens)))
        mask = create_look_ahead_mask(tokens.shape[1]).to(tokens.device)
        for block in self.blocks:
            x = block(x, mask=mask)
        return F.linear(self.norm(x), self.token_embedding.weight)
