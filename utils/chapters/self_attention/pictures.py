"""The drawings and plots of chapter 03: one sequence in three roles, the targets of the next word, losses by place."""

from collections.abc import Mapping, Sequence
from typing import Any

from utils import drawings, plots
from utils.palette import VERMILLION


def projections(batch: int, seq: int, d_model: int, d_k: int, d_v: int) -> None:
    """Draws self-attention for X of these sizes: three matrices make queries, keys and values of it."""
    drawn = drawings.Diagram(column=2.0, row=0.7)
    sizes = {"Q": d_k, "K": d_k, "V": d_v}
    drawn.box("x", 1, 0, f"X  ({batch}, {seq}, {d_model})", "step", wide=1.5)
    drawn.box("attention", 1, 3.4, "attention (chapter 02):  softmax(Q Kᵀ / √d_k) V", "attention", wide=4.1)
    for column, (name, size) in enumerate(sizes.items()):
        drawn.box(name, column, 1.3, f"w_{name.lower()}:  {d_model} → {size}", wide=1.3)
        drawn.box(f"role{name}", column, 2.35, f"{name}  ({batch}, {seq}, {size})", "step", wide=1.45)
        drawn.box(f"into{name}", column, 3.4, "", "data", wide=0.1)
        drawn.arrow("x", name, sides=("top", "bottom")).arrow(name, f"role{name}").arrow(f"role{name}", f"into{name}")
    for middle, said in ((0.5, f"output  ({batch}, {seq}, {d_v})"), (1.5, f"weights  ({batch}, {seq}, {seq})")):
        drawn.box(f"from{middle}", middle, 3.4, "", "data", wide=0.1).box(said, middle, 4.35, kind="data")
        drawn.arrow(f"from{middle}", said)
    drawn.show(
        f"X of shape ({batch}, {seq}, {d_model}) goes into three matrices side by side: w_q makes Q ({batch}, {seq}, {d_k}) of "
        f"it, w_k makes K ({batch}, {seq}, {d_k}), w_v makes V ({batch}, {seq}, {d_v}). Attention takes the three and gives the "
        f"output ({batch}, {seq}, {d_v}) and the weights ({batch}, {seq}, {seq})."
    )


def next_words(words: Sequence[str], position: int = 1) -> None:
    """Draws `words` as input and, shifted by one, as targets; the answer of one `position` is traced back to the input."""
    shown, targets = words[:-1], words[1:]
    drawn = drawings.Diagram(column=0.92, row=0.62)
    for place, (word, target) in enumerate(zip(shown, targets, strict=True)):
        drawn.text(place, -0.75, str(place))
        drawn.box(f"in{place}", place, 0, word, "step", wide=0.72)
        drawn.box(f"out{place}", place, 2.3, target, "data", wide=0.72, ground=drawings.KINDS["norm"])
        drawn.arrow(f"in{place}", f"out{place}")
        if place:
            drawn.arrow(f"in{place}", f"out{place - 1}", tone="strong" if place == position + 1 else "faint")
    for row, said in ((0, "the model reads"), (2.3, "it is to say"), (-0.75, "position")):
        drawn.text(-0.65, row, said, align="right")
    answer = f"at position {position} the answer is “{targets[position]}”: the input at position {position + 1}"
    drawn.text((len(shown) - 1) / 2, 3.05, answer, colour=VERMILLION)
    pairs = ", ".join(f"{word} → {target}" for word, target in zip(shown, targets, strict=True))
    drawn.show(
        f"Two rows of words. The model reads {' '.join(shown)}; above each word stands what it is to say there, the next one: "
        f"{pairs}. The upper row is the lower one shifted by one: the answer at position {position}, {targets[position]}, is the "
        f"input at position {position + 1}."
    )


def losses_by_place(trained: Mapping[str, Sequence[float]], hidden: Mapping[str, Sequence[float]], blind: float) -> None:
    """Plots losses by place: on the left as trained, on the right with the future hidden; `blind` is that of a blind guess."""
    figure, (left, right) = plots.figure(9.5, 3.6, 1, 2)
    places = range(len(next(iter(trained.values()))))
    for ax, lines, title in ((left, trained, "as trained"), (right, hidden, "with the future hidden, as while writing")):
        plots.curves(places, lines, "place in the window", "loss", title, ax=ax)
        ax.axhline(blind, color=plots.COLOURS["grey"], linestyle="--", label="guessing blindly")
        ax.set_ylim(0, 1.1 * max(blind, *(max(values) for values in lines.values())))
    _mark_last_place(left, trained)
    left.legend(loc="center left", bbox_to_anchor=(0, 0.4))
    right.get_legend().remove()
    ends = "; ".join(f"{name} {values[0]:.2f} at place 0, {values[-1]:.2f} at the last" for name, values in trained.items())
    writing = "; ".join(f"{name} {min(values):.2f} to {max(values):.2f}" for name, values in hidden.items())
    plots.alt(figure, f"Loss by place. As trained: {ends}. With the future hidden: {writing}. A blind guess: {blind:.2f}.")


def _mark_last_place(ax: Any, lines: Mapping[str, Sequence[float]]) -> None:
    """An arrow to the highest loss at the last place, with the losses of all there."""
    last = {name: values[-1] for name, values in lines.items()}
    place, worst = len(next(iter(lines.values()))) - 1, max(last.values())
    words = "\n".join(["at the last place", *(f"{name}: {value:.2f}" for name, value in last.items())])
    arrow = {"arrowstyle": "->", "color": VERMILLION}
    ax.annotate(words, (place, worst), (place - 14, 0.3 * worst), fontsize=9, color=VERMILLION, arrowprops=arrow)
