"""Wrong answers, by the catalogue id that names the mistake.

A mistake seldom comes alone in form: one learner fills with -inf, the next adds -1e9, a third takes care of rows that see
nothing. `HABITS` holds these ways, and each mistake of `attention` is registered with all of them.
"""

import torch
from torch.nn import functional as F

from autograder.framework.known_answers import edits, misconception

# softmax

MAX, SUM = "x.detach().amax(dim=dim, keepdim=True)", "exponentials.sum(dim=dim, keepdim=True)"
SHARES, UNSHIFTED = f"exponentials / {SUM}", f"x - {MAX} → x"
edits("softmax", {
    "overflow": {"solution": [
        UNSHIFTED, "amax → mean", "amax → amin", f"{MAX} → x.max()",
        f"x - {MAX} → x.clamp(max=80)", f"x - {MAX} → x.clamp(-50, 50)",
        (UNSHIFTED, f"{SUM} → ({SUM} + 1e-9)"), (f"{MAX} → x.max()", f"{SUM} → ({SUM} + 1e-12)"),
        (UNSHIFTED, f"{SHARES} → torch.exp(x - torch.log({SUM}))"), (UNSHIFTED, f"{SHARES} → torch.nan_to_num({SHARES})"),
        (f"x - {MAX} → x.double()", f"{SHARES} → ({SHARES}).to(x.dtype)"),
    ]},
    "ignores-dim": {"solution": [
        "dim=dim → dim=-1", (UNSHIFTED, "dim=dim → dim=-1"), "sum(dim=dim → sum(dim=-1", "amax(dim=dim → amax(dim=-1",
        "(dim=dim, keepdim=True) → (dim).unsqueeze(-1)", f"{MAX} → x.amax(dim)[..., None]",
        f"{SUM} → exponentials.sum(dim)[..., None]",
    ]},
    "fixed-axis": {"solution": [f"{step}dim=dim → {step}dim={axis}" for step in ("", "sum(", "amax(") for axis in (0, 1)]},
    "over-everything": {"solution": [f"{SUM} → exponentials.sum()", (f"{MAX} → x.max()", f"{SUM} → exponentials.sum()")]},
    "lost-keepdim": {
        "solution": ["amax(dim=dim, keepdim=True → amax(dim", "sum(dim=dim, keepdim=True → sum(dim", ", keepdim=True →"],
        "max-values": "(dim, True) → (dim)",
    },
    "uses-builtin": {"solution": f"{SHARES} → torch.nn.functional.softmax(x, dim=dim)"},
    "not-differentiable": {"solution": f"shifted = x - {MAX} → x = x.detach(); shifted = x - {MAX}"},
    "changes-input": {"solution": [f"shifted = x - {MAX} → x -= {MAX}; shifted = x", f"x - {MAX} → x.sub_({MAX})"]},
    "float32-inside": {"solution": f"x - {MAX} → (x - {MAX}).float().to(x.dtype)"},
})  # fmt: skip

# attention_scores

KEYS, PRODUCT, ROOT = "k.transpose(-2, -1)", "q @ k.transpose(-2, -1)", "math.sqrt(d_k)"
edits("attention_scores", {
    "no-scale": {"solution": f" / {ROOT} →", "key-loop": " * (1.0 / k.shape[-1] ** 0.5) →"},
    "scale-by-d_k": {"solution": [f"{ROOT} → d_k", f"return q → return q / {ROOT}"], "scaled-query": "d_k**-0.5 → (1 / d_k)"},
    "scale-by-length": {"solution": [
        *(f"sqrt(d_k) → sqrt({wrong})" for wrong in ("k.shape[-2]", "q.shape[-2]", "k.shape[1]", "q.shape[1]", "len(k)")),
        f"{ROOT} → k.shape[-2]", f"{ROOT} → q.shape[-2]",
    ]},
    "view-without-transpose": {"solution": [f"{KEYS} → k.{deal}(*k.shape[:-2], d_k, -1)" for deal in ("reshape", "view")]},
    "fixed-number-of-axes": {
        "solution": [f"{KEYS} → k.{wrong}" for wrong in ("T", "t()", "transpose(0, 1)", "transpose(1, 2)")]
        + ["q @ k.transpose(-2, -1) → q.bmm(k.transpose(1, 2))"],
        "einsum": ["...id,...jd->...ij → bid,bjd->bij", "...id,...jd->...ij → id,jd->ij"],
    },
    "scores-turned-round": {"solution": f"{PRODUCT} → k @ q.transpose(-2, -1)", "einsum": "->...ij → ->...ji"},
    "not-differentiable": {"solution": [
        "return q → return q.detach()", f"{PRODUCT} → q @ k.data.mT",
        f"{PRODUCT} → q.new_tensor(q.detach().numpy() @ k.detach().numpy().swapaxes(-1, -2))",
    ]},
    "changes-input": {"solution": f"{PRODUCT} / {ROOT} → q.div_({ROOT}) @ k.mT"},
    "float32-inside": {
        "solution": f"{PRODUCT} → (q.float() @ k.float().mT).to(q.dtype)",
        "broadcast": "q.new_tensor(d_k) → q.new_tensor(d_k).float()",
    },
})  # fmt: skip


