"""Right answers in other styles, which must all earn full points and no name."""

import contextlib
import heapq
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from autograder.framework.known_answers import variant
from utils import my

# shift_right


@variant("shift_right", "roll")
def shifted_by_roll(targets, bos_id):
    shifted = torch.roll(targets, shifts=1, dims=-1)
    shifted[:, 0] = bos_id
    return shifted


@variant("shift_right", "pad")
def shifted_by_pad(targets, bos_id):
    return F.pad(targets, (1, -1), value=bos_id)


@variant("shift_right", "empty-table")
def shifted_into_a_table(targets, bos_id):
    table = torch.empty_like(targets)
    table[:, 0], table[:, 1:] = bos_id, targets[:, :-1]
    return table


@variant("shift_right", "gather")
def shifted_by_index(targets, bos_id):
    places = torch.arange(targets.shape[1], device=targets.device) - 1
    return torch.where(places < 0, bos_id, targets[:, places])


@variant("shift_right", "lists")
def shifted_by_lists(targets, bos_id):
    rows = [[bos_id, *row[:-1]] for row in targets.tolist()]
    return torch.tensor(rows, dtype=targets.dtype, device=targets.device)


@variant("shift_right", "columns")
def shifted_column_by_column(targets, bos_id):
    columns = [torch.full_like(targets[:, 0], bos_id), *targets.unbind(1)]
    return torch.stack(columns[:-1], dim=1)


# Transformer


@variant("Transformer", "padding-index")
class PaddingIndex(nn.Module):
    """`padding_idx` in both embeddings, helper methods, blocks appended one by one."""

    def __init__(self, source_vocab, target_vocab, d_model, num_heads, d_ff, num_layers, dropout=0.0, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        self.source_embedding = nn.Embedding(source_vocab, d_model, padding_idx=pad_id)
        self.target_embedding = nn.Embedding(target_vocab, d_model, padding_idx=pad_id if pad_id < target_vocab else None)
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for _ in range(num_layers):
            self.encoder.append(my.EncoderBlock(d_model, num_heads, d_ff, dropout=dropout))
            self.decoder.append(my.DecoderBlock(d_model, num_heads, d_ff, dropout=dropout))
        self.output = nn.Linear(d_model, target_vocab)
        self.drop = nn.Dropout(dropout)

    def vectors(self, table, tokens):
        width = table.weight.shape[1]
        return self.drop(table(tokens) * width**0.5 + my.sinusoidal_encoding(tokens.size(1), width).to(table.weight))

    def encode(self, source):
        memory, visible = self.vectors(self.source_embedding, source), (source != self.pad_id)[:, None, :]
        for block in self.encoder:
            memory = block(memory, visible)
        return memory

    def decode(self, target_in, memory, source):
        seq, x = target_in.size(1), self.vectors(self.target_embedding, target_in)
        past = torch.ones(seq, seq, dtype=torch.bool, device=x.device).tril()
        for block in self.decoder:
            x = block(x, memory, past, (source != self.pad_id)[:, None, :])
        return self.output(x)

    def forward(self, source, target_in):
        return self.decode(target_in, self.encode(source), source)


@variant("Transformer", "buffer")
class Buffered(nn.Module):
    """The encoding as a buffer outside the state_dict, masks written out, functional dropout."""

    LONGEST = 1024

    def __init__(self, source_vocab, target_vocab, d_model, num_heads, d_ff, num_layers, dropout=0.0, pad_id=0):
        super().__init__()
        self.scale, self.pad_id, self.p = math.sqrt(d_model), pad_id, dropout
        position = torch.arange(self.LONGEST, dtype=torch.float64)[:, None]
        pair = torch.arange(d_model) // 2 * 2
        angles = position / 10000 ** (pair / d_model)
        table = torch.where(torch.arange(d_model) % 2 == 0, angles.sin(), angles.cos())
        self.register_buffer("table", table, persistent=False)
        self.output = nn.Linear(d_model, target_vocab)
        self.encoder = nn.ModuleList([my.EncoderBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_layers)])
        self.decoder = nn.ModuleList([my.DecoderBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_layers)])
        self.source_embedding = nn.Embedding(source_vocab, d_model)
        self.target_embedding = nn.Embedding(target_vocab, d_model)

    def start(self, embedded):
        x = embedded * self.scale + self.table[: embedded.shape[1]].to(embedded.dtype)
        return F.dropout(x, self.p, self.training)

    def encode(self, source):
        x = self.start(self.source_embedding(source))
        mask = source.ne(self.pad_id).unsqueeze(1).expand(-1, source.shape[1], -1)
        for block in self.encoder:
            x = block(x, mask=mask)
        return x

    def decode(self, target_in, memory, source):
        x, seq = self.start(self.target_embedding(target_in)), target_in.shape[1]
        places = torch.arange(seq, device=x.device)
        for block in self.decoder:
            x = block(
                x,
                memory,
                self_mask=places[None, :] <= places[:, None],
                memory_mask=source.ne(self.pad_id)[:, None].expand(-1, seq, -1),
            )
        return self.output(x)

    def forward(self, source, target_in):
        memory = self.encode(source)
        return self.decode(target_in, memory, source)


