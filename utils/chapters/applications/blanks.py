"""Chapter 08's pre-training: a BERT reads articles and reviews with blanks in them and says what stood there."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from utils import session
from utils.chapters.applications import fitting
from utils.data import articles
from utils.open_tasks import tried

PAD, MASK, CLS, SEP = 0, 1, 2, 3
SPECIAL = ("[PAD]", "[MASK]", "[CLS]", "[SEP]")
SIZES = {"d_model": 64, "num_heads": 4, "d_ff": 128, "num_layers": 2, "max_len": 96}
STEPS, BATCH, RATE = 1150, 64, 3e-3
TEXTS = 16_000
_POOL = 40  # batches whose texts are sorted by length together

Read = tuple[torch.Tensor, torch.Tensor]
"""tokens and segments, (batch, seq) each"""


@cache
def words() -> tuple[str, ...]:
    """The vocabulary: special tokens, then the words of `utils.data.articles`."""
    return (*SPECIAL, *articles.words())


@cache
def _ids() -> dict[str, int]:
    return {word: number for number, word in enumerate(words())}


def encode(text: str) -> list[int]:
    """The ids of a text's tokens, `[MASK]` among them if it is there. `KeyError` for a word that is not known."""
    return [_ids()[word] for word in text.split()]


def read(first: str, second: str = "") -> tuple[list[int], list[int]]:
    """(tokens, segments) of one text or a pair, as BERT reads them: `[CLS] first [SEP] second [SEP]`."""
    front = [CLS, *encode(first), SEP]
    back = [*encode(second), SEP] if second else []
    return front + back, [0] * len(front) + [1] * len(back)


def padded(rows: Sequence[tuple[list[int], list[int]]]) -> Read:
    """Tokens and segments of several readings as two tensors, filled up with padding."""
    tokens, segments = (pad_sequence([torch.tensor(row[side]) for row in rows], batch_first=True) for side in (0, 1))
    return tokens.to(session.device()), segments.to(session.device())


def mask_of(tokens: torch.Tensor) -> torch.Tensor:
    """(batch, 1, seq), True where a real token stands."""
    return (tokens != PAD).unsqueeze(1)


@cache
def corpus() -> tuple[tuple[list[int], list[int]], ...]:
    """Readings without any label: reviews, articles, and now and then an article behind a question on it."""
    drawn, found = articles.Texts(1), []
    for _ in range(TEXTS):
        kind = drawn.random.random()
        if kind < 0.55:
            found.append(read(drawn.review((2, 4)).text))
        elif kind < 0.9:
            found.append(read(drawn.article(people=1, facts=drawn.random.randint(3, 4), between=1).text))
        else:
            question = drawn.question(drawn.article(people=1, facts=4, between=0))
            found.append(read(question.text, question.article.text))
    return tuple(found)


class MaskedModel(nn.Module):
    """A BERT and the head that says which word stood in each place; the words' scores come from their embeddings."""

    def __init__(self, bert: Any) -> None:
        super().__init__()
        self.bert = bert
        vocab, width = bert.token_embedding.weight.shape
        self.dense, self.norm, self.bias = nn.Linear(width, width), nn.LayerNorm(width), nn.Parameter(torch.zeros(vocab))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """What BERT gave for some places, (..., d_model) -> logits (..., vocab)."""
        return self.norm(F.gelu(self.dense(hidden))) @ self.bert.token_embedding.weight.T + self.bias


def build(kind: Callable[..., Any], seed: int = 0) -> MaskedModel:
    """A `Bert` of the chapter's sizes and its head, with starting weights for the seed."""
    torch.manual_seed(seed)
    model = MaskedModel(kind(len(words()), **SIZES))
    fitting.begin(model, seed, embeddings=0.05, positions=True)
    return model.to(session.device())


def batches(mask_tokens: Callable[..., Any]) -> Callable[[int, torch.Generator], tuple[torch.Tensor, ...]]:
    """A function (step, generator) -> (inputs, segments, labels); texts of like length come together."""
    texts = corpus()
    lengths = torch.tensor([len(tokens) for tokens, _ in texts])
    queue: list[torch.Tensor] = []

    def batch(step: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        if not queue:
            for pool in torch.randperm(len(texts), generator=generator).split(BATCH * _POOL):
                queue.extend(pool[lengths[pool].argsort()].split(BATCH))
            queue[:] = [queue[i] for i in torch.randperm(len(queue), generator=generator)]
        tokens, segments = padded([texts[i] for i in queue.pop().tolist()])
        inputs, labels = mask_tokens(tokens, MASK, len(words()), range(len(SPECIAL)), generator=generator)
        return inputs, segments, labels

    return batch


def loss(model: Any, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Mean cross-entropy at the chosen places."""
    inputs, segments, labels = batch
    hidden, chosen = model.bert(inputs, segments, mask_of(inputs)), labels != -100
    return F.cross_entropy(model(hidden[chosen]), labels[chosen])


def train(model: Any, mask_tokens: Callable[..., Any], seed: int = 0, steps: int = STEPS) -> list[float]:
    """Pre-trains `model` in place and returns the losses."""
    return fitting.fit(model, batches(mask_tokens), loss, steps, RATE, decay=0.01, seed=seed, label=f"BERT, seed {seed}")


@torch.no_grad()
def blank_logits(model: Any, text: str) -> torch.Tensor:
    """(blanks, vocab): the logits of each `[MASK]` of a text."""
    tokens, segments = padded([read(text)])
    return model(model.bert(tokens, segments, mask_of(tokens)))[tokens == MASK].cpu()


BestWords = Callable[[torch.Tensor, int], list[tuple[str, float]]]


def best_words(logits: torch.Tensor, top: int) -> list[tuple[str, float]]:
    """The likeliest words of logits (vocab,) and their probabilities, the likeliest first."""
    best = logits.softmax(dim=-1).topk(top)
    return [(words()[i], p) for i, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)]


def try_best_words(function: BestWords) -> BestWords:
    """The learner's `best_words` where it gives what it should, else the course's; one line says which."""
    fault = _fault(function, torch.randn(len(words()), generator=torch.Generator().manual_seed(0)))
    print(f"best_words: {fault}. The next cell uses the course's own." if fault else "best_words: as it should be.")
    return best_words if fault else function


def _fault(function: BestWords, logits: torch.Tensor) -> str:
    """What is wrong with a learner's `best_words`, or nothing."""
    right = best_words(logits, 4)
    found, trouble = tried(lambda: [(str(word), float(p)) for word, p in function(logits.clone(), 4)])
    if trouble:
        return trouble
    if [word for word, _ in found] != [word for word, _ in right]:
        return f"expected the words {', '.join(word for word, _ in right)}, got {', '.join(word for word, _ in found) or 'none'}"
    if any(abs(p - q) > 1e-5 for (_, p), (_, q) in zip(found, right, strict=True)):
        return f"the words are right; of {found[0][0]} the probability is {right[0][1]:.4f}, not {found[0][1]:.4f}"
    return ""
