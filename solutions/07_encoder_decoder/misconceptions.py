"""Wrong answers, by the catalogue id that names the mistake: edits of the solution and of right answers in other styles."""

from autograder.framework.known_answers import borrowed, edits, misconception
from utils import reference

borrowed("shift_right", "label_smoothed_loss", "noam_learning_rate", "greedy_decode", "beam_search")

# shift_right

FIRST, ROLLED, FRONT = "first = targets.new_full", "torch.roll(targets, shifts=1, dims=-1)", "[:, 0]"
edits("shift_right", {
    "changes-input": {
        "empty-table": ("torch.empty_like(targets) → targets", "targets[:, :-1] → targets[:, :-1].clone()"),
        "roll": (f"{ROLLED} → targets.copy_({ROLLED})", "return shifted → return shifted.clone()"),
    },
    "no-shift": {
        "solution": [f"{FIRST} → return targets\n    {FIRST}", f"{FIRST} → return targets.clone()\n    {FIRST}", ":-1] → 1:]"],
        "roll": f"{ROLLED} → targets.clone()", "gather": " - 1 →",
    },
    "shift-left": {
        "solution": "[first, targets[:, :-1]] → [targets[:, 1:], first]", "pad": "(1, -1) → (-1, 1)",
        "roll": ["shifts=1 → shifts=-1", ("shifts=1 → shifts=-1", f"{FRONT} → [:, -1]")],
        "empty-table": ("empty_like(targets) → clone(targets)",
            "table[:, 0], table[:, 1:] = (bos_id, targets[:, :-1]) → table[:, :-1] = targets[:, 1:]"),
    },
})  # fmt: skip

# Transformer


@misconception("Transformer", "uses-builtin")
class TheReference(reference.Transformer):
    pass


MASK, PLACES = "        mask = create_padding_mask(source, self.pad_id)", "sinusoidal_encoding(seq, d_model).to(x)"
MEMORY_MASK = "memory_mask = create_padding_mask(source, self.pad_id)"
FUTURE = "create_look_ahead_mask(target_in.shape[1]).to(x.device)"
WHOLE = "nn.Transformer(d_model, num_heads, num_layers, num_layers, d_ff, dropout, batch_first=True)"
BOTH = "self.decode(target_in, self.encode(source), source)"


def in_one_block(side, name, number):
    return f" {name}={name} →  {name}={name} if block is self.{side}[{number}] else None"


edits("Transformer", {
    "uses-builtin": [
        (f"self.dropout = → self.whole = {WHOLE}; self.dropout =",
         f"{MASK} →         return self.whole.encoder(x, src_key_padding_mask=source == self.pad_id)",
         f"{MEMORY_MASK} → return self.output(self.whole.decoder(x, memory, ~self_mask))"),
        ("EncoderBlock(*sizes) for → nn.TransformerEncoderLayer(*sizes, batch_first=True) for",
         " mask=mask →  src_key_padding_mask=source == self.pad_id"),
    ],
    "not-differentiable": {
        "solution": ["block(x, memory, → block(x, memory.detach(),", "    def encode( →     @torch.no_grad()\n    def encode("],
        "fixed-size-mask": "embedding(target_in, weight → embedding(target_in, weight.detach()",
    },
    "changes-input": [
        f"{MEMORY_MASK} → {MEMORY_MASK}; memory.data[source == self.pad_id] = 0.0",
        (f"{MASK} → {MASK}; source[source == self.pad_id] = self.pad_id + 1",
         f"return {BOTH} → kept = source.clone(); return self.decode(target_in, self.encode(source), kept)"),
    ],
    "no-embedding-scale": {
        "solution": " * math.sqrt(d_model) →", "padding-index": " * width ** 0.5 →", "buffer": " * self.scale →",
        "own-blocks": [f"({tokens}) * math.sqrt(self.width) → ({tokens})" for tokens in ("source", "target_in")],
        "fixed-size-mask": [f"{tokens}, weight * weight.shape[1] ** 0.5 → {tokens}, weight"
                            for tokens in ("source", "target_in")],
    },
    "no-positional-encoding": {
        "solution": [f"return x + {PLACES} → return x", f"return x + {PLACES} → x + {PLACES}\n    return x"],
        "own-blocks": "x + torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, :self.width].to(x) → x",
        "fixed-size-mask": [f"x + self.encoding[:{length}].to(x.dtype) → x" for length in ("source.shape[1]", "seq")],
    },
    "sees-future": {
        "solution": [
            "self_mask=self_mask → self_mask=None", "self_mask=self_mask → self_mask=~self_mask",
            f"{FUTURE} → create_padding_mask(target_in, self.pad_id)",
            *(in_one_block("decoder", "self_mask", number) for number in (0, -1)),
        ],
        "own-blocks": "diagonal=1 → diagonal=2", "padding-index": "memory, past, → memory, None,",
    },
    "padding-ignored": {
        "solution": [
            (" mask=mask →  mask=None", "memory_mask=memory_mask → memory_mask=None"),
            " mask=mask →  mask=None", "memory_mask=memory_mask → memory_mask=None", "(source, self.pad_id) → (source, 0)",
            in_one_block("encoder", "mask", 0), in_one_block("encoder", "mask", -1), in_one_block("decoder", "memory_mask", 0),
        ],
        "padding-index": ", (source != self.pad_id)[:, None, :]) → )",
    },
})  # fmt: skip

