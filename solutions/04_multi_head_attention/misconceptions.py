"""The wrong answers of chapter 04, by catalogue id; the specific ones stand first."""

import torch
from torch import nn
from torch.nn import functional as F

from autograder.misconceptions import misconception
from utils import reference

# split_heads and merge_heads


def _refuse(d_model, num_heads):
    if d_model % num_heads != 0:
        raise ValueError(f"d_model={d_model} does not split into num_heads={num_heads}")


@misconception("split_heads", "uses-builtin")
def split_by_the_reference(x, num_heads):
    return reference.split_heads(x, num_heads)


@misconception("split_heads", "not-differentiable")
def split_through_numpy(x, num_heads):
    batch, seq, d_model = x.shape
    _refuse(d_model, num_heads)
    heads = x.detach().numpy().reshape(batch, seq, num_heads, d_model // num_heads)
    return torch.from_numpy(heads.transpose(0, 2, 1, 3).copy())


@misconception("split_heads", "changes-input")
def split_in_place(x, num_heads):
    batch, seq, d_model = x.shape
    _refuse(d_model, num_heads)
    heads = x.view(batch, seq, num_heads, d_model // num_heads).transpose(1, 2).clone()
    x.zero_()
    return heads


@misconception("split_heads", "view-without-transpose")
def split_by_view_alone(x, num_heads):
    batch, seq, d_model = x.shape
    _refuse(d_model, num_heads)
    return x.view(batch, num_heads, seq, d_model // num_heads)


@misconception("split_heads", "view-without-transpose")
def split_without_moving_heads(x, num_heads):
    batch, seq, d_model = x.shape
    _refuse(d_model, num_heads)
    return x.view(batch, seq, num_heads, d_model // num_heads)


@misconception("split_heads", "view-without-transpose")
def split_without_the_batch_in_front(x, num_heads):
    batch, seq, d_model = x.shape
    _refuse(d_model, num_heads)
    return x.reshape(num_heads, batch, seq, d_model // num_heads).transpose(0, 1)


@misconception("split_heads", "view-without-transpose")
def split_by_view_of_sequence_first(x, num_heads):
    batch, seq, d_model = x.shape
    _refuse(d_model, num_heads)
    return x.transpose(1, 2).reshape(batch, num_heads, seq, d_model // num_heads)


@misconception("split_heads", "interleaved-heads")
def split_interleaved(x, num_heads):
    batch, seq, d_model = x.shape
    _refuse(d_model, num_heads)
    return x.view(batch, seq, d_model // num_heads, num_heads).permute(0, 3, 1, 2)


@misconception("merge_heads", "uses-builtin")
def merge_by_the_reference(x):
    return reference.merge_heads(x)


@misconception("merge_heads", "not-differentiable")
def merge_through_lists(x):
    batch, num_heads, seq, d_head = x.shape
    return torch.tensor(x.transpose(1, 2).tolist(), dtype=x.dtype).view(batch, seq, num_heads * d_head)


@misconception("merge_heads", "changes-input")
def merge_in_place(x):
    batch, num_heads, seq, d_head = x.shape
    merged = x.transpose(1, 2).reshape(batch, seq, num_heads * d_head).clone()
    x.fill_(0.0)
    return merged


@misconception("merge_heads", "view-without-transpose")
def merge_by_view_alone(x):
    batch, num_heads, seq, d_head = x.shape
    return x.reshape(batch, seq, num_heads * d_head)


@misconception("merge_heads", "view-without-transpose")
def merge_without_moving_heads(x):
    return x.flatten(1, 2)


@misconception("merge_heads", "view-without-transpose")
def merge_by_view_of_other_axes(x):
    batch, num_heads, seq, d_head = x.shape
    return x.transpose(0, 1).reshape(batch, seq, num_heads * d_head)


@misconception("merge_heads", "view-without-transpose")
def merge_by_view_after_wrong_transpose(x):
    batch, num_heads, seq, d_head = x.shape
    return x.transpose(2, 3).reshape(batch, seq, num_heads * d_head)


@misconception("merge_heads", "interleaved-heads")
def merge_interleaved(x):
    return x.permute(0, 2, 3, 1).flatten(2)


# MultiHeadAttention


class Heads(nn.Module):
    """The right layer in small steps, each of which a wrong answer below exchanges."""

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.refuse(d_model, num_heads)
        self.d_model, self.num_heads, self.d_head = d_model, num_heads, d_model // num_heads
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def refuse(self, d_model, num_heads):
        _refuse(d_model, num_heads)

    def project(self, query, key, value):
        return self.w_q(query), self.w_k(key), self.w_v(value)

    def split(self, x):
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def merge(self, x):
        return x.transpose(1, 2).flatten(2)

    def scores(self, q, k):
        return q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5

    def weigh(self, scores, mask):
        if mask is None:
            return scores.softmax(-1)
        mask = mask.unsqueeze(-3)
        return scores.masked_fill(~mask, -1e30).softmax(-1) * mask

    def mix(self, weights, v):
        return self.dropout(weights) @ v

    def finish(self, output):
        return self.w_o(output)

    def show(self, weights):
        return weights

    def forward(self, query, key, value, mask=None):
        q, k, v = (self.split(x) for x in self.project(query, key, value))
        weights = self.weigh(self.scores(q, k), mask)
        return self.finish(self.merge(self.mix(weights, v))), self.show(weights)


@misconception("MultiHeadAttention", "uses-builtin")
class BuiltinAttention(Heads):
    def mix(self, weights, v):
        one_hot = torch.eye(weights.shape[-1], dtype=v.dtype)
        return F.scaled_dot_product_attention(weights.log(), one_hot, v, scale=1.0)


@misconception("MultiHeadAttention", "uses-builtin")
class BuiltinModule(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        _refuse(d_model, num_heads)
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model) for _ in range(4))
        self.layer = (nn.MultiheadAttention(d_model, num_heads, dropout, batch_first=True),)

    def forward(self, query, key, value, mask=None):
        return self.layer[0](query, key, value, average_attn_weights=False)


@misconception("MultiHeadAttention", "uses-builtin")
class WrappedModule(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = nn.MultiheadAttention(d_model, num_heads, dropout=dropout, batch_first=True)

    def forward(self, query, key, value, mask=None):
        mask = None if mask is None else ~mask
        return self.attention(query, key, value, attn_mask=mask, average_attn_weights=False)


@misconception("MultiHeadAttention", "not-differentiable")
class DetachedWeights(Heads):
    def weigh(self, scores, mask):
        return super().weigh(scores, mask).detach()


@misconception("MultiHeadAttention", "not-differentiable")
class DetachedValue(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_k(key), self.w_v(value).detach()


@misconception("MultiHeadAttention", "changes-input")
class InvertsTheCallersMask(Heads):
    def weigh(self, scores, mask):
        if mask is None:
            return scores.softmax(-1)
        hidden = mask.logical_not_().unsqueeze(-3)
        return scores.masked_fill(hidden, -1e30).softmax(-1).masked_fill(hidden, 0.0)


@misconception("MultiHeadAttention", "no-divisibility-check")
class NoDivisibilityCheck(Heads):
    def refuse(self, d_model, num_heads):
        pass


@misconception("MultiHeadAttention", "no-divisibility-check")
class ChecksOnlyWhenCalled(Heads):
    def refuse(self, d_model, num_heads):
        pass

    def split(self, x):
        _refuse(self.d_model, self.num_heads)
        return super().split(x)


@misconception("MultiHeadAttention", "weights-averaged")
class AveragedWeights(Heads):
    def show(self, weights):
        return weights.mean(dim=1)


@misconception("MultiHeadAttention", "weights-averaged")
class AveragedWeightsKeepingAnAxis(Heads):
    def show(self, weights):
        return weights.mean(dim=1, keepdim=True)


@misconception("MultiHeadAttention", "weights-averaged")
class AveragedWeightsForAllHeads(Heads):
    def show(self, weights):
        return weights.mean(dim=1, keepdim=True).expand_as(weights)


@misconception("MultiHeadAttention", "weights-averaged")
class SummedWeights(Heads):
    def show(self, weights):
        return weights.sum(dim=1)


@misconception("MultiHeadAttention", "weights-averaged")
class AveragedBeforeTheValues(Heads):
    def weigh(self, scores, mask):
        weights = super().weigh(scores, mask)
        return weights.mean(dim=1, keepdim=True).expand_as(weights)


@misconception("MultiHeadAttention", "weights-averaged")
class AveragedInBoth(AveragedBeforeTheValues):
    def show(self, weights):
        return weights.mean(dim=1)


@misconception("MultiHeadAttention", "mask-ignored")
class MaskIgnored(Heads):
    def weigh(self, scores, mask):
        return scores.softmax(-1)


@misconception("MultiHeadAttention", "no-output-projection")
class NoOutputProjection(Heads):
    def finish(self, output):
        return output


@misconception("MultiHeadAttention", "no-output-projection")
class NoOutputLayer(NoOutputProjection):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__(d_model, num_heads, dropout)
        del self.w_o


@misconception("MultiHeadAttention", "no-scale")
class NoScale(Heads):
    def scores(self, q, k):
        return q @ k.transpose(-2, -1)


@misconception("MultiHeadAttention", "scale-by-d_model")
class ScaleByModelSize(Heads):
    def scores(self, q, k):
        return q @ k.transpose(-2, -1) / self.d_model**0.5


@misconception("MultiHeadAttention", "scale-by-d_model")
class DivideByModelSize(Heads):
    def scores(self, q, k):
        return q @ k.transpose(-2, -1) / self.d_model


@misconception("MultiHeadAttention", "self-only")
class OnlyTheQuery(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_k(query), self.w_v(query)


@misconception("MultiHeadAttention", "self-only")
class KeyFromQuery(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_k(query), self.w_v(value)


@misconception("MultiHeadAttention", "self-only")
class ValueFromQuery(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_k(key), self.w_v(query)


@misconception("MultiHeadAttention", "self-only")
class ValueFromKey(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_k(key), self.w_v(key)


@misconception("MultiHeadAttention", "self-only")
class KeyFromValue(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_k(value), self.w_v(value)


@misconception("MultiHeadAttention", "key-value-swapped")
class SwappedArguments(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_k(value), self.w_v(key)


@misconception("MultiHeadAttention", "key-value-swapped")
class SwappedProjections(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_v(key), self.w_k(value)


@misconception("MultiHeadAttention", "key-value-swapped")
class SwappedAfterProjection(Heads):
    def project(self, query, key, value):
        return self.w_q(query), self.w_v(value), self.w_k(key)


class _SplitByView(Heads):
    def split(self, x):
        return x.reshape(x.shape[0], self.num_heads, x.shape[1], self.d_head)


class _MergeByView(Heads):
    def merge(self, x):
        return x.reshape(x.shape[0], x.shape[2], -1)


@misconception("MultiHeadAttention", "view-without-transpose")
class SplitAndMergeByView(_SplitByView, _MergeByView):
    pass


@misconception("MultiHeadAttention", "view-without-transpose")
class SplitByView(_SplitByView):
    pass


@misconception("MultiHeadAttention", "view-without-transpose")
class MergeByView(_MergeByView):
    pass


@misconception("MultiHeadAttention", "view-without-transpose")
class AttentionAmongHeads(Heads):
    """The heads stay behind the positions: each position attends among its own heads."""

    def split(self, x):
        return x.unflatten(-1, (self.num_heads, -1))

    def merge(self, x):
        return x.flatten(2)


@misconception("MultiHeadAttention", "view-without-transpose")
class AttentionAmongHeadsMergedByView(AttentionAmongHeads):
    def merge(self, x):
        return x.transpose(1, 2).reshape(x.shape[0], x.shape[1], -1)


# GroupedQueryAttention


class Groups(nn.Module):
    """The right grouped layer in small steps."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        _refuse(d_model, num_heads)
        if num_heads % num_kv_heads != 0:
            raise ValueError(f"num_heads={num_heads} does not split into num_kv_heads={num_kv_heads} groups")
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        kv_size = d_model // num_heads * num_kv_heads
        self.w_q, self.w_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.w_k, self.w_v = nn.Linear(d_model, kv_size), nn.Linear(d_model, kv_size)

    def share_keys(self, x):
        return x.repeat_interleave(self.num_heads // self.num_kv_heads, dim=1)

    def share_values(self, x):
        return self.share_keys(x)

    def project(self, query, key, value):
        return self.w_q(query), self.w_k(key), self.w_v(value)

    def weigh(self, scores, mask):
        if mask is None:
            return scores.softmax(-1)
        mask = mask.unsqueeze(-3)
        return scores.masked_fill(~mask, -1e30).softmax(-1) * mask

    def mix(self, weights, v):
        return weights @ v

    def forward(self, query, key, value, mask=None):
        q, k, v = self.project(query, key, value)
        q = q.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        k = self.share_keys(k.unflatten(-1, (self.num_kv_heads, -1)).transpose(1, 2))
        v = self.share_values(v.unflatten(-1, (self.num_kv_heads, -1)).transpose(1, 2))
        weights = self.weigh(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, mask)
        return self.w_o(self.mix(weights, v).transpose(1, 2).flatten(2)), weights


@misconception("GroupedQueryAttention", "uses-builtin")
class GroupsByBuiltin(Groups):
    def mix(self, weights, v):
        one_hot = torch.eye(weights.shape[-1], dtype=v.dtype)
        return F.scaled_dot_product_attention(weights.log(), one_hot, v, scale=1.0)


@misconception("GroupedQueryAttention", "not-differentiable")
class GroupsDetachedKeys(Groups):
    def share_keys(self, x):
        return super().share_keys(x).detach()

    def share_values(self, x):
        return super().share_keys(x)


@misconception("GroupedQueryAttention", "changes-input")
class GroupsInvertTheCallersMask(Groups):
    def weigh(self, scores, mask):
        if mask is None:
            return scores.softmax(-1)
        hidden = mask.logical_not_().unsqueeze(-3)
        return scores.masked_fill(hidden, -1e30).softmax(-1).masked_fill(hidden, 0.0)


@misconception("GroupedQueryAttention", "repeat-order")
class TiledGroups(Groups):
    def share_keys(self, x):
        return x.repeat(1, self.num_heads // self.num_kv_heads, 1, 1)


@misconception("GroupedQueryAttention", "repeat-order")
class TiledKeys(TiledGroups):
    def share_values(self, x):
        return Groups.share_keys(self, x)


@misconception("GroupedQueryAttention", "repeat-order")
class TiledValues(Groups):
    def share_values(self, x):
        return x.repeat(1, self.num_heads // self.num_kv_heads, 1, 1)


@misconception("GroupedQueryAttention", "repeat-order")
class InterleavedQueries(Groups):
    """The tiled order reached from the other side: weights come out grouped by position in the group."""

    def forward(self, query, key, value, mask=None):
        q = self.w_q(query).unflatten(-1, (-1, self.num_kv_heads, query.shape[-1] // self.num_heads))
        k = self.w_k(key).unflatten(-1, (self.num_kv_heads, -1))
        v = self.w_v(value).unflatten(-1, (self.num_kv_heads, -1))
        scores = torch.einsum("bqrgd,bkgd->bgrqk", q, k) / q.shape[-1] ** 0.5
        weights = self.weigh(scores.flatten(1, 2), mask).unflatten(1, scores.shape[1:3])
        output = torch.einsum("bgrqk,bkgd->bqgrd", weights, v)
        return self.w_o(output.flatten(2)), weights.flatten(1, 2)
