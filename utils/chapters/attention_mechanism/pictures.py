"""The drawings of chapter 02: one look-up from the query to the mixture, and a map of the words of a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from utils import drawings, plots
from utils.palette import GREEN, VERMILLION


def look_up(q: Any, k: Any, v: Any, source: Any = None) -> None:
    """Draws attention for queries, keys and values of these shapes; with a `source` x that serves as all three."""
    shapes = {name: tuple(tensor.shape) for name, tensor in (("q", q), ("k", k), ("v", v))}
    square, output = (*q.shape[:-1], k.shape[-2]), (*q.shape[:-1], v.shape[-1])
    drawn = drawings.Diagram(column=1.75, row=0.7)
    for column, (name, role) in enumerate((("q", "queries"), ("k", "keys"), ("v", "values"))):
        drawn.box(name, column, 0, f"{role}  {name}\n{shapes[name]}", "step", wide=1.3)
    drawn.box("scores", 0.5, 1.25, "scores:  q kᵀ / √d_k", "attention", wide=1.75)
    drawn.box("softmax", 0.5, 2.25, "softmax along the keys", "attention", wide=1.75)
    drawn.box("mixture", 0.5, 3.25, "mixture:  weights · v", "attention", wide=1.75)
    drawn.box("output", 0.5, 4.2, f"output  {output}", "data")
    drawn.arrow("q", "scores").arrow("k", "scores").arrow("scores", "softmax", f"scores  {square}")
    drawn.arrow("softmax", "mixture", f"weights  {square}").arrow("v", "mixture", sides=("top", "right"))
    drawn.arrow("mixture", "output")
    said = ""
    if source is not None:
        shape = tuple(source.shape)
        drawn.box("x", 1, -1.2, f"x  {shape}", "data")
        for name in "qkv":
            drawn.arrow("x", name, sides=("top", "bottom"))
        said = f"x of shape {shape} serves as queries, keys and values alike. "
    drawn.show(
        f"{said}Queries of shape {shapes['q']} and keys of shape {shapes['k']} give scores {square}; the softmax along the keys "
        f"makes weights {square} of them; weights times values {shapes['v']} give the output {output}."
    )


def sentence_maps(maps: Mapping[str, Any], sentence: Sequence[str], groups: Sequence[Sequence[str]], alt: str) -> None:
    """Shows maps, {title: weights}, of one sentence on one scale, the words of each of up to two `groups` in a colour."""
    largest = max(float(weights.max()) for weights in maps.values())
    colours = {word: colour for group, colour in zip(groups, (VERMILLION, GREEN), strict=False) for word in group}
    figure, axes = plots.figure(11.5, 5.7, 1, len(maps), sharey=True, squeeze=False)
    for ax, (title, weights) in zip(axes[0], maps.items(), strict=True):
        plots.attention_map(weights, sentence, sentence, title, ax, largest, numbers=False)
        ax.set_ylabel("query" if ax is axes[0, 0] else "")
        ax.set_xticks(range(len(sentence)), sentence, rotation=90, ha="center", rotation_mode="default")
        for tick in (*ax.get_xticklabels(), *ax.get_yticklabels()):
            if tick.get_text() in colours:
                tick.set(color=colours[tick.get_text()], weight="bold")
    plots.weight_bar(figure, list(axes[0]), even=1 / len(sentence))
    plots.alt(figure, " ".join(alt.split()))
