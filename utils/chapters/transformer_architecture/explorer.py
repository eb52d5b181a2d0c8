"""The explorer of chapter 05: how large the signal is behind each block, and how large the gradient that comes back.

The picture is one PNG, redrawn when a control moves. What stays in the notebook is shown as an image with its text.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from utils import plots, session
from utils.chapters.transformer_architecture import experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 24
ARRANGEMENTS = (*experiment.WAYS, "pre-norm")


@dataclass(frozen=True)
class Setting:
    """One stack: an arrangement of `ARRANGEMENTS`, the number of blocks, the start, the seed."""

    arrangement: str = "residual and norm"
    depth: int = 12
    small: bool = False
    seed: int = 0

    def title(self) -> str:
        return f"{self.arrangement}, {self.depth} blocks, {'small' if self.small else 'Xavier'} start, seed {self.seed}"


def measure(setting: Setting) -> tuple[list[float], list[float]]:
    """(sizes of the signal behind each block, sizes of the gradient there): roots of the mean square."""
    if setting.arrangement == "pre-norm":
        model = experiment.of_blocks(True, setting.depth)
    else:
        model = experiment.of_parts(setting.arrangement, setting.depth)
    experiment.begin(model, setting.seed, setting.small)
    behind: list[Any] = []

    def keep(_: nn.Module, __: Any, made: torch.Tensor) -> None:
        made.retain_grad()
        behind.append(made)

    for block in model.blocks:
        block.register_forward_hook(keep)
    batch = experiment.rows(64, torch.Generator().manual_seed(setting.seed))
    experiment.loss(model, batch).backward()
    return [_size(x) for x in behind], [_size(x.grad) for x in behind]


def _size(x: torch.Tensor) -> float:
    return x.detach().pow(2).mean().sqrt().item()


def picture(settings: Sequence[Setting]) -> "tuple[Figure, str]":
    """`-> (png, alt)`: for each setting the signal and the gradient behind each block."""
    drawn, axes = plots.figure(2.5 * len(settings) + 0.5, 2.9, 1, len(settings), sharey=True, squeeze=False)
    words = []
    for ax, setting in zip(axes[0], settings, strict=True):
        signal, gradient = measure(setting)
        numbers = range(1, setting.depth + 1)
        ax.plot(numbers, [max(x, 1e-30) for x in signal], "o-", markersize=3, label="signal")
        ax.plot(numbers, [max(x, 1e-30) for x in gradient], "s--", markersize=3, label="gradient")
        name, _, rest = setting.title().partition(", ")
        rest = rest.replace(" start, ", "\n")
        ax.set(yscale="log", xlabel="block", ylim=(1e-14, 1e12), title=f"{name}\n{rest}")
        ax.set_xticks(range(1, setting.depth + 1, max(1, setting.depth // 6)))
        ax.title.set_fontsize(9)
        words.append(
            f"{setting.title()}: signal from {signal[0]:.1e} behind the first block to {signal[-1]:.1e} behind the last, "
            f"gradient from {gradient[-1]:.1e} at the last back to {gradient[0]:.1e} at the first"
        )
    axes[0, 0].set_ylabel("size (root mean square)")
    axes[0, 0].legend(fontsize=8)
    return drawn, ". ".join(words) + "."


def still(*settings: Setting) -> None:
    """Shows settings side by side, as one image."""
    plots.alt(*picture(settings))


def explorer() -> Any:
    """Controls for the arrangement, the depth, the start and the seed, and the live picture.

    Where no widgets run, one line says so.
    """
    if not session.widgets_work():
        print("The explorer needs a running notebook: open this one in JupyterLab.")
        return None
    from ipywidgets import HTML, Checkbox, Dropdown, HBox, IntSlider, VBox

    wide = {"description_width": "90px"}
    arrangement = Dropdown(options=ARRANGEMENTS, value=Setting.arrangement, description="arrangement", style=wide)
    depth = IntSlider(12, min=1, max=MOST, description="blocks", style=wide, continuous_update=False)
    seed = IntSlider(0, min=0, max=9, description="seed", style=wide, continuous_update=False)
    small = Checkbox(False, description="smaller start", style=wide)
    screen = HTML()

    def draw(_: object = None) -> None:
        drawn, alt = picture([Setting(arrangement.value, depth.value, small.value, seed.value)])
        data = base64.b64encode(plots.png(drawn)).decode("ascii")
        screen.value = f'<img width="288" alt="{alt}" src="data:image/png;base64,{data}">'

    controls = (arrangement, depth, small, seed)
    for control in controls:
        control.observe(draw, names="value")
    draw()
    return HBox([VBox(controls), screen])
