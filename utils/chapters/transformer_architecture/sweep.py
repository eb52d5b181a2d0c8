"""Pre-norm and post-norm, with and without warm-up, by depth and learning rate: too long for a notebook, so it is stored.

    python -m utils.chapters.transformer_architecture.sweep

writes `sweep.json` beside this file: for each setting the mean loss of the last 20 of 200 steps, three seeds, with the
reference's blocks (about 25 minutes on one core).
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.chapters.transformer_architecture import experiment

FILE = Path(__file__).with_name("sweep.json")
COMMAND = "python -m utils.chapters.transformer_architecture.sweep"
STEPS, WARM_UP = 200, 100
DEPTHS, RATES = (2, 4, 8, 16), (1e-3, 3e-3)


def measure() -> Iterator[dict[str, Any]]:
    """One row for each setting, in the order of the loops."""
    for lr in RATES:
        for depth in DEPTHS:
            for norm_first in (False, True):
                for warm_up in (0, WARM_UP):
                    yield {
                        "lr": lr, "depth": depth, "norm_first": norm_first, "warm_up": warm_up,
                        "losses": [round(_last(norm_first, depth, seed, lr, warm_up), 3) for seed in experiment.SEEDS],
                    }  # fmt: skip


def _last(norm_first: bool, depth: int, seed: int, lr: float, warm_up: int) -> float:
    model = experiment.begin(experiment.of_blocks(norm_first, depth), seed)
    return experiment.last(experiment.fit(model, seed, STEPS, lr, warm_up), 20)


def stored() -> list[dict[str, Any]]:
    """The rows of `sweep.json`."""
    return json.loads(FILE.read_text(encoding="utf-8"))["rows"]


def main() -> None:
    rows = []
    for row in measure():
        print(row, flush=True)
        rows.append(row)
    lines = ",\n".join(json.dumps(row) for row in rows)
    made = json.dumps({"made": COMMAND, "steps": STEPS})[1:-1]
    FILE.write_text(f'{{{made}, "rows": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    os.environ["NBGRADER_EXECUTION"] = "1"  # so that `my` is the reference
    main()
