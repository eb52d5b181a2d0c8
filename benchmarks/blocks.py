"""Our blocks and model, the solutions' code, against `nn.Transformer*` of the same size: forward and backward, in one run.

The two take turns, so that other work on the machine falls on both, and without a GPU processor time is taken: all runs on
one thread. Printed are the medians of the times, and the median of the ratios of all turns.
"""

import math
import statistics
import time
from contextlib import contextmanager

import torch
from torch import nn

from autograder.builder.script import read_cells
from utils import reference, session
from utils.manifest import load

LIMIT, REPEATS = 1.2, 30
CHAPTERS = ("02_attention_mechanism", "03_self_attention", "04_multi_head_attention", "05_transformer_architecture",
            "06_positional_encoding", "07_encoder_decoder")  # fmt: skip
SIZES = {"small": (32, 10, 64, 4, 128), "middle": (16, 64, 256, 8, 1024)}  # batch, length, d_model, num_heads, d_ff
LAYERS, VOCAB = 2, 400


class _Mine:
    """`my.NAME` in the solutions' cells: the solution's own where there is one, else the reference's."""

    def __init__(self, names):
        self._names = names

    def __getattr__(self, name):
        return self._names.get(name) or reference.COMPONENTS[name]


def solutions():
    """{name: object} of all exercise cells of the chapters that are there, in order."""
    names = {"torch": torch, "nn": nn, "math": math, "F": nn.functional, "contextmanager": contextmanager}
    names["my"] = _Mine(names)
    present = {chapter.id for chapter in load().chapters}
    for chapter in CHAPTERS:
        if chapter not in present:
            print(f"{chapter} is not there: its components are the reference's")
            continue
        for cell in read_cells(load().script(chapter)):
            if cell.kind == "exercise" and cell.name != "quiz":
                exec(cell.source, names)
    return names["my"]


class Theirs(nn.Module):
    """PyTorch's encoder-decoder with embeddings and output of the same sizes; post-norm, no final norms."""

    def __init__(self, d_model, num_heads, d_ff):
        super().__init__()
        self.source, self.target = nn.Embedding(VOCAB, d_model), nn.Embedding(VOCAB, d_model)
        options = {"dropout": 0.0, "batch_first": True}
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(d_model, num_heads, d_ff, **options), LAYERS, enable_nested_tensor=False
        )
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(d_model, num_heads, d_ff, **options), LAYERS)
        self.output = nn.Linear(d_model, VOCAB)
        self.register_buffer("table", reference.sinusoidal_encoding(512, d_model), persistent=False)

    def forward(self, source, target_in):
        hidden = source == 0
        future = nn.Transformer.generate_square_subsequent_mask(target_in.shape[1], device=source.device, dtype=torch.bool)
        root = self.source.embedding_dim**0.5
        memory = self.encoder(self.source(source) * root + self.table[: source.shape[1]], src_key_padding_mask=hidden)
        x = self.target(target_in) * root + self.table[: target_in.shape[1]]
        return self.output(self.decoder(x, memory, tgt_mask=future, memory_key_padding_mask=hidden))


def seconds(call):
    """Of `call` and the gradients of its sum: processor time, or wall time where a GPU works."""
    on_gpu = torch.cuda.is_available()
    clock = time.perf_counter if on_gpu else time.process_time
    start = clock()
    call().sum().backward()
    if on_gpu:
        torch.cuda.synchronize()
    return clock() - start


def compare(name, ours, theirs):
    """Prints the medians of both calls, forward and backward, and the median of their ratios."""
    times = [(seconds(ours), seconds(theirs)) for _ in range(REPEATS)][3:]
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(first / second for first, second in times)
    print(f"{name:26} ours {1000 * mine:8.2f} ms   PyTorch's {1000 * other:8.2f} ms   ratio {ratio:.2f} (goal {LIMIT})")


def blocks(my, label, batch, length, d_model, num_heads, d_ff):
    """Compares the encoder and the decoder block of one size."""
    device = session.device()
    x, memory = (torch.randn(batch, length, d_model, device=device, requires_grad=True) for _ in range(2))
    real, past = (torch.ones(n, length, dtype=torch.bool, device=device) for n in (batch, length))
    past, hidden = past.tril(), ~real
    options = {"dropout": 0.0, "batch_first": True}
    encoder, decoder = my.EncoderBlock(d_model, num_heads, d_ff).to(device), my.DecoderBlock(d_model, num_heads, d_ff).to(device)
    their_encoder = nn.TransformerEncoderLayer(d_model, num_heads, d_ff, **options).to(device)
    their_decoder = nn.TransformerDecoderLayer(d_model, num_heads, d_ff, **options).to(device)
    real = real.unsqueeze(1)
    compare(f"{label} EncoderBlock", lambda: encoder(x, mask=real), lambda: their_encoder(x, src_key_padding_mask=hidden))
    compare(
        f"{label} DecoderBlock",
        lambda: decoder(x, memory, self_mask=past, memory_mask=real),
        lambda: their_decoder(x, memory, tgt_mask=~past, memory_key_padding_mask=hidden),
    )


def models(my, label, batch, length, d_model, num_heads, d_ff):
    """Compares whole models of one size."""
    device = session.device()
    ours = my.Transformer(VOCAB, VOCAB, d_model, num_heads, d_ff, LAYERS).to(device)
    theirs = Theirs(d_model, num_heads, d_ff).to(device)
    source, target = (torch.randint(1, VOCAB, (batch, length), device=device) for _ in range(2))
    compare(f"{label} Transformer", lambda: ours(source, target), lambda: theirs(source, target))


def main():
    session.begin()
    my = solutions()
    for label, sizes in SIZES.items():
        blocks(my, label, *sizes)
        models(my, label, *sizes)


if __name__ == "__main__":
    main()
