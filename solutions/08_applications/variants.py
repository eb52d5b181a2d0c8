"""Right answers in other styles, which must all earn full points and no name."""

from autograder.framework.known_answers import edits, variant

# mask_tokens

# Bert

# next_token_loss

# Gpt

# sample_token

# generate

# span_corruption

HEAD, REST = "inputs, targets, place = [], [], 0", "return inputs + list(tokens[place:]), targets + [eos_id]"
LOOP = "for sentinel, (start, length) in zip(sentinel_ids, spans):"
CUT = "inputs += [*tokens[place:start], sentinel] →"
edits("span_corruption", {
    "from-the-back": {"solution": (  # spans are replaced in a copy, the last one first
        f"{HEAD} → inputs, targets = list(tokens), [eos_id]",
        f"{LOOP} → for number in reversed(range(len(spans))):", f"{CUT} start, length = spans[number]",
        "place = start + length → sentinel, span = sentinel_ids[number], inputs[start:start + length]",
        "targets += [sentinel, *tokens[start:place]] → inputs[start:start + length] = [sentinel]; "
        "targets = [sentinel] + span + targets",
        f"{REST} → return inputs, targets",
    )},
    "tensors": {"solution": (
        f"{HEAD} → tokens = torch.tensor(tokens)\n    inputs, targets, place = tokens[:0], tokens[:0], 0",
        f"{CUT} mark = tokens.new_tensor([sentinel]); inputs = torch.cat([inputs, tokens[place:start], mark])",
        "targets += [sentinel, *tokens[start:place]] → targets = torch.cat([targets, mark, tokens[start:place]])",
        f"{REST} → return torch.cat([inputs, tokens[place:]]), torch.cat([targets, tokens.new_tensor([eos_id])])",
    )},
    "tensors-in-lists": {"solution": f"{HEAD} → tokens = torch.tensor(tokens); {HEAD}"},
    "iterator": {"solution": (
        f"{HEAD} → names = iter(sentinel_ids)\n    {HEAD}", f"{LOOP} → for start, length in spans:",
        f"{CUT} sentinel = next(names)\n        inputs.extend(tokens[place:start]); inputs.append(sentinel)",
        f"{REST} → targets.append(eos_id)\n    inputs.extend(tokens[place:])\n    return tuple(inputs), tuple(targets)",
    )},
})  # fmt: skip


@variant("span_corruption", "while-loop")
def spans_by_position(tokens, spans, sentinel_ids, eos_id):
    inputs, targets, at, number = [], [], 0, 0
    while at < len(tokens):
        if number < len(spans) and spans[number][0] == at:
            inputs.append(sentinel_ids[number])
            targets.append(sentinel_ids[number])
            for _ in range(spans[number][1]):
                targets.append(tokens[at])
                at += 1
            number += 1
        else:
            inputs.append(tokens[at])
            at += 1
    return inputs, [*targets, eos_id]


@variant("span_corruption", "recursive")
def spans_by_recursion(tokens, spans, sentinel_ids, eos_id):
    if not spans:
        return list(tokens), [eos_id]
    (start, length), *rest = spans
    end = start + length
    moved = [(later - end, size) for later, size in rest]
    inputs, targets = spans_by_recursion(tokens[end:], moved, sentinel_ids[1:], eos_id)
    sentinel = [sentinel_ids[0]]
    return tokens[:start] + sentinel + inputs, sentinel + tokens[start:end] + targets

# relative_position_bucket

# T5

# patchify

# ViT

# box_iou
