"""The wrong answers of chapter 05, by catalogue id; the specific ones stand first."""

import torch
from torch import nn
from torch.nn import functional as F

from autograder.framework.known_answers import misconception
from utils import reference

# LayerNorm


class Norm(nn.Module):
    """The right norm in small steps, each of which a wrong answer below exchanges."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))

    def mean(self, x):
        return x.mean(-1, keepdim=True)

    def variance(self, x):
        return x.var(-1, keepdim=True, unbiased=False)

    def spread(self, x):
        return (self.variance(x) + self.eps).sqrt()

    def affine(self, x):
        return x * self.weight + self.bias

    def forward(self, x):
        return self.affine((x - self.mean(x)) / self.spread(x))


@misconception("LayerNorm", "uses-builtin")
class FunctionalNorm(Norm):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


@misconception("LayerNorm", "uses-builtin")
class ModuleNorm(Norm):
    def __init__(self, d_model, eps=1e-5):
        super().__init__(d_model, eps)
        self.norm = (nn.LayerNorm(d_model, eps=eps, elementwise_affine=False),)

    def forward(self, x):
        return self.affine(self.norm[0](x))


@misconception("LayerNorm", "uses-builtin")
class InheritedNorm(nn.LayerNorm):
    def __init__(self, d_model, eps=1e-5):
        super().__init__(d_model, eps)


@misconception("LayerNorm", "uses-builtin")
class NormOfTheReference(Norm):
    def forward(self, x):
        norm = reference.LayerNorm(x.shape[-1], self.eps).to(x)
        return self.affine(norm(x))


@misconception("LayerNorm", "not-differentiable")
class DetachedStatistics(Norm):
    def mean(self, x):
        return super().mean(x).detach()

    def spread(self, x):
        return super().spread(x).detach()


@misconception("LayerNorm", "not-differentiable")
class NormWithoutGrad(Norm):
    def forward(self, x):
        with torch.no_grad():
            normed = (x - self.mean(x)) / self.spread(x)
        return self.affine(normed)


@misconception("LayerNorm", "not-differentiable")
class NormFromNumpy(Norm):
    def mean(self, x):
        return torch.from_numpy(x.detach().numpy().mean(-1, keepdims=True))


@misconception("LayerNorm", "not-differentiable")
class WeightsAsPlainTensors(Norm):
    def __init__(self, d_model, eps=1e-5):
        super().__init__(d_model, eps)
        del self.weight, self.bias
        self.register_buffer("weight", torch.ones(d_model))
        self.register_buffer("bias", torch.zeros(d_model))


@misconception("LayerNorm", "changes-input")
class NormInPlace(Norm):
    def forward(self, x):
        with torch.no_grad():
            mean = self.mean(x)
            x.sub_(mean)
        return self.affine(x / self.spread(x))


@misconception("LayerNorm", "unbiased-variance")
class UnbiasedVariance(Norm):
    def variance(self, x):
        return x.var(-1, keepdim=True)


@misconception("LayerNorm", "unbiased-variance")
class BesselByHand(Norm):
    def variance(self, x):
        return (x - self.mean(x)).pow(2).sum(-1, keepdim=True) / (x.shape[-1] - 1)


@misconception("LayerNorm", "unbiased-variance")
class SquaredStd(Norm):
    def variance(self, x):
        return x.std(-1, keepdim=True) ** 2


@misconception("LayerNorm", "wrong-dimension")
class OverTheSequence(Norm):
    def mean(self, x):
        return x.mean(-2, keepdim=True)

    def variance(self, x):
        return x.var(-2, keepdim=True, unbiased=False)


@misconception("LayerNorm", "wrong-dimension")
class OverTheBatch(Norm):
    def mean(self, x):
        return x.mean(0, keepdim=True)

    def variance(self, x):
        return x.var(0, keepdim=True, unbiased=False)


@misconception("LayerNorm", "wrong-dimension")
class OverSequenceAndFeatures(Norm):
    axes = (-2, -1)

    def mean(self, x):
        return x.mean(self.axes, keepdim=True)

    def variance(self, x):
        return x.var(self.axes, keepdim=True, unbiased=False)


@misconception("LayerNorm", "wrong-dimension")
class OverBatchAndSequence(OverSequenceAndFeatures):
    """Batch normalisation: each feature over everything else."""

    def forward(self, x):
        self.axes = tuple(range(x.dim() - 1))
        return super().forward(x)


@misconception("LayerNorm", "wrong-dimension")
class OverEverything(Norm):
    def mean(self, x):
        return x.mean()

    def variance(self, x):
        return x.var(unbiased=False)


@misconception("LayerNorm", "eps-outside-root")
class EpsOutside(Norm):
    def spread(self, x):
        return self.variance(x).sqrt() + self.eps


@misconception("LayerNorm", "eps-outside-root")
class EpsOutsideOfStd(Norm):
    def spread(self, x):
        return x.std(-1, keepdim=True, unbiased=False) + self.eps


@misconception("LayerNorm", "eps-outside-root")
class RootOfTheSumOfSquares(Norm):
    def spread(self, x):
        return (x - self.mean(x)).norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5 + self.eps


@misconception("LayerNorm", "std-plus-eps")
class StdPlusEps(Norm):
    def spread(self, x):
        return x.std(-1, keepdim=True) + self.eps


@misconception("LayerNorm", "std-plus-eps")
class RootPlusEps(Norm):
    def spread(self, x):
        return torch.sqrt(torch.var(x, dim=-1, keepdim=True)) + self.eps


@misconception("LayerNorm", "std-plus-eps")
class StdPlusEpsByHand(Norm):
    def spread(self, x):
        return ((x - self.mean(x)).pow(2).sum(-1, keepdim=True) / (x.shape[-1] - 1)) ** 0.5 + self.eps


@misconception("LayerNorm", "no-affine")
class NoAffine(Norm):
    def affine(self, x):
        return x


@misconception("LayerNorm", "no-affine")
class NoParameters(NoAffine):
    def __init__(self, d_model, eps=1e-5):
        super().__init__(d_model, eps)
        del self.weight, self.bias


@misconception("LayerNorm", "no-affine")
class WeightOnly(Norm):
    def affine(self, x):
        return x * self.weight


@misconception("LayerNorm", "no-affine")
class BiasOnly(Norm):
    def affine(self, x):
        return x + self.bias


# FeedForward


class Layers(nn.Module):
    """The right feed-forward layer in small steps."""

    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def activation(self, x):
        return torch.relu(x)

    def drop(self, x):
        return self.dropout(x)

    def forward(self, x):
        return self.linear2(self.drop(self.activation(self.linear1(x))))


@misconception("FeedForward", "uses-builtin")
class FeedForwardOfTheReference(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        made = reference.FeedForward(d_model, d_ff, dropout)
        self.linear1, self.linear2, self.made = made.linear1, made.linear2, (made,)

    def forward(self, x):
        return self.made[0].train(self.training)(x)


@misconception("FeedForward", "not-differentiable")
class DetachedHidden(Layers):
    def activation(self, x):
        return torch.relu(x).detach()


@misconception("FeedForward", "not-differentiable")
class WeightsByData(Layers):
    def forward(self, x):
        hidden = torch.relu(x @ self.linear1.weight.data.T + self.linear1.bias.data)
        return self.linear2(self.drop(hidden))


@misconception("FeedForward", "not-differentiable")
class HiddenFromNumpy(Layers):
    def activation(self, x):
        return torch.from_numpy(x.detach().numpy().clip(min=0))


@misconception("FeedForward", "changes-input")
class CutsTheInput(Layers):
    """relu in place, in the wrong place as well as in the right one."""

    def forward(self, x):
        result = super().forward(x)
        with torch.no_grad():
            x.clamp_(min=0)
        return result


@misconception("FeedForward", "no-activation")
class NoActivation(Layers):
    def activation(self, x):
        return x


@misconception("FeedForward", "no-activation")
class ActivationThrownAway(Layers):
    def activation(self, x):
        torch.relu(x)
        return x


@misconception("FeedForward", "wrong-activation")
class Gelu(Layers):
    def activation(self, x):
        return F.gelu(x)


@misconception("FeedForward", "wrong-activation")
class TanhGelu(Layers):
    def activation(self, x):
        return F.gelu(x, approximate="tanh")


@misconception("FeedForward", "wrong-activation")
class Tanh(Layers):
    def activation(self, x):
        return x.tanh()


@misconception("FeedForward", "wrong-activation")
class Sigmoid(Layers):
    def activation(self, x):
        return x.sigmoid()


@misconception("FeedForward", "wrong-activation")
class Silu(Layers):
    def activation(self, x):
        return F.silu(x)


@misconception("FeedForward", "wrong-activation")
class LeakyRelu(Layers):
    def activation(self, x):
        return F.leaky_relu(x)


@misconception("FeedForward", "wrong-activation")
class ReluAfterTheSecondLayer(Layers):
    def forward(self, x):
        return torch.relu(self.linear2(self.drop(self.linear1(x))))


@misconception("FeedForward", "wrong-activation")
class ReluAfterBothLayers(Layers):
    def forward(self, x):
        return torch.relu(super().forward(x))


@misconception("FeedForward", "dropout-in-eval")
class FunctionalDropout(Layers):
    def drop(self, x):
        return F.dropout(x, self.dropout.p)


@misconception("FeedForward", "dropout-in-eval")
class FreshDropout(Layers):
    def drop(self, x):
        return nn.Dropout(self.dropout.p)(x)


@misconception("FeedForward", "dropout-in-eval")
class DropoutByHand(Layers):
    def drop(self, x):
        p = self.dropout.p
        return x * (torch.rand_like(x) >= p) / (1 - p)


# EncoderBlock


class Encoder(nn.Module):
    """The right block in small steps; `which` counts its sublayers from 0."""

    sublayers = 2

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.norm_first, self.dropout = norm_first, nn.Dropout(dropout)
        self.make(d_model, num_heads, d_ff, dropout)
        for number in range(1, self.sublayers + 1):
            setattr(self, f"norm{number}", nn.LayerNorm(d_model))

    def make(self, d_model, num_heads, d_ff, dropout):
        self.self_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)

    def norm(self, which, x):
        return getattr(self, f"norm{which + 1}")(x)

    def look(self, x, mask):
        return self.self_attention(x, x, x, mask)[0]

    def drop(self, x):
        return self.dropout(x)

    def add(self, which, x, found):
        return x + found

    def before(self, which, x, sublayer):
        return self.add(which, x, self.drop(sublayer(self.norm(which, x))))

    def after(self, which, x, sublayer):
        return self.norm(which, self.add(which, x, self.drop(sublayer(x))))

    def step(self, which, x, sublayer):
        return (self.before if self.norm_first else self.after)(which, x, sublayer)

    def forward(self, x, mask=None):
        x = self.step(0, x, lambda y: self.look(y, mask))
        return self.step(1, x, self.feed_forward)


class Decoder(Encoder):
    """The right block of a decoder in the same steps."""

    sublayers = 3

    def make(self, d_model, num_heads, d_ff, dropout):
        super().make(d_model, num_heads, d_ff, dropout)
        self.cross_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)

    def cross(self, x, memory, mask):
        return self.cross_attention(x, memory, memory, mask)[0]

    def order(self, x, memory, self_mask, memory_mask):
        yield 0, lambda y: self.look(y, self_mask)
        yield 1, lambda y: self.cross(y, memory, memory_mask)
        yield 2, self.feed_forward

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        for which, sublayer in self.order(x, memory, self_mask, memory_mask):
            x = self.step(which, x, sublayer)
        return x


def both(id):
    """Registers a change of the common steps as a wrong EncoderBlock and as a wrong DecoderBlock."""

    def register(change):
        for component, base in (("EncoderBlock", Encoder), ("DecoderBlock", Decoder)):
            misconception(component, id)(type(change.__name__ + base.__name__, (change, base), {"__doc__": change.__doc__}))
        return change

    return register


@misconception("EncoderBlock", "uses-builtin")
class BuiltinEncoder(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(d_model, num_heads, d_ff, dropout, batch_first=True, norm_first=norm_first)

    def forward(self, x, mask=None):
        return self.layer(x, src_mask=None if mask is None else ~mask)


@misconception("DecoderBlock", "uses-builtin")
class BuiltinDecoder(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(d_model, num_heads, d_ff, dropout, batch_first=True, norm_first=norm_first)

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        self_mask, memory_mask = (None if mask is None else ~mask for mask in (self_mask, memory_mask))
        return self.layer(x, memory, tgt_mask=self_mask, memory_mask=memory_mask)


@both("uses-builtin")
class BuiltinAttention:
    def make(self, d_model, num_heads, d_ff, dropout):
        super().make(d_model, num_heads, d_ff, dropout)
        self.hidden = (nn.MultiheadAttention(d_model, num_heads, batch_first=True),)

    def look(self, x, mask):
        layer, own = self.hidden[0].to(x), self.self_attention
        with torch.no_grad():
            layer.in_proj_weight.copy_(torch.cat([own.w_q.weight, own.w_k.weight, own.w_v.weight]))
            layer.in_proj_bias.copy_(torch.cat([own.w_q.bias, own.w_k.bias, own.w_v.bias]))
            layer.out_proj.load_state_dict(own.w_o.state_dict())
        if mask is not None:
            mask = (~mask).expand(len(x), x.shape[1], -1).repeat_interleave(layer.num_heads, dim=0)
        return layer(x, x, x, attn_mask=mask, need_weights=False)[0]


@misconception("EncoderBlock", "uses-builtin")
class EncoderOfTheReference(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.made = (reference.EncoderBlock(d_model, num_heads, d_ff, dropout, norm_first),)
        for name, part in self.made[0].named_children():
            if name != "dropout":
                setattr(self, name, part)

    def forward(self, x, mask=None):
        return self.made[0].train(self.training)(x, mask)


@both("not-differentiable")
class DetachedSublayers:
    def drop(self, x):
        return self.dropout(x.detach())


@both("not-differentiable")
class DetachedResidual:
    def add(self, which, x, found):
        return x.detach() + found


@both("changes-input")
class AddsInPlace:
    def add(self, which, x, found):
        if which:
            return x + found
        with torch.no_grad():
            x += found
        return x


@both("mask-ignored")
class NoMask:
    def look(self, x, mask):
        return super().look(x, None)


@both("mask-ignored")
class NoMaskInPostNorm:
    """Two branches, and the mask was forgotten in one."""

    def look(self, x, mask):
        return super().look(x, mask if self.norm_first else None)


@both("no-residual")
class NoResidual:
    def add(self, which, x, found):
        return found


@both("no-residual")
class NoResidualAroundAttention:
    def add(self, which, x, found):
        return x + found if which else found


@both("no-residual")
class NoResidualAroundTheFeedForward:
    def add(self, which, x, found):
        return found if which == self.sublayers - 1 else x + found


@both("no-residual")
class ResidualOfTheNormed:
    """Pre-norm that adds to the normed x, so that x itself is gone; post-norm is right."""

    def before(self, which, x, sublayer):
        normed = self.norm(which, x)
        return normed + self.drop(sublayer(normed))


@both("norm-before-add")
class NormsWhatIsAdded:
    def after(self, which, x, sublayer):
        return x + self.norm(which, self.drop(sublayer(x)))


@both("norm-before-add")
class NormsWhatIsAddedAfterAttention:
    def after(self, which, x, sublayer):
        if which:
            return super().after(which, x, sublayer)
        return x + self.norm(which, self.drop(sublayer(x)))


@both("norm-before-add")
class NormsWhatIsAddedAfterTheFeedForward:
    def after(self, which, x, sublayer):
        if which < self.sublayers - 1:
            return super().after(which, x, sublayer)
        return x + self.norm(which, self.drop(sublayer(x)))


@both("norm-first-ignored")
class AlwaysAfter:
    def step(self, which, x, sublayer):
        return self.after(which, x, sublayer)


@both("norm-first-ignored")
class AlwaysBefore:
    def step(self, which, x, sublayer):
        return self.before(which, x, sublayer)


@both("norm-first-ignored")
class TheOtherWayRound:
    def step(self, which, x, sublayer):
        return (self.after if self.norm_first else self.before)(which, x, sublayer)


@both("norm-first-ignored")
class BeforeForAttentionOnly:
    def step(self, which, x, sublayer):
        return (self.before if self.norm_first and not which else self.after)(which, x, sublayer)


@both("shared-norm")
class FirstNormForAll:
    def norm(self, which, x):
        return self.norm1(x)


@both("shared-norm")
class LastNormForAll:
    def norm(self, which, x):
        return getattr(self, f"norm{self.sublayers}")(x)


@both("shared-norm")
class OneNormObject:
    """The second name is the first norm: its keys are there, and loading fills it twice."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.norm2 = self.norm1


