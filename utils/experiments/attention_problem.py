"""Chapter 01's task, its stock competitors, and the counts, clocks and curves of its comparisons.

The task is recall: a row of random tokens is read, and the token that stood `distance` places before the last one is to be
named. Nothing but the distance makes it hard.
"""

import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from utils import my, plots, training

LETTERS = "abcdefgh"
VOCAB = len(LETTERS)
WIDTH = 32
CHANCE = 1 / VOCAB
LOST = 0.9
"""A model below this accuracy at one distance is not tried at a longer one."""


def tokens_of(distance, count, generator):
    """(count, distance + 1) random tokens; the answer is the first of each row."""
    return torch.randint(VOCAB, (count, distance + 1), generator=generator)


def text_of(tokens):
    """The letters of a row of tokens."""
    return "".join(LETTERS[token] for token in tokens.tolist())


class LstmRecall(nn.Module):
    """PyTorch's LSTM and a readout of its last state. `forget_bias` is how far its gates stand open at the start."""

    def __init__(self, forget_bias):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.lstm = lstm(forget_bias)
        self.readout = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens):
        return self.readout(self.lstm(self.embedding(tokens))[0][:, -1])


def lstm(forget_bias):
    """An `nn.LSTM` whose forget gates start at sigmoid(forget_bias) and whose other biases start at 0."""
    made = nn.LSTM(WIDTH, WIDTH, batch_first=True)
    with torch.no_grad():
        made.bias_hh_l0.zero_()
        made.bias_ih_l0.zero_()
        made.bias_ih_l0[WIDTH : 2 * WIDTH] = forget_bias  # PyTorch's order: input, forget, cell, output
    return made


class AverageRecall(nn.Module):
    """What the average of all positions can tell, positions added to the tokens as for attention."""

    def __init__(self, length):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.place = nn.Parameter(torch.randn(length, WIDTH))
        self.readout = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens):
        return self.readout(my.causal_average(self.embedding(tokens) + self.place)[:, -1])


def train_recall(model, distance, steps, seed=0, lr=5e-3, batch=32):
    """Trains `model(tokens) -> logits (batch, VOCAB)` on recall and returns the losses."""

    def batches(step, generator):
        return tokens_of(distance, batch, generator)

    def loss(model, tokens):
        return F.cross_entropy(model(tokens), tokens[:, 0])

    return training.train(model, batches, loss, steps, lr=lr, seed=seed, label=f"{distance} back")


def accuracy(model, distance, count=1000, seed=99):
    """Share of right answers on fresh sequences."""
    tokens = tokens_of(distance, count, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return float((model(tokens).argmax(-1) == tokens[:, 0]).float().mean())


def sweep(makers, distances, steps, seeds=(0, 1)):
    """{name: {distance: [accuracy of each seed]}}: a fresh model for each, `makers[name](length)`, trained alike.

    A model that is lost at a distance (mean below `LOST`) is not tried at longer ones.
    """
    found = {}
    for name, make in makers.items():
        found[name] = {}
        for distance in distances:
            scores = found[name][distance] = []
            for seed in seeds:
                torch.manual_seed(seed)
                model = make(distance + 1)
                train_recall(model, distance, steps, seed)
                scores.append(accuracy(model, distance))
            if statistics.mean(scores) < LOST:
                break
    return found


def plot_recall(found, distances):
    """The means of a `sweep` against the distance, with a band from the lower seed to the higher; returns the axes."""
    nothing = [float("nan")]
    series = {name: [scores.get(distance, nothing) for distance in distances] for name, scores in found.items()}
    means = {name: [statistics.fmean(scores) for scores in row] for name, row in series.items()}
    spread = {name: ([min(scores) for scores in row], [max(scores) for scores in row]) for name, row in series.items()}
    _, ax = plots.figure(width=8)
    plots.curves(distances, means, "k: how many steps back", "accuracy", ax=ax, spread=spread, logx=True)
    ax.axhline(CHANCE, color=plots.COLOURS["grey"], linestyle="--")
    ax.text(distances[-1], CHANCE + 0.02, "guessing", ha="right", color=plots.COLOURS["grey"])
    ax.set_ylim(0, 1.05)
    return _legend_beside(ax)


def plot_reach(norms, lowest, highest, every=4):
    """Gradient norms {label: (distances,)}, from the last position back, on a logarithmic axis; returns the axes."""
    back = list(range(0, len(next(iter(norms.values()))), every))
    _, ax = plots.figure(width=8)
    lines = {name: values[back].tolist() for name, values in norms.items()}
    plots.curves(back, lines, "steps back from the last output", "norm of the gradient", ax=ax, logy=True)
    ax.set_ylim(lowest, highest)
    return _legend_beside(ax)


def _legend_beside(ax):
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def chain(outputs):
    """Length of the longest chain of operations behind `outputs`: each had to wait for the one before."""
    lengths, stack = {None: 0}, [outputs.grad_fn]
    while stack:
        node = stack[-1]
        waiting = [before for before, _ in node.next_functions if before not in lengths]
        if waiting:
            stack.extend(waiting)
            continue
        lengths[stack.pop()] = 1 + max((lengths[before] for before, _ in node.next_functions), default=0)
    return lengths[outputs.grad_fn]


def multiplications(layer, x):
    """How many multiplications the matrix products of `layer(x)` take."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer(x)
    return counter.get_total_flops() // 2  # PyTorch counts a multiplication and its addition as two


def race(layers, x, repeats=5):
    """Median seconds of each layer on x; they take turns, so that whatever disturbs one disturbs all."""
    seconds = {name: [] for name in layers}
    with torch.no_grad():
        for _ in range(repeats + 1):
            for name, layer in layers.items():
                start = time.perf_counter()
                layer(x)
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def crossing(lengths, ratios):
    """From which length on a ratio stays below 1, in words."""
    ahead = [length for length, ratio in zip(lengths, ratios, strict=True) if ratio >= 1]
    if not ahead:
        return f"at every length from {lengths[0]}"
    later = [length for length in lengths if length > ahead[-1]]
    return f"from {later[0]} on" if later else "at none of these lengths"
