"""Chapter 06's models with three seeds, and decoders without positions of several depths; writes what the notebook prints."""

import argparse
import json

import torch

from utils import reference
from utils.chapters.positional_encoding import experiment as tasks
from utils.chapters.positional_encoding import three_seeds

SEEDS = (0, 1, 2)
DEPTHS, DEEP_STEPS, DEEP_RATE = (1, 2, 4), 1500, 5e-3


def row(model, task):
    by_place = tasks.accuracy_by_position(model, task)
    return [round(by_place[list(group)].mean().item(), 3) for group in tasks.GROUPS]


def all_schemes():
    """{task: {scheme: a row of accuracies for each seed}}, the window among the schemes."""
    found = {}
    for task, steps in tasks.STEPS.items():
        found[task] = {}
        for scheme in tasks.SCHEMES:
            for seed in SEEDS:
                model, _ = tasks.train(scheme, task, reference, steps, seed=seed)
                found[task].setdefault(scheme, []).append(row(model, task))
                if scheme == "rotary":
                    model.window = tasks.TRAINED
                    found[task].setdefault(tasks.WINDOW, []).append(row(model, task))
            print(task, scheme, found[task][scheme], flush=True)
    return found


def without_positions():
    """{number of layers: a row for each seed} of recall without any encoding."""
    found = {}
    for layers in DEPTHS:
        for seed in SEEDS:
            model, _ = tasks.train("none", "recall", reference, DEEP_STEPS, rate=DEEP_RATE, seed=seed, layers=layers)
            found.setdefault(str(layers), []).append(row(model, "recall"))
        print(layers, found[str(layers)], flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", action="store_true", help="write what was found into chapter 06's folder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {
        "command": "python benchmarks/positions.py --store",
        "tasks": all_schemes(),
        "without positions": without_positions(),
        "steps without positions": DEEP_STEPS,
    }
    if options.store:
        three_seeds.RUNS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