class _Attention(nn.Module):
    def __init__(self, d_model, num_heads, dropout):
        super().__init__()
        self.num_heads, self.p = num_heads, dropout
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory, mask):
        q, k, v = (
            w(y).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for w, y in ((self.w_q, x), (self.w_k, memory), (self.w_v, memory))
        )
        found = F.scaled_dot_product_attention(q, k, v, mask.unsqueeze(-3), self.p if self.training else 0.0)
        return self.w_o(found.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    def __init__(self, d_model, d_ff, dropout):
        super().__init__()
        self.linear1, self.linear2, self.drop = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model), nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.drop(self.linear1(x).relu()))


class _Block(nn.Module):
    """An encoder block, and with `crossed` a decoder block."""

    def __init__(self, d_model, num_heads, d_ff, dropout, crossed):
        super().__init__()
        self.self_attention = _Attention(d_model, num_heads, dropout)
        if crossed:
            self.cross_attention = _Attention(d_model, num_heads, dropout)
            self.norm3 = nn.LayerNorm(d_model)
        self.feed_forward = _FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.drop, self.crossed = nn.Dropout(dropout), crossed

    def forward(self, x, mask, memory=None, memory_mask=None):
        x = self.norm1(x + self.drop(self.self_attention(x, x, mask)))
        if self.crossed:
            x = self.norm2(x + self.drop(self.cross_attention(x, memory, memory_mask)))
        last = self.norm3 if self.crossed else self.norm2
        return last(x + self.drop(self.feed_forward(x)))


