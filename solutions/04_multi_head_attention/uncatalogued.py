"""Wrong answers of chapter 04 for which no id of the catalogue fits: they fail and get no name."""

from autograder.framework.known_answers import edits

_MOVE = "return heads.transpose(1, 2) →"
edits("split_heads", {
    "cuts the positions": {"chunks": ("x.split(d_model // num_heads, dim=-1) → x.repeat(1, 1, 1).chunk(num_heads, dim=1)",)},
    "heads in front of the batch": f"{_MOVE} return heads.permute(2, 0, 1, 3)",
    "features in front of the positions": f"{_MOVE} return heads.permute(0, 2, 3, 1)",
    "the last head first": f"{_MOVE} return heads.transpose(1, 2).flip(1)",
    "a list of heads": {"chunks": "torch.stack(x.split(d_model // num_heads, dim=-1), dim=1) → "
        "list(x.split(d_model // num_heads, dim=-1))"},
    "drops axes of size 1": f"{_MOVE} return heads.transpose(1, 2).squeeze()",
    "another error": "raise ValueError → raise TypeError",
    "a message without numbers": '(f"{d_model=} does not split into {num_heads=}") → ("the heads do not fit")',
})  # fmt: skip

_MERGE = "return x.transpose(1, 2).flatten(start_dim=2) →"
edits("merge_heads", {
    "one head behind the other along the sequence": [f"{_MERGE} return x.flatten(1, 2)",
        f"{_MERGE} return torch.cat(list(x.unbind(1)), 1)"],
    "the last head first": f"{_MERGE} return x.flip(1).transpose(1, 2).flatten(2)",
    "adds the heads up": f"{_MERGE} return x.sum(dim=1)",
    "the average of the heads, repeated": f"{_MERGE} return x.mean(dim=1).repeat(1, 1, x.shape[1])",
    "features in front of the positions": f"{_MERGE} return x.permute(0, 1, 3, 2).flatten(1, 2)",
    "drops axes of size 1": f"{_MERGE} return x.transpose(1, 2).flatten(2).squeeze()",
    "leaves the axes apart": f"{_MERGE} return x.transpose(1, 2)",
})  # fmt: skip

_SOFTMAX, _RETURN = "torch.softmax(scores, dim=-1)", "self.w_o(self.merge(output))"
edits("MultiHeadAttention", {
    "an axis of heads in the wrong place of a mask of two axes": {"textbook": "mask.unsqueeze(-3) → mask.unsqueeze(1)"},
    "takes a mask of three axes alone": {"textbook": "mask.unsqueeze(-3) → mask[:, None, :, :]"},
    "softmax over the heads": {"textbook": "dim=-1 → dim=1"},
    "scales by the root of the number of keys": {"textbook": "math.sqrt(self.d_head) → math.sqrt(k.shape[-2])"},
    "adds the query to the output": {"textbook": f"{_RETURN} → query + {_RETURN}"},
    "adds the mask to the scores": {"textbook": "scores.masked_fill(~mask, -math.inf) → scores + mask"},
    "drops out the output": {"textbook": ("self.dropout(weights) → weights", f"{_RETURN} → self.dropout({_RETURN})")},
    "no dropout at all": {"textbook": "self.dropout(weights) → weights"},
    "drops out and does not scale": {"textbook": "self.dropout(weights) → "
        "(self.dropout(weights) * (1 - self.dropout.p if self.training else 1))"},
    "returns scores for weights": {"textbook": f"{_RETURN}, weights → {_RETURN}, scores"},
    "projections without biases": {"textbook": "nn.Linear(d_model, d_model) → nn.Linear(d_model, d_model, bias=False)"},
    "the output projected twice": {"textbook": f"{_RETURN} → self.w_o({_RETURN})"},
    "remembers the last mask": {"textbook": (
        "if mask is not None: → self.seen = mask if mask is not None else getattr(self, 'seen', None)\n"
        "        mask = self.seen\n        if mask is not None:",
    )},
})  # fmt: skip

edits("GroupedQueryAttention", {
    "reads the groups in reverse order": {"index": "head // self.shared → self.groups - 1 - head // self.shared"},
    "the first shared head serves all": {"index": "head // self.shared → 0"},
    "averages the keys of a group": {"expand": "return x.reshape → "
        "x = x.mean(1, keepdim=True).expand_as(x)\n        return x.reshape"},
    "drops axes of size 1": {"expand": ", weights\n → , weights.squeeze()\n"},
    "an axis of heads in the wrong place of a mask of two axes": {"expand": "mask.unsqueeze(-3) → mask.unsqueeze(1)"},
    "keys and values of all heads": {"expand": "nn.Linear(d_model, num_kv_heads * self.d_head) → nn.Linear(d_model, d_model)"},
    "returns the weights of each group": {"expand": "flatten(2)), weights → "
        "flatten(2)), weights.unflatten(1, (self.groups, -1)).mean(2)"},
    "softmax over the heads": {"expand": "softmax(-1) → softmax(1)"},
})  # fmt: skip
