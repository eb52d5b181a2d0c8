"""Chapter 08's GPT beside an LSTM and a plain `nn.TransformerEncoder` language model of the same size, on the same prose.

    python benchmarks/language_models.py                  held-out loss after equal times, tokens per second; prints
    python benchmarks/language_models.py --store          the same for the notebook: writes language_models.json

All train in one run, one after the other, for the same seconds of the processor; three seeds each.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from torch import nn

from utils import reference, session, training
from utils.chapters.applications import fitting, prose

STORED = Path(prose.__file__).with_name("language_models.json")
SECONDS, SEEDS = (20.0, 60.0), (0, 1, 2)


class Plain(nn.Module):
    """tokens (batch, seq) -> logits, on PyTorch's own encoder: pre-norm, GELU, tied output, as `Gpt`."""

    def __init__(self, vocab, d_model, num_heads, num_layers, max_len, dropout):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab, d_model)
        self.positions = reference.LearnedPositionalEmbedding(max_len, d_model)
        layer = nn.TransformerEncoderLayer(
            d_model, num_heads, 4 * d_model, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.stack = nn.TransformerEncoder(layer, num_layers, norm=nn.LayerNorm(d_model), enable_nested_tensor=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens):
        length = tokens.shape[1]
        future = nn.Transformer.generate_square_subsequent_mask(length, device=tokens.device)
        x = self.dropout(self.positions(self.token_embedding(tokens)))
        return self.stack(x, mask=future, is_causal=True) @ self.token_embedding.weight.T


def plain(seed):
    """A `Plain` whose weights and biases start as the GPT's do."""
    torch.manual_seed(seed)
    model = Plain(prose.VOCAB, **prose.SIZES, dropout=0.1)
    fitting.begin(model, seed, embeddings=0.05, positions=True)
    return model.to(session.device())


KINDS = {
    "GPT": (lambda seed: prose.build(reference.Gpt, seed=seed), prose.RATES["gpt"]),
    "LSTM": (lambda seed: prose.lstm(seed=seed), prose.RATES["lstm"]),
    "nn.TransformerEncoder": (plain, prose.RATES["gpt"]),
}


def tokens_per_second(model, tokens, seconds=3.0):
    """How many tokens a second are trained on, forward and backward."""
    places, done, start = torch.arange(prose.LENGTH), 0, time.process_time()
    model.train()
    while time.process_time() - start < seconds:
        batch = tokens[torch.randint(len(tokens) - prose.LENGTH, (prose.BATCH, 1)) + places].to(session.device())
        reference.next_token_loss(model(batch), batch).backward()
        done += batch.numel()
    return done / (time.process_time() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", action="store_true", help=f"write {STORED.name}")
    store = parser.parse_args().store
    session.begin()
    training_texts, held_out = prose.paragraphs()
    tokenizer = prose.train_tokenizer(training_texts)
    tokens, held = prose.stream(tokenizer, training_texts), prose.stream(tokenizer, held_out)
    rows = []
    for seconds in SECONDS:
        for seed in SEEDS:
            for name, (build, rate) in KINDS.items():
                model = build(seed)
                curve = prose.fit_for(model, tokens, held, rate, seconds, seed, label=f"{name}, seed {seed}")
                rows.append({
                    "model": name, "seed": seed, "seconds": seconds, "parameters": training.count_parameters(model),
                    "curve": [[round(spent, 1), round(loss, 4)] for spent, loss in curve],
                })  # fmt: skip
                print(f"{name:22} seed {seed}, {seconds:3.0f} s: held-out loss {curve[-1][1]:.3f}", flush=True)
    speeds = {name: tokens_per_second(build(0), tokens) for name, (build, _) in KINDS.items()}
    for name, speed in speeds.items():
        print(f"{name:22} {speed:8.0f} tokens a second, {speed / speeds['GPT']:.2f} times the GPT's")
    if store:
        made = {"made by": "python benchmarks/language_models.py --store", "threads": 1, "runs": rows}
        STORED.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