@misconception("DecoderBlock", "shared-norm")
class SecondNormTwice(Decoder):
    def norm(self, which, x):
        return (self.norm1 if which == 0 else self.norm2)(x)


@misconception("DecoderBlock", "shared-norm")
class FirstNormTwice(Decoder):
    def norm(self, which, x):
        return (self.norm3 if which == 2 else self.norm1)(x)


@both("dropout-in-eval")
class DropoutAlways:
    def drop(self, x):
        return F.dropout(x, self.dropout.p)


@both("dropout-in-eval")
class DropoutMadeAnew:
    def drop(self, x):
        return nn.Dropout(self.dropout.p)(x)


# DecoderBlock


@misconception("DecoderBlock", "cross-attends-to-itself")
class CrossesWithItself(Decoder):
    def cross(self, x, memory, mask):
        return self.cross_attention(x, x, x)[0]


@misconception("DecoderBlock", "cross-attends-to-itself")
class CrossesWithItselfMasked(Decoder):
    def order(self, x, memory, self_mask, memory_mask):
        for which, sublayer in super().order(x, memory, self_mask, memory_mask):
            yield which, sublayer if which != 1 else lambda y: self.cross_attention(y, y, y, self_mask)[0]


@misconception("DecoderBlock", "query-memory-swapped")
class QueriesFromTheMemory(Decoder):
    def cross(self, x, memory, mask):
        return self.cross_attention(memory, x, x)[0]