@variant("Transformer", "own-blocks")
class OwnBlocks(nn.Module):
    """Everything written anew on `scaled_dot_product_attention`, one class for both kinds of block."""

    def __init__(self, source_vocab, target_vocab, d_model, num_heads, d_ff, num_layers, dropout=0.0, pad_id=0):
        super().__init__()
        self.pad_id, self.width, self.drop = pad_id, d_model, nn.Dropout(dropout)
        self.source_embedding, self.target_embedding = nn.Embedding(source_vocab, d_model), nn.Embedding(target_vocab, d_model)
        self.encoder = nn.ModuleList(_Block(d_model, num_heads, d_ff, dropout, False) for _ in range(num_layers))
        self.decoder = nn.ModuleList(_Block(d_model, num_heads, d_ff, dropout, True) for _ in range(num_layers))
        self.output = nn.Linear(d_model, target_vocab)

    def places(self, x):
        seq = x.shape[1]
        speeds = torch.exp(torch.arange(0, self.width, 2, dtype=torch.float64) * (-math.log(10000.0) / self.width))
        angles = torch.arange(seq, dtype=torch.float64)[:, None] * speeds
        table = torch.zeros(seq, self.width, dtype=torch.float64)
        table[:, 0::2] = angles.sin()
        table[:, 1::2] = angles.cos()[:, : self.width // 2]
        return table.to(device=x.device, dtype=x.dtype)

    def encode(self, source):
        x = self.source_embedding(source) * math.sqrt(self.width)
        x = self.drop(x + self.places(x))
        for block in self.encoder:
            x = block(x, source.ne(self.pad_id)[:, None])
        return x

    def decode(self, target_in, memory, source):
        x = self.target_embedding(target_in) * math.sqrt(self.width)
        x = self.drop(x + self.places(x))
        future = torch.triu(torch.ones(x.shape[1], x.shape[1], device=x.device), diagonal=1).bool()
        for block in self.decoder:
            x = block(x, ~future, memory, source.ne(self.pad_id)[:, None])
        return self.output(x)

    def forward(self, source, target_in):
        return self.decode(target_in, self.encode(source), source)


@variant("Transformer", "fixed-size-mask")
class LongestMask(nn.Module):
    """One look-ahead mask of a fixed size, cut to length; scaling by a multiplied weight."""

    def __init__(self, source_vocab, target_vocab, d_model, num_heads, d_ff, num_layers, dropout=0.0, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        self.source_embedding = nn.Embedding(source_vocab, d_model)
        self.target_embedding = nn.Embedding(target_vocab, d_model)
        self.encoder = nn.ModuleList(
            my.EncoderBlock(d_model, num_heads, d_ff, dropout, norm_first=False) for _ in range(num_layers)
        )
        self.decoder = nn.ModuleList(
            my.DecoderBlock(d_model, num_heads, d_ff, dropout, norm_first=False) for _ in range(num_layers)
        )
        self.output = nn.Linear(d_model, target_vocab, bias=True)
        self.dropout = nn.Dropout(p=dropout)
        self.register_buffer("causal", my.create_look_ahead_mask(512), persistent=False)
        self.register_buffer("encoding", my.sinusoidal_encoding(512, d_model), persistent=False)

    def encode(self, source):
        weight = self.source_embedding.weight
        x = F.embedding(source, weight * weight.shape[1] ** 0.5)
        x = self.dropout(x + self.encoding[: source.shape[1]].to(x.dtype))
        mask = my.create_padding_mask(source, self.pad_id)
        for block in self.encoder:
            x = block(x, mask=mask)
        return x

    def decode(self, target_in, memory, source):
        weight, seq = self.target_embedding.weight, target_in.shape[1]
        x = F.embedding(target_in, weight * weight.shape[1] ** 0.5)
        x = self.dropout(x + self.encoding[:seq].to(x.dtype))
        mask = my.create_padding_mask(source, self.pad_id)
        for block in self.decoder:
            x = block(x, memory, self_mask=self.causal[:seq, :seq], memory_mask=mask)
        return self.output(x)

    def forward(self, source, target_in):
        return self.decode(target_in, self.encode(source), source)


class _Embedding(nn.Embedding):
    """An embedding that scales and places its vectors itself."""

    def forward(self, tokens):
        x = super().forward(tokens).mul(math.sqrt(self.embedding_dim))
        return x.add(my.sinusoidal_encoding(tokens.shape[-1], self.embedding_dim).to(x))


@variant("Transformer", "subclassed-embedding")
class SubclassedEmbedding(nn.Module):
    def __init__(self, source_vocab, target_vocab, d_model, num_heads, d_ff, num_layers, dropout=0.0, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        blocks = {"encoder": my.EncoderBlock, "decoder": my.DecoderBlock}
        for side, kind in blocks.items():
            self.add_module(side, nn.ModuleList([kind(d_model, num_heads, d_ff, dropout) for _ in range(num_layers)]))
        self.source_embedding, self.target_embedding = _Embedding(source_vocab, d_model), _Embedding(target_vocab, d_model)
        self.output, self.drop = nn.Linear(d_model, target_vocab), nn.Dropout(dropout)

    def forward(self, source, target_in):
        return self.decode(target_in, self.encode(source), source)

    def encode(self, source):
        hidden = self.drop(self.source_embedding(source))
        for layer in self.encoder:
            hidden = layer(hidden, mask=torch.isin(source, self.pad_id, invert=True).unsqueeze(-2))
        return hidden

    def decode(self, target_in, memory, source):
        hidden = self.drop(self.target_embedding(target_in))
        masks = {
            "self_mask": my.create_look_ahead_mask(hidden.shape[1])[None].to(hidden.device),
            "memory_mask": torch.isin(source, self.pad_id, invert=True).unsqueeze(-2),
        }
        for layer in self.decoder:
            hidden = layer(hidden, memory, **masks)
        return self.output(hidden)


# label_smoothed_loss


@variant("label_smoothed_loss", "soft-targets")
def loss_by_soft_targets(logits, targets, pad_id, smoothing=0.1):
    vocab, real = logits.shape[-1], targets.ne(pad_id)
    if not real.any():
        return logits.sum() * 0.0
    aim = torch.full_like(logits[real], smoothing / vocab)
    aim = aim.scatter(-1, targets[real].unsqueeze(-1), 1 - smoothing + smoothing / vocab)
    return F.cross_entropy(logits[real], aim)


@variant("label_smoothed_loss", "two-terms")
def loss_in_two_terms(logits, targets, pad_id, smoothing=0.1):
    log_p, real = F.log_softmax(logits, dim=-1), targets != pad_id
    count = max(int(real.sum()), 1)
    right = F.nll_loss(log_p.flatten(0, 1), targets.flatten(), ignore_index=pad_id, reduction="sum")
    spread = -(log_p.mean(dim=-1) * real).sum()
    return ((1 - smoothing) * right + smoothing * spread) / count


@variant("label_smoothed_loss", "one-hot")
def loss_by_one_hot(logits, targets, pad_id, smoothing=0.1):
    vocab, real = logits.size(-1), (targets != pad_id)
    hot = F.one_hot(torch.where(real, targets, 0), vocab).to(logits.dtype)
    aim = hot * (1 - smoothing) + smoothing / vocab
    losses = -(aim * torch.log_softmax(logits, -1)).sum(-1)
    return torch.where(real, losses, 0.0).sum() / real.sum().clamp_min(1)


@variant("label_smoothed_loss", "logsumexp")
def loss_by_logsumexp(logits, targets, pad_id, smoothing=0.1):
    real = targets != pad_id
    kept, wanted = logits[real], targets[real]
    normaliser = torch.logsumexp(kept, dim=-1)
    right = kept[torch.arange(len(wanted), device=kept.device), wanted]
    losses = normaliser - (1 - smoothing) * right - smoothing * kept.mean(dim=-1)
    return losses.sum() / max(len(wanted), 1)


@variant("label_smoothed_loss", "loop")
def loss_by_loop(logits, targets, pad_id, smoothing=0.1):
    total, count = logits.sum() * 0.0, 0
    for sentence, words in zip(logits, targets, strict=True):
        for row, word in zip(sentence, words.tolist(), strict=True):
            if word == pad_id:
                continue
            log_p = row.log_softmax(0)
            total = total - (1 - smoothing) * log_p[word] - smoothing * log_p.sum() / len(log_p)
            count += 1
    return total / count if count else total


@variant("label_smoothed_loss", "early-return")
def loss_with_early_return(logits, targets, pad_id, smoothing=0.1):
    flat, wanted = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
    keep = (wanted != pad_id).nonzero().squeeze(1)
    if keep.numel() == 0:
        return flat.new_zeros(()) * flat.sum()
    plain = F.cross_entropy(flat.index_select(0, keep), wanted.index_select(0, keep))
    even = -flat.index_select(0, keep).log_softmax(1).mean()
    return torch.lerp(plain, even, smoothing)


# noam_learning_rate


@variant("noam_learning_rate", "branches")
def rate_by_branches(step, d_model, warmup_steps):
    if step <= 0:
        raise ValueError(f"step must be at least 1, not {step}")
    if step < warmup_steps:
        return step / (warmup_steps**1.5 * d_model**0.5)
    return 1 / math.sqrt(step * d_model)


@variant("noam_learning_rate", "peak")
def rate_from_the_peak(step, d_model, warmup_steps):
    if step < 1:
        raise ValueError("step = " + str(step) + " is too small")
    peak = (d_model * warmup_steps) ** -0.5
    return peak * min(step / warmup_steps, (warmup_steps / step) ** 0.5)


@variant("noam_learning_rate", "logarithms")
def rate_by_logarithms(step, d_model, warmup_steps):
    if step < 1:
        raise ValueError(f"{step=}")
    later, earlier = -0.5 * math.log(step), math.log(step) - 1.5 * math.log(warmup_steps)
    return math.exp(min(later, earlier) - 0.5 * math.log(d_model))


@variant("noam_learning_rate", "tensor")
def rate_by_tensor(step, d_model, warmup_steps):
    if not step >= 1:
        raise ValueError(f"step {step} is not allowed, steps count from one")
    both = torch.tensor([step**-0.5, step * warmup_steps**-1.5], dtype=torch.float64)
    return float(both.min() / d_model**0.5)


@variant("noam_learning_rate", "sorted")
def rate_by_sorting(step, d_model, warmup_steps):
    if step < 1:
        raise ValueError(f"no step {step}")
    return sorted((pow(step, -0.5), step * pow(warmup_steps, -1.5)))[0] * pow(d_model, -0.5)


# greedy_decode


@contextlib.contextmanager
def _evaluating(model):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@variant("greedy_decode", "row-by-row")
def greedy_row_by_row(model, source, bos_id, eos_id, max_len):
    rows = []
    with _evaluating(model):
        for sentence in source.split(1):
            memory, said = model.encode(sentence), [bos_id]
            while len(said) <= max_len and (len(said) == 1 or said[-1] != eos_id):
                logits = model.decode(sentence.new_tensor([said]), memory, sentence)
                said.append(logits[0, -1].argmax().item())
            rows.append(source.new_tensor(said[1:]))
    return pad_sequence(rows, batch_first=True, padding_value=model.pad_id)


@variant("greedy_decode", "table")
def greedy_into_a_table(model, source, bos_id, eos_id, max_len):
    with _evaluating(model):
        memory = model.encode(source)
        table = torch.full((source.shape[0], max_len + 1), model.pad_id, dtype=source.dtype, device=source.device)
        table[:, 0] = bos_id
        alive, width = torch.ones_like(table[:, 0], dtype=torch.bool), 1
        while width <= max_len and alive.any():
            best = model.decode(table[:, :width], memory, source)[:, -1].max(dim=-1).indices
            table[:, width] = torch.where(alive, best, model.pad_id)
            alive = alive & (best != eos_id)
            width += 1
    return table[:, 1:width]


@variant("greedy_decode", "forward-only")
def greedy_by_forward(model, source, bos_id, eos_id, max_len):
    """No memory kept: the whole model at each step."""
    with _evaluating(model), torch.inference_mode():
        tokens = torch.full((len(source), 1), bos_id, device=source.device)
        done = [False] * len(source)
        for _ in range(max_len):
            column = model(source, tokens)[:, -1].argmax(-1).tolist()
            column = [model.pad_id if ended else token for ended, token in zip(done, column, strict=True)]
            done = [ended or token == eos_id for ended, token in zip(done, column, strict=True)]
            tokens = torch.cat((tokens, torch.tensor(column, device=source.device)[:, None]), 1)
            if all(done):
                break
    return tokens[:, 1:].clone()


@variant("greedy_decode", "masked-afterwards")
def greedy_masked_afterwards(model, source, bos_id, eos_id, max_len):
    """Writes on behind eos, and blanks the tails at the end."""
    with _evaluating(model):
        memory, tokens = model.encode(source), source.new_full((source.size(0), 1), bos_id)
        for _ in range(max_len):
            best = model.decode(tokens, memory, source)[:, -1, :].argmax(dim=-1, keepdim=True)
            tokens = torch.cat([tokens, best], dim=-1)
            if (tokens[:, 1:] == eos_id).any(dim=1).all():
                break
    said = tokens[:, 1:]
    behind = (said == eos_id).cumsum(dim=1).roll(1, dims=1)
    behind[:, 0] = 0
    return said.masked_fill(behind > 0, model.pad_id)


@variant("greedy_decode", "live-rows")
def greedy_on_live_rows(model, source, bos_id, eos_id, max_len):
    """Rows that have ended leave the batch."""
    modes = [module.training for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            memory, live = model.encode(source), torch.arange(len(source), device=source.device)
            said = [[] for _ in source]
            tokens = torch.full_like(source[:, :1], bos_id)
            for _ in range(max_len):
                best = model.decode(tokens, memory[live], source[live])[:, -1].argmax(-1)
                for row, token in zip(live.tolist(), best.tolist(), strict=True):
                    said[row].append(token)
                on = best != eos_id
                tokens, live = torch.cat([tokens, best[:, None]], 1)[on], live[on]
                if not len(live):
                    break
    finally:
        for module, mode in zip(model.modules(), modes, strict=True):
            module.training = mode
    width = max(map(len, said))
    return source.new_tensor([row + [model.pad_id] * (width - len(row)) for row in said])


# beam_search


@variant("beam_search", "top-of-a-table")
def beam_on_tensors(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    """All live hypotheses in one batch, `topk` over the flat table."""
    with _evaluating(model):
        memory, finished = model.encode(source), []
        tokens, totals = source.new_full((1, 1), bos_id), torch.zeros(1, device=source.device)
        for step in range(1, max_len + 1):
            count = len(tokens)
            logits = model.decode(tokens, memory.repeat(count, 1, 1), source.repeat(count, 1))[:, -1]
            table = totals[:, None] + torch.log_softmax(logits, dim=-1)
            values, flat = table.view(-1).topk(min(beam_size, table.numel()))
            row, word = flat // table.shape[1], flat % table.shape[1]
            tokens = torch.cat([tokens[row], word[:, None]], dim=1)
            done = (word == eos_id) if step < max_len else torch.ones_like(word, dtype=torch.bool)
            for line, value in zip(tokens[done], values[done], strict=True):
                finished.append((line[1:].tolist(), value.item() / ((5 + step) / 6) ** alpha))
            tokens, totals = tokens[~done], values[~done]
            if not len(tokens):
                break
    finished.sort(key=lambda pair: -pair[1])
    return finished[:beam_size]


class _Draft:
    def __init__(self, tokens, total):
        self.tokens, self.total = tokens, total

    def score(self, alpha):
        return self.total * (6 / (5 + len(self.tokens))) ** alpha


@variant("beam_search", "drafts")
def beam_of_drafts(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    """Objects, one decoder call a hypothesis."""
    with _evaluating(model):
        memory, beam, done = model.encode(source), [_Draft([], 0.0)], []
        while beam and len(beam[0].tokens) < max_len:
            grown = []
            for draft in beam:
                given = torch.tensor([[bos_id] + draft.tokens], device=source.device)
                log_p = F.log_softmax(model.decode(given, memory, source)[0, -1], 0)
                grown += [_Draft(draft.tokens + [word], draft.total + log_p[word].item()) for word in range(len(log_p))]
            grown.sort(key=lambda draft: draft.total, reverse=True)
            beam = []
            for draft in grown[:beam_size]:
                (done if draft.tokens[-1] == eos_id else beam).append(draft)
        ranked = sorted(done + beam, key=lambda draft: draft.score(alpha), reverse=True)
    return [(draft.tokens, draft.score(alpha)) for draft in ranked[:beam_size]]


@variant("beam_search", "heap")
def beam_by_heap(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    """`forward` in place of encode and decode; heapq; scores as tensors."""

    def grow(hypothesis):
        total, tokens = hypothesis
        row = model(source, source.new_tensor([(bos_id, *tokens)]))[0, -1].log_softmax(-1)
        return [(total + row[word], (*tokens, word)) for word in range(row.numel())]

    with _evaluating(model):
        live, ended = [(torch.zeros(()), ())], []
        for _ in range(max_len):
            best = heapq.nlargest(beam_size, [new for old in live for new in grow(old)], key=lambda one: float(one[0]))
            ended.extend(one for one in best if one[1][-1] == eos_id)
            live = [one for one in best if one[1][-1] != eos_id]
            if not live:
                break
        ended.extend(live)
    scored = [(list(tokens), total / ((5 + len(tokens)) / 6) ** alpha) for total, tokens in ended]
    return heapq.nlargest(beam_size, scored, key=lambda one: float(one[1]))


@variant("beam_search", "dictionary")
def beam_by_dictionary(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    """A dictionary of token tuples; finished hypotheses stay in it apart."""
    modes = {part: part.training for part in model.modules()}
    try:
        model.eval()
        with torch.no_grad():
            memory = model.encode(source)
            live, ended = {(): 0.0}, {}
            for _ in range(max_len):
                grown = {}
                for tokens, total in live.items():
                    out = model.decode(source.new_tensor([[bos_id, *tokens]]), memory, source)[:, -1]
                    for word, log_p in enumerate(out.log_softmax(-1).flatten().tolist()):
                        grown[*tokens, word] = total + log_p
                kept = sorted(grown, key=grown.get, reverse=True)[:beam_size]
                ended |= {tokens: grown[tokens] for tokens in kept if tokens[-1] == eos_id}
                live = {tokens: grown[tokens] for tokens in kept if tokens[-1] != eos_id}
                if not live:
                    break
    finally:
        for part, mode in modes.items():
            part.training = mode
    scores = {tokens: total / math.pow((5 + len(tokens)) / 6, alpha) for tokens, total in (ended | live).items()}
    return [(list(tokens), scores[tokens]) for tokens in sorted(scores, key=scores.get, reverse=True)][:beam_size]


@variant("beam_search", "recursive")
def beam_by_recursion(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    with _evaluating(model):
        memory = model.encode(source)

        def steps(tokens):
            return model.decode(source.new_tensor([[bos_id, *tokens]]), memory, source)[0, -1].double().log_softmax(-1)

        def search(live, depth):
            if depth == 0 or not live:
                return live
            grown = [(total + p, [*tokens, word]) for total, tokens in live for word, p in enumerate(steps(tokens).tolist())]
            best = sorted(grown, key=lambda one: one[0])[::-1][:beam_size]
            ended = [one for one in best if one[1][-1] == eos_id]
            return ended + search([one for one in best if one[1][-1] != eos_id], depth - 1)

        found = [(tokens, total / ((5 + len(tokens)) / 6) ** alpha) for total, tokens in search([(0.0, [])], max_len)]
    return sorted(found, key=lambda pair: pair[1], reverse=True)[: min(beam_size, len(found))]
