"""Wrong answers, by the catalogue id that names the mistake: edits of the solution and of right answers in other styles."""

from autograder.framework.known_answers import edits

# mask_tokens

SPECIAL, LABELS = "special = {int(i) for i in special_ids}", "torch.where(chosen, tokens, -100)"
edits("mask_tokens", {
    "uses-builtin": {"solution": f"{SPECIAL} → from utils import reference\n    "
        f"return reference.mask_tokens(tokens, mask_id, vocab_size, special_ids, rate, generator)\n    {SPECIAL}"},
    "changes-input": {
        "solution": f"return inputs, {LABELS} → labels = {LABELS}; tokens.copy_(inputs); return tokens, labels",
        "fates": "labels = torch.full_like(tokens, -100) → tokens[places] = 0; labels = torch.full_like(tokens, -100)",
        "bernoulli": "(tokens.clone(), tokens.clone()) → (tokens, tokens.clone())",
    },
    "masks-specials": {
        "solution": [" & ~is_special →", "torch.tensor(list(special)) → torch.tensor(list(special)[:1])",
            "torch.isin(tokens, torch.tensor(list(special)).to(tokens)) → tokens == mask_id"],
        "bernoulli": "chance.masked_fill_(special[tokens], 0.0) → chance", "lists": "if token in special or u >= rate → if u >= rate",
        "one-number": " | torch.isin(tokens, special) →",
    },
    "always-mask-id": {
        "solution": [("fate < 0.8 → fate < 2", "fate >= 0.9 → fate > 2"),
            ("inputs = torch.where(chosen & (fate < 0.8), → inputs = torch.where(chosen,", "chosen & (fate >= 0.9) → ~chosen & chosen")],
        "fates": "[0.8, 0.1, 0.1] → [1.0, 0.0, 0.0]", "lists": "v < 0.8 → True", "numpy": "p=[0.8, 0.1, 0.1] → p=[1, 0, 0]",
    },
    "labels-everything": {
        "solution": [f"{LABELS} → tokens", f"{LABELS} → tokens.clone()", f"{LABELS} → torch.where(is_special, -100, tokens)"],
        "bernoulli": "labels[~chosen] = -100 →", "fates": "labels[places] = tokens[places] → labels = tokens.clone()",
        "lists": "inputs.append(token), labels.append(-100) → inputs.append(token), labels.append(token)",
    },
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