@misconception("DecoderBlock", "query-memory-swapped")
class QueriesFromTheMemoryMasked(Decoder):
    def cross(self, x, memory, mask):
        return self.cross_attention(memory, x, x, None if mask is None else mask.expand(len(x), x.shape[1], -1).mT)[0]


@misconception("DecoderBlock", "query-memory-swapped")
class QueryAndKeysFromTheMemory(Decoder):
    def cross(self, x, memory, mask):
        return self.cross_attention(memory, memory, x)[0]


@misconception("DecoderBlock", "sublayers-swapped")
class CrossFirst(Decoder):
    def order(self, x, memory, self_mask, memory_mask):
        yield 0, lambda y: self.cross(y, memory, memory_mask)
        yield 1, lambda y: self.look(y, self_mask)
        yield 2, self.feed_forward


@misconception("DecoderBlock", "sublayers-swapped")
class CrossFirstWithItsOwnNorm(Decoder):
    def order(self, x, memory, self_mask, memory_mask):
        yield 1, lambda y: self.cross(y, memory, memory_mask)
        yield 0, lambda y: self.look(y, self_mask)
        yield 2, self.feed_forward


@misconception("DecoderBlock", "memory-mask-ignored")
class NoMemoryMask(Decoder):
    def cross(self, x, memory, mask):
        return super().cross(x, memory, None)


