"""Right answers in other styles, which must all earn full points and no name."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from autograder.framework.known_answers import edits, variant
from utils import reference

_WRITTEN = "positions = torch.arange(seq_len)\n    return positions[None, :] <= positions[:, None] →"
edits("create_look_ahead_mask", {
    "tril-of-booleans": f"{_WRITTEN} return torch.ones(seq_len, seq_len, dtype=torch.bool).tril()",
    "not-triu": f"{_WRITTEN} return ~torch.triu(torch.ones((seq_len, seq_len)), diagonal=1).bool()",
    "float-compared": f"{_WRITTEN} return torch.tril(torch.ones(1, seq_len, seq_len)).eq(1)[0]",
    "nested-lists": f"{_WRITTEN} return torch.tensor([[j <= i for j in range(seq_len)] for i in range(seq_len)])",
    "cumulative-sum": f"{_WRITTEN} return torch.eye(seq_len).cumsum(dim=0) > 0.5",
    "additive-then-compared": f"{_WRITTEN} return torch.full((seq_len, seq_len), float('-inf')).triu(1) == 0",
    "numpy": f"{_WRITTEN} import numpy; return torch.from_numpy(numpy.tri(seq_len, dtype=bool))",
    "outer-comparison-transposed": "positions[None, :] <= positions[:, None] → (positions >= positions[:, None]).T",
})  # fmt: skip


@variant("create_look_ahead_mask", "row-by-row")
def look_ahead_rows(seq_len):
    mask = torch.zeros(seq_len, seq_len, dtype=torch.bool)
    for i in range(seq_len):
        mask[i, : i + 1] = True
    return mask


@variant("create_look_ahead_mask", "indices")
def look_ahead_indices(seq_len: int) -> torch.Tensor:
    mask = torch.full((seq_len, seq_len), False)
    rows, columns = torch.tril_indices(seq_len, seq_len)
    mask[rows, columns] = True
    return mask


_RETURNED = "return (tokens != pad_id)[:, None, :] → return"
edits("create_padding_mask", {
    "unsqueeze": f"{_RETURNED} (tokens != pad_id).unsqueeze(1)",
    "logical-not": f"{_RETURNED} torch.logical_not(torch.eq(tokens, pad_id))[:, None]",
    "view": f"{_RETURNED} tokens.ne(pad_id).view(tokens.size(0), 1, tokens.size(1))",
    "difference": f"{_RETURNED} torch.stack([(sentence - pad_id).bool()[None] for sentence in tokens])",
    "where": f"{_RETURNED} torch.where(tokens == pad_id, False, True)[:, None, :]",
    "isin": f"{_RETURNED} torch.isin(tokens, tokens.new_tensor([pad_id]), invert=True).unsqueeze(-2)",
})  # fmt: skip


@variant("create_padding_mask", "loop")
def padding_loop(tokens, pad_id):
    rows = [[[int(token) != pad_id for token in sentence]] for sentence in tokens]
    return torch.tensor(rows, device=tokens.device)


@variant("create_padding_mask", "filled")
def padding_filled(tokens, pad_id):
    mask = torch.ones_like(tokens, dtype=torch.bool)
    mask[tokens == pad_id] = False
    return mask.reshape(tokens.shape[0], 1, -1)


class ThreeProjections(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.d_model, self.d_k, self.d_v = d_model, d_k, d_v
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)


@variant("SelfAttention", "step-by-step")
class StepByStep(ThreeProjections):
    def forward(self, x, mask=None):
        q, k, v = self.w_q(x), self.w_k(x), self.w_v(x)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d_k)
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = torch.softmax(scores, dim=-1)
        weights = weights.nan_to_num()
        return weights @ v, weights


@variant("SelfAttention", "earlier-component")
class UsesAttention(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        for name, size in {"w_v": d_v, "w_k": d_k, "w_q": d_k}.items():
            self.add_module(name, nn.Linear(d_model, size, bias=False))

    def forward(self, x, mask=None):
        return reference.attention(self.w_q(x), self.w_k(x), self.w_v(x), mask)


def weigh(scores, mask):
    if mask is None:
        return torch.softmax(scores, dim=-1)
    return F.softmax(scores.masked_fill(mask.logical_not(), -1e9), dim=-1).masked_fill(~mask, 0.0)


def dot_product_attention(q, k, v, mask=None):
    weights = weigh(torch.matmul(q, k.mT) / math.sqrt(q.size(-1)), mask)
    return weights.matmul(v), weights


@variant("SelfAttention", "own-helper")
class UsesOwnHelper(nn.Module):
    def __init__(self, d_model: int, d_k: int, d_v: int):
        super().__init__()
        self.w_q, self.w_k = (nn.Linear(d_model, d_k, bias=False) for _ in range(2))
        self.w_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        query, key, value = self.w_q(x), self.w_k(x), self.w_v(x)
        return list(dot_product_attention(query, key, value, mask))


@variant("SelfAttention", "einsum")
class Einsum(ThreeProjections):
    def forward(self, x, mask=None):
        scores = torch.einsum("bid,bjd->bij", self.w_q(x) * self.d_k**-0.5, self.w_k(x))
        mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand_as(scores)
        blind = ~mask.any(-1, keepdim=True)
        weights = scores.masked_fill(~(mask | blind), -torch.inf).softmax(-1) * mask
        return torch.einsum("bij,bjd->bid", weights, self.w_v(x)), weights


@variant("SelfAttention", "loops")
class OneQueryAtATime(ThreeProjections):
    def forward(self, x, mask=None):
        batch, seq, _ = x.shape
        allowed = None if mask is None else mask.expand(batch, seq, seq)
        outputs, rows = [], []
        for b in range(batch):
            q, k, v = self.w_q(x[b]), self.w_k(x[b]), self.w_v(x[b])
            for i in range(seq):
                row = torch.zeros(seq, dtype=x.dtype, device=x.device)
                seen = torch.arange(seq) if allowed is None else allowed[b, i].nonzero().flatten()
                if len(seen):
                    scores = (k[seen] * q[i]).sum(-1) / k.shape[-1] ** 0.5
                    row = row.index_put((seen,), scores.softmax(0))
                rows.append(row)
                outputs.append(row @ v)
        return torch.stack(outputs).view(batch, seq, -1), torch.stack(rows).view(batch, seq, seq)


@variant("SelfAttention", "one-product-for-all-projections")
class FusedProjection(ThreeProjections):
    def forward(self, x, mask=None):
        together = torch.cat([self.w_q.weight, self.w_k.weight, self.w_v.weight])
        q, k, v = F.linear(x, together).split([self.d_k, self.d_k, self.d_v], dim=-1)
        scores = torch.bmm(q, k.transpose(1, 2)).div(self.d_k**0.5)
        bias = torch.zeros_like(scores)
        if mask is not None:
            bias = bias.masked_fill(~mask, torch.finfo(x.dtype).min)
        weights = (scores + bias).softmax(-1)
        if mask is not None:
            weights = weights * mask.any(-1, keepdim=True)
        return torch.bmm(weights, v), weights


@variant("SelfAttention", "exponentials-by-hand")
class ExponentialsByHand(ThreeProjections):
    def forward(self, x, mask=None):
        root = self.d_k**0.25
        scores = (self.w_q(x) / root) @ (self.w_k(x) / root).permute(0, 2, 1)
        powers = (scores - scores.amax(-1, keepdim=True).detach()).exp()
        if mask is not None:
            powers = powers * mask.to(powers.dtype)
        total = powers.sum(-1, keepdim=True)
        weights = F.dropout(powers / torch.where(total == 0, torch.ones_like(total), total), 0.0)
        return weights @ self.w_v(x), weights


@variant("SelfAttention", "weights-applied-directly")
class RawWeights(ThreeProjections):
    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        for layer in self.children():
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x, mask=None):
        bilinear = self.w_q.weight.T @ self.w_k.weight / self.w_q.out_features**0.5
        weights = weigh(x @ bilinear @ x.transpose(-1, -2), mask)
        return (weights @ x) @ self.w_v.weight.T, weights
