"""Chapter 07's runs with three seeds, too long for its notebook; writes `utils/data/translation_runs.json`.

With `--rows short own_words` it makes these rows alone, and the others stay.

The translator as it should be, without positions, without the look-ahead mask, and after few steps: under teacher forcing
and on its own words. Greedy decoding against beam search on the first of the held-out sentences.
"""

import argparse
import json
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context

import torch

from utils import my, reference, session
from utils.chapters.encoder_decoder import experiment as task
from utils.chapters.encoder_decoder import measures
from utils.data import translation

SEEDS, FEW, BEAMED = (0, 1, 2), 250, 100
COMMAND = "python benchmarks/translation.py"


@cache
def solutions():
    """The functions of chapter 07's solution, by name: they decode whole batches, where the reference goes row by row."""
    from autograder.builder.script import read_cells
    from utils.manifest import load

    names = {"my": my, "torch": torch}
    for cell in read_cells(load().script("07_encoder_decoder")):
        if cell.id in ("evaluating", "greedy_decode", "beam_search"):
            exec(f"from contextlib import contextmanager\n{cell.source}", names)
    return names["greedy_decode"], names["beam_search"]


def run(kind, seed, steps, loss=task.teacher_forced_loss, beam=False):
    """The results of one training."""
    greedy, search = solutions()
    model, pairs = task.build(kind, seed), translation.held_out_pairs()
    start = time.process_time()
    history = task.fit(model, loss, seed=seed, steps=steps)
    seconds = time.process_time() - start
    sentences = [english for english, _ in pairs]
    said = measures.translations(model, sentences, greedy)
    exact, bleu = measures.score(said, pairs)
    found = {"seed": seed, "steps": steps, "exact": exact, "bleu": bleu, "seconds": seconds, "loss": sum(history[-50:]) / 50}
    if beam:
        best = measures.beam_translations(model, sentences[:BEAMED], search)
        both = {name: measures.score(words[:BEAMED], pairs[:BEAMED])[0] for name, words in (("greedy", said), ("beam", best))}
        found["beam"] = both | {"sentences": BEAMED}
        found["hello world"] = measures.translate(model, "hello world", greedy)
    return found


def rows():
    """{name: what makes its results for a seed}."""
    kind = reference.Transformer
    return {
        "full": lambda seed: run(kind, seed, task.STEPS, beam=True),
        "short": lambda seed: run(kind, seed, FEW, beam=True),
        "own_words": lambda seed: run(kind, seed, FEW, task.own_words_loss),
        "no_positions": lambda seed: run(task.altered(kind, positions=False), seed, task.STEPS),
        "no_look_ahead": lambda seed: run(task.altered(kind, look_ahead=False), seed, task.STEPS // 3),
    }


def of_seed(names, seed):
    """{name: results} of one seed."""
    session.begin()
    return {name: rows()[name](seed) for name in names}


def keep(made, machine):
    """Writes the rows into the file, in their order; rows that are not made anew stay as they are, with their machine."""
    kept = measures.stored_runs() if measures.RUNS.exists() else {}
    machines = kept.get("machines", {}) | dict.fromkeys(made, machine)
    there = {**kept, **made}
    names = [name for name in rows() if name in there]
    runs = {"command": COMMAND, "machines": {name: machines[name] for name in names}} | {name: there[name] for name in names}
    measures.RUNS.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="seeds at the same time; more than one makes the seconds longer")
    parser.add_argument("--rows", nargs="+", choices=tuple(rows()), default=tuple(rows()), help="the rows to make (default: all)")
    given = parser.parse_args()
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(partial(of_seed, given.rows), SEEDS))
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else f"one CPU thread of {platform.machine()}"
    made = {name: [result[name] for result in results] for name in given.rows}
    keep(made, f"{where}, {given.jobs} seeds at the same time" if given.jobs > 1 else where)
    for name, found in made.items():
        print(name, *(f"{one['exact']:.3f} ({one['seconds']:.0f} s)" for one in found))


if __name__ == "__main__":
    main()
