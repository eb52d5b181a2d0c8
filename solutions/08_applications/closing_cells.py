# %% [markdown] slug="real-title"
# ## Real weights

# %% slug="smol-attention"
attention, apply_rotary = my.attention, my.apply_rotary
split_heads, merge_heads = my.split_heads, my.merge_heads

class RotaryAttention(nn.Module):
    """Grouped heads (chapter 4) with rotary positions (chapter 6) and a cache."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.parts = my.GroupedQueryAttention(d_model, num_heads, num_kv_heads)

    def forward(self, x, positions, mask, past):
        q = split_heads(self.parts.w_q(x), self.num_heads)
        k = split_heads(self.parts.w_k(x), self.num_kv_heads)
        v = split_heads(self.parts.w_v(x), self.num_kv_heads)
        both = apply_rotary(torch.cat([q, k], dim=1), positions, base=100_000)
        q, k = both[:, :self.num_heads], both[:, self.num_heads:]
        if past is not None:                          # what earlier tokens gave
            k, v = (torch.cat(pair, dim=2) for pair in zip(past, (k, v)))
        group = self.num_heads // self.num_kv_heads   # queries that share a key
        keys, values = (y.repeat_interleave(group, dim=1) for y in (k, v))
        output, _ = attention(q, keys, values, mask=mask)
        return self.parts.w_o(merge_heads(output)), (k, v)

# %% slug="smol-block"
class SmolBlock(nn.Module):
    """Pre-norm, with RMSNorm and SwiGLU (chapter 5)."""

    def __init__(self, d_model, num_heads, num_kv_heads, d_ff):
        super().__init__()
        self.norm1 = my.RMSNorm(d_model, eps=1e-5)
        self.norm2 = my.RMSNorm(d_model, eps=1e-5)
        self.self_attention = RotaryAttention(d_model, num_heads, num_kv_heads)
        self.feed_forward = my.SwiGLU(d_model, d_ff)

    def forward(self, x, positions, mask, past):
        output, past = self.self_attention(self.norm1(x), positions, mask, past)
        x = x + output
        return x + self.feed_forward(self.norm2(x)), past

# %% slug="smol-model"
class SmolLM2(nn.Module):
    """tokens (batch, seq) -> logits (batch, seq, vocab)."""

    def __init__(self, vocab_size, d_model, num_heads, num_kv_heads, d_ff, num_layers):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        sizes = d_model, num_heads, num_kv_heads, d_ff
        self.blocks = nn.ModuleList(SmolBlock(*sizes) for _ in range(num_layers))
        self.norm = my.RMSNorm(d_model, eps=1e-5)
        self.output = nn.Linear(d_model, vocab_size, bias=False)

    def extend(self, tokens, past=None):
        """Logits of the new tokens, and the keys and values of all so far."""
        start, new = past[0][0].shape[2] if past else 0, tokens.shape[1]
        positions = torch.arange(start, start + new)
        mask = create_look_ahead_mask(start + new)[start:] if new > 1 else None
        x, kept = self.token_embedding(tokens), []
        for number, block in enumerate(self.blocks):
            x, pair = block(x, positions, mask, past[number] if past else None)
            kept.append(pair)
        return self.output(self.norm(x)), kept

    def forward(self, tokens):
        return self.extend(tokens)[0]
