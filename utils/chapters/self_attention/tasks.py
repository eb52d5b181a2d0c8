"""Chapter 03's open tasks: a learner's shift and writing loop are tried here, and the likely mistakes are named."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from utils.chapters.self_attention import experiment as toy
from utils.open_tasks import tried

_NUMBERS = 12  # the words of the stand-ins for a model
_SURE = 100.0  # a logit that leaves no doubt


# The shift


def try_shift(shifted: toy.Shift) -> toy.Shift:
    """The learner's `shifted` where it is right, else the course's; shows the rows that it gives and says which is used."""
    sentences = [toy.encode(f"{toy.STOP} {sentence} {toy.STOP}") for sentence in (toy.HELD_OUT, toy.SENTENCES[-1])]
    tokens = torch.stack(sentences)
    given, trouble = tried(shifted, tokens)
    if not torch.equal(tokens, torch.stack(sentences)):
        trouble = "it has changed the tokens that it was given"
    trouble = trouble or _shift_trouble(given, torch.stack(sentences))
    _show_rows(given)
    print(f"shifted: {trouble}. The course's own is used below." if trouble else "shifted: right. Yours is used below.")
    return toy.pairs if trouble else shifted


def _shift_trouble(given: Any, tokens: torch.Tensor) -> str:
    """What is wrong with inputs and targets, or nothing."""
    if not _two_rows(given):
        return "two tensors of shape (batch, seq - 1) are expected, inputs and targets"
    inputs, targets = given
    if inputs.shape != targets.shape:
        return f"inputs {tuple(inputs.shape)}, targets {tuple(targets.shape)}: each position needs one target"
    if len(inputs) != len(tokens):
        return "a whole sentence is gone: the words lie along axis 1, the sentences along axis 0"
    if torch.equal(inputs, targets):
        return "each position is to say the word that it reads. It sees that one with any mask: nothing is left to predict"
    if torch.equal(targets[:, 1:], inputs[:, :-1]):
        return "the wrong way: each position is to say the word before its own, and the mask lets it see that one"
    if not torch.equal(targets[:, :-1], inputs[:, 1:]):
        return "the target of a position should be the word after the one that it reads"
    if inputs.shape[1] == tokens.shape[1]:
        return "one position too many: the last word has no next one, so it is not read"
    right = all(torch.equal(mine, due) for mine, due in zip(given, toy.pairs(tokens), strict=True))
    return "" if right else "the direction is right, but words are missing: every word but the last is read"


def _two_rows(given: Any) -> bool:
    """Whether these are two tensors of word ids with two axes each."""
    return (
        isinstance(given, tuple | list)
        and len(given) == 2
        and all(isinstance(part, torch.Tensor) and part.dim() == 2 and not part.is_floating_point() for part in given)
    )


def _show_rows(given: Any) -> None:
    """Prints the first sentence's inputs and, below them, its targets."""
    if _two_rows(given) and all(part.numel() and 0 <= part.min() and part.max() < len(toy.WORDS) for part in given):
        for name, part in zip(("reads", "is to say"), given, strict=True):
            print(f"{name:10}", "".join(f"{word:5}" for word in toy.decode(part[0])))


# The loop that writes


def try_write(write: toy.Writer, model: toy.Model) -> toy.Writer:
    """The learner's `write` where it works, else the course's; shows what it writes with a trained `model`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trouble = _write_trouble(write)
        some, failed = tried(toy.texts, model, write, 200)
    if not failed:
        print(*(f"   {text}" for text in some[:4]), sep="\n")
        print(f"{toy.share(some):.0%} of 200 texts are sentences of the language.")
    print(f"write: {trouble}. The course's own writes below." if trouble else "write: it works. Yours writes below.")
    return toy.draw if trouble else write


def _write_trouble(write: toy.Writer) -> str:
    """What is wrong with a loop, or nothing: first with a model that counts, then with one that leaves a choice."""
    start, steps, longest = torch.tensor([[2, 7, 5], [4, 1, 9]]), 4, 4
    shown: list[int] = []
    given, trouble = tried(write, _counting(shown), start.clone(), steps, longest)
    if max(shown, default=0) > longest:
        return f"the model was shown {max(shown)} words and has places for longest={longest}: show it the last ones alone"
    return trouble or _text_trouble(given, start, steps, longest) or _choice_trouble(write)


def _counting(shown: list[int]) -> toy.Model:
    """A model that is sure of the next number at every position; notes how many positions it was shown."""

    def model(tokens: torch.Tensor, mask: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        shown.append(tokens.shape[-1])
        follows = torch.nn.functional.one_hot((tokens + 1) % _NUMBERS, _NUMBERS)
        return _SURE * follows, torch.zeros(*tokens.shape, tokens.shape[-1])

    return model


def _text_trouble(given: Any, start: torch.Tensor, steps: int, longest: int) -> str:
    """What is wrong with a text that should count on from the last number of `start` (2, 3)."""
    if not isinstance(given, torch.Tensor) or given.dim() != 2 or len(given) != len(start):
        return f"tokens of shape (batch, seq + steps) are expected, and it gives {_form(given)}"
    width, due = start.shape[1], start.shape[1] + steps
    if given.shape[1] == width:
        return "the text does not grow: torch.cat makes a longer tensor, and the next step has to read that one"
    if given.shape[1] == steps:
        return "the words that the text began with are missing from what comes back"
    if given.shape[1] != due:
        return f"{given.shape[1] - width} words more after {steps} steps: each step adds one"
    if not torch.equal(given[:, :width], start):
        return "the text no longer begins as it did: a new word goes behind the others"
    right = (start[:, -1:] + torch.arange(1, steps + 1)) % _NUMBERS
    return _words_trouble(given[:, width:], right, start, longest)


def _words_trouble(found: torch.Tensor, right: torch.Tensor, start: torch.Tensor, longest: int) -> str:
    """What is wrong with the new words, where `right` are the right ones."""
    width = start.shape[1]
    if torch.equal(found, right):
        return ""
    for place in range(width - 1):
        if torch.equal(found[:, 0], (start[:, place] + 1) % _NUMBERS):
            return f"the wrong row: the new word is what the model says at position {place}, and position {width - 1} is the last"
    if torch.equal(found, right[:, :1].expand_as(found)):
        return "each step reads the text as it was at first: the new word is not added to what is read"
    known = longest - width + 1
    if torch.equal(found[:, :known], right[:, :known]):
        return f"right until the text is longer than longest={longest}: then the last words count, not the first"
    return "the new words are not those that the model is sure of: look at the row, and at the axis of the softmax"


def _choice_trouble(write: toy.Writer) -> str:
    """What is wrong with how a loop chooses between a word of probability 3/4 and one of 1/4, or nothing."""
    odds = torch.tensor([0.0, math.log(3)])

    def model(tokens: torch.Tensor, mask: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        return odds.expand(*tokens.shape, 2), torch.zeros(*tokens.shape, tokens.shape[-1])

    given, trouble = tried(write, model, torch.zeros(2000, 1, dtype=torch.int64), 1, 4)
    if trouble:
        return trouble
    part = given[:, -1].float().mean().item()
    if part in (0.0, 1.0):
        return "2,000 texts go on with the same word, though another has probability 1/4: draw it, do not take the likeliest"
    return "" if abs(part - 0.75) < 0.05 else f"a word of probability 0.75 comes in {part:.2f} of the cases: softmax, then draw"


def _form(given: Any) -> str:
    """What something is, in a few words."""
    shape: Sequence[int] | None = getattr(given, "shape", None)
    return f"shape {tuple(shape)}" if shape is not None else type(given).__name__
