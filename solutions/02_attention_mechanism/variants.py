"""Right answers in other styles, which must all earn full points and no name."""

import math

import torch
from torch.nn import functional as F

from autograder.misconceptions import variant

# softmax


@variant("softmax", "max-values")
def softmax_by_max_values(x, dim=-1):
    top, _ = x.max(dim, True)
    e = torch.exp(torch.sub(x, top))
    return e * e.sum(dim, True).reciprocal()


@variant("softmax", "detached-shift")
def softmax_with_detached_shift(x, dim=-1):
    with torch.no_grad():
        shift = x.amax(dim).unsqueeze(dim)
    numerator = (x - shift).exp()
    return numerator / numerator.sum(dim, keepdim=True)


@variant("softmax", "log-space")
def softmax_in_log_space(x, dim=-1):
    shifted = x - torch.amax(x, dim=dim, keepdim=True)
    log_weights = shifted - torch.log(torch.exp(shifted).sum(dim=dim, keepdim=True))
    return torch.exp(log_weights)


@variant("softmax", "logsumexp")
def softmax_by_logsumexp(x, dim=-1):
    return torch.exp(x - torch.logsumexp(x, dim, keepdim=True))


@variant("softmax", "row-loop")
def softmax_row_by_row(x, dim=-1):
    rows = x.movedim(dim, -1)
    flat = rows.reshape(-1, rows.shape[-1])
    done = []
    for row in flat:
        e = torch.exp(row - max(row.tolist()))
        done.append(e / sum(e))
    return torch.stack(done).reshape(rows.shape).movedim(-1, dim)


@variant("softmax", "own-copy")
def softmax_on_own_copy(x, dim=-1):
    y = x.clone()
    y -= x.amax(dim, keepdim=True)
    y = y.exp()
    total = y.sum(dim, keepdim=True)
    return y.div(total)


@variant("softmax", "running")
def softmax_with_running_sum(x, dim=-1):
    top = torch.full_like(x.select(dim, 0), -math.inf)
    total = torch.zeros_like(top)
    for entry in x.unbind(dim):
        higher = torch.maximum(top, entry.detach())
        safe = torch.where(higher.isinf(), torch.zeros_like(higher), higher)
        total = total * torch.exp(top - safe) + torch.exp(entry - safe)
        top = higher
    return torch.exp(x - top.unsqueeze(dim)) / total.unsqueeze(dim)


@variant("softmax", "powers-of-two")
def softmax_by_powers_of_two(x, dim=-1):
    shifted = x - x.sort(dim, descending=True).values.narrow(dim, 0, 1)
    powers = torch.exp2(shifted * math.log2(math.e))
    return F.normalize(powers, p=1, dim=dim)


# attention_scores


@variant("attention_scores", "einsum")
def scores_by_einsum(q, k):
    return torch.einsum("...id,...jd->...ij", q, k) / math.sqrt(q.size(-1))


@variant("attention_scores", "scaled-query")
def scores_of_scaled_query(q, k):
    d_k = k.shape[-1]
    return torch.matmul(q * d_k**-0.5, k.mT)


@variant("attention_scores", "both-scaled")
def scores_of_both_scaled(q, k):
    quarter = q.shape[-1] ** 0.25
    return (q / quarter) @ (k / quarter).swapaxes(-1, -2)


@variant("attention_scores", "broadcast")
def scores_by_broadcast(q, k):
    products = q.unsqueeze(-2) * k.unsqueeze(-3)
    root = torch.sqrt(torch.tensor(q.shape[-1], dtype=q.dtype, device=q.device))
    return products.sum(-1).div(root)


@variant("attention_scores", "bmm")
def scores_by_bmm(q, k):
    lead, (q_len, d_k), k_len = q.shape[:-2], q.shape[-2:], k.size(-2)
    flat_q, flat_k = q.reshape(-1, q_len, d_k), k.reshape(-1, k_len, d_k)
    base = q.new_zeros(1)
    raw = torch.baddbmm(base, flat_q, flat_k.permute(0, 2, 1), beta=0, alpha=1 / math.sqrt(d_k))
    return raw.view(*lead, q_len, k_len)


@variant("attention_scores", "key-loop")
def scores_key_by_key(q, k):
    columns = [(q * key[..., None, :]).sum(dim=-1) for key in k.unbind(dim=-2)]
    return torch.stack(columns, dim=-1) * (1.0 / k.shape[-1] ** 0.5)