@misconception("DecoderBlock", "memory-mask-ignored")
class NoMemoryMaskInPreNorm(Decoder):
    """Two branches, and the mask was forgotten in one."""

    def cross(self, x, memory, mask):
        return super().cross(x, memory, None if self.norm_first else mask)


# RMSNorm


class Root(nn.Module):
    """The right norm in small steps."""

    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.ones(d_model))

    def square(self, x):
        return x.pow(2).mean(-1, keepdim=True)

    def forward(self, x):
        return x * torch.rsqrt(self.square(x) + self.eps) * self.weight


@misconception("RMSNorm", "uses-builtin")
class FunctionalRoot(Root):
    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, self.eps)


@misconception("RMSNorm", "uses-builtin")
class InheritedRoot(nn.RMSNorm):
    def __init__(self, d_model, eps=1e-6):
        super().__init__(d_model, eps)


@misconception("RMSNorm", "not-differentiable")
class DetachedSquare(Root):
    def square(self, x):
        return super().square(x).detach()


@misconception("RMSNorm", "not-differentiable")
class SquareFromNumpy(Root):
    def square(self, x):
        return torch.from_numpy((x.detach().numpy() ** 2).mean(-1, keepdims=True))


@misconception("RMSNorm", "changes-input")
class RootInPlace(Root):
    def forward(self, x):
        root = torch.rsqrt(self.square(x) + self.eps).detach()
        with torch.no_grad():
            x *= root
        return x * self.weight