@misconception("attention_scores", "uses-builtin")
def scores_by_builtin(q, k):
    """The weights that come out with an identity as values, and their logarithms."""
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], k.shape[-2])
    return torch.log(F.scaled_dot_product_attention(q, k, eye))


# attention

SCORES, HIDDEN = "scores = attention_scores(q, k) → scores = ", "scores.masked_fill(~mask & ~blind, -math.inf)"
FILL, ADD = "scores.masked_fill(~mask, {})", "scores + torch.zeros_like(scores).masked_fill(~mask, {})"
KEEP, ROWS, AGAIN, NO_NAN = "", ".masked_fill(blind, 0.0)", ".masked_fill(~mask, 0.0)", ".nan_to_num(0.0)"
HABITS = [
    (FILL.format("-math.inf"), KEEP), (FILL.format("-1e9"), KEEP), (ADD.format("-math.inf"), KEEP), (ADD.format("-1e9"), KEEP),
    (ADD.format("-1e4"), KEEP), (ADD.format("-math.inf"), NO_NAN), (FILL.format("-math.inf"), NO_NAN), (HIDDEN, ROWS),
    (FILL.format("-1e9"), ROWS), (ADD.format("-1e4"), ROWS), (FILL.format("-1e9"), AGAIN),
]  # fmt: skip
"""What is done to the scores, and then to the weights, where there is a mask; the first six go wrong in blind rows."""


def way(hide, after, *changes):
    return (f"{HIDDEN} → {hide}", f"softmax(scores){ROWS} → softmax(scores){after}", *changes)


def every_way(*changes):
    return [way(*habit, *changes) for habit in HABITS]


edits("attention", {
    "all-masked-nan": {"solution": [
        *(way(*habit) for habit in HABITS[:6]), way(*HABITS[5], "softmax(scores) → scores.softmax(-1)"),
        *(way(*HABITS[0], f"return output, weights → return {late}")
          for late in ("output.nan_to_num(0.0), weights", "output, weights.nan_to_num(0.0)")),
    ]},
    "no-scale": {"solution": every_way(f"{SCORES}q @ k.mT")},
    "scale-by-d_k": {"solution": [f"{SCORES}q @ k.mT / q.shape[-1]", f"{SCORES}attention_scores(q, k) / math.sqrt(q.shape[-1])"]},
    "softmax-over-queries": {"solution": [
        edit for axis in (-2, 1, 0) for edit in every_way(f"softmax(scores) → softmax(scores, dim={axis})")
    ]},
    "mask-inverted": {"solution": [
        *every_way("masked_fill(~mask → masked_fill(mask", "~mask.any( → mask.all("),
        *(way(hide.replace("~mask", "mask"), after) for hide, after in HABITS),
    ]},
    "mask-after-softmax": {"solution": [way("scores", f".masked_fill(~mask, {fill})") for fill in ("0.0", "-math.inf", "-1e9")]},
    "mask-with-zero": {"solution": [way("scores * mask", KEEP), way(FILL.format("0.0"), ROWS)]},
    "mask-ignored": {"solution": [way("scores", KEEP), way("scores", ROWS), f"scores = {HIDDEN} → {HIDDEN}"]},
    "mask-truth-value": {"solution": ["if mask is None → if not mask", "if mask is None → if mask == False"]},
    "outputs-swapped": {"solution": "return output, weights → return weights, output"},
    "view-without-transpose": {"solution": f"{SCORES}q @ k.reshape(*k.shape[:-2], -1, k.shape[-2]) / math.sqrt(q.shape[-1])"},
    "fixed-number-of-axes": {
        "solution": [f"{SCORES}q @ k.{turned} / math.sqrt(q.shape[-1])" for turned in ("T", "transpose(1, 2)")],
        "einsum-where": ["...qd,...kd->...qk → bqd,bkd->bqk", "...qk,...kd->...qd → bqk,bkd->bqd", "... → b"],
    },
    "uses-builtin": {"solution": "weights @ v → torch.nn.functional.scaled_dot_product_attention(q, k, v, mask)"},
    "not-differentiable": {"solution": ["weights @ v → weights.detach() @ v", "output = → weights = weights.detach(); output ="]},
    "changes-input": {"solution": f"{SCORES}q.div_(math.sqrt(q.shape[-1])) @ k.mT"},
    "float32-inside": {"solution": f"{SCORES}q @ k.mT / torch.sqrt(torch.tensor(q.shape[-1]))"},
})  # fmt: skip

