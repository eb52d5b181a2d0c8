"""Wrong answers for which no id of the catalogue fits: they must fail and be given no name."""

from autograder.framework.known_answers import edits

# mask_tokens

# Bert

# next_token_loss

# Gpt

# sample_token

# generate

# span_corruption

PAIRS, END = "zip(sentinel_ids, spans)", ", targets + [eos_id]"
edits("span_corruption", {
    "closes with a sentinel": {"solution": f"{END} → , targets + [sentinel_ids[len(spans)], eos_id]"},
    "ends the inputs with eos": {"solution": "list(tokens[place:]) → list(tokens[place:]) + [eos_id]"},
    "has no sentinels in the targets": {"solution": "[sentinel, *tokens[start:place]] → tokens[start:place]"},
    "has no sentinels in the inputs": {"solution": ", sentinel] → ]"},
    "puts the sentinel behind its tokens": {"solution": "[sentinel, *tokens[start:place]] → [*tokens[start:place], sentinel]"},
    "takes the second number for an end": {"solution": "start + length → length"},
    "has one token more in each span": {"solution": "start + length → start + length + 1"},
    "takes the sentinels from the back": {"solution": f"{PAIRS} → zip(sentinel_ids[::-1], spans)"},
    "counts the sentinels down itself": {"solution": f"{PAIRS} → "
                                                     "zip(range(sentinel_ids[0], 0, -1), spans)"},
    "loses what follows the last span": {"solution": "inputs + list(tokens[place:]) → inputs"},
    "joins spans that touch": {"solution": ", sentinel] → ] + [sentinel] * (start > place or not place)"},
    "has a sentinel for each token": {"solution": ", sentinel] → ] + [sentinel] * length"},
    "forgets a span at the start": {"solution": f"{PAIRS} → [pair for pair in {PAIRS} if pair[1][0]]"},
    "turns the pair round": {"solution": "return inputs + list(tokens[place:]), targets + [eos_id] → "
                                         "return targets + [eos_id], inputs + list(tokens[place:])"},
    "returns floats": {"tensors": "torch.tensor(tokens) → torch.tensor(tokens).float()"},
    "finds a span by its tokens": {"solution": "inputs += [*tokens[place:start], sentinel] → "
        "start = tokens.index(tokens[start]); inputs += [*tokens[place:start], sentinel]"},
})  # fmt: skip

# relative_position_bucket

# T5

# patchify

# ViT

# box_iou
