"""Right answers in other styles, which must all earn full points and no name."""

import math

import torch

from autograder.framework.known_answers import edits, variant

# softmax

MAX, SUM = "x.detach().amax(dim=dim, keepdim=True)", "exponentials.sum(dim=dim, keepdim=True)"
edits("softmax", {
    "max-values": {"solution": (f"{MAX} → x.max(dim, True)[0]", f" / {SUM} →  * {SUM}.reciprocal()")},
    "attached-shift": {"solution": f"{MAX} → x.amax(dim).unsqueeze(dim)"},
    "log-space": {"solution": f"exponentials / {SUM} → torch.exp(shifted - torch.log({SUM}))"},
    "logsumexp": {"solution": (f"{MAX} → torch.logsumexp(x, dim, keepdim=True)", f" / {SUM} →")},
    "own-copy": {"solution": (f"shifted = x - {MAX} → shifted = x.clone(); shifted -= {MAX}", f" / {SUM} → .div({SUM})")},
    "powers-of-two": {"solution": (
        f"{MAX} → x.sort(dim, descending=True).values.narrow(dim, 0, 1)",
        "torch.exp(shifted) → torch.exp2(shifted * 1.4426950408889634)",
        f"exponentials / {SUM} → torch.nn.functional.normalize(exponentials, p=1, dim=dim)",
    )},
})  # fmt: skip


@variant("softmax", "row-loop")
def softmax_row_by_row(x, dim=-1):
    rows = x.movedim(dim, -1)
    exponentials = [torch.exp(row - max(row.tolist())) for row in rows.reshape(-1, rows.shape[-1])]
    return torch.stack([e / sum(e) for e in exponentials]).reshape(rows.shape).movedim(-1, dim)


@variant("softmax", "running")
def softmax_with_running_sum(x, dim=-1):
    top = torch.full_like(x.select(dim, 0), -math.inf)
    total = torch.zeros_like(top)
    for entry in x.unbind(dim):
        higher = torch.maximum(top, entry.detach())
        safe = torch.where(higher.isinf(), 0.0, higher)
        total, top = total * torch.exp(top - safe) + torch.exp(entry - safe), higher
    return torch.exp(x - top.unsqueeze(dim)) / total.unsqueeze(dim)


# attention_scores

PRODUCT, ROOT = "q @ k.transpose(-2, -1)", "math.sqrt(d_k)"
edits("attention_scores", {
    "scaled-query": {"solution": f"{PRODUCT} / {ROOT} → (q * d_k**-0.5) @ k.mT"},
    "both-scaled": {"solution": f"{PRODUCT} / {ROOT} → (q / d_k**0.25) @ (k / d_k**0.25).swapaxes(-1, -2)"},
    "transposed": {"solution": f"{PRODUCT} → (k @ q.transpose(-1, -2)).transpose(-1, -2)"},
    "broadcast": {"solution": f"{PRODUCT} / {ROOT} → (q.unsqueeze(-2) * k.unsqueeze(-3)).sum(-1).div(q.new_tensor(d_k).sqrt())"},
})  # fmt: skip


@variant("attention_scores", "einsum")
def scores_by_einsum(q, k):
    return torch.einsum("...id,...jd->...ij", q, k) / math.sqrt(q.size(-1))


@variant("attention_scores", "bmm")
def scores_by_bmm(q, k):
    flat_q, flat_k = q.reshape(-1, *q.shape[-2:]), k.reshape(-1, *k.shape[-2:])
    raw = torch.baddbmm(q.new_zeros(1), flat_q, flat_k.permute(0, 2, 1), beta=0, alpha=1 / math.sqrt(q.shape[-1]))
    return raw.view(*q.shape[:-1], k.size(-2))


@variant("attention_scores", "key-loop")
def scores_key_by_key(q, k):
    columns = [(q * key[..., None, :]).sum(dim=-1) for key in k.unbind(dim=-2)]
    return torch.stack(columns, dim=-1) * (1.0 / k.shape[-1] ** 0.5)


# attention

