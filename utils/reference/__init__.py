"""Every component of the course on PyTorch's own building blocks.

They are the oracle of the checks, and what later chapters build on. Modules own parameters under the names that an
answer's have, so that weights move from one to the other. `COMPONENTS` maps each name to its component in the
course's order; `observed` tells a watcher when one of them runs.
"""

from utils.reference import dot_products, heads, masks, observed, positions, recurrence
from utils.reference.dot_products import attention, attention_scores, blockwise_attention, softmax
from utils.reference.heads import GroupedQueryAttention, MultiHeadAttention, SelfAttention, merge_heads, split_heads
from utils.reference.masks import create_look_ahead_mask, create_padding_mask
from utils.reference.observed import COMPONENTS
from utils.reference.positions import (
    LearnedPositionalEmbedding,
    alibi_bias,
    apply_rotary,
    shift_matrix,
    sinusoidal_encoding,
)
from utils.reference.recurrence import causal_average, gradient_norms, rnn_forward

__all__ = [
    "COMPONENTS", "dot_products", "heads", "masks", "observed", "positions", "recurrence",
    "rnn_forward", "gradient_norms", "causal_average",
    "softmax", "attention_scores", "attention", "blockwise_attention",
    "create_look_ahead_mask", "create_padding_mask", "SelfAttention",
    "split_heads", "merge_heads", "MultiHeadAttention", "GroupedQueryAttention",
    "sinusoidal_encoding", "LearnedPositionalEmbedding", "shift_matrix", "apply_rotary", "alibi_bias",
]  # fmt: skip