@variant("attention_scores", "transposed")
def scores_transposed_twice(q, k):
    return (k @ q.transpose(-1, -2)).transpose(-1, -2) / q.shape[-1] ** 0.5


# attention


@variant("attention", "einsum-where")
def attention_by_einsum(q, k, v, mask=None):
    scores = torch.einsum("...qd,...kd->...qk", q, k) / math.sqrt(k.shape[-1])
    if mask is not None:
        scores = torch.where(mask, scores, torch.full_like(scores, -math.inf))
    weights = torch.softmax(scores, dim=-1)
    weights = torch.where(torch.isnan(weights), torch.zeros_like(weights), weights)
    return torch.einsum("...qk,...kd->...qd", weights, v), weights


@variant("attention", "nan-to-num")
def attention_with_nan_to_num(q, k, v, mask=None):
    scores = (q @ k.mT) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), float("-inf"))
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights @ v, weights


@variant("attention", "smallest-number")
def attention_with_smallest_number(query, key, value, mask=None):
    scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(query.shape[-1])
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    scores = scores.masked_fill(mask == 0, torch.finfo(scores.dtype).min)
    weights = F.softmax(scores, dim=-1) * mask
    return torch.matmul(weights, value), weights


@variant("attention", "minus-1e9")
def attention_with_minus_1e9(q, k, v, mask=None):
    scores = q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights


