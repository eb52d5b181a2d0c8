"""Chapter 05's measurements: stacks of blocks that learn to sort, and where a block's parameters and multiplications are.

The task: a row of eight letters, to be given back in order. Rows are drawn afresh for each step. What is compared are ways to
put the same parts together, so every stack starts from the same weights for the same seed.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from tqdm.auto import tqdm

from utils import my, session, training
from utils.open_tasks import tried
from utils.training import Model

PLACES = VALUES = 8
CHANCE = math.log(VALUES)
D_MODEL, NUM_HEADS, D_FF = 32, 4, 128
SEEDS = (0, 1, 2)
LR = 3e-3
WARM_UP = 40
STARTS = {"Xavier start": False, "smaller start": True}


def rows(batch: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """(letters (batch, PLACES), the same in order)."""
    letters = torch.randint(VALUES, (batch, PLACES), generator=generator)
    return letters, letters.sort(dim=1).values


class Parts(nn.Module):
    """Attention and feed-forward put together in one of four ways: residual connections or none, norms or none."""

    def __init__(self, residual: bool, norm: bool) -> None:
        super().__init__()
        self.residual = residual
        self.attention = my.MultiHeadAttention(D_MODEL, NUM_HEADS)
        self.feed_forward = my.FeedForward(D_MODEL, D_FF)
        self.norms = nn.ModuleList(my.LayerNorm(D_MODEL) if norm else nn.Identity() for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.attention(x, x, x)[0]
        x = self.norms[0](x + found if self.residual else found)
        found = self.feed_forward(x)
        return self.norms[1](x + found if self.residual else found)


WAYS = {
    "neither": (False, False),
    "norm only": (False, True),
    "residual only": (True, False),
    "residual and norm": (True, True),
}
"""The four ways of `Parts`: (residual, norm)."""


class Sorter(nn.Module):
    """Letters (batch, PLACES) -> logits (batch, PLACES, VALUES), through `blocks`; `final` is a last norm or nothing."""

    def __init__(self, blocks: Sequence[nn.Module], final: nn.Module | None = None) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(VALUES, D_MODEL), nn.Embedding(PLACES, D_MODEL)
        self.blocks = nn.ModuleList(blocks)
        self.final = final or nn.Identity()
        self.output = nn.Linear(D_MODEL, VALUES)

    def forward(self, letters: torch.Tensor) -> torch.Tensor:
        x = self.token(letters) + self.place.weight
        for block in self.blocks:
            x = block(x)
        return self.output(self.final(x))


def of_parts(way: str, depth: int) -> Sorter:
    """A stack of `Parts` put together in one of `WAYS`."""
    return Sorter([Parts(*WAYS[way]) for _ in range(depth)])


def of_blocks(norm_first: bool, depth: int) -> Sorter:
    """A stack of the learner's encoder blocks; pre-norm gets the last norm that its sums need."""
    blocks = [my.EncoderBlock(D_MODEL, NUM_HEADS, D_FF, norm_first=norm_first) for _ in range(depth)]
    return Sorter(blocks, my.LayerNorm(D_MODEL) if norm_first else None)


def begin(model: Model, seed: int, small: bool = False) -> Model:
    """Starting weights that depend on names, shapes and the seed alone.

    Weights are Xavier's uniform ones, as in `nn.Transformer`, or with `small` those of `nn.Linear`, about half as large;
    biases are 0, embeddings normal. The model comes back on the GPU where there is one.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if name.startswith(("token", "place")):
                weight.copy_(torch.randn(weight.shape, generator=generator))
            elif weight.dim() == 2:
                edge = 1 / math.sqrt(weight.shape[1]) if small else math.sqrt(6 / sum(weight.shape))
                weight.copy_((2 * torch.rand(weight.shape, generator=generator) - 1) * edge)
            elif name.endswith("bias"):
                weight.zero_()
    return model.to(session.device())


def loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """The mean cross-entropy of `rows`, on the device of the model."""
    letters, ordered = (x.to(next(model.parameters()).device) for x in batch)
    return F.cross_entropy(model(letters).flatten(0, 1), ordered.flatten())


def first_gradient(model: Sorter, seed: int) -> float:
    """Norm of the gradient in all parameters of the first block, on one batch."""
    model.zero_grad()
    loss(model, rows(16, torch.Generator().manual_seed(seed))).backward()
    first: Any = model.blocks[0]
    return sum(weight.grad.pow(2).sum() for weight in first.parameters()).sqrt().item()


def gradients(depths: Sequence[int]) -> dict[str, dict[str, list[list[float]]]]:
    """{start: {way: (depths, seeds)}}: the norm of the gradient that reaches the first block before any training."""
    found: dict[str, dict[str, list[list[float]]]] = {start: {way: [] for way in WAYS} for start in STARTS}
    for way in WAYS:
        for depth in depths:
            model = of_parts(way, depth)
            for start, small in STARTS.items():
                found[start][way].append([first_gradient(begin(model, seed, small), seed) for seed in SEEDS])
    return found


def fit(model: nn.Module, seed: int, steps: int, lr: float = LR, warm_up: int = 0, label: str = "training") -> list[float]:
    """Trains in place and returns the losses; the learning rate rises over the first `warm_up` steps.

    `utils.training.train` with one change: Adam as one fused kernel, a third off the time of so deep and narrow a model.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    history = []
    for step in tqdm(range(steps), desc=label, leave=False):
        optimiser.param_groups[0]["lr"] = lr * min(1.0, (step + 1) / warm_up) if warm_up else lr
        value = loss(model, rows(16, generator))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        history.append(value.item())
    return history