# label_smoothed_loss

COUNT, RETURN = "real.sum().clamp(min=1)", "return losses[real].sum() / real.sum().clamp(min=1)"
SURPRISE, SPREAD, CLAMPED = "surprise = -logits", " + smoothing * surprise.mean(dim=-1)", ".masked_fill(~real, 0) → .clamp(min=0)"
edits("label_smoothed_loss", {
    "uses-builtin": {
        "solution":
            f"{RETURN} → loss = torch.nn.CrossEntropyLoss(ignore_index=pad_id, label_smoothing=smoothing, reduction='sum')\n"
            f"    return loss(logits.flatten(0, 1), targets.flatten()) / {COUNT}",
        "early-return": "plain = torch.nn.functional.cross_entropy(flat, wanted) → "
            "return torch.nn.functional.cross_entropy(flat, wanted, label_smoothing=smoothing)",
    },
    "not-differentiable": [
        f"{RETURN} → return logits.new_tensor((losses[real].sum() / {COUNT}).item())", "-logits → -logits.detach()",
        "-logits → -torch.from_numpy(logits.detach().numpy())",
    ],
    "changes-input": [
        "index = targets.masked_fill(~real, 0) → targets[~real] = 0; index = targets",
        f"{SURPRISE} → logits.data.sub_(logits.data.amax(dim=-1, keepdim=True)); {SURPRISE}",
    ],
    "pads-counted": {
        "solution": [
            f"{RETURN} → return losses.mean()", (CLAMPED, f"{RETURN} → return losses.mean()"),
            f"{RETURN} → return (losses * real).mean()", f"{COUNT} → real.numel()", "losses[real].sum() → losses.sum()",
            f"{RETURN} → return ((losses * real).sum(1) / targets.shape[1]).mean()",
            (CLAMPED, "losses[real].sum() → losses.sum()"),
        ],
        "two-terms": ["-(log_p.mean(dim=-1) * real).sum() → -log_p.mean() * count", " * real).sum() → ).sum()"],
    },
    "no-smoothing": {
        "solution": [("(1 - smoothing) * right → right", f"{SPREAD} →"), f"{SURPRISE} → smoothing = 0\n    {SURPRISE}"],
        "two-terms": "((1 - smoothing) * right + smoothing * spread) → right",
        "early-return": "lerp(plain, even, smoothing) → clone(plain)",
        "one-hot": "hot * (1 - smoothing) + smoothing / vocab → hot",
    },
})  # fmt: skip

# noam_learning_rate

MIN = "min(step ** -0.5, step * warmup_steps ** -1.5)"
edits("noam_learning_rate", {
    "no-warmup": {
        "solution": [f"{MIN} → {wrong}" for wrong in (
            "step ** -0.5", "max(step, warmup_steps) ** -0.5", "min(step ** -0.5, warmup_steps ** -0.5)",
        )],
        "peak": "min(step / warmup_steps, (warmup_steps / step) ** 0.5) → (warmup_steps / step) ** 0.5",
        "branches": "step / (warmup_steps ** 1.5 * d_model ** 0.5) → 1 / math.sqrt(warmup_steps * d_model)",
    },
})  # fmt: skip

# greedy_decode

EVALUATING, ENCODED, PADDED = "    with evaluating(model):", "memory = model.encode(source)", ".masked_fill(ended, model.pad_id)"
edits("greedy_decode", {
    "no-stop": {
        "solution": ["ended.all() → False", "return tokens[:, 1:] → tokens = tokens[:, 1:]\n"
            "    return torch.nn.functional.pad(tokens, (0, max_len - tokens.shape[1]), value=model.pad_id)"],
        "table": ["table[:, 1:width] → table[:, 1:]", "and alive.any() →"], "forward-only": "all(done) → False",
        "masked-afterwards": "if (tokens[:, 1:] == eos_id).any(dim=1).all() → if False",
    },
    "tail-not-padded": {
        "solution": [f"{PADDED} →", *(f"{PADDED} → .masked_fill(ended, {wrong})" for wrong in ("eos_id", "0", "bos_id"))],
        "masked-afterwards": ".masked_fill(behind > 0, model.pad_id) →", "live-rows": "[model.pad_id] → [eos_id]",
        "row-by-row": ", padding_value=model.pad_id →",
    },
    "dropout-in-eval": {
        "solution": ["with evaluating(model) → with torch.no_grad()", "model.eval() → model.train()", "model.eval() → pass",
            f"{EVALUATING}\n        {ENCODED} →     {ENCODED}\n{EVALUATING}", f"{EVALUATING} →     if True:"],
        "table": "model.eval() → pass",
    },
})  # fmt: skip

# beam_search

PENALTY, SORTED = " / ((5 + len(tokens)) / 6) ** alpha", "key=lambda pair: -pair[1]"
edits("beam_search", {
    "no-length-penalty": {
        "solution": [f"{PENALTY} →", "** alpha → ** 0", f"{SORTED} → {SORTED} * ((5 + len(pair[0])) / 6) ** alpha"],
        "top-of-a-table": " / ((5 + step) / 6) ** alpha →", "drafts": " * (6 / (5 + len(self.tokens))) ** alpha →",
    },
})  # fmt: skip