@misconception("RMSNorm", "subtracts-mean")
class CentredFirst(Root):
    def forward(self, x):
        return super().forward(x - x.mean(-1, keepdim=True))


@misconception("RMSNorm", "subtracts-mean")
class CentredAboveTheLine(Root):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) * torch.rsqrt(self.square(x) + self.eps) * self.weight


@misconception("RMSNorm", "subtracts-mean")
class VarianceForSquare(Root):
    def square(self, x):
        return x.var(-1, keepdim=True, unbiased=False)


# SwiGLU


class Gated(nn.Module):
    """The right gated layer in small steps."""

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w_gate, self.w_up = nn.Linear(d_model, d_ff, bias=False), nn.Linear(d_model, d_ff, bias=False)
        self.w_down = nn.Linear(d_ff, d_model, bias=False)

    def hidden(self, gate, up):
        return F.silu(gate) * up

    def forward(self, x):
        return self.w_down(self.hidden(self.w_gate(x), self.w_up(x)))


@misconception("SwiGLU", "uses-builtin")
class GatedOfTheReference(Gated):
    def __init__(self, d_model, d_ff):
        super().__init__(d_model, d_ff)
        self.made = (reference.SwiGLU(d_model, d_ff),)
        for name, part in self.made[0].named_children():
            setattr(self, name, part)

    def forward(self, x):
        return self.made[0](x)


@misconception("SwiGLU", "not-differentiable")
class DetachedGate(Gated):
    def hidden(self, gate, up):
        return F.silu(gate).detach() * up


@misconception("SwiGLU", "not-differentiable")
class HiddenThroughLists(Gated):
    def hidden(self, gate, up):
        return torch.tensor(super().hidden(gate, up).tolist(), dtype=up.dtype)


@misconception("SwiGLU", "changes-input")
class GatedInPlace(Gated):
    def forward(self, x):
        result = super().forward(x)
        with torch.no_grad():
            x.zero_()
        return result


@misconception("SwiGLU", "gate-swapped")
class GateOnTheOtherBranch(Gated):
    def hidden(self, gate, up):
        return gate * F.silu(up)


@misconception("SwiGLU", "gate-swapped")
class SwappedLayers(Gated):
    def forward(self, x):
        return self.w_down(F.silu(self.w_up(x)) * self.w_gate(x))


@misconception("SwiGLU", "gate-swapped")
class SwappedByHand(Gated):
    def hidden(self, gate, up):
        return up * torch.sigmoid(up) * gate
