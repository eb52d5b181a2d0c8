"""The drawings of chapter 06: where positions enter a layer, queries and keys that turn, a bias for the distance."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from utils import drawings, plots
from utils.palette import BLUE, INK, QUIET, RULE, VERMILLION


def entries(batch: int, seq: int, d_model: int) -> None:
    """Draws one attention layer for sequences of this size, and the three places at which positions can enter it."""
    rows, scores = f"({batch}, {seq}, {d_model})", f"({batch}, {seq}, {seq})"
    drawn = drawings.Diagram(column=1.75, row=0.62)
    drawn.box("tokens", 1, 0, f"tokens  ({batch}, {seq})", "data").box("embedding", 1, 1)
    drawn.box("add", 1, 2, "+", "add").arrow("tokens", "embedding").arrow("embedding", "add", rows)
    for column, name in enumerate("qkv"):
        drawn.box(f"w_{name}", column, 3.3, f"w_{name}", wide=1.0).arrow("add", f"w_{name}", sides=("top", "bottom"))
    drawn.box("turn", 0.5, 4.4, "turn q and k", "norm", wide=2.75)
    drawn.box("scores", 0.5, 5.5, "q kᵀ / √d_k", "attention", wide=2.75)
    for column, name in enumerate("qk"):
        drawn.box(f"to {name}", column, 4.4, "", "data", wide=0.1).arrow(f"w_{name}", f"to {name}", rows)
        drawn.box(f"from {name}", column, 5.5, "", "data", wide=0.1).arrow(f"to {name}", f"from {name}", rows)
    drawn.box("bias", 0.5, 6.4, "+", "add").arrow("scores", "bias", scores)
    drawn.box("softmax", 0.5, 7.3, "softmax", "attention").arrow("bias", "softmax", scores)
    drawn.box("mixture", 0.5, 8.3, "weights · v", "attention").arrow("softmax", "mixture", scores)
    drawn.arrow("w_v", "mixture", sides=("top", "right"))
    drawn.box("output", 0.5, 9.2, f"output  {rows}", "data").arrow("mixture", "output")
    for name, row, end, words in (
        ("rows", 2, "add", f"sinusoidal, learned:\nadd a row  ({seq}, {d_model})"),
        ("angle", 4.4, "turn", "rotary: turn q and k\nby an angle, not v"),
        ("far", 6.4, "bias", f"ALiBi: add a bias for\nthe distance  ({seq}, {seq})"),
    ):
        drawn.box(name, -1.25, row, words, "norm", wide=1.85).arrow(name, end, sides=("right", "left"), tone="strong")
    drawn.show(
        f"One attention layer from below: tokens ({batch}, {seq}), embedding {rows}, three projections, scores {scores}, "
        f"softmax, weights times values, output {rows}. Positions can enter at three places. Sinusoidal and learned: a row is "
        "added to each embedding, below the projections. Rotary: queries and keys are turned, above their projections; values "
        "are not. ALiBi: a bias for the distance is added to the scores, before the softmax."
    )


def turns(
    apply_rotary: Callable[..., torch.Tensor], places: Sequence[tuple[int, int]] = ((0, 1), (1, 2), (4, 5), (4, 6))
) -> None:
    """Shows one pair of a query and of a key, both (1, 0), as arrows that `apply_rotary` turns by their positions.

    `places` are the (query's, key's) positions, a panel each.
    """
    figure, axes = plots.figure(2.3 * len(places), 2.9, 1, len(places))
    words = []
    for ax, at in zip(axes, places, strict=True):
        q, k = apply_rotary(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor(at)).tolist()
        _circle(ax)
        for (x, y), colour, name in ((q, BLUE, "q"), (k, VERMILLION, "k")):
            look = {"arrowstyle": "-|>", "color": colour, "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", (x, y), (0, 0), arrowprops=look)
            ax.text(1.2 * x, 1.2 * y, name, ha="center", va="center", color=colour, fontsize=11, weight="bold")
        score = q[0] * k[0] + q[1] * k[1]
        ax.set_title(f"query at {at[0]}, key at {at[1]}", loc="center", fontsize=10)
        ax.text(0, -1.45, f"distance {at[1] - at[0]}:  q · k = {_signed(score)}", ha="center", va="top", fontsize=9.5, color=INK)
        words.append(f"query at {at[0]}, key at {at[1]}, distance {at[1] - at[0]}: dot product {_signed(score)}")
    plots.alt(figure, f"Query and key as arrows on a circle, both turned by their positions. {'; '.join(words)}.")


def _signed(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")


def _circle(ax: Any) -> None:
    """Axes without ticks for arrows of length 1 from the middle; the dotted line is where an arrow stands at position 0."""
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=RULE))
    ax.plot([0, 1], [0, 0], ":", color=QUIET, linewidth=1.2)
    ax.set(xlim=(-1.4, 1.4), ylim=(-1.8, 1.4), aspect="equal")
    ax.axis("off")


def bias_maps(bias: torch.Tensor) -> None:
    """Shows an ALiBi bias (num_heads, seq, seq) as a heat map for each head, on one scale; what is -inf is grey."""
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    heads, seq, _ = bias.shape
    lowest = bias[bias > -math.inf].min().item()
    figure, axes = plots.figure(2.35 * heads + 1.2, 3.1, 1, heads, sharey=True)
    colours = colormaps[plots.SEQUENTIAL].reversed().with_extremes(bad=RULE)
    for head, ax in enumerate(axes):
        shown = bias[head].masked_fill(bias[head] == -math.inf, math.nan)
        image = ax.imshow(shown.numpy(), vmin=lowest, vmax=0, cmap=colours)
        ax.set(title=f"head {head}", xlabel="key", xticks=range(0, seq, 4))
        ax.text(seq - 1, 0, f"{seq - 1} back:\n{_signed(bias[head, -1, 0].item())}", ha="right", va="top", fontsize=10)
        ax.grid(False)
    axes[0].set_ylabel("query")
    figure.colorbar(image, ax=list(axes), label="added to the score")
    figure.legend(handles=[Patch(color=RULE, label="key after the query: −∞")], loc="outside lower center")
    far = ", ".join(f"head {head} {_signed(bias[head, -1, 0].item())}" for head in range(heads))
    plots.alt(
        figure,
        f"{heads} maps of {seq} queries by {seq} keys. On the diagonal 0, to its left the lower the further away, to its right "
        f"minus infinity. At the largest distance: {far}.",
    )
