"""Wrong answers to the exercises of chapter 03 for which no id of the catalogue is right: they fail and get no name."""

from autograder.framework.known_answers import edits

_RULE = "positions[None, :] <= positions[:, None] →"
edits("create_look_ahead_mask", {
    "sees itself alone": "<= → ==",
    "sees itself and one word before": {"tril-of-booleans": "tril() → tril().triu(-1)"},
    "everything is seen": f"{_RULE} positions[None, :] <= seq_len + positions[:, None]",
    "nothing is hidden from the first half": {"row-by-row": ":i + 1 → :max(i + 1, seq_len // 2)"},
    "one row instead of a square": f"{_RULE} positions <= seq_len",
    "an axis too many": {"float-compared": "[0] →"},
    "counts from the other corner": {"tril-of-booleans": "tril() → tril().flip(0)"},
    "a list of lists": {"nested-lists": "torch.tensor( → ("},
})  # fmt: skip

_REAL = "(tokens != pad_id)[:, None, :] →"
edits("create_padding_mask", {
    "padding is what is smaller": "!= → >",
    "only padding at the end counts": f"{_REAL} ((tokens != pad_id).flip(1).cumsum(1) > 0).flip(1)[:, None, :]",
    "padding of one is padding of all": f"{_REAL} (tokens != pad_id).all(0).expand(tokens.shape)[:, None, :]",
    "as many words as the shortest has": (
        f"{_REAL} (torch.arange(tokens.shape[1]) < (tokens != pad_id).sum(1).min()).expand(tokens.shape)[:, None, :]",
    ),
    "the number of words": f"{_REAL} (tokens != pad_id).sum(1)",
    "the tokens come back": f"{_REAL} tokens",
    "the last token is taken for the padding": f"{_REAL} (tokens != tokens[:, -1:])[:, None, :]",
})  # fmt: skip

_PLAIN, _WEIGHTS, _PAIR = "step-by-step", "torch.softmax(scores, dim=-1) →", "weights @ v, weights →"
_FUSED = "one-product-for-all-projections"
edits("SelfAttention", {
    "a list of layers, which the module does not find": (
        "self.w_q = → self.layers = []; w =", "self.w_k = → w =", "self.w_v = → w =",
        "bias=False) → bias=False); self.layers.append(w)",
        "self.w_q(x), self.w_k(x), self.w_v(x) → *(layer(x) for layer in self.layers)",
    ),
    "with biases": ", bias=False →",
    "one layer for all three, cut afterwards": {_FUSED: (
        "(ThreeProjections): → (nn.Module):\n    def __init__(self, d_model, d_k, d_v):\n        super().__init__()\n"
        "        self.w, self.d_k, self.d_v = nn.Linear(d_model, 2 * d_k + d_v, bias=False), d_k, d_v\n",
        "together = torch.cat([self.w_q.weight, self.w_k.weight, self.w_v.weight]) →", "F.linear(x, together) → self.w(x)",
    )},
    "the scale is that of the length": {_PLAIN: "math.sqrt(self.d_k) → math.sqrt(x.shape[1])"},
    "the scale is multiplied": {_PLAIN: " / math.sqrt( → * math.sqrt("},
    "the sigmoid in the place of the softmax": {_PLAIN: f"{_WEIGHTS} torch.sigmoid(scores)"},
    "softmax over everything": {_PLAIN: f"{_WEIGHTS} torch.softmax(scores.flatten(1), dim=-1).view_as(scores)"},
    "the words themselves are what is looked for": {_PLAIN: "self.w_q(x), → x[..., : self.d_k] + 0 * self.w_q(x),"},
    "the values are added once more": {_PLAIN: f"{_PAIR} weights @ v + v, weights"},
    "any mask is taken for the look-ahead mask": {_PLAIN: "~mask → ~torch.ones_like(scores, dtype=torch.bool).tril()"},
    "scores of forbidden words are only lowered": {_PLAIN: "scores.masked_fill(~mask, -torch.inf) → scores - 5.0 * ~mask"},
    "only the output comes back": {_PLAIN: f"{_PAIR} weights @ v"},
    "raw scores for weights": {_PLAIN: f"{_PAIR} weights @ v, scores"},
})  # fmt: skip
