"""A vision transformer on PyTorch's own layers, as `transformers.ViTForImageClassification` lays it out."""

import torch
from torch import nn

from utils.checkpoints import Pretrained
from utils.reference.Bert import gelu_block
from utils.reference.LayerNorm import LayerNorm
from utils.reference.LearnedPositionalEmbedding import LearnedPositionalEmbedding
from utils.reference.patchify import patchify


class ViT(Pretrained):
    """images `(batch, channels, image_size, image_size)` -> logits `(batch, num_classes)` (Dosovitskiy et al. 2021)."""

    family = "vit"

    def __init__(
        self, image_size: int, patch_size: int, channels: int, num_classes: int, d_model: int, num_heads: int, d_ff: int,
        num_layers: int, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch_size = patch_size
        self.patch_embedding = nn.Linear(channels * patch_size**2, d_model)
        self.class_token = nn.Parameter(torch.zeros(d_model))
        self.positions = LearnedPositionalEmbedding((image_size // patch_size) ** 2 + 1, d_model)
        self.blocks = nn.ModuleList(
            gelu_block(d_model, num_heads, d_ff, dropout, eps=1e-12, norm_first=True) for _ in range(num_layers)
        )
        self.norm, self.dropout = LayerNorm(d_model, eps=1e-12), nn.Dropout(dropout)
        self.classifier = nn.Linear(d_model, num_classes)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """`(batch, patches + 1, d_model)`: what the class token and every patch became."""
        x = self.patch_embedding(patchify(images, self.patch_size))
        x = torch.cat([self.class_token.expand(len(x), 1, -1), x], dim=1)
        x = self.dropout(self.positions(x))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.encode(images)[:, 0])
