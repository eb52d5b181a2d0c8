"""What chapter 07 measures of a translator: its translations, their score, and where its cross-attention looks."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from sacrebleu.metrics import BLEU

from utils import reference, session, training
from utils.chapters.encoder_decoder.experiment import MAX_LEN, batches
from utils.data import lexicon, translation
from utils.data.translation import BOS, EOS, PAD, Pair

RUNS = Path(translation.__file__).with_name("translation_runs.json")

Decode = Callable[..., torch.Tensor]
Search = Callable[..., list[tuple[list[int], float]]]

# Translations


def translations(model: Any, sentences: Sequence[str], decode: Decode, max_len: int = MAX_LEN, size: int = 250) -> list[str]:
    """What the model says to each English sentence; `decode` is `greedy_decode` or has its arguments."""
    english, spanish = translation.vocabularies()
    said = []
    for start in range(0, len(sentences), size):
        source = translation.padded([english.encode(sentence) for sentence in sentences[start : start + size]])
        rows = decode(model, source.to(session.device()), BOS, EOS, max_len)
        said += [spanish.decode(row) for row in rows.tolist()]
    return said


def beam_translations(model: Any, sentences: Iterable[str], search: Search) -> list[str]:
    """The best hypothesis for each English sentence; `search` is `beam_search` or has its arguments."""
    english, spanish = translation.vocabularies()
    said = []
    for sentence in sentences:
        source = torch.tensor([english.encode(sentence)], device=session.device())
        said.append(spanish.decode(search(model, source, BOS, EOS, MAX_LEN)[0][0]))
    return said


def translate(model: Any, sentence: str, decode: Decode = reference.greedy_decode) -> str:
    """The Spanish of one English sentence. `UnknownWord` when it has a word that the model does not know."""
    return translations(model, [sentence], decode)[0]


def score(said: Sequence[str], pairs: Sequence[Pair]) -> tuple[float, float]:
    """(share of translations that are right in every word, BLEU from 0 to 100)."""
    right = [spanish for _, spanish in pairs]
    exact = sum(a == b for a, b in zip(said, right, strict=True)) / len(pairs)
    return exact, BLEU(tokenize="none", force=True).corpus_score(said, [right]).score  # our words are tokens already


def mistakes(said: Sequence[str], pairs: Sequence[Pair], count: int = 5) -> None:
    """Prints the first wrong translations: English, what was said, what is right."""
    wrong = [(english, a, b) for a, (english, b) in zip(said, pairs, strict=True) if a != b]
    print(f"{len(wrong)} of {len(pairs)} are wrong" + (", for example" if len(wrong) > count else ""))
    for english, a, b in wrong[:count]:
        print(f"\n  {english}\n  said   {a or '(nothing)'}\n  right  {b}")
    print()


@torch.no_grad()
def next_words_right(model: Any, pairs: Sequence[Pair], disturbed: bool = False) -> float:
    """Share of next words that the model gets right after the right words before, or with one of these exchanged.

    The exchanged word is the first, and only the words from the third on are counted, in both cases.
    """
    hits = words = 0
    generator = torch.Generator().manual_seed(3)
    for part in range(0, len(pairs), 250):
        source, target = (x.to(session.device()) for x in translation.tensors(pairs[part : part + 250]))
        given = reference.shift_right(target, BOS)
        if disturbed:
            other = torch.randint(EOS + 1, model.output.out_features, (len(given),), generator=generator)
            given[:, 1] = other.to(given.device)
        best = model(source, given).argmax(-1)
        counted = target.ne(PAD) & (torch.arange(target.shape[1], device=target.device) >= 2)
        hits, words = hits + int((best.eq(target) & counted).sum()), words + int(counted.sum())
    return hits / words


def stored_runs() -> dict[str, Any]:
    """The results of `python benchmarks/translation.py`: more seeds than a notebook has time for."""
    return json.loads(RUNS.read_text(encoding="utf-8"))


def print_runs(names: Mapping[str, str]) -> None:
    """Prints stored runs, {name: words}, a line each seed, and where they come from."""
    runs = stored_runs()
    print(f"stored by `{runs['command']}`; the seconds are CPU time")
    for name, words in names.items():
        for run in runs[name]:
            print(
                f"{words:18} seed {run['seed']}: exact {run['exact']:.3f}, BLEU {run['bleu']:4.1f} "
                f"({run['steps']} steps, {run['seconds']:.0f} s)"
            )


def print_beams(names: Mapping[str, str]) -> None:
    """Prints greedy decoding against beam search in stored runs, {name: words}."""
    runs = stored_runs()
    for name, words in names.items():
        for run in runs[name]:
            both = run["beam"]
            print(
                f"stored, {words:18} seed {run['seed']}: greedy {both['greedy']:.2f}, beam {both['beam']:.2f} "
                f"of {both['sentences']} sentences"
            )


def forced_against_written(model: Any, decode: Decode) -> tuple[int, float]:
    """(words, how many times as long it takes to write a batch of that many words as to read it under teacher forcing).

    The fastest of ten runs each: what else the machine does makes a run longer, never shorter.
    """
    source, target = batches()(0, torch.Generator().manual_seed(1))
    length = target.shape[1]

    def fastest(call: Callable[[], object]) -> float:
        return min(training.timed(call, repeats=1) for _ in range(10))

    with torch.no_grad():
        forced = fastest(lambda: model(source, reference.shift_right(target, BOS)))
    return length, fastest(lambda: decode(model, source, BOS, EOS, length)) / forced


# Looking into the model


@contextmanager
def recorded(model: Any) -> Iterator[list[torch.Tensor]]:
    """A list that fills with the cross-attention weights (batch, num_heads, target_len, source_len) of each block."""
    weights: list[torch.Tensor] = []
    hooks = [
        block.cross_attention.register_forward_hook(lambda module, given, result: weights.append(result[1]))
        for block in model.decoder
    ]
    try:
        yield weights
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def look(model: Any, sentence: str, said: str | None = None) -> tuple[list[str], list[str], torch.Tensor, torch.Tensor]:
    """(English tokens, Spanish tokens with <eos>, probabilities (target_len, vocab), weights (layers, heads, target_len,
    source_len)): row i is what the model had before it when it chose word i. `said` is a translation to look at instead of
    the model's own.
    """
    english, spanish = translation.vocabularies()
    said = translate(model, sentence) if said is None else said
    source = torch.tensor([english.encode(sentence)], device=session.device())
    target = torch.tensor([[*spanish.encode(said), EOS]], device=session.device())
    training_before = model.training
    model.eval()
    with recorded(model) as weights:
        logits = model(source, reference.shift_right(target, BOS))
    model.train(training_before)
    read, written = [english.words[i] for i in source[0]], [spanish.words[i] for i in target[0]]
    return read, written, logits[0].softmax(-1).cpu(), torch.cat(weights).cpu()


@dataclass(frozen=True)
class Translation:
    """One sentence and what the model made of it, step by step."""

    source: list[str]  # English tokens
    said: list[str]  # Spanish tokens and <eos>
    probabilities: torch.Tensor  # (steps, vocab)
    maps: torch.Tensor  # (layers, heads, steps, source_len) cross-attention weights

    @classmethod
    def of(cls, model: Any, sentence: str) -> "Translation":
        """What `look` sees. `UnknownWord` when the sentence has a word that the model does not know."""
        return cls(*look(model, sentence))

    def spanish(self) -> str:
        """The translation without <eos>."""
        return " ".join(self.said[:-1])

    def weights(self) -> torch.Tensor:
        """(steps, source_len): the last block's, averaged over its heads."""
        return self.maps[-1].mean(0)

    def best(self, step: int, count: int = 5) -> list[tuple[str, float]]:
        """[(word, probability)] of the likeliest words at a step, counted from 0."""
        words, found = translation.vocabularies()[1].words, self.probabilities[step].topk(count)
        return [(words[i], p) for i, p in zip(found.indices.tolist(), found.values.tolist(), strict=True)]


