"""Chapter 07's task: a translator is trained on the course's own sentence pairs; the learner's open tasks are tried here."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from tqdm.auto import tqdm

from utils import reference, session
from utils.data import translation
from utils.data.translation import BOS, EOS, PAD, Pair
from utils.open_tasks import tried

Batch = tuple[torch.Tensor, torch.Tensor]
"""source and target, (batch, source_len) and (batch, target_len)"""
Loss = Callable[[Any, Batch], torch.Tensor]

SIZES = {"d_model": 64, "num_heads": 4, "d_ff": 128, "num_layers": 1}
STEPS, WARMUP, BATCH, MAX_LEN = 1700, 300, 64, 20
AVERAGED = 0.25  # the share of steps, at the end, whose weights are averaged
_POOL = 40  # batches whose sentences are sorted by length together


# Training


def build(kind: Callable[..., Any], seed: int = 0, **sizes: int) -> Any:
    """A `Transformer` of the chapter's sizes for the two vocabularies, with starting weights for the seed."""
    english, spanish = translation.vocabularies()
    model = kind(len(english), len(spanish), **(SIZES | sizes), pad_id=PAD)
    begin(model, seed)
    return model.to(session.device())


def begin(model: nn.Module, seed: int) -> None:
    """Starting weights by Xavier's rule, embeddings too, that depend on names, shapes and the seed alone.

    `nn.Embedding` itself starts with variance 1; times the root of d_model it would drown the positions.
    """
    torch.manual_seed(seed)
    for name, weight in sorted(model.named_parameters()):
        if weight.dim() > 1:
            nn.init.xavier_uniform_(weight)
        elif name.endswith("bias"):
            nn.init.zeros_(weight)


def batches(pairs: Sequence[Pair] | None = None, size: int = BATCH) -> Callable[[int, torch.Generator], Batch]:
    """A function (step, generator) -> (source, target) for `training.train`; sentences of like length come together."""
    source, target = translation.tensors(pairs or translation.training_pairs())
    lengths = source.ne(PAD).sum(1) + target.ne(PAD).sum(1)
    queue: list[torch.Tensor] = []

    def batch(step: int, generator: torch.Generator) -> Batch:
        if not queue:
            for pool in torch.randperm(len(source), generator=generator).split(size * _POOL):
                queue.extend(pool[lengths[pool].argsort()].split(size))
            queue[:] = [queue[i] for i in torch.randperm(len(queue), generator=generator)]
        chosen = queue.pop()
        return _trimmed(source[chosen]), _trimmed(target[chosen])

    return batch


def _trimmed(tokens: torch.Tensor) -> torch.Tensor:
    """Without the columns that are padding in every row, on the device of the session."""
    return tokens[:, : int(tokens.ne(PAD).sum(1).max())].to(session.device())


def teacher_forced_loss(model: Any, batch: Batch) -> torch.Tensor:
    """The loss of the open task, on the reference's parts."""
    source, target = batch
    logits = model(source, reference.shift_right(target, BOS))
    return reference.label_smoothed_loss(logits, target, PAD)


def own_words_loss(model: Any, batch: Batch) -> torch.Tensor:
    """The same targets, but the decoder reads what the model itself says (greedily), not the right words."""
    source, target = batch
    given = source.new_full((len(source), 1), BOS)
    with torch.no_grad():
        memory = model.encode(source)
        while given.shape[1] < target.shape[1]:
            given = torch.cat([given, model.decode(given, memory, source)[:, -1:].argmax(-1)], dim=1)
    logits = model(source, given)
    return reference.label_smoothed_loss(logits, target, PAD)


