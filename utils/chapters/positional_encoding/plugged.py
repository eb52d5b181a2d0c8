"""Chapter 06's open tasks: attention with rotary positions and with ALiBi. The course's own, and what mistakes give.

`q`, `k`, `v` and the output have the shape (batch, num_heads, seq, d_head), `mask` (seq, seq) or None.
"""

import math
from collections.abc import Callable, Iterator
from types import ModuleType

import torch
from torch.nn import functional as F

from utils.library import My
from utils.open_tasks import tried

Attend = Callable[..., torch.Tensor]
Parts = My | ModuleType
BATCH, HEADS, SEQ, D_HEAD = 3, 4, 14, 6  # of what the tasks are tried on; an even SEQ, so that scores can be turned too


def rotary(parts: Parts) -> Attend:
    """The course's own `(q, k, v, mask) -> output`: queries and keys are turned, values are not."""

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        return F.scaled_dot_product_attention(_turn(parts, q), _turn(parts, k), v, attn_mask=mask)

    return attend


def alibi(parts: Parts) -> Attend:
    """The course's own `(q, k, v) -> output`: PyTorch adds the bias to the scores, and its -inf are the mask."""

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=parts.alibi_bias(q.shape[1], q.shape[2]))

    return attend


def try_rotary(written: Attend, parts: Parts) -> Attend | None:
    """The learner's function where it agrees with the course's own, else None; one line says what came out."""
    q, k, v = _inputs()
    mask = torch.ones(SEQ, SEQ, dtype=torch.bool).tril()
    words = _found(written, (q, k, v, mask), rotary(parts)(q, k, v, mask), rotary_slips(parts, q, k, v, mask))
    return _say("rotary_attention", words, written)


def try_alibi(written: Attend, parts: Parts) -> Attend | None:
    """The same for ALiBi."""
    q, k, v = _inputs()
    words = _found(written, (q, k, v), alibi(parts)(q, k, v), alibi_slips(parts, q, k, v))
    return _say("alibi_attention", words, written)


def rotary_slips(
    parts: Parts, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor
) -> Iterator[tuple[str, torch.Tensor]]:
    """(sentence, output) of each likely mistake."""
    turned_q, turned_k, turned_v = (_turn(parts, x) for x in (q, k, v))
    attend = F.scaled_dot_product_attention
    yield "it is attention without positions: nothing was turned", attend(q, k, v, mask)
    yield "the values are turned too, so positions get into what is handed over", attend(turned_q, turned_k, turned_v, mask)
    yield "the queries are turned, the keys are not", attend(turned_q, k, v, mask)
    yield "the keys are turned, the queries are not", attend(q, turned_k, v, mask)
    yield "what is turned is the output: turn queries and keys before their product", _turn(parts, attend(q, k, v, mask))
    scores = _turn(parts, _scores(q, k)).masked_fill(~mask, -math.inf)
    yield "what is turned is the scores: turn queries and keys before their product", scores.softmax(-1) @ v
    yield "later tokens get weight: the mask is not used", attend(turned_q, turned_k, v)
    yield "the scores are not divided by the root of d_head", attend(turned_q, turned_k, v, mask, scale=1.0)


def alibi_slips(parts: Parts, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """(sentence, output) of each likely mistake."""
    bias, scores, root = parts.alibi_bias(HEADS, SEQ), _scores(q, k), math.sqrt(D_HEAD)
    future = bias == -math.inf
    masked = scores.masked_fill(future, -math.inf)
    yield "nothing is taken off for the distance, and later tokens get weight: the bias is missing", scores.softmax(-1) @ v
    yield "nothing is taken off for the distance: only the mask is there", masked.softmax(-1) @ v
    behind = "the bias was added to the weights, behind the softmax"
    yield f"infinite numbers come out: {behind}", (scores.softmax(-1) + bias) @ v
    sign = "the bias has the wrong sign: it is added as it is"
    yield f"NaN comes out: {sign}", (scores - bias).softmax(-1) @ v
    yield f"far keys gain: {sign}", (masked - bias.masked_fill(future, 0)).softmax(-1) @ v
    for head in range(HEADS):
        yield f"every head got the bias of head {head}: each has its own", (scores + bias[head]).softmax(-1) @ v
    yield "the bias is divided by the root of d_head with the scores: add it behind that", (scores + bias / root).softmax(-1) @ v
    yield "the scores are not divided by the root of d_head", (scores * root + bias).softmax(-1) @ v


def _turn(parts: Parts, x: torch.Tensor) -> torch.Tensor:
    return parts.apply_rotary(x, torch.arange(x.shape[-2]))


def _scores(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    return torch.einsum("bhqd,bhkd->bhqk", q, k) * q.shape[-1] ** -0.5


def _inputs() -> torch.Tensor:
    """(3, batch, num_heads, seq, d_head): queries, keys, values."""
    return torch.randn(3, BATCH, HEADS, SEQ, D_HEAD, generator=torch.Generator().manual_seed(6))


def _found(
    written: Attend, inputs: tuple[torch.Tensor, ...], right: torch.Tensor, slips: Iterator[tuple[str, torch.Tensor]]
) -> str:
    """What is wrong with the learner's function, in words; "" where nothing is."""
    output, words = tried(written, *(x.clone() for x in inputs))
    if words:
        return words
    if not isinstance(output, torch.Tensor):
        return f"it gives a {type(output).__name__}: the output alone is asked for"
    if output.shape != right.shape:
        return f"the output has the shape {tuple(output.shape)}, the values have {tuple(right.shape)}"
    if _same(output, right):
        return ""
    return next(
        (sentence for sentence, slip in slips if _same(output, slip)), "something else comes out, none of the known slips"
    )


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, atol=1e-5, equal_nan=True)


def _say(name: str, words: str, written: Attend) -> Attend | None:
    print(f"{name}: {words}.\nThe course's own is used below." if words else f"{name}: right. Yours is used below.")
    return None if words else written