@torch.no_grad()
def right(model: nn.Module) -> float:
    """Share of letters in their right place, on rows that no run has seen."""
    device = next(model.parameters()).device
    letters, ordered = (x.to(device) for x in rows(1000, torch.Generator().manual_seed(2017)))
    return (model(letters).argmax(-1) == ordered).float().mean().item()


def last(history: Sequence[float], steps: int = 10) -> float:
    """The mean of the last few losses."""
    return sum(history[-steps:]) / steps


# Parameters and multiplications


def parameters(block: nn.Module) -> dict[str, int]:
    """{child: number of its parameters}."""
    return {name: training.count_parameters(child) for name, child in block.named_children() if list(child.parameters())}


def multiplications(block: Any, length: int) -> dict[str, int]:
    """{part: its multiplications} for one sequence of that length, as PyTorch counts them in matrix products.

    The block runs on PyTorch's `meta` device, where tensors have a shape and no numbers.
    """
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        block.to("meta")(torch.zeros(1, length, block.norm1.weight.shape[0], device="meta"))
    # PyTorch counts a multiplication and an addition as two.
    of_module = {name: sum(counts.values()) // 2 for name, counts in counter.get_flop_counts().items()}
    projections = sum(number for name, number in of_module.items() if name.split(".")[-1] in ("w_q", "w_k", "w_v", "w_o"))
    feed_forward = sum(number for name, number in of_module.items() if name.endswith(".feed_forward"))
    rest = of_module["Global"] - projections - feed_forward
    return {"projections": projections, "scores and mixture": rest, "feed-forward": feed_forward}


SIZES = ((10, 32, 128), (100, 512, 2048), (4096, 64, 128))
"""(seq, d_model, d_ff) at which `compare_counts` looks: the parts lie far apart, and so do their formulas."""


def compare_counts(formula: Callable[[int, int, int], dict[str, int]]) -> bool:
    """Prints what `formula(seq, d_model, d_ff)` gives beside PyTorch's count; True where they agree."""
    given, words = tried(lambda: [dict(formula(*sizes)) for sizes in SIZES])
    if words:
        _say(formula, words)
        return False
    agree = True
    print(f"{'seq d_model d_ff':>18}   {'part':<20}{'formula':>15}{'PyTorch':>15}")
    for (seq, d_model, d_ff), numbers in zip(SIZES, given, strict=True):
        for part, counted in multiplications(my.EncoderBlock(d_model, 4, d_ff), seq).items():
            said = f"{numbers[part]:,}" if part in numbers else "missing"
            same = numbers.get(part) == counted
            agree = agree and same
            mark = "" if same else "   <- differs"
            print(f"{seq:6}{d_model:6}{d_ff:6}   {part:<20}{said:>15}{counted:>15,}{mark}")
    print("Every number agrees." if agree else "Not yet: look at the rows that differ.")
    return agree


def _say(written: Callable[..., Any], words: str) -> None:
    print(f"{written.__name__}: {words}. The rest of the chapter does not need it.")


def gently_started(change: Callable[[Sorter], object], depth: int, steps: int) -> list[list[float]] | None:
    """The losses, by seed, of post-norm stacks without warm-up whose starting weights `change(model)` has changed."""
    histories = []
    for seed in SEEDS:
        model = begin(of_blocks(False, depth), seed)
        _, words = tried(change, model)
        if words:
            _say(change, words)
            return None
        histories.append(fit(model, seed, steps))
    return histories


# A block of today's parts


class TodaysBlock(nn.Module):
    """Pre-norm with RMSNorm and SwiGLU, at about as many parameters as the block of this chapter."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = my.MultiHeadAttention(D_MODEL, NUM_HEADS)
        self.gated = my.SwiGLU(D_MODEL, 2 * D_FF // 3)
        self.norm1, self.norm2 = my.RMSNorm(D_MODEL), my.RMSNorm(D_MODEL)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed = self.norm1(x)
        x = x + self.attention(normed, normed, normed)[0]
        return x + self.gated(self.norm2(x))


def of_todays(depth: int) -> Sorter:
    """A stack of `TodaysBlock`, with a last RMSNorm."""
    return Sorter([TodaysBlock() for _ in range(depth)], my.RMSNorm(D_MODEL))


# What flows through a block


def shapes(block: nn.Module, *inputs: torch.Tensor) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """[(name of a part, shape that goes in, shape that comes out)] in the order in which the block calls its parts."""
    seen: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    handles = []
    for name, part in block.named_modules():
        if name.partition(".")[2] in ("linear1", "linear2") or name.startswith("norm") or name.endswith("attention"):

            def note(_: nn.Module, given: Any, made: Any, name: str = name) -> None:
                first = made[0] if isinstance(made, tuple | list) else made
                seen.append((name, tuple(given[0].shape), tuple(first.shape)))

            handles.append(part.register_forward_hook(note))
    try:
        with torch.no_grad():
            block.eval()(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return seen