SCORES, HIDDEN = "scores = attention_scores(q, k) → scores = ", "scores.masked_fill(~mask & ~blind, -math.inf)"
WEIGHTS = "softmax(scores).masked_fill(blind, 0.0)"
edits("attention", {
    "einsum-where": {"solution": (
        f"{SCORES}torch.einsum('...qd,...kd->...qk', q, k) / math.sqrt(k.shape[-1])",
        f"{HIDDEN} → torch.where(mask, scores, torch.full_like(scores, -math.inf))",
        f"{WEIGHTS} → torch.softmax(scores, dim=-1); weights = torch.where(torch.isnan(weights), 0.0, weights)",
        "weights @ v → torch.einsum('...qk,...kd->...qd', weights, v)",
    )},
    "nan-to-num": {"solution": (
        f"{SCORES}(q @ k.mT) * q.shape[-1] ** -0.5", f"{HIDDEN} → scores.masked_fill(mask.logical_not(), float('-inf'))",
        f"{WEIGHTS} → scores.softmax(-1).nan_to_num(0.0)",
    )},
    "smallest-number": {"solution": (
        f"{HIDDEN} → scores.masked_fill(mask == 0, torch.finfo(q.dtype).min)", "masked_fill(blind, 0.0) → mul(mask)",
    )},
    "minus-1e9": {"solution": (f"{HIDDEN} → scores.masked_fill(~mask, -1e9)", "masked_fill(blind, 0.0) → masked_fill(~mask, 0)")},
    "added-bias": {"solution": (f"{HIDDEN} → scores + (mask | blind).to(q).log()", "masked_fill(blind, 0.0) → mul(~blind)")},
    "extra-column": {"solution": (
        " & ~blind, -math.inf) → , -math.inf); sink = torch.where(blind, 0.0, -math.inf).to(q.dtype)",
        f"{WEIGHTS} → torch.cat([scores, sink.expand(*scores.shape[:-1], 1)], -1).softmax(-1)[..., :-1]",
    )},
})  # fmt: skip


