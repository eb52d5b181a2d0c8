"""What a GPU changes: the race of chapter 01 on it, and the training of chapters 05 and 07 on both devices.

Writes `gpu.json`, and the race into chapter 01's folder. Where there is no GPU it says so and writes nothing.
"""

import json
import platform
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from utils import reference, session
from utils.chapters.attention_problem import on_a_gpu
from utils.chapters.transformer_architecture import experiment as blocks

FILE = Path(__file__).with_name("gpu.json")
LENGTHS, BATCHES, WIDTH = (64, 256, 1024, 4096), (1, 16), 64
REPEATS = 7


def seconds(call, device):
    """Median seconds of a call, the work on the GPU included."""
    found = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])


def race(device):
    """Rows of milliseconds, forward and forward with backward: PyTorch's RNN and its attention kernel."""
    rows = []
    rnn = nn.RNN(WIDTH, WIDTH, batch_first=True).to(device)
    for batch in BATCHES:
        for length in LENGTHS:
            x = torch.randn(batch, length, WIDTH, device=device, requires_grad=True)
            layers = {"rnn": lambda x=x: rnn(x)[0], "attention": lambda x=x: F.scaled_dot_product_attention(x, x, x)}
            row = {"device": device, "batch": batch, "length": length}
            for name, layer in layers.items():
                with torch.no_grad():
                    row[name] = round(1000 * seconds(layer, device), 4)
                row[f"{name} with backward"] = round(1000 * seconds(lambda layer=layer: layer().sum().backward(), device), 4)
            print(row, flush=True)
            rows.append(row)
    return rows


def chapter_05(device):
    """Losses of six pre-norm blocks, by seed."""
    histories = []
    for seed in blocks.SEEDS:
        model = blocks.begin(blocks.of_blocks(True, 6), seed).to(device)
        histories.append(blocks.fit(model, seed, 70))
    return histories


def chapter_07(device):
    """Losses of the translator, one seed."""
    from utils.chapters.encoder_decoder import experiment as task

    session.device = lambda: device
    return [task.fit(task.build(reference.Transformer), seed=0, steps=400)]


def curves(run):
    """The mean of ten losses at some steps, on both devices, and the largest difference between them."""
    both = {device: run(device) for device in ("cpu", "cuda")}
    print({device: [[round(loss, 3) for loss in history[::50]] for history in found] for device, found in both.items()})
    points = range(10, len(both["cpu"][0]) + 1, 10)
    means = {
        device: [[round(sum(history[end - 10 : end]) / 10, 4) for end in points] for history in found]
        for device, found in both.items()
    }
    gaps = (abs(a - b) for one, two in zip(*means.values(), strict=True) for a, b in zip(one, two, strict=True))
    return means | {"largest difference": round(max(gaps), 4)}


def main():
    if not torch.cuda.is_available():
        sys.exit("There is no GPU here: nothing was measured.")
    torch.set_num_threads(1)
    where = {
        "command": "python benchmarks/gpu.py",
        "gpu": torch.cuda.get_device_name(),
        "cpu": f"one thread of {platform.machine()}",
        "torch": torch.__version__,
    }
    raced = race("cpu") + race("cuda")
    on_a_gpu.RUN.write_text(json.dumps(where | {"milliseconds": raced}, indent=1) + "\n", encoding="utf-8")
    found = {
        **where,
        "chapter 01, milliseconds": raced,
        "chapter 05, losses": curves(chapter_05),
        "chapter 07, losses": curves(chapter_07),
    }
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
