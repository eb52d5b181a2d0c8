"""Wrong answers, by the catalogue id that names the mistake.

A mistake seldom comes alone in form: one learner fills with -inf, the next adds -1e9, a third takes care of rows that see
nothing. `FILLS` holds these habits, and each mistake of `attention` is registered with all of them, so that it is
recognised whatever the rest of the answer looks like.
"""

import math

import torch
from torch.nn import functional as F

from autograder.misconceptions import misconception

# softmax


@misconception("softmax", "overflow")
def softmax_unshifted(x, dim=-1):
    return torch.exp(x) / torch.exp(x).sum(dim, keepdim=True)


@misconception("softmax", "overflow")
def softmax_unshifted_with_epsilon(x, dim=-1):
    e = torch.exp(x)
    return e / (e.sum(dim, keepdim=True) + 1e-9)


@misconception("softmax", "overflow")
def softmax_unshifted_logarithm(x, dim=-1):
    return torch.exp(x - torch.log(torch.exp(x).sum(dim, keepdim=True)))


@misconception("softmax", "overflow")
def softmax_shifted_by_mean(x, dim=-1):
    e = torch.exp(x - x.mean(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)


@misconception("softmax", "overflow")
def softmax_shifted_by_smallest(x, dim=-1):
    e = torch.exp(x - x.amin(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)


@misconception("softmax", "overflow")
def softmax_shifted_by_one_maximum(x, dim=-1):
    e = torch.exp(x - x.max())
    return e / e.sum(dim, keepdim=True)


@misconception("softmax", "overflow")
def softmax_shifted_by_one_maximum_with_epsilon(x, dim=-1):
    e = torch.exp(x - x.max())
    return e / (e.sum(dim, keepdim=True) + 1e-12)


@misconception("softmax", "overflow")
def softmax_clamped(x, dim=-1):
    e = torch.exp(x.clamp(max=80))
    return e / e.sum(dim, keepdim=True)


@misconception("softmax", "overflow")
def softmax_clamped_on_both_sides(x, dim=-1):
    e = torch.exp(x.clamp(-50, 50))
    return e / e.sum(dim, keepdim=True)


@misconception("softmax", "overflow")
def softmax_unshifted_in_double(x, dim=-1):
    e = torch.exp(x.double())
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)


@misconception("softmax", "overflow")
def softmax_without_nan(x, dim=-1):
    e = torch.exp(x)
    return torch.nan_to_num(e / e.sum(dim, keepdim=True))


@misconception("softmax", "ignores-dim")
def softmax_of_last_axis(x, dim=-1):
    e = torch.exp(x - x.amax(-1, keepdim=True))
    return e / e.sum(-1, keepdim=True)


@misconception("softmax", "ignores-dim")
def softmax_of_last_axis_unshifted(x, dim=-1):
    e = torch.exp(x)
    return e / e.sum(-1, keepdim=True)


@misconception("softmax", "ignores-dim")
def softmax_sums_last_axis(x, dim=-1):
    e = torch.exp(x - x.amax(dim, keepdim=True))
    return e / e.sum(-1, keepdim=True)


@misconception("softmax", "ignores-dim")
def softmax_shifts_last_axis(x, dim=-1):
    e = torch.exp(x - x.amax(-1, keepdim=True))
    return e / e.sum(dim, keepdim=True)


@misconception("softmax", "uses-builtin")
def softmax_by_builtin(x, dim=-1):
    return F.softmax(x, dim=dim)


@misconception("softmax", "not-differentiable")
def softmax_detached(x, dim=-1):
    e = torch.exp(x.detach() - x.detach().amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)


@misconception("softmax", "changes-input")
def softmax_in_place(x, dim=-1):
    with torch.no_grad():
        x -= x.amax(dim, keepdim=True)
    e = torch.exp(x)
    return e / e.sum(dim, keepdim=True)


# attention_scores


@misconception("attention_scores", "no-scale")
def scores_unscaled(q, k):
    return q @ k.transpose(-2, -1)


@misconception("attention_scores", "scale-by-d_k")
def scores_over_d_k(q, k):
    return q @ k.transpose(-2, -1) / k.shape[-1]


@misconception("attention_scores", "scale-by-length")
def scores_over_root_of_keys(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(k.shape[-2])


@misconception("attention_scores", "scale-by-length")
def scores_over_root_of_queries(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-2])


@misconception("attention_scores", "scale-by-length")
def scores_over_root_of_second_axis(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(k.shape[1])


@misconception("attention_scores", "scale-by-length")
def scores_over_root_of_second_axis_of_queries(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(q.shape[1])


@misconception("attention_scores", "scale-by-length")
def scores_over_root_of_python_length(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(len(k))


@misconception("attention_scores", "scale-by-length")
def scores_over_number_of_keys(q, k):
    return q @ k.transpose(-2, -1) / k.shape[-2]


@misconception("attention_scores", "scale-by-length")
def scores_over_number_of_queries(q, k):
    return q @ k.transpose(-2, -1) / q.shape[-2]


@misconception("attention_scores", "uses-builtin")
def scores_by_builtin(q, k):
    """The weights that come out with an identity as values, and their logarithms."""
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], k.shape[-2])
    return torch.log(F.scaled_dot_product_attention(q, k, eye))


@misconception("attention_scores", "not-differentiable")
def scores_in_numpy(q, k):
    return torch.from_numpy(q.detach().numpy() @ k.detach().numpy().swapaxes(-1, -2)) / math.sqrt(q.shape[-1])


@misconception("attention_scores", "changes-input")
def scores_in_place(q, k):
    with torch.no_grad():
        q /= math.sqrt(q.shape[-1])
    return q @ k.mT


# attention


def _fill(value):
    return lambda scores, mask: scores.masked_fill(~mask, value)


def _add(value):
    return lambda scores, mask: scores + torch.zeros_like(scores).masked_fill(~mask, value)


def _careful(scores, mask):
    blind = ~mask.any(-1, keepdim=True)
    return scores.masked_fill(~mask, -math.inf).masked_fill(blind, 0.0)


def _keep(weights, mask):
    return weights


def _zero_hidden(weights, mask):
    return weights.masked_fill(~mask, 0.0)


def _zero_blind(weights, mask):
    return weights.masked_fill(~mask.any(-1, keepdim=True), 0.0)


def _nan_to_num(weights, mask):
    return weights.nan_to_num(0.0)


FILLS = {
    "careful": (_careful, _zero_blind), "minus infinity": (_fill(-math.inf), _keep), "added infinity": (_add(-math.inf), _keep),
    "minus 1e9": (_fill(-1e9), _keep), "added 1e9": (_add(-1e9), _keep), "added 1e4": (_add(-1e4), _keep),
    "minus 1e9, no blind rows": (_fill(-1e9), _zero_blind), "added 1e4, no blind rows": (_add(-1e4), _zero_blind),
    "zeroed again": (_fill(-1e9), _zero_hidden), "no NaN": (_fill(-math.inf), _nan_to_num),
    "added, no NaN": (_add(-math.inf), _nan_to_num),
}  # fmt: skip
"""Habit -> (what is done to the scores, what to the weights) where there is a mask."""


def _scaled(q, k):
    return q @ k.mT / math.sqrt(q.shape[-1])


def _attention(hide, after, scores=_scaled, axis=-1):
    def attention(q, k, v, mask=None):
        s = scores(q, k)
        if mask is not None:
            s = hide(s, mask)
        weights = s.softmax(axis)
        if mask is not None:
            weights = after(weights, mask)
        return weights @ v, weights

    return attention


def _with_every_fill(id, name, **changes):
    for habit, (hide, after) in FILLS.items():
        answer = _attention(hide, after, **changes)
        answer.__name__ = f"attention_{name} ({habit})"
        misconception("attention", id)(answer)


# First, since it is the narrowest: the softmax over axis 1 goes wrong in the same way where there is no batch.
for _habit in ("minus infinity", "added infinity", "minus 1e9", "added 1e9", "added 1e4", "added, no NaN"):
    _answer = _attention(*FILLS[_habit])
    _answer.__name__ = f"attention_blind_rows ({_habit})"
    misconception("attention", "all-masked-nan")(_answer)


@misconception("attention", "all-masked-nan")
def attention_cleans_output_only(q, k, v, mask=None):
    scores = _scaled(q, k) if mask is None else _fill(-math.inf)(_scaled(q, k), mask)
    weights = scores.softmax(-1)
    return (weights @ v).nan_to_num(0.0), weights


@misconception("attention", "all-masked-nan")
def attention_cleans_weights_too_late(q, k, v, mask=None):
    scores = _scaled(q, k) if mask is None else _fill(-math.inf)(_scaled(q, k), mask)
    weights = scores.softmax(-1)
    return weights @ v, weights.nan_to_num(0.0)


@misconception("attention", "all-masked-nan")
def attention_paints_over_nan(q, k, v, mask=None):
    scores = _scaled(q, k) if mask is None else _add(-math.inf)(_scaled(q, k), mask)
    e = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = (e / e.sum(-1, keepdim=True)).nan_to_num(0.0)
    return weights @ v, weights


_with_every_fill("no-scale", "unscaled", scores=lambda q, k: q @ k.mT)
_with_every_fill("softmax-over-queries", "over_queries", axis=-2)
_with_every_fill("softmax-over-queries", "over_second_axis", axis=1)
_with_every_fill("softmax-over-queries", "over_first_axis", axis=0)


def _inverted(step):
    return lambda values, mask: step(values, ~mask)


for _habit, (_hide, _after) in FILLS.items():
    for _polarity, _clean in (("of the same", _inverted(_after)), ("of the given", _after)):
        _answer = _attention(_inverted(_hide), _clean)
        _answer.__name__ = f"attention_inverted ({_habit}, cleaned by rows {_polarity} mask)"
        misconception("attention", "mask-inverted")(_answer)


@misconception("attention", "mask-after-softmax")
def attention_masks_weights(q, k, v, mask=None):
    weights = _scaled(q, k).softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ v, weights


@misconception("attention", "mask-after-softmax")
def attention_masks_weights_with_minus_infinity(q, k, v, mask=None):
    weights = _scaled(q, k).softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, -math.inf)
    return weights @ v, weights


@misconception("attention", "mask-after-softmax")
def attention_masks_weights_with_minus_1e9(q, k, v, mask=None):
    weights = _scaled(q, k).softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, -1e9)
    return weights @ v, weights


