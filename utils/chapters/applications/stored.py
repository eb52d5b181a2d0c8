"""What real weights gave on one machine, for notebooks that are made without them: `python benchmarks/real_weights.py`."""

import json
from pathlib import Path
from typing import Any

import torch

from utils.chapters.applications import minilm

RUNS = Path(__file__).with_suffix(".json")


def results() -> dict[str, Any]:
    """All that is stored."""
    return json.loads(RUNS.read_text(encoding="utf-8"))


def print_search(guess: int | None = None) -> None:
    """Prints the stored questions with their nearest sections, and how far the hidden states are from `transformers`'.

    `guess` is the chapter from which somebody expects the section that is nearest to the last question.
    """
    made = results()
    run = made["minilm"]
    print(f"stored by `{made['command']}`")
    for question, hits in run["hits"].items():
        print(question)
        for cosine, chapter, heading in hits:
            print(f"  {cosine:.2f}  {chapter:24} {heading}")
    if guess is not None:
        print(f"your guess for the last question: chapter {guess}")
    print(f"largest difference of a hidden state from transformers.BertModel: {run['difference']:.0e}")


def attention_picture(guess: float | None = None) -> None:
    """Draws the stored maps of the sentence in the notebook; `guess` is a share expected for the first, set above it."""
    run = results()["minilm"]
    maps = {f"stored: {name}": torch.tensor(rows) for name, rows in run["maps"].items()}
    if guess is not None:
        first = next(iter(maps))
        maps = {f"{first} (you: {guess:.2f})": maps.pop(first), **maps}
    minilm.attention_picture(run["tokens"], maps)


def print_answer() -> None:
    """Prints the stored question, its answer and the speeds."""
    made = results()
    run = made["smollm2"]
    print(f"stored by `{made['command']}`,\non {made['machine']}")
    print(f"{run['question']} {run['answer']}")
    print(f"loaded in {run['load']:.0f} s")
    same = "the same words" if run["same"] else "other words"
    print(f"{run['cached']:.1f} tokens a second with the cache, {run['uncached']:.1f} without; {same}")
    print(f"16 bits in place of 32 move a logit by {run['narrow']:.1f} at most; the logits spread by {run['spread']:.1f}")
