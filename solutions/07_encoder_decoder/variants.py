"""Right answers in other styles, which must all earn full points and no name."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from autograder.framework.known_answers import edits, variant
from utils.reference.greedy_decode import evaluating

FIRST, JOINED = "first = targets.new_full((targets.shape[0], 1), bos_id) →", "return torch.cat([first, targets[:, :-1]], dim=1) →"
edits("shift_right", {
    "roll": (f"{FIRST} shifted = torch.roll(targets, shifts=1, dims=-1)\n    shifted[:, 0] = bos_id", f"{JOINED} return shifted"),
    "pad": (FIRST, f"{JOINED} return torch.nn.functional.pad(targets, (1, -1), value=bos_id)"),
    "empty-table": (
        f"{FIRST} table = torch.empty_like(targets)\n    table[:, 0], table[:, 1:] = (bos_id, targets[:, :-1])",
        f"{JOINED} return table",
    ),
    "gather": (
        f"{FIRST} places = torch.arange(targets.shape[1], device=targets.device) - 1",
        f"{JOINED} return torch.where(places < 0, bos_id, targets[:, places])",
    ),
    "lists": (
        f"{FIRST} rows = [[bos_id, *row[:-1]] for row in targets.tolist()]",
        f"{JOINED} return torch.tensor(rows, dtype=targets.dtype, device=targets.device)",
    ),
    "columns": (
        f"{FIRST} columns = [torch.full_like(targets[:, 0], bos_id), *targets.unbind(1)]",
        f"{JOINED} return torch.stack(columns[:-1], dim=1)",
    ),
})  # fmt: skip

SOURCE, TARGET = "embed(self.source_embedding, source)", "embed(self.target_embedding, target_in)"
ENCODER, DECODER = (f"self.{x.lower()} = nn.ModuleList({x}Block(*sizes) for _ in layers) →" for x in ("Encoder", "Decoder"))
PADDING, FUTURE = "create_padding_mask(source, self.pad_id)", "create_look_ahead_mask(target_in.shape[1]).to(x.device)"
MASK, MEMORY_MASK, HIDDEN = f"        mask = {PADDING} →", f"memory_mask = {PADDING} →", "(source != self.pad_id)[:, None, :]"
MASKS = "self_mask=self_mask, memory_mask=memory_mask →"
WEIGHED = "weight = self.{}.weight\n        x = nn.functional.embedding({}, weight * weight.shape[1] ** 0.5)\n        x = x"
edits("Transformer", {
    "padding-index": (  # rows of padding that stay zero, blocks one by one, masks without names
        "nn.Embedding(source_vocab, d_model) → nn.Embedding(source_vocab, d_model, padding_idx=pad_id)",
        "nn.Embedding(target_vocab, d_model) → "
        "nn.Embedding(target_vocab, d_model, padding_idx=pad_id if pad_id < target_vocab else None)",
        f"{ENCODER} self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()",
        f"{DECODER} for _ in layers: self.encoder.append(EncoderBlock(*sizes)); self.decoder.append(DecoderBlock(*sizes))",
        "seq, d_model = tokens.shape[1], embedding.embedding_dim → seq, width = tokens.size(1), embedding.weight.shape[1]",
        "* math.sqrt(d_model) → * width ** 0.5", "(seq, d_model).to(x) → (seq, width).to(embedding.weight)",
        MASK, f"mask=mask → {HIDDEN}", MEMORY_MASK, f"{MASKS} past, {HIDDEN}",
        f"self_mask = {FUTURE} → n = target_in.size(1); past = torch.ones(n, n, dtype=torch.bool, device=x.device).tril()",
    ),
    "buffer": (  # the encoding outside the state_dict, masks of full size, dropout as a function
        "class → LONGEST = 1024\n\ndef places(d_model):\n    pair = torch.arange(d_model) // 2 * 2\n"
        "    angles = torch.arange(LONGEST, dtype=torch.float64)[:, None] / 10000 ** (pair / d_model)\n"
        "    return torch.where(torch.arange(d_model) % 2 == 0, angles.sin(), angles.cos())\n\nclass",
        "self.dropout = nn.Dropout(dropout) → self.scale, self.p = math.sqrt(d_model), dropout\n"
        "        self.register_buffer('table', places(d_model), persistent=False)\n\n    def start(self, embedded):\n"
        "        x = embedded * self.scale + self.table[:embedded.shape[1]].to(embedded.dtype)\n"
        "        return torch.dropout(x, self.p, self.training)",
        f"self.dropout({SOURCE}) → self.start(self.source_embedding(source))",
        f"self.dropout({TARGET}) → self.start(self.target_embedding(target_in))",
        f"{MASK}         mask = source.ne(self.pad_id).unsqueeze(1).expand(-1, source.shape[1], -1)",
        f"{MEMORY_MASK} memory_mask = source.ne(self.pad_id)[:, None].expand(-1, target_in.shape[1], -1)",
        f"{FUTURE} → (here := torch.arange(target_in.shape[1], device=x.device))[None, :] <= here[:, None]",
    ),
    "fixed-size-mask": (  # one mask and one encoding, cut to length; scaling by a multiplied weight
        "self.dropout = → self.register_buffer('causal', create_look_ahead_mask(512), persistent=False)\n"
        "        self.register_buffer('encoding', sinusoidal_encoding(512, d_model), persistent=False)\n        self.dropout =",
        f"x = self.dropout({SOURCE}) → {WEIGHED.format('source_embedding', 'source')}"
        " + self.encoding[:source.shape[1]].to(x.dtype)\n        x = self.dropout(x)",
        f"x = self.dropout({TARGET}) → {WEIGHED.format('target_embedding', 'target_in')}"
        " + self.encoding[:seq].to(x.dtype)\n        x = self.dropout(x)",
        "def decode(self, target_in, memory, source): → "
        "def decode(self, target_in, memory, source):\n        seq = target_in.shape[1]",
        f"{FUTURE} → self.causal[:seq, :seq]",
    ),
    "subclassed-embedding": (  # an embedding that scales and places its vectors itself
        "class → class Embedding(nn.Embedding):\n    def forward(self, tokens):\n"
        "        x = super().forward(tokens).mul(math.sqrt(self.embedding_dim))\n"
        "        return x.add(sinusoidal_encoding(tokens.shape[-1], self.embedding_dim).to(x))\n\nclass",
        "= nn.Embedding( → = Embedding(", f"{SOURCE} → self.source_embedding(source)",
        f"{TARGET} → self.target_embedding(target_in)", f"{PADDING} → torch.isin(source, self.pad_id, invert=True).unsqueeze(-2)",
        f"{ENCODER} for side, kind in (('encoder', EncoderBlock), ('decoder', DecoderBlock)):\n"
        "            self.add_module(side, nn.ModuleList([kind(*sizes) for _ in layers]))", DECODER,
        f"{FUTURE} → create_look_ahead_mask(target_in.shape[1])[None].to(x.device)",
        "for block in self.decoder: → masks = dict(self_mask=self_mask, memory_mask=memory_mask)\n"
        "        for block in self.decoder:",
        ", self_mask=self_mask, memory_mask=memory_mask → , **masks",
    ),
})  # fmt: skip


class _Block(nn.Module):
    """An encoder block, and with `crossed` a decoder block."""

    def __init__(self, d_model, num_heads, d_ff, dropout, crossed):
        super().__init__()
        for name in ("self_attention", "cross_attention")[: 1 + crossed]:
            self.add_module(name, nn.ModuleDict({f"w_{part}": nn.Linear(d_model, d_model) for part in "qkvo"}))
        self.feed_forward = nn.ModuleDict({"linear1": nn.Linear(d_model, d_ff), "linear2": nn.Linear(d_ff, d_model)})
        for name in ("norm1", "norm2", "norm3")[: 2 + crossed]:
            self.add_module(name, nn.LayerNorm(d_model))
        self.num_heads, self.drop = num_heads, nn.Dropout(dropout)

    def look(self, w, x, memory, mask):
        made = w["w_q"](x), w["w_k"](memory), w["w_v"](memory)
        q, k, v = (y.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for y in made)
        found = F.scaled_dot_product_attention(q, k, v, mask.unsqueeze(-3), self.drop.p if self.training else 0.0)
        return x + self.drop(w["w_o"](found.transpose(1, 2).flatten(2)))

    def forward(self, x, mask, memory=None, memory_mask=None):
        x, last = self.norm1(self.look(self.self_attention, x, x, mask)), self.norm2
        if memory is not None:
            x, last = self.norm2(self.look(self.cross_attention, x, memory, memory_mask)), self.norm3
        return last(x + self.drop(self.feed_forward["linear2"](self.drop(self.feed_forward["linear1"](x).relu()))))


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

    def placed(self, x):
        speeds = torch.exp(torch.arange(0, self.width, 2, dtype=torch.float64) * (-math.log(10000.0) / self.width))
        angles = torch.arange(x.shape[1], dtype=torch.float64)[:, None] * speeds
        return self.drop(x + torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, : self.width].to(x))

    def encode(self, source):
        x = self.placed(self.source_embedding(source) * math.sqrt(self.width))
        for block in self.encoder:
            x = block(x, source.ne(self.pad_id)[:, None])
        return x

    def decode(self, target_in, memory, source):
        x = self.placed(self.target_embedding(target_in) * math.sqrt(self.width))
        future = torch.triu(torch.ones(x.shape[1], x.shape[1], device=x.device), diagonal=1).bool()
        for block in self.decoder:
            x = block(x, ~future, memory, source.ne(self.pad_id)[:, None])
        return self.output(x)

    def forward(self, source, target_in):
        return self.decode(target_in, self.encode(source), source)


SURPRISE, INDEX = "surprise = -logits.log_softmax(dim=-1) →", "index = targets.masked_fill(~real, 0).unsqueeze(-1) →"
RIGHT = "right = surprise.gather(-1, index).squeeze(-1) →"
LOSSES = "losses = (1 - smoothing) * right + smoothing * surprise.mean(dim=-1) →"
RETURN, TORCH = "return losses[real].sum() / real.sum().clamp(min=1) →", "torch.nn.functional"
edits("label_smoothed_loss", {
    "two-terms": (
        f"{SURPRISE} log_p = {TORCH}.log_softmax(logits, dim=-1)", f"{INDEX} count = max(int(real.sum()), 1)",
        f"{RIGHT} right = {TORCH}.nll_loss(log_p.flatten(0, 1), targets.flatten(), ignore_index=pad_id, reduction='sum')",
        f"{LOSSES} spread = -(log_p.mean(dim=-1) * real).sum()",
        f"{RETURN} return ((1 - smoothing) * right + smoothing * spread) / count",
    ),
    "one-hot": (
        f"{INDEX} vocab = logits.size(-1); hot = {TORCH}.one_hot(torch.where(real, targets, 0), vocab).to(logits.dtype)",
        f"{RIGHT} aim = hot * (1 - smoothing) + smoothing / vocab", f"{LOSSES} losses = (aim * surprise).sum(-1)",
        f"{RETURN} return torch.where(real, losses, 0.0).sum() / real.sum().clamp_min(1)",
    ),
    "logsumexp": (
        SURPRISE, f"{INDEX} kept, wanted = logits[real], targets[real]",
        f"{RIGHT} right = kept[torch.arange(len(wanted), device=kept.device), wanted]",
        f"{LOSSES} losses = torch.logsumexp(kept, dim=-1) - (1 - smoothing) * right - smoothing * kept.mean(dim=-1)",
        f"{RETURN} return losses.sum() / max(len(wanted), 1)",
    ),
    "early-return": (
        f"{SURPRISE} flat, wanted = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)",
        "real = targets != pad_id → keep = (wanted != pad_id).nonzero().squeeze(1)\n"
        "    if keep.numel() == 0: return flat.new_zeros(()) * flat.sum()",
        f"{INDEX} flat, wanted = flat.index_select(0, keep), wanted.index_select(0, keep)",
        f"{RIGHT} plain = {TORCH}.cross_entropy(flat, wanted)", f"{LOSSES} even = -flat.log_softmax(1).mean()",
        f"{RETURN} return torch.lerp(plain, even, smoothing)",
    ),
    "soft-targets": (
        f"{SURPRISE} vocab = logits.shape[-1]", f"{INDEX} if not real.any(): return logits.sum() * 0.0",
        f"{RIGHT} aim = torch.full_like(logits[real], smoothing / vocab)",
        f"{LOSSES} aim = aim.scatter(-1, targets[real].unsqueeze(-1), 1 - smoothing + smoothing / vocab)",
        f"{RETURN} return {TORCH}.cross_entropy(logits[real], aim)",
    ),
})  # fmt: skip


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


REFUSAL, IMPORTS = 'ValueError(f"{step=}: steps count from 1") →', "def noam → import math\n\n\ndef noam"
RATE = "return d_model ** -0.5 * min(step ** -0.5, step * warmup_steps ** -1.5) →"
edits("noam_learning_rate", {
    "branches": (
        IMPORTS, "step < 1 → step <= 0", f"{REFUSAL} ValueError(f'step must be at least 1, not {{step}}')",
        f"{RATE} if step < warmup_steps:\n        return step / (warmup_steps ** 1.5 * d_model ** 0.5)\n"
        "    return 1 / math.sqrt(step * d_model)",
    ),
    "peak": (
        f"{REFUSAL} ValueError('step = ' + str(step) + ' is too small')", f"{RATE} peak = (d_model * warmup_steps) ** -0.5\n"
        "    return peak * min(step / warmup_steps, (warmup_steps / step) ** 0.5)",
    ),
    "logarithms": (
        IMPORTS, f"{REFUSAL} ValueError(f'{{step=}}')",
        f"{RATE} later, earlier = -0.5 * math.log(step), math.log(step) - 1.5 * math.log(warmup_steps)\n"
        "    return math.exp(min(later, earlier) - 0.5 * math.log(d_model))",
    ),
    "tensor": (
        "if step < 1 → if not step >= 1", f"{REFUSAL} ValueError(f'step {{step}} is not allowed, steps count from one')",
        f"{RATE} both = torch.tensor([step ** -0.5, step * warmup_steps ** -1.5], dtype=torch.float64)\n"
        "    return float(both.min() / d_model ** 0.5)",
    ),
    "sorted": (
        f"{REFUSAL} ValueError(f'no step {{step}}')",
        f"{RATE} return sorted((pow(step, -0.5), step * pow(warmup_steps, -1.5)))[0] * pow(d_model, -0.5)",
    ),
})  # fmt: skip

TOKENS, ENDED = "tokens = source.new_full((len(source), 1), bos_id) →", "ended = torch.zeros_like(tokens, dtype=torch.bool) →"
LOGITS = "logits = model.decode(tokens, memory, source)[:, -1:] →"
BEST = "best = logits.argmax(dim=-1).masked_fill(ended, model.pad_id) →"
LONGER, OVER, RESULT = (
    "tokens = torch.cat([tokens, best], dim=1) →",
    "ended = ended | (best == eos_id) →",
    "return tokens[:, 1:] →",
)
edits("greedy_decode", {
    "table": (
        f"{TOKENS} table = torch.full((source.shape[0], max_len + 1), model.pad_id, dtype=source.dtype, device=source.device)",
        f"{ENDED} table[:, 0] = bos_id\n        alive, width = torch.ones_like(table[:, 0], dtype=torch.bool), 1",
        "for _ in range(max_len): → while width <= max_len and alive.any():",
        f"{LOGITS} best = model.decode(table[:, :width], memory, source)[:, -1].max(dim=-1).indices",
        f"{BEST} table[:, width] = torch.where(alive, best, model.pad_id)", f"{LONGER} alive = alive & (best != eos_id)",
        f"{OVER} width += 1", "            if ended.all():\n                break →", f"{RESULT} return table[:, 1:width]",
    ),
    "forward-only": (  # no memory kept: the whole model at each step
        "with evaluating(model): → with evaluating(model), torch.inference_mode():", "memory = model.encode(source) →",
        f"{TOKENS} tokens = torch.full((len(source), 1), bos_id, device=source.device)", f"{ENDED} done = [False] * len(source)",
        f"{LOGITS} column = model(source, tokens)[:, -1].argmax(-1).tolist()",
        f"{BEST} column = [model.pad_id if over else token for over, token in zip(done, column, strict=True)]",
        f"{LONGER} tokens = torch.cat((tokens, torch.tensor(column, device=source.device)[:, None]), 1)",
        f"{OVER} done = [over or token == eos_id for over, token in zip(done, column, strict=True)]",
        "ended.all() → all(done)", f"{RESULT} return tokens[:, 1:].clone()",
    ),
    "live-rows": (  # rows that have ended leave the batch
        "memory = model.encode(source) → memory, live = model.encode(source), torch.arange(len(source), device=source.device)",
        f"{TOKENS} said, tokens = [[] for _ in source], torch.full_like(source[:, :1], bos_id)", ENDED,
        f"{LOGITS} best = model.decode(tokens, memory[live], source[live])[:, -1].argmax(-1)",
        f"{BEST} for row, token in zip(live.tolist(), best.tolist(), strict=True): said[row].append(token)",
        f"{LONGER} on = best != eos_id", f"{OVER} tokens, live = torch.cat([tokens, best[:, None]], 1)[on], live[on]",
        "ended.all() → not len(live)", f"{RESULT} width = max(map(len, said))\n"
        "    return source.new_tensor([row + [model.pad_id] * (width - len(row)) for row in said])",
    ),
    "masked-afterwards": (  # writes on behind eos, and blanks the tails at the end
        ENDED, f"{BEST} best = logits.argmax(dim=-1)", OVER, "ended.all() → (tokens[:, 1:] == eos_id).any(dim=1).all()",
        f"{RESULT} said = tokens[:, 1:]\n    behind = (said == eos_id).cumsum(dim=1).roll(1, dims=1)\n    behind[:, 0] = 0\n"
        "    return said.masked_fill(behind > 0, model.pad_id)",
    ),
})  # fmt: skip


@variant("greedy_decode", "row-by-row")
def greedy_row_by_row(model, source, bos_id, eos_id, max_len):
    rows = []
    with torch.no_grad(), evaluating(model):
        for sentence in source.split(1):
            memory, said = model.encode(sentence), [bos_id]
            while len(said) <= max_len and (len(said) == 1 or said[-1] != eos_id):
                said.append(model.decode(sentence.new_tensor([said]), memory, sentence)[0, -1].argmax().item())
            rows.append(source.new_tensor(said[1:]))
    return pad_sequence(rows, batch_first=True, padding_value=model.pad_id)


edits("beam_search", {"heap": (  # the whole model at each step, scores as tensors
    "from contextlib → import heapq\nfrom contextlib", "memory = model.encode(source) →",
    "copies = [x.expand(len(live), *x.shape[1:]) for x in (memory, source)] →",
    "model.decode(heads, *copies) → model(source.expand(len(live), -1), heads)",
    "best = totals.flatten().topk(min(beam_size, totals.numel())) → best = enumerate(totals.flatten())",
    "for total, place in zip(*(x.tolist() for x in best), strict=True) → "
    "for place, total in heapq.nlargest(beam_size, best, key=lambda one: float(one[1]))",
)})  # fmt: skip


@variant("beam_search", "top-of-a-table")
def beam_on_tensors(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    with torch.no_grad(), evaluating(model):
        memory, finished, step = model.encode(source), [], 0
        tokens, totals = source.new_full((1, 1), bos_id), torch.zeros(1, device=source.device)
        while len(tokens):
            step, count = step + 1, len(tokens)
            logits = model.decode(tokens, memory.repeat(count, 1, 1), source.repeat(count, 1))[:, -1]
            table = totals[:, None] + torch.log_softmax(logits, dim=-1)
            values, flat = table.view(-1).topk(min(beam_size, table.numel()))
            row, word = flat // table.shape[1], flat % table.shape[1]
            tokens = torch.cat([tokens[row], word[:, None]], dim=1)
            done = (word == eos_id) if step < max_len else torch.ones_like(word, dtype=torch.bool)
            for line, value in zip(tokens[done], values[done], strict=True):
                finished.append((line[1:].tolist(), value.item() / ((5 + step) / 6) ** alpha))
            tokens, totals = tokens[~done], values[~done]
    finished.sort(key=lambda pair: -pair[1])
    return finished[:beam_size]


class _Draft:
    def __init__(self, tokens, total):
        self.tokens, self.total = tokens, total

    def score(self, alpha):
        return self.total * (6 / (5 + len(self.tokens))) ** alpha


@variant("beam_search", "drafts")
def beam_of_drafts(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    with torch.no_grad(), evaluating(model):
        memory, beam, done = model.encode(source), [_Draft([], 0.0)], []
        while beam and len(beam[0].tokens) < max_len:
            grown = []
            for draft in beam:
                given = torch.tensor([[bos_id] + draft.tokens], device=source.device)
                log_p = F.log_softmax(model.decode(given, memory, source)[0, -1], 0)
                grown += [_Draft(draft.tokens + [word], draft.total + log_p[word].item()) for word in range(len(log_p))]
            best = sorted(grown, key=lambda draft: draft.total, reverse=True)[:beam_size]
            done += [draft for draft in best if draft.tokens[-1] == eos_id]
            beam = [draft for draft in best if draft.tokens[-1] != eos_id]
        ranked = sorted(done + beam, key=lambda draft: draft.score(alpha), reverse=True)
    return [(draft.tokens, draft.score(alpha)) for draft in ranked[:beam_size]]


@variant("beam_search", "dictionary")
def beam_by_dictionary(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    with torch.no_grad(), evaluating(model):
        memory, live, ended = model.encode(source), {(): 0.0}, {}
        for _ in range(max_len):
            grown = {}
            for tokens, total in live.items():
                out = model.decode(source.new_tensor([[bos_id, *tokens]]), memory, source)[:, -1]
                for word, log_p in enumerate(out.log_softmax(-1).flatten().tolist()):
                    grown[*tokens, word] = total + log_p
            kept = sorted(grown, key=grown.get, reverse=True)[:beam_size]
            ended |= {tokens: grown[tokens] for tokens in kept if tokens[-1] == eos_id}
            live = {tokens: grown[tokens] for tokens in kept if tokens[-1] != eos_id}
    scores = {tokens: total / math.pow((5 + len(tokens)) / 6, alpha) for tokens, total in (ended | live).items()}
    return [(list(tokens), scores[tokens]) for tokens in sorted(scores, key=scores.get, reverse=True)][:beam_size]


@variant("beam_search", "recursive")
def beam_by_recursion(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    def steps(tokens):
        out = model.decode(source.new_tensor([[bos_id, *tokens]]), model.encode(source), source)
        return out[0, -1].double().log_softmax(-1).tolist()

    def search(live, depth):
        if depth == 0 or not live:
            return live
        grown = [(total + p, [*tokens, word]) for total, tokens in live for word, p in enumerate(steps(tokens))]
        best = sorted(grown, key=lambda one: one[0])[::-1][:beam_size]
        ended = [one for one in best if one[1][-1] == eos_id]
        return ended + search([one for one in best if one[1][-1] != eos_id], depth - 1)

    with torch.no_grad(), evaluating(model):
        found = [(tokens, total / ((5 + len(tokens)) / 6) ** alpha) for total, tokens in search([(0.0, [])], max_len)]
    return sorted(found, key=lambda pair: pair[1], reverse=True)[: min(beam_size, len(found))]
