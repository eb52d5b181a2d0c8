"""Inputs for the components of the reference, and how near two results must be."""

import torch

from utils import reference

DTYPES = [torch.float32, torch.float64]
TARGETS = torch.tensor([[4, 1, 0], [2, 0, 0]])  # 0 pads
BATCH, Q_LEN, K_LEN, D_K, D_V = 2, 3, 5, 7, 11


def draw(*shape, seed=0, dtype=torch.float64, requires_grad=False):
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_(requires_grad)


def near(got, expected, dtype=torch.float64):
    """float64 to the contract's 1e-9; float32 to 1e-5, ten times the largest gap seen."""
    tolerance = 1e-9 if dtype is torch.float64 else 1e-5
    torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance / 100 if dtype is torch.float64 else 1e-6)


def heads(d_model=12, num_heads=3, dtype=torch.float64, **options):
    torch.manual_seed(1)
    return reference.MultiHeadAttention(d_model, num_heads, **options).to(dtype).eval()


def example(name, dtype=torch.float64, requires_grad=False):
    """(what to call, its tensors) of a component with floating inputs."""

    def x(*shape, seed=0):
        return draw(*shape, seed=seed, dtype=dtype, requires_grad=requires_grad)

    torch.manual_seed(2)
    query, memory = x(BATCH, Q_LEN, 12), x(BATCH, K_LEN, 12, seed=1)
    q, k, v = x(BATCH, Q_LEN, D_K), x(BATCH, K_LEN, D_K, seed=1), x(BATCH, K_LEN, D_V, seed=2)
    return {
        "rnn_forward": (reference.rnn_forward, [x(2, 3, 5), x(5, 7), x(7, 7), x(7)]),
        "causal_average": (reference.causal_average, [x(2, 3, 5)]),
        "softmax": (reference.softmax, [x(2, 3, 5)]),
        "attention_scores": (reference.attention_scores, [q, k]),
        "attention": (reference.attention, [q, k, v]),
        "blockwise_attention": (lambda *qkv: reference.blockwise_attention(*qkv, 2), [q, k, v]),
        "SelfAttention": (reference.SelfAttention(5, 7, 11).to(dtype), [x(2, 3, 5)]),
        "split_heads": (lambda x: reference.split_heads(x, 3), [x(2, 5, 21)]),
        "merge_heads": (reference.merge_heads, [x(2, 3, 5, 7)]),
        "MultiHeadAttention": (heads(dtype=dtype), [query, memory, x(BATCH, K_LEN, 12, seed=2)]),
        "GroupedQueryAttention": (reference.GroupedQueryAttention(12, 6, 2).to(dtype), [query, memory, memory]),
        "LayerNorm": (reference.LayerNorm(5).to(dtype), [x(2, 3, 5)]),
        "FeedForward": (reference.FeedForward(5, 7).to(dtype), [x(2, 3, 5)]),
        "EncoderBlock": (reference.EncoderBlock(4, 2, 3).to(dtype), [x(2, 3, 4)]),
        "DecoderBlock": (reference.DecoderBlock(4, 2, 3, norm_first=True).to(dtype), [x(2, 3, 4), x(2, 5, 4, seed=1)]),
        "RMSNorm": (reference.RMSNorm(5).to(dtype), [x(2, 3, 5)]),
        "SwiGLU": (reference.SwiGLU(5, 7).to(dtype), [x(2, 3, 5)]),
        "LearnedPositionalEmbedding": (reference.LearnedPositionalEmbedding(7, 5).to(dtype), [x(2, 3, 5)]),
        "apply_rotary": (lambda x: reference.apply_rotary(x, torch.tensor([4, 0, 9])), [x(2, 3, 6)]),
        "label_smoothed_loss": (lambda x: reference.label_smoothed_loss(x, TARGETS.to(x.device), 0), [x(2, 3, 5)]),
    }[name]


FLOATING = (
    "rnn_forward", "causal_average", "softmax", "attention_scores", "attention", "blockwise_attention", "SelfAttention",
    "split_heads", "merge_heads", "MultiHeadAttention", "GroupedQueryAttention", "LayerNorm", "FeedForward", "EncoderBlock",
    "DecoderBlock", "RMSNorm", "SwiGLU", "LearnedPositionalEmbedding", "apply_rotary", "label_smoothed_loss",
)  # fmt: skip


def tensors(result):
    return result if isinstance(result, tuple) else (result,)