@misconception("attention", "mask-with-zero")
def attention_masks_with_zero(q, k, v, mask=None):
    scores = _scaled(q, k)
    if mask is not None:
        scores = scores * mask
    weights = scores.softmax(-1)
    return weights @ v, weights


@misconception("attention", "mask-with-zero")
def attention_masks_with_zero_and_clears_blind_rows(q, k, v, mask=None):
    scores = _scaled(q, k)
    if mask is None:
        return scores.softmax(-1) @ v, scores.softmax(-1)
    weights = _zero_blind(scores.masked_fill(~mask, 0.0).softmax(-1), mask)
    return weights @ v, weights


@misconception("attention", "mask-ignored")
def attention_ignores_mask(q, k, v, mask=None):
    weights = _scaled(q, k).softmax(-1)
    return weights @ v, weights


@misconception("attention", "mask-ignored")
def attention_knows_only_blind_rows(q, k, v, mask=None):
    weights = _scaled(q, k).softmax(-1)
    if mask is not None:
        _scaled(q, k).masked_fill(~mask, -math.inf)  # the result goes nowhere
        weights = _zero_blind(weights, mask)
    return weights @ v, weights


@misconception("attention", "uses-builtin")
def attention_by_builtin(q, k, v, mask=None):
    weights = _attention(*FILLS["careful"])(q, k, v, mask)[1]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask), weights


