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
