"""Chapter 08's tasks with few labels: opinion, entities, questions, each for a BERT with and without its pre-training."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from utils import session
from utils.chapters.applications import blanks
from utils.data import articles

BATCH = 32
NOWHERE = -100


@dataclass(frozen=True)
class Task:
    """`draw(texts)` makes one example, a reading and its label; `outputs` is how many numbers the head gives a place."""

    draw: Callable[[articles.Texts], tuple[tuple[list[int], list[int]], Any]]
    outputs: int
    labels: int
    steps: int
    kind: str  # whole: one label a text; each: one label a token; place: the label is a place


def _opinion(texts: articles.Texts) -> Any:
    review = texts.review((2, 3))
    return blanks.read(review.text), review.opinion


def _entities(texts: articles.Texts) -> Any:
    article = texts.article(people=1, facts=4, between=2)
    return blanks.read(article.text), [NOWHERE, *article.tags(), NOWHERE]


def _question(texts: articles.Texts) -> Any:
    question = texts.question(texts.article(people=1, facts=4, between=0))
    tokens, segments = blanks.read(question.text, question.article.text)
    return (tokens, segments), segments.index(1) + question.place


TASKS = {
    "opinion": Task(_opinion, 2, labels=8, steps=60, kind="whole"),
    "entities": Task(_entities, len(articles.TAGS), labels=3, steps=70, kind="each"),
    "questions": Task(_question, 1, labels=128, steps=120, kind="place"),
}


class Head(nn.Module):
    """A BERT with one linear layer for a task.

    For a text the layer reads the mean of its vectors, for tokens each vector. For a place it turns the mean of the question's
    vectors into a pointer, and each place of the article is compared with it.
    """

    def __init__(self, bert: Any, task: Task) -> None:
        super().__init__()
        self.bert, self.kind = bert, task.kind
        width = bert.token_embedding.embedding_dim
        self.linear = nn.Linear(width, width if task.kind == "place" else task.outputs)

    def forward(self, read: blanks.Read) -> torch.Tensor:
        """Logits (batch, classes) of a text, (batch, seq, classes) of its tokens, or (batch, seq) of its places."""
        tokens, segments = read
        hidden = self.bert(tokens, segments, blanks.mask_of(tokens))
        if self.kind == "each":
            return self.linear(hidden)
        first = ((segments == 0) & (tokens != blanks.PAD)).unsqueeze(-1)
        asked = self.linear((hidden * first).sum(dim=1) / first.sum(dim=1))
        if self.kind == "whole":
            return asked
        scores = (hidden @ asked.unsqueeze(-1)).squeeze(-1) / hidden.shape[-1] ** 0.5
        return scores.masked_fill(segments == 0, -torch.inf)


def examples(task: Task, count: int, seed: int) -> tuple[blanks.Read, torch.Tensor]:
    """Readings and labels; the labels of tokens are filled up with `NOWHERE`."""
    texts = articles.Texts(seed)
    drawn = [task.draw(texts) for _ in range(count)]
    tokens, segments = blanks.padded([read for read, _ in drawn])
    if task.kind == "each":
        width = tokens.shape[1]
        labels = torch.tensor([label + [NOWHERE] * (width - len(label)) for _, label in drawn])
    else:
        labels = torch.tensor([label for _, label in drawn])
    return (tokens, segments), labels.to(session.device())


def tune(bert: Any, task: Task, seed: int = 0, lr: float = 2e-3) -> Head:
    """A copy of `bert` with a head, trained on the task's few labels."""
    torch.manual_seed(seed)
    model = Head(deepcopy(bert), task).to(session.device()).train()
    (tokens, segments), labels = examples(task, task.labels, 100 + seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    for step in range(task.steps):
        optimiser.param_groups[0]["lr"] = lr * min(1.0, (step + 1) / 20) * (1 - step / task.steps)
        chosen = torch.randperm(task.labels)[:BATCH]
        logits = model((tokens[chosen], segments[chosen]))
        value = F.cross_entropy(logits.reshape(-1, task.outputs) if task.kind == "each" else logits, labels[chosen].flatten())
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return model.eval()


@torch.no_grad()
def score(model: Head, task: Task, count: int = 200) -> float:
    """On held-out texts: the share that is right, or of entities the F1 over their tokens."""
    read, labels = examples(task, count, 999)
    said = model(read).argmax(dim=-1)
    if task.kind != "each":
        return float((said == labels).float().mean())
    real, entity = labels != NOWHERE, labels > 0
    found = float(((said == labels) & entity).sum())
    return 2 * found / max(1.0, float(((said > 0) & real).sum() + entity.sum()))


def with_and_without(
    trained: Any, untrained: Callable[[int], Any], seeds: Sequence[int] = (0, 1, 2)
) -> dict[str, dict[str, list[float]]]:
    """{task: {"with pre-training": a score for each seed, "without": …}}; `untrained(seed)` makes a fresh BERT."""
    results: dict[str, dict[str, list[float]]] = {}
    for name, task in TASKS.items():
        results[name] = {
            "with pre-training": [score(tune(trained, task, seed), task) for seed in seeds],
            "without": [score(tune(untrained(seed), task, seed), task) for seed in seeds],
        }
    return results