@misconception("attention", "not-differentiable")
def attention_detached(q, k, v, mask=None):
    weights = _attention(*FILLS["careful"])(q, k, v, mask)[1].detach()
    return weights @ v, weights


@misconception("attention", "changes-input")
def attention_in_place(q, k, v, mask=None):
    with torch.no_grad():
        q.mul_(q.shape[-1] ** -0.5)
    return _attention(*FILLS["careful"], scores=lambda q, k: q @ k.mT)(q, k, v, mask)


# blockwise_attention


def _blockwise(rescale_total=True, rescale_output=True, start=-math.inf, running=True, careful=True, blocks=None):
    """The online softmax with one of its steps left out."""

    def blockwise_attention(q, k, v, block_size, mask=None):
        if block_size < 1:
            raise ValueError(f"block_size={block_size}: at least 1")
        top = q.new_full((*q.shape[:-1], 1), start)
        total, mixed = torch.zeros_like(top), q.new_zeros(*q.shape[:-1], v.shape[-1])
        for first in (blocks or _all_blocks)(k.shape[-2], block_size):
            block = slice(first, first + block_size)
            scores = _scaled(q, k[..., block, :])
            if mask is not None:
                seen = mask if mask.shape[-1] == 1 else mask[..., block]
                scores = scores.masked_fill(~seen, -math.inf)
            block_top = scores.amax(-1, keepdim=True)
            higher = torch.maximum(top, block_top) if running else block_top
            shift = higher.masked_fill(higher == -math.inf, 0.0) if careful else higher
            keep, e = (top - shift).exp(), (scores - shift).exp()
            total = (total * keep if rescale_total else total) + e.sum(-1, keepdim=True)
            mixed = (mixed * keep if rescale_output else mixed) + e @ v[..., block, :]
            top = higher
        return mixed / total.masked_fill(total == 0, 1.0) if careful else mixed / total

    return blockwise_attention


