"""Right answers in other styles, which must all earn full points and no name."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from autograder.framework.known_answers import edits, variant

_RAISE = 'raise ValueError(f"{d_model=} does not split into {num_heads=}") → raise ValueError'
_HEADS = "heads = x.reshape(batch, seq, num_heads, d_model // num_heads)\n    return heads.transpose(1, 2) →"
_LOOP = """heads = x.new_empty(batch, num_heads, seq, d_model // num_heads)
    for head, features in enumerate(x.chunk(num_heads, -1)):
        heads[:, head] = features
    return heads"""
_EYE = "eye = torch.eye(d_model, dtype=x.dtype, device=x.device).view(d_model, num_heads, -1)"
_INDEX = "features = torch.arange(d_model, device=x.device).view(num_heads, 1, -1)"
_ROWS = "torch.arange(seq, device=x.device).view(1, -1, 1)"
edits("split_heads", {
    "reshape-permute": (
        f'{_RAISE}(f"num_heads={{num_heads}} does not divide d_model={{d_model}}")',
        f"{_HEADS} return x.view(batch, seq, num_heads, -1).permute(0, 2, 1, 3)",
    ),
    "unflatten": (
        f'{_RAISE}("cannot split d_model = " + str(d_model) + " into num_heads = " + str(num_heads))',
        f"{_HEADS} return x.unflatten(-1, (num_heads, -1)).transpose(-3, -2).contiguous()",
    ),
    "chunks": (
        f'{_RAISE}(f"{{num_heads=}} must divide the {{x.shape[2]}} features of x")',
        f"{_HEADS} return torch.stack(x.split(d_model // num_heads, dim=-1), dim=1)",
    ),
    "loop": (f'{_RAISE}(f"d_model ({{d_model}}) % num_heads ({{num_heads}}) is not 0")', f"{_HEADS} {_LOOP}"),
    "einsum": (
        f'{_RAISE}(f"num_heads: {{num_heads}} is not a divisor of {{d_model}}")',
        f'{_HEADS} {_EYE}\n    return torch.einsum("bsm,mhd->bhsd", x, eye)',
    ),
    "gather": f"{_HEADS} {_INDEX}\n    return x[:, {_ROWS}, features]",
})  # fmt: skip

_MERGE = "return x.transpose(1, 2).flatten(start_dim=2) →"
_BY_FEATURE = """batch, num_heads, seq, d_head = x.shape
    merged = torch.zeros(batch, seq, num_heads * d_head, dtype=x.dtype, device=x.device)
    for feature in range(num_heads * d_head):
        merged[:, :, feature] = x[:, feature // d_head, :, feature % d_head]
    return merged"""
edits("merge_heads", {
    "reshape": f"{_MERGE} b, h, s, d = x.shape\n    return x.permute(0, 2, 1, 3).reshape(b, s, h * d)",
    "contiguous-view": f"{_MERGE} return x.transpose(1, 2).contiguous().view(x.size(0), x.size(2), -1)",
    "concatenate": f"{_MERGE} return torch.cat([x[:, head] for head in range(x.shape[1])], dim=-1)",
    "unbind": f"{_MERGE} return torch.concat(x.unbind(dim=1), 2)",
    "loop": f"{_MERGE} {_BY_FEATURE}",
    "einsum": f'{_MERGE} return torch.einsum("bhsd->bshd", x).flatten(start_dim=2)',
})  # fmt: skip


def weigh(scores, mask):
    """The softmax of scores, some of which `mask` hides; a row that sees nothing gets zeros."""
    return scores.softmax(-1) if mask is None else scores.masked_fill(~mask, -1e30).softmax(-1) * mask


class Layers(nn.Module):
    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"d_model ({d_model}) must be divisible by num_heads ({num_heads})")
        self.d_model, self.num_heads, self.d_head = d_model, num_heads, d_model // num_heads
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model) for _ in range(4))
        self.dropout = nn.Dropout(dropout)


@variant("MultiHeadAttention", "textbook")
class Textbook(Layers):
    def split(self, x):
        return x.view(x.shape[0], -1, self.num_heads, self.d_head).transpose(1, 2)

    def merge(self, x):
        return x.transpose(1, 2).contiguous().view(x.shape[0], -1, self.d_model)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.w_q(query), self.w_k(key), self.w_v(value)
        q, k, v = self.split(q), self.split(k), self.split(v)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d_head)
        if mask is not None:
            mask = mask.unsqueeze(-3)
            scores = scores.masked_fill(~mask, -math.inf)
        weights = torch.softmax(scores, dim=-1).nan_to_num(0.0)
        output = self.dropout(weights) @ v
        return self.w_o(self.merge(output)), weights


@variant("MultiHeadAttention", "einsum")
class EinsumHeads(Layers):
    """All heads at once by einsum; rows that see nothing are left out of the fill and multiplied away."""

    def forward(self, query, key, value, mask=None):
        q, k, v = (w(x).unflatten(-1, (self.num_heads, -1)) for w, x in ((self.w_q, query), (self.w_k, key), (self.w_v, value)))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
        if mask is not None:
            mask = mask[..., None, :, :]
            sees = mask.any(-1, keepdim=True)
            scores = scores.masked_fill(~mask & sees, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights * sees
        used = F.dropout(weights, self.dropout.p, self.training)
        return self.w_o(torch.einsum("bhqk,bkhd->bqhd", used, v).flatten(2)), weights


@variant("MultiHeadAttention", "loop-over-heads")
class LoopHeads(Layers):
    """One head after the other, each on its own slice; the lowest number as fill, zeroed afterwards."""

    def forward(self, query, key, value, mask=None):
        q, k, v = self.w_q(query), self.w_k(key), self.w_v(value)
        if mask is not None and mask.dim() == 2:
            mask = mask.unsqueeze(0)
        outputs, all_weights = [], []
        for start in range(0, q.size(-1), self.d_head):
            part = slice(start, start + self.d_head)
            scores = q[..., part] @ k[..., part].mT * self.d_head**-0.5
            if mask is not None:
                scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
            weights = scores.softmax(-1)
            if mask is not None:
                weights = weights.masked_fill(~mask, 0.0)
            outputs.append(self.dropout(weights).bmm(v[..., part]))
            all_weights.append(weights)
        return self.w_o(torch.cat(outputs, -1)), torch.stack(all_weights, 1)


@variant("MultiHeadAttention", "heads-in-the-batch")
class BatchedHeads(Layers):
    """Heads folded into the batch, the softmax written out."""

    def fold(self, x):
        return x.view(len(x), -1, self.num_heads, self.d_head).transpose(1, 2).reshape(len(x) * self.num_heads, -1, self.d_head)

    def forward(self, query, key, value, mask=None):
        batch, q_len, k_len = query.shape[0], query.shape[1], key.shape[1]
        q, k, v = self.fold(self.w_q(query)), self.fold(self.w_k(key)), self.fold(self.w_v(value))
        allowed = torch.ones(batch, q_len, k_len, dtype=torch.bool, device=q.device)
        if mask is not None:
            allowed = allowed & mask
        allowed = allowed.repeat_interleave(self.num_heads, dim=0)
        scores = torch.bmm(q / self.d_head**0.5, k.transpose(1, 2)).masked_fill(~allowed, -1e9)
        exponentials = (scores - scores.amax(-1, keepdim=True)).exp() * allowed
        weights = exponentials / exponentials.sum(-1, keepdim=True).clamp(min=1e-30)
        output = torch.bmm(self.dropout(weights), v).view(batch, self.num_heads, q_len, self.d_head)
        output = output.permute(0, 2, 1, 3).contiguous().view(batch, q_len, self.d_model)
        return self.w_o(output), weights.view(batch, self.num_heads, q_len, k_len)


@variant("MultiHeadAttention", "formula")
class FormulaHeads(Layers):
    """The paper's formula: a projection and an output slice for each head, the head outputs added up."""

    def forward(self, query, key, value, mask=None):
        output, heads = self.w_o.bias, []
        for head in range(self.num_heads):
            rows = slice(head * self.d_head, (head + 1) * self.d_head)
            layers = ((self.w_q, query), (self.w_k, key), (self.w_v, value))
            q, k, v = (x @ layer.weight[rows].T + layer.bias[rows] for layer, x in layers)
            weights = weigh(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, mask)
            kept = weights
            if self.training and self.dropout.p > 0:
                kept = weights * (torch.rand_like(weights) >= self.dropout.p) / (1 - self.dropout.p)
            output = output + kept @ v @ self.w_o.weight[:, rows].T
            heads.append(weights.unsqueeze(1))
        return output, torch.cat(heads, dim=1)


@variant("MultiHeadAttention", "buffer-and-list")
class ListedWeights(Layers):
    """Returns a list, keeps a non-persistent buffer and its last weights; `F.linear` by hand."""

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__(d_model, num_heads, dropout)
        self.register_buffer("scale", torch.tensor(float(self.d_head)).rsqrt(), persistent=False)

    def heads(self, layer, x):
        return torch.stack(F.linear(x, layer.weight, layer.bias).split(self.d_head, -1), 1)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.heads(self.w_q, query), self.heads(self.w_k, key), self.heads(self.w_v, value)
        weights = scores = (q * (1 / self.d_head**0.5)) @ k.transpose(-1, -2)
        if mask is not None:
            while mask.dim() < 3:
                mask = mask[None]
            forbidden = mask.logical_not()[:, None].expand_as(scores)
            weights[forbidden] = -1e30
        weights = torch.softmax(weights, -1) * (1 if mask is None else ~forbidden)
        self.last = weights.detach()
        return [self.w_o(torch.cat((self.dropout(weights) @ v).unbind(1), -1)), weights]


class Groups(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        if d_model % num_heads != 0 or num_heads % num_kv_heads != 0:
            raise ValueError(f"bad sizes: {d_model=}, {num_heads=}, {num_kv_heads=}")
        self.num_heads, self.groups, self.d_head = num_heads, num_kv_heads, d_model // num_heads
        self.shared = num_heads // num_kv_heads
        self.w_q, self.w_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.w_k, self.w_v = (nn.Linear(d_model, num_kv_heads * self.d_head) for _ in range(2))

    def weigh(self, q, k, mask):
        return weigh(q @ k.mT / math.sqrt(self.d_head), mask)


@variant("GroupedQueryAttention", "grouped-einsum")
class GroupedEinsum(Groups):
    """The queries get a group axis, the keys are never copied."""

    def forward(self, query, key, value, mask=None):
        q = self.w_q(query).unflatten(-1, (self.groups, self.shared, self.d_head))
        k, v = (x.unflatten(-1, (self.groups, self.d_head)) for x in (self.w_k(key), self.w_v(value)))
        scores = torch.einsum("bqgrd,bkgd->bgrqk", q, k) / self.d_head**0.5
        weights = weigh(scores, None if mask is None else mask[..., None, None, :, :])
        output = torch.einsum("bgrqk,bkgd->bqgrd", weights, v)
        return self.w_o(output.flatten(2)), weights.flatten(1, 2)


@variant("GroupedQueryAttention", "loop")
class GroupedLoop(Groups):
    """Head by head; head h reads key/value head h // r."""

    def forward(self, query, key, value, mask=None):
        q, k, v = (x.split(self.d_head, -1) for x in (self.w_q(query), self.w_k(key), self.w_v(value)))
        group_of = [head * self.groups // self.num_heads for head in range(self.num_heads)]
        weights = [self.weigh(q[head], k[group], mask) for head, group in enumerate(group_of)]
        outputs = [weights[head] @ v[group] for head, group in enumerate(group_of)]
        return self.w_o(torch.cat(outputs, -1)), torch.stack(weights, dim=1)


@variant("GroupedQueryAttention", "expand")
class GroupedExpand(Groups):
    """Keys and values expanded along a group axis, as in Llama's code."""

    def repeat_kv(self, x):
        batch, heads, seq, size = x.shape
        x = x[:, :, None].expand(batch, heads, self.shared, seq, size)
        return x.reshape(batch, heads * self.shared, seq, size)

    def forward(self, query, key, value, mask=None):
        q, k, v = (x.view(len(x), -1, x.shape[-1] // self.d_head, self.d_head).transpose(1, 2)
                   for x in (self.w_q(query), self.w_k(key), self.w_v(value)))  # fmt: skip
        weights = self.weigh(q, self.repeat_kv(k), None if mask is None else mask.unsqueeze(-3))
        output = weights @ self.repeat_kv(v)
        return self.w_o(output.transpose(1, 2).flatten(2)), weights


@variant("GroupedQueryAttention", "index")
class GroupedIndex(Groups):
    """An index of key/value heads, one entry for each query head."""

    def forward(self, query, key, value, mask=None):
        index = [head // self.shared for head in range(self.num_heads)]
        q = torch.stack(self.w_q(query).chunk(self.num_heads, -1), 1)
        k, v = (torch.stack(x.chunk(self.groups, -1), 1)[:, index] for x in (self.w_k(key), self.w_v(value)))
        weights = self.weigh(q, k, None if mask is None else mask.unsqueeze(-3))
        return self.w_o(torch.cat((weights @ v).unbind(1), dim=-1)), weights


@variant("GroupedQueryAttention", "repeated-weights")
class GroupedRepeatedWeights(Groups):
    """The rows of w_k and w_v are repeated instead of what they make."""

    def wide(self, layer, x):
        weight, bias = (y.unflatten(0, (self.groups, -1)).repeat_interleave(self.shared, dim=0).flatten(0, 1)
                        for y in (layer.weight, layer.bias))  # fmt: skip
        return F.linear(x, weight, bias)

    def forward(self, query, key, value, mask=None):
        q, k, v = (x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
                   for x in (self.w_q(query), self.wide(self.w_k, key), self.wide(self.w_v, value)))  # fmt: skip
        weights = self.weigh(q, k, None if mask is None else mask[..., None, :, :])
        return self.w_o((weights @ v).transpose(1, 2).flatten(2)), weights
