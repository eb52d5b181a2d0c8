"""Wrong answers for which no id of the catalogue fits: they must fail and be given no name."""

from autograder.framework.known_answers import edits

edits("shift_right", {
    "keeps the last token too": "targets[:, :-1] → targets",
    "puts zero in front": "1), bos_id) → 1), 0)",
    "lets the last token come round to the front": {"roll": "    shifted[:, 0] = bos_id\n →"},
    "moves by two": {"roll": "shifts=1 → shifts=2"},
    "moves the rows": {"roll": "dims=-1 → dims=0"},
    "turns the row round": "targets[:, :-1] → targets[:, :-1].flip(1)",
    "puts bos over the last token as well": {"roll": "return shifted → shifted[:, -1] = bos_id; return shifted"},
    "returns floating numbers": {"lists": "dtype=targets.dtype, → dtype=torch.float32,"},
    "makes bos on the CPU": "targets.new_full( → torch.full(",
})  # fmt: skip

EMBEDDED = "embedding(tokens) * math.sqrt(d_model)"
PLACES = "sinusoidal_encoding(seq, d_model).to(x)"
edits("Transformer", {
    "scales by d_model": "math.sqrt(d_model) → d_model",
    "divides by the root": " * math.sqrt(d_model) →  / math.sqrt(d_model)",
    "scales the positions too": ((f"{EMBEDDED} → embedding(tokens)"), f"x + {PLACES} → (x + {PLACES}) * math.sqrt(d_model)"),
    "counts positions from one": f"{PLACES} → sinusoidal_encoding(seq + 1, d_model)[1:].to(x)",
    "has a norm at the end": "self.output(x) → self.output(nn.functional.layer_norm(x, x.shape[-1:]))",
    "has its norms first": "(*sizes) → (*sizes, norm_first=True)",
    "returns probabilities": "self.output(x) → self.output(x).softmax(dim=-1)",
    "goes through one block of the decoder": "in self.decoder: → in self.decoder[:1]:",
    "has one block under several names": "(EncoderBlock(*sizes) for _ in layers) → ([EncoderBlock(*sizes)] * num_layers)",
    "keeps its blocks in a plain list": "nn.ModuleList(DecoderBlock(*sizes) for _ in layers) → "
        "[DecoderBlock(*sizes) for _ in layers]",
    "hands the embedded source to the decoder":
        "self.decode(target_in, self.encode(source) → self.decode(target_in, self.dropout(embed(self.source_embedding, source))",
    "hands the target to itself as memory": "block(x, memory, → block(x, x[:, :1].expand_as(memory),",
    "has an output without bias": "nn.Linear(d_model, target_vocab) → nn.Linear(d_model, target_vocab, bias=False)",
    "leaves the mask on the CPU": ".to(x.device) →",
    "has positions for a hundred words": {"buffer": "LONGEST = 1024 → LONGEST = 100"},
})  # fmt: skip

RETURN = "return losses[real].sum() / real.sum().clamp(min=1)"
edits("label_smoothed_loss", {
    "spreads a share over every word each": "surprise.mean( → surprise.sum(",
    "spreads over the other words": "surprise.mean(dim=-1) → (surprise.sum(dim=-1) - right) / (logits.shape[-1] - 1)",
    "sums and does not divide": " / real.sum().clamp(min=1) →",
    "has no number for a batch of padding": ".clamp(min=1) →",
    "gathers at -100": ".masked_fill(~real, 0) →",
    "turns the shares round": "(1 - smoothing) * right + smoothing → smoothing * right + (1 - smoothing)",
    "adds the spread and takes nothing away": "(1 - smoothing) * right → right",
    "always smooths by 0.1": "    surprise = →     smoothing = 0.1\n    surprise =",
    "forgets the logarithm": "log_softmax → softmax",
    "takes the logarithm to base 2": "-logits.log_softmax(dim=-1) → -logits.log_softmax(dim=-1) / 0.6931472",
    "averages over sentences": f"{RETURN} → return ((losses * real).sum(1) / real.sum(1).clamp(min=1)).mean()",
    "gives one loss a word": f"{RETURN} → return losses * real",
    "normalises over the positions": "log_softmax(dim=-1) → log_softmax(dim=1)",
})  # fmt: skip

