"""The race of chapter 01 on a graphics card beside one thread of a processor, stored: `python benchmarks/gpu.py`."""

import json
from pathlib import Path
from typing import Any

RUN = Path(__file__).with_suffix(".json")


def stored() -> dict[str, Any]:
    """What was measured, where, and by which command."""
    return json.loads(RUN.read_text(encoding="utf-8"))


def print_race() -> None:
    """Prints how many times as long PyTorch's RNN takes as its attention kernel: a line for each batch and length."""
    run = stored()
    print(f"stored by `{run['command']}`:\nthe time of PyTorch's RNN / the time of its attention kernel")
    names = {"cpu": run["cpu"], "cuda": run["gpu"]}
    print(f"{'':19}" + "".join(f"{names[device]:>26}" for device in names))
    print("batch  length       " + "".join(f"{'forward':>13}{'and backward':>13}" for _ in names))
    rows = {(row["device"], row["batch"], row["length"]): row for row in run["milliseconds"]}
    for _, batch, length in (key for key in rows if key[0] == "cpu"):
        ratios = [
            rows[device, batch, length][f"rnn{way}"] / rows[device, batch, length][f"attention{way}"]
            for device in names
            for way in ("", " with backward")
        ]
        print(f"{batch:5} {length:7}       " + "".join(f"{ratio:13.2f}" for ratio in ratios))