# blockwise_attention

CARELESS = ("higher.masked_fill(higher == -math.inf, 0.0) → higher", "total.masked_fill(total == 0, 1.0) → total")
FROM_ZERO, BLOCK_MAX = "1), -math.inf) → 1), 0.0)", "maximum(largest, scores.amax(dim=-1, keepdim=True)) → amax(scores, -1, True)"
TOTAL, MIXTURE, REFUSAL = "total * rescale → total", "mixture * rescale → mixture", "block_size < 1 → block_size is None"
OF_BLOCK, LOOP, ONE_BLOCK = "attention_scores(q, k[..., block, :]) → ", "for start in", "k_len = k → k_len = block_size = k"
edits("blockwise_attention", {
    "no-rescale": {
        "solution": [
            (*forgotten, *start, *care) for forgotten in ((TOTAL, MIXTURE), (TOTAL,), (MIXTURE,), (TOTAL, MIXTURE, BLOCK_MAX))
            for start in ((), (FROM_ZERO,)) for care in ((), CARELESS)
        ],
        "running-mean": "self.total * torch.exp(self.top - top) → self.total",
    },
    "tail-dropped": {"solution": [
        (f"(0, k_len → (0, k_len {end}", *care) for end in ("// block_size * block_size", "- 1") for care in ((), CARELESS)
    ]},
    "holds-everything": {"solution": [
        ONE_BLOCK, (ONE_BLOCK, REFUSAL, *CARELESS),
        (f"{OF_BLOCK}every[..., block]", f"{LOOP} → every = attention_scores(q, k)\n    {LOOP}"),
        (f"{OF_BLOCK}every[..., block]",
         f"{LOOP} → every = torch.cat([attention_scores(q, some) for some in k.split(block_size, -2)], -1)\n    {LOOP}"),
        "largest = higher → largest = higher; kept = scores if start == 0 else (kept, scores)",
    ]},
    "no-scale": {"solution": f"{OF_BLOCK}q @ k[..., block, :].mT"},
    "mask-ignored": {"solution": "scores = scores.masked_fill → scores.masked_fill"},
    "mask-inverted": {"solution": "~mask → mask", "log-weights": "where(_cut(mask, block) → where(~_cut(mask, block)"},
    "uses-builtin": {"solution": "return mixture / → return torch.nn.functional.scaled_dot_product_attention(q, k, v, mask) #"},
    "not-differentiable": {"solution": "return mixture → return mixture.detach()"},
    "changes-input": {"solution": [
        (f"{OF_BLOCK}q @ k[..., block, :].mT", "k_len = → q /= math.sqrt(q.shape[-1]); k_len ="),
        "return mixture → k.data.mul_(0.5); return mixture",
    ]},
    "float32-inside": {"solution": "torch.exp(scores - shift) → torch.exp((scores - shift).float()).to(q.dtype)"},
})  # fmt: skip


@misconception("blockwise_attention", "holds-everything")
def blockwise_over_queries(q, k, v, block_size, mask=None):
    if block_size < 1:
        raise ValueError(f"block_size={block_size}: at least 1")
    masks = [None] * q.shape[-2] if mask is None else mask.expand(*mask.shape[:-2], q.shape[-2], -1).split(block_size, -2)
    outputs = []
    for some, seen in zip(q.split(block_size, -2), masks, strict=False):
        scores = some @ k.mT * q.shape[-1] ** -0.5
        outputs.append((scores if seen is None else scores.masked_fill(~seen, -torch.inf)).softmax(-1).nan_to_num() @ v)
    return torch.cat(outputs, -2)