@cache
def _counterparts() -> dict[str, set[str]]:
    """{Spanish form: English forms} of nouns, adjectives and verbs: the words whose place in the other language is known."""
    found: dict[str, set[str]] = {}
    for noun in lexicon.THINGS + lexicon.BEINGS + lexicon.PLACES:
        for english, spanish in zip(noun.english, noun.spanish, strict=True):
            found.setdefault(spanish, set()).add(english)
    kinds = lexicon.COLOURS, lexicon.OF_THINGS, lexicon.OF_BEINGS, lexicon.STATES_OF_THINGS, lexicon.STATES_OF_BEINGS
    for adjectives in kinds:
        for english, masculine in adjectives.items():
            for form in lexicon.adjective_forms(masculine).values():
                found.setdefault(form, set()).add(english)
    for verb in lexicon.TRANSITIVE + lexicon.INTRANSITIVE:
        for form in verb.present + verb.past:
            found.setdefault(form, set()).update(word.split()[0] for word in verb.english)
    return found


def aligned(model: Any, pairs: Iterable[Pair], delay: int = 0) -> torch.Tensor:
    """(layers, heads): share of nouns, adjectives and verbs at which the largest weight is on the word that they translate.

    Words with one counterpart in the sentence count. With `delay` 1 the row is the one in which the word is read, a step
    after it was chosen.
    """
    hits, words = torch.zeros(()), 0
    for english, right in pairs:
        weights = look(model, english, right)[-1]
        for place, there in _places(english, right):
            hits, words = hits + weights[:, :, place + delay].argmax(-1).eq(there), words + 1
    return hits / words


def same_place(pairs: Iterable[Pair]) -> float:
    """The share that `aligned` would give to a head that looks at the word in the same place."""
    found = [place == there for english, right in pairs for place, there in _places(english, right)]
    return sum(found) / len(found)


def _places(english: str, spanish: str) -> Iterator[tuple[int, int]]:
    """(place of a Spanish word, place of the one English word that it translates)."""
    counterparts, source = _counterparts(), english.split()
    for place, word in enumerate(spanish.split()):
        there = [i for i, token in enumerate(source) if token in counterparts.get(word, ())]
        if len(there) == 1:
            yield place, there[0]
