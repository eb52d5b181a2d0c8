"""The drawings of chapter 04: features cut into heads and put together again, and heads that share keys and values."""

from collections.abc import Sequence
from typing import Any

from utils import drawings
from utils.palette import TINTS

_HEADS = (*TINTS[1:5], TINTS[0])  # blue comes last: it is the ground of what has weights


def heads(batch: int, seq: int, d_model: int, num_heads: int) -> None:
    """Draws the five steps of multi-head self-attention for x of these sizes, with the slice of features of each head."""
    d_head = d_model // num_heads
    whole, split = f"({batch}, {seq}, {d_model})", f"({batch}, {num_heads}, {seq}, {d_head})"
    drawn, middle = drawings.Diagram(column=1.2, row=0.66), (num_heads - 1) / 2
    drawn.box("x", middle, 0, f"x  {whole}", "step", wide=1.5)
    drawn.box("project", middle, 1.05, "w_q, w_k, w_v", wide=1.5).arrow("x", "project")
    for head in range(num_heads):
        first = head * d_head
        look: dict[str, Any] = {"kind": "data", "wide": 1.14, "ground": _HEADS[head % 5]}
        features = f"{first}–{first + d_head - 1}"
        for row, name in enumerate("qkv"):
            drawn.box(f"{name}{head}", head, 3.05 - 0.56 * row, f"{name}:  {features}", **look)
        drawn.box(f"head{head}", head, 4.15, f"attention\nhead {head}", **look).arrow(f"q{head}", f"head{head}")
        drawn.box(f"merged{head}", head, 5.3, features, **look).arrow(f"head{head}", f"merged{head}")
        drawn.arrow("project", f"v{head}")
        drawn.box(f"end{head}", middle, 6.3, "", "data", wide=0.1).arrow(f"merged{head}", f"end{head}")
    drawn.box("w_o", middle, 6.3, "w_o", wide=1.5).box("output", middle, 7.2, f"output  {whole}", "data").arrow("w_o", "output")
    for height, step, shape in (
        (1.05, "1. project", whole), (2.49, "2. split", split), (4.15, "3. attend", split), (5.3, "4. concatenate", whole),
        (6.3, "5. project", whole),
    ):  # fmt: skip
        drawn.text(num_heads - 0.3, height, f"{step}\n{shape}", align="left")
    slices = ", ".join(f"head {head} features {head * d_head} to {(head + 1) * d_head - 1}" for head in range(num_heads))
    drawn.show(
        f"From below: x {whole}; three projections make q, k and v; each is split into {num_heads} slices {split}: {slices}. "
        f"Each head attends with its own slices of q, k and v; the results stand side by side again {whole}, and w_o makes the "
        f"output {whole}."
    )


def sharing(d_head: int, num_heads: int, shared: Sequence[int]) -> None:
    """Draws which query heads use which key/value head, a panel for each number of key/value heads in `shared`."""
    drawn, words = drawings.Diagram(column=0.6, row=0.7), []
    for panel, groups in enumerate(shared):
        start, each = panel * (num_heads + 1), num_heads // groups
        middle = start + (num_heads - 1) / 2
        for head in range(num_heads):
            group = head // each
            look: dict[str, Any] = {"kind": "data", "wide": 0.46, "ground": _HEADS[group % 5]}
            drawn.box(f"q{panel}{head}", start + head, 1.7, f"q{head}", **look)
            if head % each == 0:
                drawn.box(f"k{panel}{group}", start + head + (each - 1) / 2, 0, f"k{group}\nv{group}", **look)
            drawn.arrow(f"k{panel}{group}", f"q{panel}{head}")
        name = {num_heads: "multi-head", 1: "multi-query"}.get(groups, "grouped-query")
        drawn.text(middle, 2.5, name, size=10, bold=True)
        shape, kept = f"(batch, {groups}, seq, {d_head})", 2 * groups * d_head
        drawn.text(middle, -0.9, f"k, v: {shape}\nkept for each token: {kept} numbers")
        using = ", ".join(f"q{head} uses k{head // each} and v{head // each}" for head in range(num_heads))
        words.append(f"{name}, keys and values of shape {shape}, {kept} numbers kept for each token: {using}")
    drawn.text(-0.6, 1.7, "query heads", align="right").text(-0.6, 0, "key/value heads", align="right")
    drawn.show(f"{'; '.join(words)}.")
