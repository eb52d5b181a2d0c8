"""The models of chapter 06 with three seeds, stored, since they take minutes: `python benchmarks/positions.py --store`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from utils.chapters.positional_encoding.experiment import GROUPS

RUNS = Path(__file__).with_suffix(".json")


def stored() -> dict[str, Any]:
    """What was measured, and by which command."""
    return json.loads(RUNS.read_text(encoding="utf-8"))


def print_schemes() -> None:
    """Prints for each task and scheme the lowest and highest share of right answers among the seeds."""
    run = stored()
    print(f"stored by `{run['command']}`")
    print("lowest and highest of three seeds, at these places")
    for task, schemes in run["tasks"].items():
        _print(task, schemes)


def print_depths() -> None:
    """Prints the same for recall without positions, by the number of layers."""
    run = stored()
    print(f"stored by `{run['command']}`: recall without positions")
    print(f"{run['steps without positions']} steps, lowest and highest of three seeds, at these places")
    _print("layers", run["without positions"])


def _print(title: str, rows: Mapping[str, Sequence[Sequence[float]]]) -> None:
    print(f"{title:19}" + "".join(f"{f'{group[0]}–{group[-1]}':>11}" for group in GROUPS))
    for name, seeds in rows.items():
        ends = [(min(shares), max(shares)) for shares in zip(*seeds, strict=True)]
        print(f"    {name:15}" + "".join(f"{f'{low:.2f}–{high:.2f}':>11}" for low, high in ends))
