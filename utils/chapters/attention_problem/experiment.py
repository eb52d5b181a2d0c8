"""Chapter 01's task, its stock competitors, and the counts, clocks and curves of its comparisons.

The task is recall: a row of random tokens is read, and the token that stood `distance` places before the last one is to be
named. Nothing but the distance makes it hard.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import Node
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from tqdm.auto import tqdm

from utils import my

LETTERS = "abcdefgh"
VOCAB = len(LETTERS)
WIDTH = 32
CHANCE = 1 / VOCAB
LOST = 0.9
"""A model below this accuracy at one distance is not tried at a longer one."""

Recalled = dict[str, dict[int, list[float]]]
"""{name: {distance: [accuracy of each seed]}}"""


def tokens_of(distance: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """(count, distance + 1) random tokens; the answer is the first of each row."""
    return torch.randint(VOCAB, (count, distance + 1), generator=generator)


def text_of(tokens: torch.Tensor) -> str:
    """The letters of a row of tokens."""
    return "".join(LETTERS[token] for token in tokens.tolist())


class LstmRecall(nn.Module):
    """PyTorch's LSTM and a readout of its last state. `forget_bias` is how far its gates stand open at the start."""

    def __init__(self, forget_bias: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.lstm = lstm(forget_bias)
        self.readout = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.readout(self.lstm(self.embedding(tokens))[0][:, -1])


def lstm(forget_bias: float) -> nn.LSTM:
    """An `nn.LSTM` whose forget gates start at sigmoid(forget_bias) and whose other biases start at 0."""
    made = nn.LSTM(WIDTH, WIDTH, batch_first=True)
    of_state, of_input = made.get_parameter("bias_hh_l0"), made.get_parameter("bias_ih_l0")
    with torch.no_grad():
        of_state.zero_()
        of_input.zero_()
        of_input[WIDTH : 2 * WIDTH] = forget_bias  # PyTorch's order: input, forget, cell, output
    return made


class AverageRecall(nn.Module):
    """What the average of all positions can tell, positions added to the tokens as for attention."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.place = nn.Parameter(torch.randn(length, WIDTH))
        self.readout = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.readout(my.causal_average(self.embedding(tokens) + self.place)[:, -1])


Step = Callable[[Any, Any, torch.Tensor], Any]
"""(model, optimiser, tokens (batch, distance + 1)) -> the loss before the step, a float"""


def closed_step(model: nn.Module, optimiser: torch.optim.Optimizer, tokens: torch.Tensor) -> float:
    """The step of the open task, as PyTorch's optimisers take it when they are handed a closure."""

    def closure() -> float:
        model.zero_grad()
        value = F.cross_entropy(model(tokens), tokens.select(1, 0))
        value.backward()
        return value.item()

    return float(optimiser.step(closure))


def train_recall(
    model: nn.Module,
    distance: int,
    steps: int,
    seed: int = 0,
    lr: float = 5e-3,
    batch: int = 32,
    step: Step = closed_step,
) -> list[float]:
    """Trains `model(tokens) -> logits (batch, VOCAB)` on recall with Adam, `step` by `step`, and returns the losses."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    rounds = tqdm(range(steps), desc=f"{distance} back", leave=False)
    return [number(step(model, optimiser, tokens_of(distance, batch, generator))) for _ in rounds]


def number(loss: Any) -> float:
    """A loss as a float, also where a step gave a tensor."""
    return float(loss.detach() if isinstance(loss, torch.Tensor) else loss)


def accuracy(model: nn.Module, distance: int, count: int = 1000, seed: int = 99) -> float:
    """Share of right answers on fresh sequences."""
    tokens = tokens_of(distance, count, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return float((model(tokens).argmax(-1) == tokens[:, 0]).float().mean())


def sweep(
    makers: Mapping[str, Callable[[int], nn.Module]],
    distances: Sequence[int],
    steps: int,
    seeds: Iterable[int] = (0, 1, 2),
    step: Step = closed_step,
) -> Recalled:
    """The accuracies of a fresh model for each, `makers[name](length)`, trained alike, with the same `step`.

    A model that is lost at a distance (mean below `LOST`) is not tried at longer ones.
    """
    found: Recalled = {}
    for name, make in makers.items():
        found[name] = {}
        for distance in distances:
            scores = found[name][distance] = []
            for seed in seeds:
                torch.manual_seed(seed)
                model = make(distance + 1)
                train_recall(model, distance, steps, seed, step=step)
                scores.append(accuracy(model, distance))
            if statistics.mean(scores) < LOST:
                break
    return found


def chain(outputs: torch.Tensor) -> int:
    """Length of the longest chain of operations behind `outputs`: each had to wait for the one before."""
    last = outputs.grad_fn
    if last is None:
        return 0
    lengths: dict[Node, int] = {}
    stack = [last]
    while stack:
        behind = [before for before, _ in stack[-1].next_functions if before is not None]
        waiting = [before for before in behind if before not in lengths]
        if waiting:
            stack.extend(waiting)
        else:
            lengths[stack.pop()] = 1 + max((lengths[before] for before in behind), default=0)
    return lengths[last]


def multiplications(layer: Callable[[torch.Tensor], object], x: torch.Tensor) -> int:
    """How many multiplications the matrix products of `layer(x)` take."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer(x)
    return counter.get_total_flops() // 2  # PyTorch counts a multiplication and its addition as two


def race(
    layers: Mapping[str, Callable[[torch.Tensor], Any]], x: torch.Tensor, repeats: int = 5, backward: bool = False
) -> dict[str, float]:
    """Median seconds of each layer on x; they take turns, so that whatever disturbs one disturbs all.

    With `backward` the gradients for x and the layer's weights are computed too, as in a step of training. What a layer
    gives may be a tuple: its first entry counts.
    """
    seconds: dict[str, list[float]] = {name: [] for name in layers}
    x = x.clone().requires_grad_(backward)
    with torch.set_grad_enabled(backward):
        for _ in range(repeats + 1):
            for name, layer in layers.items():
                start = time.perf_counter()
                made = layer(x)
                if backward:
                    (made[0] if isinstance(made, tuple) else made).sum().backward()
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def crossing(lengths: Sequence[int], ratios: Sequence[float]) -> str:
    """From which length on a ratio stays below 1, in words."""
    ahead = [length for length, ratio in zip(lengths, ratios, strict=True) if ratio >= 1]
    if not ahead:
        return f"at every length from {lengths[0]}"
    later = [length for length in lengths if length > ahead[-1]]
    return f"from {later[0]} on" if later else "at none of these lengths"