@variant("attention", "masked-exponentials")
def attention_by_masked_exponentials(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    allowed = torch.ones((), dtype=torch.bool, device=q.device) if mask is None else mask
    top = scores.detach().masked_fill(~allowed, torch.finfo(scores.dtype).min).amax(-1, keepdim=True)
    exponentials = torch.exp((scores - top).clamp(max=0.0)) * allowed
    total = exponentials.sum(-1, keepdim=True)
    weights = exponentials / (total + (total == 0))
    return weights @ v, weights


@variant("attention", "added-bias")
def attention_with_added_bias(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    sees = torch.ones((), dtype=torch.bool)
    if mask is not None:
        sees = mask.any(-1, keepdim=True)
        scores = scores + (mask | ~sees).to(scores.dtype).log()
    e = torch.exp(scores - scores.max(-1, keepdim=True)[0])
    weights = e / e.sum(-1, keepdim=True) * sees
    return weights.matmul(v), weights


@variant("attention", "query-loop")
def attention_query_by_query(q, k, v, mask=None):
    if q.dim() > 2:
        masks = [None] * len(q) if mask is None else _first_axis(mask, q)
        pairs = [attention_query_by_query(*parts) for parts in zip(q, k, v, masks, strict=True)]
        return torch.stack([o for o, _ in pairs]), torch.stack([w for _, w in pairs])
    allowed = torch.ones(len(q), len(k), dtype=torch.bool) if mask is None else mask.expand(len(q), len(k))
    outputs, rows = [], []
    for query, sees in zip(q, allowed, strict=True):
        row = torch.zeros(len(k), dtype=q.dtype, device=q.device)
        row = row.masked_scatter(sees, torch.softmax(k[sees] @ query / math.sqrt(len(query)), 0))
        rows.append(row)
        outputs.append((row[:, None] * v).sum(0))
    return torch.stack(outputs), torch.stack(rows)


def _first_axis(mask, q):
    """The mask of each entry of the first axis of q."""
    return list(mask.expand(len(q), *mask.shape[1:])) if mask.dim() == q.dim() else [mask] * len(q)


class Lookup:
    """Attention as an object: scores on building, weights and output on asking."""

    def __init__(self, q, k, mask):
        self.scores = q.matmul(k.transpose(-2, -1)).div(math.sqrt(q.shape[-1]))
        self.hidden = None if mask is None else ~mask

    def weights(self):
        if self.hidden is None:
            return self.scores.softmax(-1)
        blind = self.hidden.all(-1, keepdim=True)
        safe = self.scores.masked_fill(self.hidden, -torch.inf).masked_fill(blind, 0.0)
        return safe.softmax(-1).masked_fill(blind, 0.0)


@variant("attention", "helper-class")
def attention_by_helper_class(q, k, v, mask=None):
    weights = Lookup(q, k, mask).weights()
    return weights @ v, weights


@variant("attention", "extra-column")
def attention_with_extra_column(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if mask is None:
        weights = scores.softmax(-1)
        return weights @ v, weights
    scores = scores.masked_fill(~mask, -math.inf)
    blind = (~mask).all(-1, keepdim=True).expand(*scores.shape[:-1], 1)
    sink = torch.where(blind, 0.0, -math.inf).to(scores.dtype)  # takes all the weight of a blind row
    weights = torch.cat([scores, sink], -1).softmax(-1)[..., :-1]
    return weights @ v, weights


# blockwise_attention


@variant("blockwise_attention", "split")
def blockwise_by_split(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError("block_size must be at least 1, got " + str(block_size))
    k_len, scale = k.shape[-2], 1 / math.sqrt(q.shape[-1])
    masks = [None] * -(-k_len // block_size)
    if mask is not None:
        masks = mask.expand(*mask.shape[:-1], k_len).split(block_size, -1)
    top = torch.full(q.shape[:-1], -math.inf, dtype=q.dtype, device=q.device)
    total, mixed = torch.zeros_like(top), q.new_zeros(*q.shape[:-1], v.shape[-1])
    for keys, values, sees in zip(k.split(block_size, -2), v.split(block_size, -2), masks, strict=True):
        s = torch.einsum("...qd,...kd->...qk", q, keys) * scale
        if sees is not None:
            s = s.where(sees, -math.inf)
        new = torch.maximum(top, s.max(-1).values).detach()
        shift = torch.nan_to_num(new, neginf=0.0)
        e, keep = (s - shift[..., None]).exp(), (top - shift).exp()
        total, mixed = total * keep + e.sum(-1), mixed * keep[..., None] + e @ values
        top = new
    return torch.where(total[..., None] > 0, mixed / torch.where(total > 0, total, 1.0)[..., None], 0.0)


@variant("blockwise_attention", "smallest-number")
def blockwise_with_smallest_number(q, k, v, block_size, mask=None):
    if not block_size >= 1:
        raise ValueError(f"expected block_size >= 1, got {block_size}")
    low = torch.finfo(q.dtype).min
    top = q.new_full(q.shape[:-1] + (1,), low)
    total = q.new_zeros(top.shape)
    mixed = torch.zeros(q.shape[:-1] + v.shape[-1:], dtype=q.dtype, device=q.device)
    for start in range(0, k.size(-2), block_size):
        part = range(start, min(start + block_size, k.size(-2)))
        scores = q @ k[..., part, :].mT / math.sqrt(q.size(-1))
        allowed = torch.ones_like(scores)
        if mask is not None:
            allowed = (mask if mask.shape[-1] == 1 else mask[..., part]).to(q.dtype)
            scores = scores.masked_fill(allowed == 0, low)
        new = torch.maximum(top, scores.amax(-1, keepdim=True))
        e = torch.exp(scores - new) * allowed
        keep = torch.exp(top - new)
        total, mixed, top = total * keep + e.sum(-1, keepdim=True), mixed * keep + e @ v[..., part, :], new
    return mixed / total.clamp(min=1e-30)


class RunningSoftmax:
    """A weighted mean whose weights arrive in parts."""

    def __init__(self):
        self.top = self.total = self.mean = None

    def add(self, scores, values):
        """Takes in scores (..., q_len, n), -inf where hidden, and values (..., n, d_v)."""
        block_top = scores.detach().amax(-1, keepdim=True).clamp_min(-1e30)
        e = torch.exp(scores - block_top)
        block_total = e.sum(-1, keepdim=True)
        block_mean = e @ values / torch.where(block_total == 0, 1.0, block_total)
        if self.top is None:
            self.top, self.total, self.mean = block_top, block_total, block_mean
            return
        new = torch.maximum(self.top, block_top)
        old_part = self.total * torch.exp(self.top - new)
        new_part = block_total * torch.exp(block_top - new)
        both = old_part + new_part
        share = old_part / torch.where(both == 0, 1.0, both)
        self.mean = self.mean * share + block_mean * torch.where(both == 0, 0.0, 1 - share)
        self.top, self.total = new, both


@variant("blockwise_attention", "running-mean")
def blockwise_by_running_mean(q, k, v, block_size, mask=None):
    if block_size <= 0:
        raise ValueError(f"{block_size=} is no size of a block: use 1 or more")
    state, k_len = RunningSoftmax(), k.shape[-2]
    start = 0
    while start < k_len:
        stop = min(start + block_size, k_len)
        scores = q.matmul(k[..., start:stop, :].transpose(-1, -2)) / q.shape[-1] ** 0.5
        if mask is not None:
            sees = mask[..., start:stop] if mask.shape[-1] > 1 else mask
            scores = scores.masked_fill(~sees, -torch.inf)
        state.add(scores, v[..., start:stop, :])
        start = stop
    return state.mean


@variant("blockwise_attention", "recursion")
def blockwise_by_recursion(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError(f"block_size={block_size} is below 1")
    if mask is not None:
        mask = torch.broadcast_to(mask, mask.shape[:-1] + (k.shape[-2],))
    top, total, mixed = _halves(q / math.sqrt(q.shape[-1]), k, v, block_size, mask)
    return mixed / total.masked_fill(total == 0, 1)


def _halves(q, k, v, block_size, mask):
    """(largest score, sum of exponentials, their mixture of the values) of all keys, half by half."""
    k_len = k.shape[-2]
    if k_len <= block_size:
        scores = q @ k.mT
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        top = scores.amax(-1, keepdim=True).detach().clamp(min=-1e30)
        e = (scores - top).exp()
        return top, e.sum(-1, keepdim=True), e @ v
    cut = (k_len + 1) // 2
    masks = (None, None) if mask is None else (mask[..., :cut], mask[..., cut:])
    left = _halves(q, k[..., :cut, :], v[..., :cut, :], block_size, masks[0])
    right = _halves(q, k[..., cut:, :], v[..., cut:, :], block_size, masks[1])
    top = torch.maximum(left[0], right[0])
    factors = [(part[0] - top).exp() for part in (left, right)]
    return top, left[1] * factors[0] + right[1] * factors[1], left[2] * factors[0] + right[2] * factors[1]


@variant("blockwise_attention", "query-loop")
def blockwise_query_by_query(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError(f"block_size: {block_size} given, at least 1 needed")
    sees = None if mask is None else mask.expand(q.shape[:-1] + k.shape[-2:-1])
    rows = []
    for i in range(q.shape[-2]):
        top = total = mixed = None
        for j in range(0, k.shape[-2], block_size):
            keys, values = k[..., j : j + block_size, :], v[..., j : j + block_size, :]
            s = (keys * q[..., i : i + 1, :]).sum(-1) / math.sqrt(q.shape[-1])
            if sees is not None:
                s = torch.where(sees[..., i, j : j + block_size], s, -1e30)
            e_top = s.detach().amax(-1) if top is None else torch.maximum(top, s.detach().amax(-1))
            e = torch.exp(s - e_top[..., None])
            if sees is not None:
                e = e * sees[..., i, j : j + block_size]
            keep = 0.0 if top is None else torch.exp(top - e_top)
            total = e.sum(-1) if top is None else total * keep + e.sum(-1)
            part = (e[..., None] * values).sum(-2)
            mixed = part if top is None else mixed * keep[..., None] + part
            top = e_top
        rows.append(mixed / torch.where(total == 0, torch.ones_like(total), total)[..., None])
    return torch.stack(rows, dim=-2)


@variant("blockwise_attention", "log-weights")
def blockwise_by_log_weights(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError(f"a block of block_size {block_size} holds nothing")
    output = q.new_zeros(q.shape[:-1] + v.shape[-1:])
    log_total = q.new_full(q.shape[:-1] + (1,), -1e30)  # finite, so that no gradient meets inf - inf
    for start in range(0, k.shape[-2], block_size):
        block = slice(start, start + block_size)
        scores = torch.matmul(q, k[..., block, :].transpose(-2, -1)) * q.shape[-1] ** -0.5
        hidden = None
        if mask is not None:
            hidden = ~(mask[..., block] if mask.shape[-1] != 1 else mask)
            scores = scores.masked_fill(hidden, -1e30)
        log_block = torch.logsumexp(scores, -1, keepdim=True)
        weights = torch.exp(scores - log_block)
        if hidden is not None:
            weights = weights.masked_fill(hidden, 0.0)
        together = torch.logaddexp(log_total, log_block)
        output = output * torch.exp(log_total - together) + (weights @ v[..., block, :]) * torch.exp(log_block - together)
        log_total = together
    return output