@variant("attention", "masked-exponentials")
def attention_by_masked_exponentials(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    allowed = torch.ones((), dtype=torch.bool, device=query.device) if mask is None else mask
    top = scores.detach().masked_fill(~allowed, torch.finfo(scores.dtype).min).amax(-1, keepdim=True)
    exponentials = torch.exp((scores - top).clamp(max=0.0)) * allowed
    total = exponentials.sum(-1, keepdim=True)
    weights = exponentials / (total + (total == 0))
    return weights.matmul(value), weights


@variant("attention", "query-loop")
def attention_query_by_query(q, k, v, mask=None):
    allowed = torch.ones((), dtype=torch.bool, device=q.device) if mask is None else mask
    allowed = allowed.expand(*q.shape[:-1], k.shape[-2])
    if q.dim() > 2:
        pairs = [attention_query_by_query(*parts) for parts in zip(q, k, v, allowed, strict=True)]
        return torch.stack([output for output, _ in pairs]), torch.stack([weights for _, weights in pairs])
    rows = []
    for query, sees in zip(q, allowed, strict=True):
        row = torch.zeros(len(k), dtype=q.dtype, device=q.device)
        rows.append(row.masked_scatter(sees, torch.softmax(k[sees] @ query / math.sqrt(len(query)), 0)))
    return torch.stack([(row[:, None] * v).sum(0) for row in rows]), torch.stack(rows)


class Lookup:
    """Attention as an object: scores on building, weights on asking."""

    def __init__(self, q, k, mask):
        self.scores = q.matmul(k.transpose(-2, -1)).div(math.sqrt(q.shape[-1]))
        self.hidden = torch.zeros_like(self.scores, dtype=torch.bool) if mask is None else ~mask

    def weights(self):
        blind = self.hidden.all(-1, keepdim=True)
        safe = self.scores.masked_fill(self.hidden, -torch.inf).masked_fill(blind, 0.0)
        return safe.softmax(-1).masked_fill(blind, 0.0)


@variant("attention", "helper-class")
def attention_by_helper_class(q, k, v, mask=None):
    weights = Lookup(q, k, mask).weights()
    return weights @ v, weights


# blockwise_attention

CUT = "start in range(0, k_len, block_size):\n        block = slice(start, start + block_size)"
edits("blockwise_attention", {
    "smallest-number": {"solution": (
        "-math.inf) → torch.finfo(q.dtype).min)", "higher.masked_fill(higher == -math.inf, 0.0) → higher",
        "exp(scores - shift) → exp(scores - shift) * (1.0 if mask is None else mask[..., block])",
        "total.masked_fill(total == 0, 1.0) → total.clamp(min=1e-30)",
    )},
    "split": {"solution": (
        "largest = q → masks = [None] * k_len if mask is None else mask.split(block_size, -1)\n    largest = q",
        f"for {CUT} → for keys, values, mask in zip(k.split(block_size, -2), v.split(block_size, -2), masks):",
        "k[..., block, :] → keys", "v[..., block, :] → values", "scores.masked_fill(~mask[..., block], → scores.where(mask,",
        "scores.amax(dim=-1, keepdim=True)) → scores.max(-1, keepdim=True)[0]).detach()",
        "higher.masked_fill(higher == -math.inf, 0.0) → torch.nan_to_num(higher, neginf=0.0)",
        "mixture / total.masked_fill(total == 0, 1.0) → (mixture / torch.where(total > 0, total, 1.0)).where(total > 0, 0.0)",
    )},
})  # fmt: skip


def _cut(mask, block):
    return mask if mask is None or mask.shape[-1] == 1 else mask[..., block]


def _blocks(q, k, v, block_size, mask):
    """(scores, -inf where the mask forbids them; values) of every block of keys; a bad size is refused."""
    if not block_size >= 1:
        raise ValueError("block_size must be at least 1, got " + str(block_size))
    for start in range(0, k.shape[-2], block_size):
        block = slice(start, min(start + block_size, k.shape[-2]))
        scores = torch.einsum("...qd,...kd->...qk", q, k[..., block, :]) / math.sqrt(q.shape[-1])
        yield scores if mask is None else scores.where(_cut(mask, block), -torch.inf), v[..., block, :]


class RunningMean:
    """A weighted mean of values whose weights arrive in parts, as scores."""

    top, total, mean = -1e30, 0.0, 0.0

    def add(self, scores, values):
        top = scores.detach().amax(-1, keepdim=True).clamp_min(self.top)
        e, old = torch.exp(scores - top), self.total * torch.exp(self.top - top)
        self.top, self.total = top, old + e.sum(-1, keepdim=True)
        safe = torch.where(self.total == 0, 1.0, self.total)
        self.mean = self.mean * (old / safe) + (e / safe) @ values


@variant("blockwise_attention", "running-mean")
def blockwise_by_running_mean(q, k, v, block_size, mask=None):
    state = RunningMean()
    for scores, values in _blocks(q, k, v, block_size, mask):
        state.add(scores, values)
    return state.mean


@variant("blockwise_attention", "log-weights")
def blockwise_by_log_weights(q, k, v, block_size, mask=None):
    log_total, output = -1e30, 0.0
    for scores, values in _blocks(q, k, v, block_size, mask):
        finite = scores.clamp(min=-1e30)  # so that no gradient meets inf - inf
        log_block = torch.logsumexp(finite, -1, keepdim=True)
        part = (torch.exp(finite - log_block) * (scores > -torch.inf)) @ values
        both = torch.logaddexp(log_block, torch.as_tensor(log_total, dtype=q.dtype, device=q.device))
        output, log_total = output * torch.exp(log_total - both) + part * torch.exp(log_block - both), both
    return output


@variant("blockwise_attention", "query-loop")
def blockwise_query_by_query(q, k, v, block_size, mask=None):
    masks = [mask] * q.shape[-2] if mask is None or mask.shape[-2] == 1 else mask.split(1, -2)
    rows = zip(q.split(1, -2), masks, strict=True)
    return torch.cat([blockwise_by_running_mean(query, k, v, block_size, seen) for query, seen in rows], dim=-2)


@variant("blockwise_attention", "recursion")
def blockwise_by_recursion(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError(f"block_size={block_size} is below 1")
    _, total, mixed = _halves(q / math.sqrt(q.shape[-1]), k, v, block_size, mask)
    return mixed / total.masked_fill(total == 0, 1)


def _halves(q, k, v, block_size, mask):
    """(largest score, sum of exponentials, their mixture of the values) of all keys, half by half."""
    if k.shape[-2] <= block_size:
        scores = q @ k.mT if mask is None else (q @ k.mT).masked_fill(~mask, -torch.inf)
        top = scores.amax(-1, keepdim=True).detach().clamp(min=-1e30)
        return top, (scores - top).exp().sum(-1, keepdim=True), (scores - top).exp() @ v
    cut = (k.shape[-2] + 1) // 2
    (a, *left), (b, *right) = (
        _halves(q, k[..., half, :], v[..., half, :], block_size, _cut(mask, half)) for half in (slice(cut), slice(cut, None))
    )
    top = torch.maximum(a, b)
    return top, *(x * (a - top).exp() + y * (b - top).exp() for x, y in zip(left, right, strict=True))