MIN = "min(step ** -0.5, step * warmup_steps ** -1.5)"
edits("noam_learning_rate", {
    "takes the larger": "min( → max(",
    "multiplies by the root of d_model": "d_model ** -0.5 → d_model ** 0.5",
    "leaves d_model out": "d_model ** -0.5 * →",
    "has a jump at the end of the warm-up": "** -1.5 → ** -1",
    "falls with the step": {"branches": "1 / math.sqrt(step * d_model) → warmup_steps ** 0.5 / (step * math.sqrt(d_model))"},
    "stays where it is after the warm-up": f"{MIN} → min(warmup_steps ** -0.5, step * warmup_steps ** -1.5)",
    "counts steps from zero": f"{MIN} → min((step + 1) ** -0.5, (step + 1) * warmup_steps ** -1.5)",
    "takes step 0": "if step < 1 → if step < 0",
    "asserts": "    if step < 1:\n        raise ValueError(f\"{step=}: steps count from 1\") → " "    assert step >= 1, step",
    "names no value": "{step=}: steps → step: steps",
    "returns a tensor": {"tensor": "return float(both.min() / d_model ** 0.5) → return both.min() / d_model ** 0.5"},
})  # fmt: skip

edits("greedy_decode", {
    "keeps bos": "return tokens[:, 1:] → return tokens",
    "stops with the first row": "ended.all() → ended.any()",
    "looks at the first position": "[:, -1:] → [:, :1]",
    "feeds the last token alone": "model.decode(tokens, → model.decode(tokens[:, -1:],",
    "takes the least likely": "argmax → argmin",
    "makes one step less": "range(max_len) → range(max_len - 1)",
    "makes one step more": "range(max_len) → range(max_len + 1)",
    "stops one step late": ("logits = → late = ended.all(); logits =", "if ended.all() → if late"),
    "gives eos away": "return tokens[:, 1:] → return tokens[:, 1:].masked_fill(tokens[:, 1:] == eos_id, model.pad_id)",
    "has gradients on": "with torch.no_grad() → with torch.enable_grad()",
    "leaves everything in training mode": "part.training = mode → part.training = True",
    "leaves everything in evaluation mode": "part.training = mode → part.training = False",
    "sets one mode for all": "part.training = mode → model.train(modes[0][1])",
    "forgets the modes after an error": ("try: → if True:", "finally: → if True:"),
    "gives lists": "return tokens[:, 1:] → return tokens[:, 1:].tolist()",
    "decodes the first sentence for all": "memory = model.encode(source) → "
        "memory = model.encode(source[:1]).expand(len(source), -1, -1)",
})  # fmt: skip

PENALTY, SORTED = "((5 + len(tokens)) / 6) ** alpha", "key=lambda pair: -pair[1]"
edits("beam_search", {
    "divides by the length": f"{PENALTY} → len(tokens) ** alpha",
    "multiplies by the penalty": f"total / {PENALTY} → total * {PENALTY}",
    "does not count eos": "len(tokens)) / 6 → len(tokens) - (tokens[-1] == eos_id)) / 6",
    "throws away what was cut": "finished + live → finished",
    "throws away what has ended": "finished + live → live",
    "puts the worst first": f"{SORTED} → key=lambda pair: pair[1]",
    "hands back too many": f"{SORTED})[:beam_size] → {SORTED})",
    "keeps as many for each hypothesis": {"dictionary":
        ("key=grown.get, reverse=True)[:beam_size] → key=grown.get, reverse=True)[:beam_size * len(live)]",
         "key=scores.get, reverse=True)][:beam_size] → key=scores.get, reverse=True)]")},
    "writes on behind eos": "finished if word == eos_id else grown → grown",
    "adds probabilities": "log_softmax → softmax",
    "forgets what came before": "steps + steps.new_tensor([[total] for _, total in live]) → steps",
    "keeps bos": "for tokens, total in finished → for tokens, total in [([bos_id, *t], s) for t, s in finished]",
    "gives back the best alone": f"{SORTED})[:beam_size] → {SORTED})[0]",
    "has gradients on": "with torch.no_grad() → with torch.enable_grad()",
    "leaves everything in training mode": "part.training = mode → part.training = True",
})  # fmt: skip
