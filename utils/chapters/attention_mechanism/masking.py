"""Chapter 02's open task: a learner's wrong mask, and the learner's test, tried on right and on wrong maskings."""

from collections.abc import Callable
from typing import Any

import torch

from utils import reference
from utils.open_tasks import tried

Attention = Callable[..., Any]
"""(q, k, v, mask=None) -> (output, weights), the shapes as in `attention`"""

GAP = 1e-4
"""Two results of the same attention in float32 are closer than this."""


def hides_late(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden keys take part in the softmax, and only then is their weight set to 0."""
    _, weights = reference.attention(q, k, v)
    seen = weights if mask is None else torch.where(mask, weights, 0.0)
    return seen @ v, seen


def one_row_for_all(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Every query gets the mask of the first one."""
    if mask is not None and mask.dim() > 1:
        mask = mask.narrow(-2, 0, 1)
    return reference.attention(q, k, v, mask=mask)


def mixes_with_others(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
    """The weights that are returned are right; the output is mixed with the weights before the mask."""
    return reference.attention(q, k, v)[0], reference.attention(q, k, v, mask=mask)[1]


WRONG = {
    "masked after the softmax": (hides_late, "add up a row of weights, or put other keys in the hidden places"),
    "first row for all queries": (one_row_for_all, "let two queries have different rows in your mask"),
    "right weights, wrong output": (mixes_with_others, "look at the output, with other values in the hidden places"),
}
"""{what is wrong: (the attention, how a test can catch it)}"""


def try_mask(wrong: Attention, test: Callable[[Attention], object]) -> None:
    """Says whether `wrong` has a wrong mask, and what `test` lets pass of the right attention, of `wrong` and of `WRONG`."""
    fault = not_wrong(wrong)
    print(f"wrong_attention: {fault or 'right without a mask, wrong with one'}.")
    verdict, words = judged(test, reference.attention)
    if verdict != "passes":
        print(f"test_mask: {words if verdict == 'empty' else f'the right attention has to pass. Instead it is {words}'}.")
        return
    print(f"test_mask:\n  {'the right attention':28} passes")
    candidates = {} if fault else {"yours": (wrong, "which of its results is wrong? Look at that one")}
    candidates |= WRONG
    caught = 0
    for name, (attention, hint) in candidates.items():
        verdict, words = judged(test, attention)
        caught += verdict == "caught"
        print(f"  {name:28} {words}" + (f"\n      Hint: {hint}." if verdict == "passes" else ""))
    print(f"Your test catches {caught} of {len(candidates)} wrong masks.")


def judged(test: Callable[[Attention], object], attention: Attention) -> tuple[str, str]:
    """What `test(attention)` says, `"passes"`, `"caught"`, `"empty"` or `"broken"`, and a sentence for it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)  # `torch.manual_seed` takes a trace of the stack for each kind of GPU
        given, words = tried(test, attention)
    if words == "nothing is here yet":
        return "empty", words
    if words.startswith("AssertionError"):
        said = " ".join(words.removeprefix("AssertionError").removeprefix(":").split())
        return "caught", f"caught{f': {said}' if said else ''}"[:60]
    if words:
        return "broken", f"broken off by a {words}"[:160]
    if given is not None:
        return "broken", f"answered with {given!r:.30}: a test has to raise, so write assert"
    return "passes", "passes"


def not_wrong(wrong: Attention) -> str:
    """Why `wrong` is not what the task asks for, or nothing where it is."""
    generator = torch.Generator().manual_seed(5)
    q, k, v = (torch.randn(2, *size, generator=generator) for size in ((3, 7), (5, 7), (5, 2)))
    plain, words = tried(wrong, q, k, v)
    if words:
        return words if words == "nothing is here yet" else f"without a mask it breaks off with {words}"
    if not _pair(plain):
        return f"it returns {type(plain).__name__}, and the task asks for the pair (output, weights)"
    if not _same(plain, reference.attention(q, k, v)):
        return "without a mask it already differs from `attention`. Only its mask should be wrong"
    rows = torch.tensor([[True, True, False, False, True], [False, True, True, True, False], [True, False, False, True, True]])
    for mask in (rows, rows[:1], rows[:, None, :][:2], rows & torch.tensor([[True], [False], [True]])):
        masked, words = tried(wrong, q, k, v, mask=mask)
        if words:
            return (
                f"with a mask of shape {tuple(mask.shape)} it breaks off with {words}. It should give a result, and a wrong one"
            )
        if not _pair(masked):
            return "with a mask it does not return the pair (output, weights)"
        if not _same(masked, reference.attention(q, k, v, mask=mask)):
            return ""
    return "with every mask tried it gives what `attention` gives. That is a right one"


def _pair(given: Any) -> bool:
    return isinstance(given, tuple | list) and len(given) == 2


def _same(given: Any, right: tuple[torch.Tensor, torch.Tensor]) -> bool:
    """Whether output and weights agree; NaN agrees with nothing."""
    return all(
        isinstance(one, torch.Tensor) and one.shape == other.shape and bool(((one - other).abs() < GAP).all())
        for one, other in zip(given, right, strict=True)
    )
