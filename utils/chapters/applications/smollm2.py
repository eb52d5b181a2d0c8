"""SmolLM2's file: weights under the names of the notebook's model, the tokenizer, the form of a chat."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

# The file's names -> the notebook's. The rows of `attn_q` and `attn_k` are in the order of neighbouring pairs already, which
# is what `apply_rotary` turns.
_OF_A_BLOCK = {
    "attn_norm": "norm1",
    "ffn_norm": "norm2",
    "attn_q": "self_attention.parts.w_q",
    "attn_k": "self_attention.parts.w_k",
    "attn_v": "self_attention.parts.w_v",
    "attn_output": "self_attention.parts.w_o",
    "ffn_gate": "feed_forward.w_gate",
    "ffn_up": "feed_forward.w_up",
    "ffn_down": "feed_forward.w_down",
}
PARTS = ("RMSNorm", "SwiGLU", "GroupedQueryAttention", "split_heads", "merge_heads", "apply_rotary", "attention",
         "create_look_ahead_mask", "generate", "sample_token")  # fmt: skip
"""The components of the course that the notebook's model and its writing are made of."""


class GgufFile:
    """A model in a GGUF file: `sizes`, `state_dict()` and `tokenizer()`."""

    def __init__(self, folder: Path) -> None:
        from gguf import GGUFReader

        self._reader = GGUFReader(folder / "model.gguf")

    def sizes(self) -> dict[str, int]:
        """What the notebook's model is made with."""
        return {
            "vocab_size": self._value("llama.vocab_size"),
            "d_model": self._value("llama.embedding_length"),
            "num_heads": self._value("llama.attention.head_count"),
            "num_kv_heads": self._value("llama.attention.head_count_kv"),
            "d_ff": self._value("llama.feed_forward_length"),
            "num_layers": self._value("llama.block_count"),
        }

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All weights as 32-bit numbers under the notebook's names; the biases that SmolLM2 does not have are 0."""
        from gguf.quants import dequantize

        state = {}
        for tensor in self._reader.tensors:
            shape = tuple(int(size) for size in reversed(tensor.shape))
            name = _own_name(tensor.name)
            state[name] = torch.tensor(dequantize(tensor.data, tensor.tensor_type)).reshape(shape)
            if ".parts." in name:
                state[name.replace("weight", "bias")] = torch.zeros(shape[0])
        return state | {"output.weight": state["token_embedding.weight"]}

    def tokenizer(self) -> Any:
        """The tokenizer that the file describes: bytes joined by its merges, each digit on its own, special tokens whole."""
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

        words, kinds = self._value("tokenizer.ggml.tokens"), self._value("tokenizer.ggml.token_type")
        merges = [tuple(pair.split(" ")) for pair in self._value("tokenizer.ggml.merges")]
        made = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, merges))
        digits, of_bytes = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.pre_tokenizer = pre_tokenizers.Sequence([digits, of_bytes])
        made.decoder = decoders.ByteLevel()
        made.add_special_tokens([AddedToken(word, special=True) for word, kind in zip(words, kinds, strict=True) if kind == 3])
        return made

    def _value(self, name: str) -> Any:
        return self._reader.fields[name].contents()


def _own_name(name: str) -> str:
    """`blk.3.attn_q.weight` -> `blocks.3.self_attention.parts.w_q.weight`."""
    first, *rest = name.split(".")
    if first == "blk":
        number, part, kind = rest
        return f"blocks.{number}.{_OF_A_BLOCK[part]}.{kind}"
    return {"token_embd": "token_embedding", "output_norm": "norm"}[first] + ".weight"


def chat(question: str) -> str:
    """The text that SmolLM2 was trained to answer: who it is, the question, and the beginning of its turn."""
    return (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    )


def answer(tokenizer: Any, prompt: list[int], tokens: torch.Tensor) -> str:
    """What was written behind the prompt, up to the end of the turn; tokens (1, seq)."""
    written = tokens[0, len(prompt) :].tolist()
    end = tokenizer.token_to_id("<|im_end|>")
    return tokenizer.decode(written[: written.index(end)] if end in written else written)


def tokens_per_second(write: Callable[[int], object], count: int = 16, clock: Callable[[], float] = time.perf_counter) -> float:
    """How fast `write(n)` writes n tokens, the reading of the prompt and the first token not counted, by `clock`'s seconds."""
    start = clock()
    write(1)
    middle = clock()
    write(1 + count)
    return count / (clock() - middle - (middle - start))


def in_16_bits(model: nn.Module) -> nn.Module:
    """Keeps the weight of every linear layer as bfloat16, in place; returns the model.

    To write one token, a model reads all its weights once, and on a CPU that reading is most of the time. Half the bytes
    take half of it.
    """
    for part in list(model.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, nn.Linear):
                setattr(part, name, NarrowLinear(child))
    return model


class NarrowLinear(nn.Module):
    """What `layer` does, `(..., d_in) -> (..., d_out)`, with its weight in 16 bits; for writing, not for training."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", layer.weight.detach().bfloat16())
        self.register_buffer("bias", None if layer.bias is None or not layer.bias.any() else layer.bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape.numel() > x.shape[-1]:  # many tokens: the arithmetic counts, and many CPUs do it faster in 32 bits
            return F.linear(x, self.weight.to(x.dtype), self.bias)
        y = F.linear(x.bfloat16(), self.weight).to(x.dtype)
        return y if self.bias is None else y + self.bias
