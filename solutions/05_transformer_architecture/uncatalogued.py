"""Wrong answers for which no id of the catalogue fits: they must fail and be given no name."""

from autograder.framework.known_answers import edits

edits("LayerNorm", {
    "divides by the variance, not its root": {"solution": "torch.sqrt(variance + self.eps) → (variance + self.eps)"},
    "leaves the mean in": {"solution": "normed = centred → normed = x"},
    "another eps than the one that was given": {"solution": "self.eps = eps → self.eps = 1e-3"},
    "adds the bias before the weight": {"solution": "normed * self.weight + self.bias → (normed + self.bias) * self.weight"},
    "takes the spread from the mean of absolute values": {
        "solution": "centred.square().mean(dim=-1, keepdim=True) → centred.abs().mean(dim=-1, keepdim=True).square()",
    },
})  # fmt: skip

edits("FeedForward", {
    "adds the input": {"solution": "return self.linear2 → return x + self.linear2"},
    "averages over the positions": {"solution": "self.linear1(x) → "
                                                "self.linear1(x).mean(dim=1, keepdim=True).expand(-1, x.shape[1], -1)"},
    "activates twice with a leak": {"solution": "torch.relu(self.linear1(x)) → self.linear1(x).clamp(min=-0.1)"},
})  # fmt: skip

SUM = "x = self.norm1(x + self.dropout(found))"
END = "return self.norm2(x + self.dropout(self.feed_forward(x)))"
edits("EncoderBlock", {
    "adds the input of the "
    "block at the end": {"solution": f"{END} → return self.norm2(x + self.dropout(self.feed_forward(x))) + found"},
    "feed-forward before attention": {"solution": (
        "found, _ = self.self_attention(x, x, x, mask)\n        x = → found = self.feed_forward(x)\n        x = ",
        f"{END} → return self.norm2(x + self.self_attention(x, x, x, mask)[0])",
    )},
    "halves the residual": {"solution": f"{SUM} → x = self.norm1(0.5 * x + self.dropout(found))"},
    "attends to the first position only": {"solution": "found, _ = self.self_attention(x, x, x, mask) → "
        "found, _ = self.self_attention(x, x[:, :1], x[:, :1], None)"},
})  # fmt: skip

edits("DecoderBlock", {
    "feed-forward before cross-attention": {
        "solution": "[(self.norm1, look), (self.norm2, read), (self.norm3, think)] → "
        "[(self.norm1, look), (self.norm2, think), (self.norm3, read)]",
    },
    "leaves the feed-forward out": {"solution": ", (self.norm3, think)] → ]"},
    "reads the memory twice": {"solution": "(self.norm1, look), → (self.norm1, look), (self.norm2, read),"},
    "halves the residual": {"solution": "x = norm(x + self.dropout(sublayer(x))) → "
                                        "x = norm(0.5 * x + self.dropout(sublayer(x)))"},
})  # fmt: skip

edits("RMSNorm", {
    "divides by the mean square, not its root": {"solution": "torch.sqrt(square + self.eps) → (square + self.eps)"},
    "sums where the mean belongs": {"solution": "x.square().mean( → x.square().sum("},
    "measures over the positions": {"solution": "mean(dim=-1, keepdim=True) → mean(dim=-2, keepdim=True)"},
    "eps of the layer norm": {"solution": "self.eps = eps → self.eps = 1e-2"},
})  # fmt: skip

edits("SwiGLU", {
    "sigmoid for silu": {"solution": "nn.functional.silu( → torch.sigmoid("},
    "adds the branches": {"solution": "silu(self.w_gate(x)) * → silu(self.w_gate(x)) +"},
    "no gate": {"solution": "nn.functional.silu(self.w_gate(x)) → self.w_gate(x)"},
    "both branches from one layer": {"solution": "* self.w_up(x) → * self.w_gate(x)"},
})  # fmt: skip