def fit(
    model: Any,
    loss: Loss = teacher_forced_loss,
    rate: Callable[[int, int, int], float] = reference.noam_learning_rate,
    seed: int = 0,
    steps: int = STEPS,
    label: str | None = None,
) -> list[float]:
    """Trains `model` in place with Adam and returns the losses.

    `rate(step, d_model, warmup_steps)`, from step 1, is the learning rate. The weights at the end are the mean of the last
    quarter's. `TQDM_DISABLE=1` hides the bar.
    """
    generator, batch = torch.Generator().manual_seed(seed), batches()
    torch.manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)  # a tenth off each step
    averaged, warmup = AveragedModel(model), min(WARMUP, steps // 3)
    history: list[float] = []
    model.train()
    with tqdm(range(1, steps + 1), desc=label or f"seed {seed}", leave=False) as bar:
        for step in bar:
            optimiser.param_groups[0]["lr"] = rate(step, SIZES["d_model"], warmup)
            value = loss(model, batch(step, generator))
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            if step > steps * (1 - AVERAGED):
                averaged.update_parameters(model)
            history.append(value.item())
            if step % 20 == 0:
                bar.set_postfix(loss=f"{history[-1]:.3f}", refresh=False)
    model.load_state_dict(averaged.module.state_dict())
    model.eval()
    return history


def try_loss(loss: Loss, model: Any) -> Loss:
    """The learner's `loss` where it gives what it should on a batch, else the course's; one line says which."""
    batch = batches(translation.training_pairs()[:500])(0, torch.Generator().manual_seed(7))
    expected = teacher_forced_loss(model, batch).item()
    words = _fault(loss, model, batch, expected)
    whose = "the course's own" if words else "yours"
    print(f"batch_loss: {words or f'{expected:.4f}, as it should be'}. The training below runs on {whose}.")
    return teacher_forced_loss if words else loss


def _fault(loss: Loss, model: Any, batch: Batch, expected: float) -> str:
    """What is wrong with the learner's loss, or nothing."""
    value, words = tried(loss, model, batch)
    if words:
        return words
    if not isinstance(value, torch.Tensor) or value.dim() or not value.requires_grad:
        return f"it gives {value!r:.60}, and training needs a tensor without axes that has a gradient"
    if abs(value.item() - expected) < 1e-3:
        return ""
    source, target = batch
    unshifted = reference.label_smoothed_loss(model(source, target), target, PAD).item()
    copied = abs(value.item() - unshifted) < 1e-3
    cause = "the decoder reads the targets as they are" if copied else "follow the three steps again"
    return f"it gives {value.item():.4f} where {expected:.4f} is right: {cause}"


# The two pitfalls


def altered(kind: Any, positions: bool = True, look_ahead: bool = True) -> type:
    """A `Transformer` class like `kind`, without the positions or without the causal mask."""

    class Altered(kind):
        def encode(self, source: torch.Tensor) -> torch.Tensor:
            x, mask = self.start(self.source_embedding, source), reference.create_padding_mask(source, self.pad_id)
            for layer in self.encoder:
                x = layer(x, mask=mask)
            return x

        def decode(self, target_in: torch.Tensor, memory: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
            x, memory_mask = self.start(self.target_embedding, target_in), reference.create_padding_mask(source, self.pad_id)
            length = target_in.shape[1]
            self_mask = reference.create_look_ahead_mask(length).to(x.device) if look_ahead else None
            for layer in self.decoder:
                x = layer(x, memory, self_mask=self_mask, memory_mask=memory_mask)
            return self.output(x)

        def forward(self, source: torch.Tensor, target_in: torch.Tensor) -> torch.Tensor:
            return self.decode(target_in, self.encode(source), source)

        def start(self, embedding: nn.Embedding, tokens: torch.Tensor) -> torch.Tensor:
            x = embedding(tokens) * embedding.embedding_dim**0.5
            if positions:
                x = x + reference.sinusoidal_encoding(tokens.shape[1], embedding.embedding_dim).to(x)
            return x

    return Altered


def try_peeking(kind: type, honest: type) -> type:
    """The learner's class where it peeks and does nothing else differently, else the course's; one line says which."""
    fallback = altered(honest, look_ahead=False)
    words = _peeking_fault(kind, fallback)
    print(f"Peeking: {words}. The course's own is trained." if words else "Peeking: it sees the future. Yours is trained.")
    return fallback if words else kind


def _peeking_fault(kind: type, right: type) -> str:
    """What is wrong with the learner's class, or nothing."""
    seen, words = tried(_peek, kind, right)
    if words:
        return words
    moves, gap = seen
    if moves < 1e-6:
        return "the last word changes nothing before it, so the future is still masked"
    return "it sees the future, but something else has changed too: only self_mask should" if gap > 1e-3 else ""


@torch.no_grad()
def _peek(kind: type, right: type) -> tuple[float, float]:
    """(how much the last word moves the logits before it, how far a model of `kind` is from one of `right`)."""
    source, target = (x[:6].cpu() for x in batches(translation.training_pairs()[:300])(0, torch.Generator().manual_seed(7)))
    model, other = build(kind).cpu().eval(), build(right).cpu().eval()
    other.load_state_dict(model.state_dict())
    changed = target.clone()
    changed[:, -1] = EOS + 1 - changed[:, -1].eq(EOS + 1).long()
    said = model(source, target)
    moves = (said - model(source, changed)).abs()[:, :-1].max().item()
    return moves, (said - other(source, target)).abs().max().item()
