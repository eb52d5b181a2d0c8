"""Chapter 04's open task: a learner's layer without one head is compared with what it must give, and mistakes are named."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from utils.chapters.multi_head_attention.experiment import Without, written_by
from utils.chapters.multi_head_attention.experiment import without as courses_own
from utils.open_tasks import tried

_D_MODEL, _HEADS = 24, 4
_CLOSE = 1e-4  # outputs are about 0.1; the candidates below differ by more than 0.01

Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@torch.no_grad()
def try_without(without_head: Without, kind: Callable[[int, int], Any]) -> Without:
    """The learner's function where it is right for each head of a layer of `kind`, else the course's; a line says which."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        layer = kind(_D_MODEL, _HEADS)
        inputs = torch.randn(2, 5, _D_MODEL), torch.randn(2, 7, _D_MODEL), torch.randn(2, 7, _D_MODEL)
    trouble = next(_troubles(without_head, layer, inputs), "")
    if trouble:
        print(f"without_head: {trouble}. The course's own is used below.")
        return courses_own
    print(f"without_head: right for each of {_HEADS} heads. Yours is used below.")
    return without_head


def _troubles(without_head: Without, layer: Any, inputs: Inputs) -> Iterator[str]:
    """What is wrong, head by head."""
    before = {name: weight.clone() for name, weight in layer.state_dict().items()}
    for head in (1, 2, 3, 0):  # head 0 last: it comes out right by luck most often
        given, failed = tried(without_head, layer, _HEADS, head, *inputs)
        if failed:
            yield failed
        if any(not torch.equal(weight, before[name]) for name, weight in layer.state_dict().items()):
            layer.load_state_dict(before)
            yield "the layer itself has changed, and the next head would be missing too: work on a copy, or on what it finds"
        if isinstance(given, tuple | list):
            yield "only the output is asked for, without the weights"
        if not isinstance(given, torch.Tensor):
            yield f"a tensor of shape (batch, q_len, d_model) is expected, and it gives {type(given).__name__}"
        right = courses_own(layer, _HEADS, head, *inputs)
        if given.shape != right.shape:
            yield f"shape {tuple(given.shape)} comes out and {tuple(right.shape)} is expected, (batch, q_len, d_model)"
        if not torch.allclose(given, right, atol=_CLOSE):
            yield _cause(given, layer, head, inputs)


def _cause(given: torch.Tensor, layer: Any, head: int, inputs: Inputs) -> str:
    """The likely mistake behind an output that is not right."""
    for words, candidate in _mistakes(layer, head, inputs):
        if torch.allclose(given, candidate, atol=_CLOSE):
            return words
    return f"without head {head} something else comes out: all that the other heads write stays, and the bias of w_o"


def _mistakes(layer: Any, head: int, inputs: Inputs) -> Iterator[tuple[str, torch.Tensor]]:
    """(what to say, the output that this mistake gives) of each likely mistake."""
    whole, right, bias = layer(*inputs)[0], courses_own(layer, _HEADS, head, *inputs), layer.w_o.bias
    yield "nothing is missing: it gives what the whole layer gives", whole
    for other in range(_HEADS):
        if other != head:
            words = f"head {other} is missing, and head {head} was asked for (heads count from 0)"
            yield words, courses_own(layer, _HEADS, other, *inputs)
    mine = written_by(layer, _HEADS, head, *inputs)
    for alone in (mine, mine + bias):
        yield "this is the head alone: the others should stay, and this one go", alone
    yield "the bias of w_o is missing: it belongs to no head", right - bias
    part = slice(head * _D_MODEL // _HEADS, (head + 1) * _D_MODEL // _HEADS)
    for filled in (0.0, bias[part]):
        cut = whole.clone()
        cut[..., part] = filled
        yield "features of the output are missing: a head has columns of w_o.weight, its rows make the features", cut
    columns = layer.w_o.weight[:, part].T
    even = F.linear(inputs[2], layer.w_v.weight[part], layer.w_v.bias[part]).mean(1, keepdim=True) @ columns
    yield "the head still writes: with scores of 0 its weights are even, not 0", right + even
    yield "the head still writes: the bias of w_v comes through", right + layer.w_v.bias[part] @ columns
    yield (
        "features of all heads are missing: a head has neighbouring features, not every fourth",
        _interleaved(layer, head, inputs),
    )


def _interleaved(layer: Any, head: int, inputs: Inputs) -> torch.Tensor:
    """The output without every `_HEADS`-th feature."""
    parts: list[nn.Linear] = [layer.w_q, layer.w_k, layer.w_v]
    q, k, v = (part(x).unflatten(-1, (_HEADS, -1)).transpose(1, 2) for part, x in zip(parts, inputs, strict=True))
    found = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    found[..., head::_HEADS] = 0
    return layer.w_o(found)
