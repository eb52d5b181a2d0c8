"""Chapter 08's pictures: scikit-learn's handwritten digits, alone and on a larger canvas with a box to be found."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from utils import session
from utils.chapters.applications import fitting

SIZES = {"channels": 1, "num_classes": 10, "d_model": 64, "num_heads": 4, "d_ff": 128, "num_layers": 2, "dropout": 0.1}
STEPS, BATCH, RATE = 1400, 64, 3e-3
VARIATION = 0.1  # standard deviation of each number of an affine map; 1 is half a picture's side
TRAINING = 1400  # pictures; the other 397 are held out
CANVAS, PATCH, SIDES, BOX_STEPS = 16, 4, (8, 12), 1500
Scene = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""pictures (batch, 1, side, side), classes (batch,), boxes (batch, 4) from 0 to 1"""


Rollout = Callable[[Sequence[torch.Tensor]], torch.Tensor]


@cache
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """All digits in a fixed shuffled order: (1797, 1, 8, 8) from 0 to 1, and their classes (1797,)."""
    from sklearn.datasets import load_digits  # brings SciPy's statistics along: most of a second that no check needs

    bunch = load_digits()
    order = torch.randperm(len(bunch.target), generator=torch.Generator().manual_seed(0))
    images = torch.tensor(bunch.images / 16, dtype=torch.float32).unsqueeze(1)
    return images[order], torch.tensor(bunch.target)[order]


def held_out() -> tuple[torch.Tensor, torch.Tensor]:
    """The pictures that no training sees, and their classes."""
    return tuple(x[TRAINING:] for x in pictures())  # type: ignore[return-value]


def build(kind: Callable[..., Any], seed: int = 0, image_size: int = 8, patch_size: int = 2, **sizes: Any) -> Any:
    """A `ViT` of the chapter's sizes, but for those given, with starting weights for the seed."""
    model = kind(image_size, patch_size, **{**SIZES, **sizes})
    fitting.begin(model, seed, embeddings=0.1, gain=3**-0.5)
    return model.to(session.device())


def train(model: nn.Module, seed: int = 0, steps: int = STEPS) -> list[float]:
    """Trains `model` in place on the digits and returns the losses."""
    images, classes = (x[:TRAINING] for x in pictures())

    def batch(step: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.randint(TRAINING, (BATCH,), generator=generator)
        return varied(images[chosen], generator).to(session.device()), classes[chosen].to(session.device())

    def loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return F.cross_entropy(model(batch[0]), batch[1], label_smoothing=0.1)

    return fitting.fit(model, batch, loss, steps, RATE, decay=0.05, averaged=0.2, seed=seed, label=f"ViT, seed {seed}")


def varied(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each picture (batch, 1, side, side) moved, turned and stretched a little, by an affine map of its own."""
    maps = torch.eye(2, 3) + VARIATION * torch.randn(len(images), 2, 3, generator=generator)
    return F.grid_sample(images, F.affine_grid(maps, list(images.shape), align_corners=False), align_corners=False)


@torch.no_grad()
def accuracy(model: nn.Module) -> float:
    """Share of the held-out digits that are named right."""
    images, classes = held_out()
    return float((model(images.to(session.device())).argmax(-1).cpu() == classes).float().mean())


def rollout(weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """How much of each input place reaches each output place: (batch, seq, seq), rows sum to 1 (Abnar and Zuidema 2020).

    weights: of each block (batch, num_heads, seq, seq). A block is half its attention, mean of the heads, half its residual.
    """
    shares = torch.eye(weights[0].shape[-1])
    for block in weights:
        shares = (block.mean(dim=1) + torch.eye(block.shape[-1])) / 2 @ shares
    return shares


def try_rollout(function: Rollout) -> Rollout:
    """The learner's `rollout` where it gives what it should, else the course's; one line says which."""
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(2, 3, 5, 5, generator=generator).softmax(dim=-1) for _ in range(3)]
    words = _fault(function, [x.clone() for x in weights], rollout(weights))
    print(
        f"rollout: {words}. The picture uses the course's own." if words else "rollout: as it should be. The picture uses yours."
    )
    return rollout if words else function


def _fault(function: Rollout, weights: list[torch.Tensor], right: torch.Tensor) -> str:
    """What is wrong with a learner's `rollout`, or nothing."""
    try:
        found = function(weights)
    except NotImplementedError:
        return "nothing is here yet"
    except Exception as error:  # noqa: BLE001  a learner's function may raise anything
        return f"{type(error).__name__}: {error}"
    if not isinstance(found, torch.Tensor) or found.shape != right.shape:
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        return f"expected shape {tuple(right.shape)}, got {shape}"
    if torch.allclose(found, right, atol=1e-5):
        return ""
    if torch.allclose(found, rollout(weights[::-1]), atol=1e-5):
        return "the product is right in the other order: whose shares does the first block mix?"
    if not torch.allclose(found.sum(dim=-1), torch.ones(right.shape[:-1]), atol=1e-4):
        return f"its rows sum to {float(found.sum(dim=-1).mean()):.2f} on average, not to 1"
    return "its rows sum to 1, and the shares are others"


def on_ink(images: torch.Tensor, shares: torch.Tensor) -> tuple[float, float]:
    """(share of digits whose largest patch holds more ink than their mean patch, the same of a patch drawn at random).

    images (n, 1, side, side) and what of each patch reached the class token, (n, patches).
    """
    patch = images.shape[-1] // round(shares.shape[-1] ** 0.5)
    ink = F.avg_pool2d(images, patch).flatten(1)
    above = (ink > ink.mean(dim=1, keepdim=True)).float()
    largest = above.gather(1, shares.argmax(dim=1, keepdim=True))
    return float(largest.mean()), float(above.mean())


# Detection


class Detector(nn.Module):
    """A `ViT` whose class token tells the class, by its classifier, and the box, by two more layers."""

    def __init__(self, vit: Any) -> None:
        super().__init__()
        self.vit = vit
        width = vit.classifier.in_features
        self.box = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 4))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """images -> logits (batch, num_classes), boxes (batch, 4) from 0 to 1."""
        told = self.vit.encode(images)[:, 0]
        return self.vit.classifier(told), self.box(told).sigmoid()


