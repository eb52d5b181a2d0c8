"""Wrong answers for which no id of the catalogue is what a teacher would say: they fail, and get no name."""

from autograder.framework.known_answers import edits

MAX, SUM = "x.detach().amax(dim=dim, keepdim=True)", "exponentials.sum(dim=dim, keepdim=True)"
edits("softmax", {
    "divides by the largest": {"solution": f"{SUM} → exponentials.amax(dim=dim, keepdim=True)"},
    "does not divide": {"solution": f" / {SUM} → "},
    "powers of two": {"solution": "torch.exp(shifted) → torch.exp2(shifted)"},
    "the smallest wins": {"solution": f"x - {MAX} → x.amin(dim=dim, keepdim=True) - x"},
    "shares of the distance to the smallest": {"solution": ("amax → amin", "torch.exp(shifted) → shifted")},
    "logarithm of the shares": {"solution": f"return exponentials / {SUM} → return shifted - {SUM}.log()"},
    "a sigmoid": {"solution": f"return exponentials / {SUM} → return torch.sigmoid(x)"},
    "one too many in the sum": {"solution": f"{SUM} → ({SUM} + 1)"},
    "drops axes of size 1": {"solution": f"exponentials / {SUM} → (exponentials / {SUM}).squeeze()"},
    "the mean instead of the sum": {"solution": "exponentials.sum( → exponentials.mean("},
    "cleans 0 / 0 of -inf as if it were all": {"solution": f"x - {MAX} → x.masked_fill(x == -torch.inf, 0.0) - {MAX}"},
})  # fmt: skip

TURNED, ROOT = "q @ k.transpose(-2, -1)", "math.sqrt(d_k)"
edits("attention_scores", {
    "multiplies by the root": {"solution": f" / {ROOT} →  * {ROOT}"},
    "cosine": {"solution": f"{TURNED} / {ROOT} → q / q.norm(dim=-1, keepdim=True) @ (k / k.norm(dim=-1, keepdim=True)).mT"},
    "cosine over the root": {"solution": f"{TURNED} → q / q.norm(dim=-1, keepdim=True) @ (k / k.norm(dim=-1, keepdim=True)).mT"},
    "sizes without signs": {"solution": f"return {TURNED} / {ROOT} → return ({TURNED} / {ROOT}).abs()"},
    "already a softmax": {"solution": f"return {TURNED} / {ROOT} → return ({TURNED} / {ROOT}).softmax(-1)"},
    "negative distances": {"solution": f"{TURNED} / {ROOT} → -(q.unsqueeze(-2) - k.unsqueeze(-3)).square().sum(-1) / {ROOT}"},
    "drops axes of size 1": {"solution": f"return {TURNED} / {ROOT} → return ({TURNED} / {ROOT}).squeeze()"},
    "divides the query, then the keys by a fourth root": {"solution": f"{TURNED} / {ROOT} → (q / {ROOT}) @ (k / d_k**0.25).mT"},
    "centred in each row": {"solution": f"return {TURNED} / {ROOT} → s = {TURNED} / {ROOT}; return s - s.mean(-1, keepdim=True)"},
})  # fmt: skip

HIDDEN, WEIGHTS = "scores.masked_fill(~mask & ~blind, -math.inf)", "softmax(scores).masked_fill(blind, 0.0)"
edits("attention", {
    "drops axes of size 1": {"solution": "output = weights @ v → output = (weights @ v).squeeze()"},
    "the mask as numbers that are added": {"solution": (f"{HIDDEN} → scores + mask", f"{WEIGHTS} → softmax(scores)")},
    "hides values, not keys": {"solution": (
        f"scores = {HIDDEN} → v = v * mask.any(-2).unsqueeze(-1).expand(*v.shape[:-1], 1)", f"{WEIGHTS} → softmax(scores)",
    )},
    "scores instead of weights": {"solution": "return output, weights → return output, scores"},
    "a softmax too many": {"solution": "output = weights @ v → weights = softmax(weights); output = weights @ v"},
    "all is 0 where one query is blind": {"solution": f"{WEIGHTS} → softmax(scores) * ~blind.any()"},
    "a mask of the first entry alone": {"solution": "blind = ~ → mask = mask[:1] if mask.dim() > 2 else mask; blind = ~"},
    "forbids too little": {"solution": f"{HIDDEN} → scores - 4.0 * ~mask"},
    "divides twice": {"solution": "output = weights @ v → output = weights @ v / weights.shape[-1]"},
    "values weighed the other way round": {"solution": "output = weights @ v → output = (1 - weights) @ v"},
    "the scale after the softmax": {"solution": (
        "scores = attention_scores(q, k) → scores = q @ k.mT", "output = → weights = weights / math.sqrt(q.shape[-1]); output =",
    )},
    "masks as for heads": {"solution": "blind = ~ → mask = mask.unsqueeze(1) if mask.dim() == 3 else mask; blind = ~"},
})  # fmt: skip

NEVER = "mixture / total.masked_fill(total == 0, 1.0) → "
edits("blockwise_attention", {
    "the maximum starts at zero": {"solution": ("1), -math.inf) → 1), 0.0)", "masked_fill(total == 0, 1.0) → clamp(min=1e-38)")},
    "does not divide": {"solution": f"{NEVER}mixture"},
    "divides in every block": {"solution": (f"{NEVER}mixture", "largest = higher → largest = higher; mixture = mixture / total")},
    "refuses nothing": {"solution": "if block_size < 1 → if block_size is None"},
    "refuses without the value": {"solution": "block_size={block_size} holds no key: choose at least 1 → choose another size"},
    "the whole mask for each block": {"solution": "~mask[..., block] → ~mask"},
    "the mask's first columns for each block": {"solution": "~mask[..., block] → ~mask[..., : scores.shape[-1]]"},
    "blocks that overlap": {"solution": "range(0, k_len, block_size) → range(0, k_len, max(1, block_size - 1))"},
    "adds up a softmax of each block": {"solution": (
        "mixture * rescale + exponentials @ → mixture + exponentials / exponentials.sum(-1, keepdim=True) @", f"{NEVER}mixture",
    )},
    "blind rows are NaN": {"solution": "total.masked_fill(total == 0, 1.0) → total"},
})  # fmt: skip