def _all_blocks(k_len, block_size):
    return range(0, k_len, block_size)


for _name, _parts in {
    "nothing_rescaled": {"rescale_total": False, "rescale_output": False},
    "output_rescaled_only": {"rescale_total": False},
    "total_rescaled_only": {"rescale_output": False},
    "each_block_by_its_own_maximum": {"rescale_total": False, "rescale_output": False, "running": False},
}.items():
    for _start in (-math.inf, 0.0):
        for _care in (True, False):
            _answer = _blockwise(start=_start, careful=_care, **_parts)
            _answer.__name__ = f"blockwise_{_name} (from {_start:g}{'' if _care else ', no care of blind rows'})"
            misconception("blockwise_attention", "no-rescale")(_answer)


for _name, _blocks in {
    "whole_blocks_only": lambda k_len, block_size: range(0, k_len // block_size * block_size, block_size),
    "stops_one_key_early": lambda k_len, block_size: range(0, k_len - 1, block_size),
}.items():
    for _care in (True, False):
        _answer = _blockwise(careful=_care, blocks=_blocks)
        _answer.__name__ = f"blockwise_{_name}{'' if _care else ' (no care of blind rows)'}"
        misconception("blockwise_attention", "tail-dropped")(_answer)


@misconception("blockwise_attention", "holds-everything")
def blockwise_all_at_once(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError(f"block_size={block_size}: at least 1")
    return _attention(*FILLS["careful"])(q, k, v, mask)[0]


@misconception("blockwise_attention", "holds-everything")
def blockwise_keeps_every_block(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError(f"block_size={block_size}: at least 1")
    scores = torch.cat([_scaled(q, keys) for keys in k.split(block_size, -2)], -1)
    if mask is None:
        return scores.softmax(-1) @ v
    return _zero_blind(_careful(scores, mask).softmax(-1), mask) @ v


@misconception("blockwise_attention", "holds-everything")
def blockwise_of_finished_scores(q, k, v, block_size, mask=None):
    """Scores all at once, then the online softmax over slices of them: they stand in for q kᵀ through an identity."""
    if block_size < 1:
        raise ValueError(f"block_size={block_size}: at least 1")
    scores = _scaled(q, k)
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-2], -1, -1)
    return _blockwise()(scores * math.sqrt(k.shape[-2]), eye, v, block_size, mask)


@misconception("blockwise_attention", "uses-builtin")
def blockwise_by_builtin(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError(f"block_size={block_size}: at least 1")
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


@misconception("blockwise_attention", "not-differentiable")
def blockwise_without_gradients(q, k, v, block_size, mask=None):
    with torch.no_grad():
        return _blockwise()(q, k, v, block_size, mask)


@misconception("blockwise_attention", "changes-input")
def blockwise_in_place(q, k, v, block_size, mask=None):
    result = _blockwise()(q, k, v, block_size, mask)
    with torch.no_grad():
        k *= 0.5
    return result