def scene(chosen: torch.Tensor, generator: torch.Generator) -> Scene:
    """The digits with these numbers, each in one of two sizes at a random place of a noisy canvas."""
    images, classes = pictures()
    canvas = 0.15 * torch.rand(len(chosen), 1, CANVAS, CANVAS, generator=generator)
    boxes = torch.zeros(len(chosen), 4)
    for row, number in enumerate(chosen.tolist()):
        side = SIDES[int(torch.randint(len(SIDES), (), generator=generator))]
        y, x = torch.randint(0, CANVAS - side + 1, (2,), generator=generator).tolist()
        digit = _grown(side)[number, 0]
        canvas[row, 0, y : y + side, x : x + side] = torch.maximum(canvas[row, 0, y : y + side, x : x + side], digit)
        boxes[row] = torch.tensor([x, y, x + side, y + side]) / CANVAS
    return canvas, classes[chosen], boxes


@cache
def _grown(side: int) -> torch.Tensor:
    return F.interpolate(pictures()[0], size=(side, side), mode="bilinear", align_corners=False)


def detector(kind: Callable[..., Any], seed: int = 0) -> Detector:
    """An untrained detector for the canvas."""
    made = Detector(build(kind, seed, CANVAS, PATCH, dropout=0.0).cpu())
    torch.manual_seed(seed)
    for layer in made.box:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    return made.to(session.device())


def train_detector(model: Detector, seed: int = 0, steps: int = BOX_STEPS) -> list[float]:
    """Trains class and box together and returns the losses."""

    def batch(step: int, generator: torch.Generator) -> Scene:
        drawn = scene(torch.randint(TRAINING, (BATCH,), generator=generator), generator)
        return tuple(x.to(session.device()) for x in drawn)  # type: ignore[return-value]

    def loss(model: nn.Module, batch: Scene) -> torch.Tensor:
        images, classes, boxes = batch
        logits, found = model(images)
        return F.cross_entropy(logits, classes) + 5 * F.l1_loss(found, boxes)

    return fitting.fit(model, batch, loss, steps, RATE, decay=0.01, averaged=0.2, seed=seed, label="detector")


def held_out_scenes() -> Scene:
    """Every held-out digit once on a canvas."""
    return scene(torch.arange(TRAINING, len(pictures()[1])), torch.Generator().manual_seed(5))


@torch.no_grad()
def detected(model: Detector, drawn: Scene, box_iou: Callable[..., torch.Tensor]) -> tuple[float, float, torch.Tensor]:
    """(share of classes that are right, mean IoU by `box_iou`, the boxes found) on scenes."""
    images, classes, boxes = drawn
    logits, found = model(images.to(session.device()))
    overlap = box_iou(found.cpu(), boxes).diagonal()
    return float((logits.argmax(-1).cpu() == classes).float().mean()), float(overlap.mean()), found.cpu()
