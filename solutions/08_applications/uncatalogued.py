"""Wrong answers for which no id of the catalogue fits: they must fail and be given no name."""

from autograder.framework.known_answers import edits

# mask_tokens

CHOSEN, LABELS = "chosen = (chance < rate) & ~is_special", "torch.where(chosen, tokens, -100)"
edits("mask_tokens", {
    "has zeros for labels": {"solution": "tokens, -100) → tokens, 0)"},
    "labels what it put there": {"solution": f"{LABELS} → torch.where(chosen, inputs, -100)"},
    "labels the blanks alone": {"solution": f"{LABELS} → torch.where(inputs == mask_id, tokens, -100).where(~is_special, -100)"},
    "labels all but the chosen": {"solution": f"{LABELS} → torch.where(chosen, -100, tokens)"},
    "chooses as many in every row": {"solution": f"{CHOSEN} → "
        "number = chance.masked_fill(is_special, 2.0).argsort(-1).argsort(-1)\n"
        "    chosen = (number < rate * (~is_special).sum(-1, keepdim=True)) & ~is_special"},
    "chooses whole rows": {"solution": f"{CHOSEN} → chosen = (chance[:, :1] < rate) & ~is_special"},
    "chooses the same places in every row": {"solution": f"{CHOSEN} → chosen = (chance[:1] < rate) & ~is_special"},
    "chooses pairs of neighbours": {"solution": f"{CHOSEN} → "
        "chosen = (torch.minimum(chance, chance.roll(1, 1)) < 1 - (1 - rate) ** 0.5) & ~is_special"},
    "knows one rate": {"solution": "chance < rate → chance < 0.15"},
    "draws special ids too": {"solution": "if i not in special]) → if True])"},
    "never draws another id": {"solution": "(fate >= 0.9) → (fate > 2)"},
    "draws another id for a tenth of the rest": {"solution": "fate >= 0.9 → fate >= 0.98"},
    "masks nine of ten": {"solution": "fate < 0.8 → fate < 0.9"},
    "draws one id for all": {"solution": "ordinary[picks] → ordinary[picks[0, 0]]"},
    "draws the first hundred ids": {"solution": "torch.randint(len(ordinary), → torch.randint(len(ordinary) // 2,"},
    "has its own seed": {"solution": "generator=generator → generator=torch.Generator().manual_seed(0)"},
    "lets the generator choose places alone": {"solution": "tokens.shape, generator=generator) → tokens.shape)"},
    "leaves the ids on the CPU": {"solution": "torch.tensor(list(special)).to(tokens) → torch.tensor(list(special))"},
    "returns floating numbers": {"solution": "return inputs, → return inputs.float(),"},
})  # fmt: skip

# Bert

SUMMED, STEP = "self.dropout(self.norm(self.positions(x)))", "x = block(x, mask=mask)"
edits("Bert", {
    "adds nothing where no segments are given": {"own-names":
        "self.kinds(tokens * 0 if segments is None else segments) → 0.0 if segments is None else self.kinds(segments)"},
    "takes segment 1 where none are given": {"solution": "zeros_like(tokens) → ones_like(tokens)"},
    "inverts the mask": {"solution": f"{STEP} → x = block(x, mask=mask if mask is None else ~mask)"},
    "looks back alone": {"solution": f"{STEP} → see = torch.ones(x.shape[1], x.shape[1], device=x.device).tril().bool()\n"
        "            x = block(x, mask=see if mask is None else see & mask)"},
    "has no positions": {"solution": f"{SUMMED} → self.dropout(self.norm(x))"},
    "has no norm on the sum": {"solution": f"{SUMMED} → self.dropout(self.positions(x))"},
    "norms before the positions": {"solution": f"{SUMMED} → self.dropout(self.positions(self.norm(x)))"},
    "scales the embeddings": {"solution": "self.token_embedding(tokens) + → self.token_embedding(tokens) * self.norm.weight.numel()**0.5 +"},
    "norms first": {"solution": "dropout, eps=eps → dropout, norm_first=True, eps=eps"},
    "has a norm at the end": {"solution": "        return x\n → \n        return F.layer_norm(x, x.shape[-1:])\n"},
    "gives eps to the first norm alone": {"solution": "dropout, eps=eps → dropout"},
    "gives eps to the blocks alone": {"solution": "self.norm = LayerNorm(d_model, eps) → self.norm = LayerNorm(d_model)"},
    "has no activation": {"solution": "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)"},
    "goes through its first block alone": {"solution": "in self.blocks: → in self.blocks[:1]:"},
    "goes through one block several times": {"solution": f"{STEP} → x = self.blocks[0](x, mask=mask)"},
    "keeps its blocks in a plain list": {"solution": "self.blocks = nn.ModuleList( → self.blocks = list("},
    "drops out in evaluation too": {"functions": "F.dropout(x, self.rate) if self.training else x → F.dropout(x, self.rate)"},
    "never drops out": {"functions": "if self.training else x → if False else x"},
    "makes segments on the CPU": {"solution": "torch.zeros_like(tokens) → torch.zeros(tokens.shape, dtype=torch.long)"},
    "asserts": {"own-names": "raise ValueError(f'max_len is {self.max_len}, and there are {seq} tokens') → assert False"},
    "cuts long texts": {"solution": "if segments is None: → tokens = tokens[:, :len(self.positions.table)]\n        if segments is None:"},
    "gives the class token alone": {"solution": "        return x\n → \n        return x[:, 0]\n"},
    "takes any weights": {"own-names": "if missing or more: → if missing:"},
})  # fmt: skip

# next_token_loss

# Gpt

# sample_token

# generate

# span_corruption

# relative_position_bucket

# T5

# patchify

# ViT

# box_iou
