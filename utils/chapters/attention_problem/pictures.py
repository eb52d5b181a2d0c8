"""The drawing of chapter 01: how far it is from the first input to the last output, in a recurrent network and in attention."""

from utils import drawings
from utils.palette import VERMILLION


def paths(seq: int, width: int) -> None:
    """Draws an unrolled recurrent network beside attention, for one sequence of `seq` vectors of `width` numbers."""
    drawn, last = drawings.Diagram(column=0.66, row=0.66), seq - 1
    shape = f"(1, {seq}, {width})"
    for side, (made, kind) in enumerate((("h", "part"), ("y", "attention"))):
        start = side * (seq + 1.5)
        for place in range(seq):
            drawn.box(f"x{side}{place}", start + place, 0, f"x{place}", "step", wide=0.42)
            drawn.box(f"{made}{place}", start + place, 2, f"{made}{place}", kind, wide=0.42)
    for place in range(seq):
        drawn.arrow(f"x0{place}", f"h{place}", tone="strong" if place == 0 else "plain")
        if place:
            drawn.arrow(f"h{place - 1}", f"h{place}", tone="strong")
    for source in range(seq):
        for target in range(seq):
            drawn.arrow(f"x1{source}", f"y{target}", tone="strong" if (source, target) == (0, last) else "faint")
    for side, (title, way) in enumerate(
        (
            ("recurrent network", f"x0 → h{last}: {last} steps from state to state, one after the other"),
            ("attention", f"x0 → y{last}: 1 step, and no output waits for another"),
        )
    ):
        middle = side * (seq + 1.5) + last / 2
        drawn.text(middle, 3.15, title, size=10, bold=True)
        drawn.text(middle, -1, way, size=9, colour=VERMILLION)
        drawn.text(middle, 2.65, f"{'states' if side == 0 else 'outputs'} {shape}")
        drawn.text(middle, -0.6, f"inputs {shape}")
    drawn.show(
        f"Two networks that read {seq} inputs, x0 to x{last}. On the left a recurrent network: each state is made from one input "
        f"and from the state before it, so the way from x0 to h{last} goes through all states, {last} steps. On the right "
        f"attention: an arrow from every input to every output, so the way from x0 to y{last} is one step."
    )
