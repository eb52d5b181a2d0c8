"""Right answers in other styles, which must all earn full points and no name."""

import numpy as np
import torch

from autograder.framework.known_answers import edits, variant

# mask_tokens

@variant("mask_tokens", "bernoulli")
def blanks_by_bernoulli(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    special = torch.zeros(vocab_size, dtype=torch.bool, device=tokens.device)
    special[[int(i) for i in special_ids]] = True
    inputs, labels = tokens.clone(), tokens.clone()
    chance = torch.full(tokens.shape, rate, device=tokens.device)
    chance.masked_fill_(special[tokens], 0.0)
    chosen = torch.bernoulli(chance, generator=generator).bool()
    labels[~chosen] = -100
    mask = torch.bernoulli(torch.full(tokens.shape, 0.8), generator=generator).bool().to(tokens.device) & chosen
    inputs[mask] = mask_id
    half = torch.bernoulli(torch.full(tokens.shape, 0.5), generator=generator).bool().to(tokens.device)
    ordinary = (~special).nonzero().flatten()
    other = ordinary[torch.randint(len(ordinary), tokens.shape, generator=generator).to(tokens.device)]
    swap = half & chosen & ~mask
    inputs[swap] = other[swap]
    return inputs, labels


@variant("mask_tokens", "fates")
def blanks_by_fates(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    """The chosen places as a list, and a fate for each."""
    special = torch.tensor([int(i) for i in special_ids])
    places = (torch.rand(tokens.shape, generator=generator) < rate).to(tokens.device)
    places = places & (tokens.unsqueeze(-1) != special.to(tokens)).all(-1)
    fate = torch.multinomial(torch.tensor([0.8, 0.1, 0.1]), tokens.numel(), replacement=True, generator=generator)
    allowed = torch.ones(vocab_size)
    allowed[special] = 0.0
    words = torch.multinomial(allowed, tokens.numel(), replacement=True, generator=generator)
    fate, words = fate.view(tokens.shape).to(tokens), words.view(tokens.shape).to(tokens)
    inputs = tokens.clone()
    inputs = inputs.masked_fill(places & (fate == 0), mask_id)
    inputs = torch.where(places & (fate == 1), words, inputs)
    labels = torch.full_like(tokens, -100)
    labels[places] = tokens[places]
    return inputs, labels


@variant("mask_tokens", "lists")
def blanks_in_lists(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    special = frozenset(int(i) for i in special_ids)
    words = [i for i in range(vocab_size) if i not in special]
    numbers = torch.rand(tokens.numel(), 3, generator=generator, dtype=torch.float64).tolist()
    inputs, labels = [], []
    for token, (u, v, w) in zip(tokens.flatten().tolist(), numbers, strict=True):
        if token in special or u >= rate:
            inputs.append(token), labels.append(-100)
            continue
        labels.append(token)
        inputs.append(mask_id if v < 0.8 else words[int(w * len(words))] if v < 0.9 else token)
    return tuple(tokens.new_tensor(x).view_as(tokens) for x in (inputs, labels))


@variant("mask_tokens", "numpy")
def blanks_by_numpy(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    special = sorted(int(i) for i in special_ids)
    draw = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    old = tokens.cpu().numpy()
    chosen = np.logical_and(draw.random(old.shape) < rate, np.isin(old, special, invert=True))
    new, count = old.copy(), int(chosen.sum())
    kept = old[chosen]
    kind = draw.choice(3, size=count, p=[0.8, 0.1, 0.1])
    words = draw.choice(np.setdiff1d(np.arange(vocab_size), special), size=count)
    new[chosen] = np.where(kind == 0, mask_id, np.where(kind == 1, words, kept))
    labels = np.where(chosen, old, np.full_like(old, -100))
    return torch.from_numpy(new).to(tokens.device), torch.from_numpy(labels).to(tokens.device)


@variant("mask_tokens", "one-number")
def blanks_by_one_number(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    """One number a token for choice and fate; an id that is special is drawn again."""
    special = torch.as_tensor(sorted(special_ids)).to(tokens)
    number = torch.rand(tokens.shape, generator=generator, dtype=torch.float64).to(tokens.device) / max(rate, 1e-12)
    number = torch.where((number >= 1) | torch.isin(tokens, special), 2.0, number)
    words = torch.randint(0, vocab_size, tokens.shape, generator=generator).to(tokens)
    while (wrong := torch.isin(words, special)).any():
        words = torch.where(wrong, torch.randint(0, vocab_size, tokens.shape, generator=generator).to(tokens), words)
    inputs = torch.where(number < 0.1, words, torch.where(number < 0.9, mask_id, tokens))
    return inputs, tokens.masked_fill(number > 1, -100)

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
