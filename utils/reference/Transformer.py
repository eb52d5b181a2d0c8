"""An encoder-decoder on PyTorch's own layers."""

import torch
from torch import nn

from utils.reference.create_look_ahead_mask import create_look_ahead_mask
from utils.reference.create_padding_mask import create_padding_mask
from utils.reference.DecoderBlock import DecoderBlock
from utils.reference.EncoderBlock import EncoderBlock
from utils.reference.sinusoidal_encoding import turns


class Transformer(nn.Module):
    """source `(batch, seq)`, target_in `(batch, target_len)` -> logits `(batch, target_len, target_vocab)`.

    Embeddings times the root of `d_model` plus the sinusoidal encoding; post-norm blocks. `pad_id` is masked in the source
    only, the future in the target.
    """

    def __init__(
        self, source_vocab: int, target_vocab: int, d_model: int, num_heads: int, d_ff: int, num_layers: int,
        dropout: float = 0.0, pad_id: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.d_model, self.pad_id = d_model, pad_id
        self.source_embedding = nn.Embedding(source_vocab, d_model)
        self.target_embedding = nn.Embedding(target_vocab, d_model)
        sizes = d_model, num_heads, d_ff, dropout
        self.encoder = nn.ModuleList(EncoderBlock(*sizes) for _ in range(num_layers))
        self.decoder = nn.ModuleList(DecoderBlock(*sizes) for _ in range(num_layers))
        self.output = nn.Linear(d_model, target_vocab)
        self.dropout = nn.Dropout(dropout)

    def encode(self, source: torch.Tensor) -> torch.Tensor:
        x, mask = self._embed(self.source_embedding, source), create_padding_mask(source, self.pad_id)
        for layer in self.encoder:
            x = layer(x, mask=mask)
        return x

    def decode(self, target_in: torch.Tensor, memory: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        x, memory_mask = self._embed(self.target_embedding, target_in), create_padding_mask(source, self.pad_id)
        self_mask = create_look_ahead_mask(target_in.shape[1]).to(x.device)
        for layer in self.decoder:
            x = layer(x, memory, self_mask=self_mask, memory_mask=memory_mask)
        return self.output(x)

    def forward(self, source: torch.Tensor, target_in: torch.Tensor) -> torch.Tensor:
        return self.decode(target_in, self.encode(source), source)

    def _embed(self, embedding: nn.Embedding, tokens: torch.Tensor) -> torch.Tensor:
        x = embedding(tokens) * self.d_model**0.5
        numbers = turns(torch.arange(tokens.shape[1]), self.d_model)
        places = torch.view_as_real(numbers).flip(-1).flatten(-2)[:, : self.d_model]
        return self.dropout(x + places.to(x))
