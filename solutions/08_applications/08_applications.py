# %% [markdown] slug="title"
# # 8 · Applications

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()

import math
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional as F

from utils import checkpoints, my, session, training

# %% [markdown] slug="bert-title"
# ## BERT: an encoder that fills in blanks

# %% [markdown] slug="mask-text"
# ### Exercise: `mask_tokens`
#
# A text brings its own exercises: hide some of its words, and ask for them. BERT learns from such blanks, which is called
# **masked language modelling**. The model sees `inputs`; `labels` holds what stood at the chosen places, and -100 elsewhere,
# the number that `F.cross_entropy` leaves out.
#
# In use no text contains `[MASK]`, so the model must not rely on seeing it. A chosen token therefore has one of three fates
# (Devlin et al. 2018, section 3.1): in 80 % of the cases it becomes `mask_id`, in 10 % a random id, in 10 % it stays.
#
# Build `mask_tokens(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None)`. It gives a pair, `inputs` and
# `labels`. Both have the shape of the tokens, `(batch, seq)`, and their dtype and device.
#
# - Each token is chosen with probability `rate`, independently of the others. Those in `special_ids` (`[CLS]`, `[SEP]`,
#   padding, `[MASK]` itself) are never chosen, and are never the random id. `special_ids` may be a list, a set, a tuple or
#   a tensor.
# - The random id is any of the others below `vocab_size`, each as likely as the next.
# - All chance comes from `generator`. PyTorch's functions take it by that name, and with None they use the global one.
#
# **By hand:** a batch of 1,000 tokens, 100 of them special. About $900 \cdot 0.15 = 135$ get a label. Of these about 108
# become `mask_id`, 13 or 14 another id, and as many stay. So `inputs` and `tokens` differ at about 121 places.
#
# | you see | likely cause |
# |---|---|
# | more than 15 % of the labels are not -100 | labels were kept where nothing was chosen |
# | labels that equal the inputs at every place | the labels were read off after the inputs had been changed |
# | far fewer random ids than a tenth | the second draw is made among what the first has left |
# | padding turns into words | special tokens can be chosen |
# | the same blanks in every epoch | a seed is fixed inside the function |

# %% [markdown] hints="mask_tokens"

# %% exercise="mask_tokens"
def mask_tokens(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    """BERT's blanks: inputs with some tokens changed, labels with what stood there.

    tokens (batch, seq) -> inputs and labels (batch, seq). Devlin et al. 2018.
    """
    ### BEGIN SOLUTION
    special = {int(i) for i in special_ids}
    ordinary = torch.tensor([i for i in range(vocab_size) if i not in special])
    chance, fate = torch.rand(2, *tokens.shape, generator=generator).to(tokens.device)
    picks = torch.randint(len(ordinary), tokens.shape, generator=generator)
    random = ordinary[picks].to(tokens)
    is_special = torch.isin(tokens, torch.tensor(list(special)).to(tokens))
    chosen = (chance < rate) & ~is_special
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)
    ### END SOLUTION

# %% check="mask_tokens"
check("mask_tokens")

# %% [markdown] slug="gelu-text"
# ### A block with GELU
#
# BERT, GPT-2 and ViT are stacks of the block from chapter 5, with one difference inside: their feed-forward networks have
# **GELU** where yours has ReLU, $\text{GELU}(x) = x \cdot \Phi(x)$, with $\Phi$ the distribution function of the normal
# distribution (Hendrycks & Gimpel 2016). It has no corner: $\text{GELU}(1) = 0.8413$ and $\text{GELU}(-1) = -0.1587$, where
# ReLU gives 1 and 0.
#
# There are two forms of it, the exact one and an approximation with tanh, which gives 0.8412 for 1. A model has to be run
# with the form that it was trained with. `gelu_block` below takes your block and exchanges its network and its norms, since
# `eps` differs from model to model too. Its parameters keep their names.

# %% slug="gelu-block"
EncoderBlock, FeedForward, LayerNorm = my.EncoderBlock, my.FeedForward, my.LayerNorm

class GeluFeedForward(FeedForward):
    """Chapter 5's network with GELU in the place of ReLU."""

    def __init__(self, d_model, d_ff, dropout, approximate):
        super().__init__(d_model, d_ff, dropout)
        self.approximate, self.drop = approximate, nn.Dropout(dropout)

    def forward(self, x):
        hidden = F.gelu(self.linear1(x), approximate=self.approximate)
        return self.linear2(self.drop(hidden))

def gelu_block(d_model, num_heads, d_ff, dropout=0.0, norm_first=False, eps=1e-5,
               approximate="none"):
    """An encoder block with another activation, and another eps in its norms."""
    block = EncoderBlock(d_model, num_heads, d_ff, dropout, norm_first)
    block.feed_forward = GeluFeedForward(d_model, d_ff, dropout, approximate)
    block.norm1, block.norm2 = LayerNorm(d_model, eps), LayerNorm(d_model, eps)
    return block

# %% [markdown] slug="bert-text"
# ### Exercise: `Bert`
#
# BERT is the encoder alone. It turns every token into a vector that depends on the whole text, to the left and to the
# right, and a small layer on top then tags words, classifies sentences, or fills in blanks. That is why such a model is
# called **bidirectional**.
#
# `__init__` begins with three parts that are given: `token_embedding`, `segment_embedding` and `positions`. Add the rest,
# under these names, which the given `load_pretrained` relies on:
#
# | name | what |
# |---|---|
# | `norm` | a `LayerNorm` for the sum of the embeddings |
# | `blocks` | an `nn.ModuleList` of `num_layers` blocks from `gelu_block`, post-norm, with the exact GELU |
#
# - `forward(tokens, segments=None, mask=None)` gives `(batch, seq, d_model)`. The three embeddings are summed, then comes
#   the norm, then dropout, then the blocks.
# - `segments` (`(batch, seq)` of ints) says which of two sentences a token belongs to. Where none are given, all tokens are
#   of segment 0.
# - `mask` goes to every block. `eps` goes into every norm.
# - More than `max_len` tokens raise a `ValueError` that names `max_len` and a number. `positions` is your class from
#   chapter 6.
#
# **By hand:** $d_{model} = 2$. The embedding of a token is $(1, 3)$, that of its segment $(0, 1)$, that of its position
# $(1, 0)$. The sum is $(2, 4)$, with mean 3 and standard deviation 1. So the norm, as it starts, gives $(-1, 1)$. And
# `Bert(10, 4, 2, 8, 1, 6)` has $72$ numbers in its embeddings, $8$ in `norm` and $80 + 76 + 16 = 172$ in its block,
# together 252.
#
# | you see | likely cause |
# |---|---|
# | `unexpected` names when weights are loaded | a part is missing, or the blocks are in a plain list |
# | results off by a thousandth | the tanh form of GELU, or `eps` did not reach every norm |
# | an error in an embedding when there are no segments | `None` went into it |
# | padding changes the vectors of real words | `mask` does not reach every block |

# %% [markdown] hints="Bert"

# %% exercise="Bert"
LearnedPositionalEmbedding = my.LearnedPositionalEmbedding

class Bert(nn.Module):
    """tokens (batch, seq) -> (batch, seq, d_model). Devlin et al. 2018."""

    def __init__(self, vocab_size, d_model, num_heads, d_ff, num_layers, max_len,
                 num_segments=2, dropout=0.0, eps=1e-12):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.segment_embedding = nn.Embedding(num_segments, d_model)
        self.positions = LearnedPositionalEmbedding(max_len, d_model)
        ### BEGIN SOLUTION
        self.norm = LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            gelu_block(d_model, num_heads, d_ff, dropout, eps=eps)
            for _ in range(num_layers))
        ### END SOLUTION

    def forward(self, tokens, segments=None, mask=None):
        ### BEGIN SOLUTION
        if segments is None:
            segments = torch.zeros_like(tokens)
        x = self.token_embedding(tokens) + self.segment_embedding(segments)
        x = self.dropout(self.norm(self.positions(x)))
        for block in self.blocks:
            x = block(x, mask=mask)
        return x
        ### END SOLUTION

    def load_pretrained(self, state_dict):
        """The weights of a real BERT: given."""
        checkpoints.load(self, "bert", state_dict)

# %% check="Bert"
check("Bert")

# %% [markdown] slug="gpt-title"
# ## GPT: a decoder that writes

# %% [markdown] slug="next-text"
# ### Exercise: `next_token_loss`
#
# GPT learns to say what comes next, at every place of a text at once: the logits of place $t$, which has read the tokens up
# to $t$, are asked for token $t + 1$. So the targets are the text itself, one place further on. A model that is trained in
# this way is called a **causal language model**.
#
# Build `next_token_loss(logits, tokens)` for logits `(batch, seq, vocab)` and tokens `(batch, seq)`. The result is the mean
# of the cross-entropy over all places that are asked for something, a tensor without axes. `F.cross_entropy` may be used.
#
# **By hand:** the text is `[[0, 1, 1]]`, with two tokens in the vocabulary. The model gives token 1 the probabilities 0.8,
# 0.5 and 0.1 at the three places. Place 0 is asked for 1: $-\ln 0.8 = 0.223$. Place 1 is asked for 1: $-\ln 0.5 = 0.693$.
# Place 2 is asked for nothing. The loss is $(0.223 + 0.693) / 2 = 0.458$.
#
# | you see | likely cause |
# |---|---|
# | a loss near 0 after a few steps, and nonsense when it writes | each place is asked for what it has read |
# | a size mismatch in `cross_entropy` | one of the two was not cut |
# | `Expected target size …` | the vocabulary must be axis 1, or all places one long row |
# | a loss that grows with the length of the text | a sum in place of the mean |

# %% [markdown] hints="next_token_loss"

# %% exercise="next_token_loss"
def next_token_loss(logits, tokens):
    """Mean cross-entropy of each next token.

    logits (batch, seq, vocab), tokens (batch, seq) -> scalar
    """
    ### BEGIN SOLUTION
    said, right = logits[:, :-1], tokens[:, 1:]
    return F.cross_entropy(said.flatten(0, 1), right.flatten())
    ### END SOLUTION

# %% check="next_token_loss"
check("next_token_loss")

# %% [markdown] slug="gpt-text"
# ### Exercise: `Gpt`
#
# GPT-2 is the same stack as BERT with three differences. No place sees a later one, so the whole text can be asked for its
# next tokens at once. The blocks are **pre-norm**, so a last norm comes behind them. And the vector of each place becomes
# logits by comparing it with the embedding of every token: input and output share one table of numbers, which is called
# **weight tying**.
#
# `__init__` begins with two parts that are given: `token_embedding`, which starts small because it is the output too, and
# `positions`. Add the rest, under these names, which the given `load_pretrained` relies on:
#
# | name | what |
# |---|---|
# | `blocks` | an `nn.ModuleList` of `num_layers` blocks from `gelu_block`, pre-norm, with the tanh form of GELU |
# | `norm` | a `LayerNorm` behind the last block |
#
# - `forward(tokens)` gives logits `(batch, seq, vocab_size)`: embedding, positions, dropout, blocks, norm, logits.
# - The feed-forward networks are `4 * d_model` wide. Every eps is $10^{-5}$, the default.
# - More than `max_len` tokens raise a `ValueError` that names `max_len` and a number.
#
# **By hand:** $d_{model} = 2$, and three tokens have the embeddings $(1, 0)$, $(0, 1)$ and $(1, 1)$. The last vector is
# $(2, 4)$. The norm, as it starts, gives $(-1, 1)$, and the logits are $(-1, 1, 0)$. And `Gpt(10, 4, 2, 1, 6)` has $64$
# numbers in its embeddings, $80 + 148 + 16 = 244$ in its block and $8$ in `norm`, together 316.
#
# | you see | likely cause |
# |---|---|
# | a loss near 0 in training, and nonsense when it writes | a block gets no look-ahead mask |
# | `vocab_size * d_model` parameters too many | the output has a table of its own |
# | `unexpected` names when weights are loaded | a part is missing, or the blocks are in a plain list |
# | results off by a thousandth | the exact form of GELU |

# %% [markdown] hints="Gpt"

# %% exercise="Gpt"
create_look_ahead_mask = my.create_look_ahead_mask

class Gpt(nn.Module):
    """tokens (batch, seq) -> logits (batch, seq, vocab). Radford et al. 2019."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, dropout=0.0):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.token_embedding.weight, std=0.02)   # it is the output too
        self.positions = LearnedPositionalEmbedding(max_len, d_model)
        ### BEGIN SOLUTION
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            gelu_block(d_model, num_heads, 4 * d_model, dropout, norm_first=True,
                       approximate="tanh")
            for _ in range(num_layers))
        self.norm = LayerNorm(d_model)
        ### END SOLUTION

    def forward(self, tokens):
        ### BEGIN SOLUTION
        x = self.dropout(self.positions(self.token_embedding(tokens)))
        mask = create_look_ahead_mask(tokens.shape[1]).to(x.device)
        for block in self.blocks:
            x = block(x, mask=mask)
        return self.norm(x) @ self.token_embedding.weight.T
        ### END SOLUTION

    def load_pretrained(self, state_dict):
        """The weights of a real GPT-2: given."""
        checkpoints.load(self, "gpt", state_dict)

# %% check="Gpt"
check("Gpt")

# %% [markdown] slug="sample-text"
# ### Exercise: `sample_token`
#
# A model that writes gives logits for the next token, and someone has to choose. Always the likeliest is dull, and soon
# goes round in circles; drawing from all tokens brings in nonsense, because thousands of unlikely ones are likely together.
# Three settings lie between the two (Holtzman et al. 2020):
#
# - **Temperature** divides the logits. Below 1 the likely tokens become likelier still; 0 means the likeliest one.
# - **Top-k** keeps the `top_k` largest logits of a row.
# - **Top-p** (nucleus sampling) keeps the smallest set of tokens whose probability reaches `top_p`, always at least one.
#
# Build `sample_token(logits, temperature=1.0, top_k=None, top_p=None, generator=None)` for logits `(batch, vocab)`. The
# result is a token for each row: `(batch,)`, int64. Temperature comes first, then top-k, then top-p, which looks at the
# probabilities of what top-k has left. What is left is drawn by its probability. All chance comes from `generator`, and
# each row is on its own. A `top_k` above the vocabulary keeps all.
#
# **By hand:** three tokens with probabilities 0.5, 0.3 and 0.2, and `top_p=0.7`. The sums are 0.5, 0.8, 1.0. The second
# token is the one with which 0.7 is reached, so two are left, and they are drawn with probabilities $5/8$ and $3/8$. With
# temperature 0.5 the probabilities are squared first: $0.25 : 0.09 : 0.04$, which is 0.658, 0.237 and 0.105.
#
# | you see | likely cause |
# |---|---|
# | a low temperature makes wilder text | the logits are multiplied by it |
# | `top_p=0.7` keeps a set of probability 0.6 | the token with which p is reached was dropped |
# | tokens that were filtered out come back | they were given probability 0, and then a softmax |
# | `probability tensor contains … nan` | a row has nothing left, or a division by temperature 0 |
# | other rows are cut like the first | one threshold for the whole batch |

# %% [markdown] hints="sample_token"

# %% exercise="sample_token"
def sample_token(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """The next token of each row, drawn from what the filters leave.

    logits (batch, vocab) -> (batch,) int64
    """
    ### BEGIN SOLUTION
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        top_k = min(top_k, logits.shape[-1])
        smallest = logits.topk(top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < smallest, -torch.inf)
    if top_p is not None:
        ordered, ids = logits.softmax(dim=-1).sort(dim=-1, descending=True)
        before = ordered.cumsum(dim=-1) - ordered     # what the likelier ones sum to
        spare = torch.zeros_like(before, dtype=torch.bool).scatter(
            -1, ids, (before >= top_p) & (before > 0))
        logits = logits.masked_fill(spare, -torch.inf)
    choices = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)
    return choices.squeeze(-1)
    ### END SOLUTION

# %% check="sample_token"
check("sample_token")

# %% [markdown] slug="generate-text"
# ### Stretch exercise: `generate`
#
# Writing is a loop: read the text, choose a token, add it, read again. That reads the whole text anew for every token,
# though keys and values of earlier places stay what they are. A model can keep them, in a **key/value cache**. Here a model
# offers its cache by a method: `extend(tokens, past=None)` reads new tokens `(batch, new)` behind what `past` holds, and
# gives the pair `(logits, past)`, with logits `(batch, new, vocab)` for the new places alone.
#
# Build `generate(model, tokens, max_new_tokens, sampler, use_cache=True)`, which gives `(batch, seq + max_new_tokens)`: the
# given tokens, and behind them the new ones.
#
# - `sampler(logits)` takes the last place's logits `(batch, vocab)` and gives `(batch,)`.
# - If `use_cache` and the model has `extend`, that is asked, and each token is handed over once. Else `model(tokens)` is.
# - Everything happens inside `evaluating`, so also after an error each part of the model is in the mode it was in. A
#   `ValueError` of the model, for a text that is too long, passes through.
#
# **By hand:** a prompt of 5 tokens and 4 new ones. Without a cache the model reads $5 + 6 + 7 + 8 = 26$ tokens, with it $5
# + 1 + 1 + 1 = 8$.
#
# | you see | likely cause |
# |---|---|
# | another text with the cache than without | the past was not handed on, or tokens were read twice |
# | the cache makes nothing faster | the whole text goes into `extend` each time |
# | two runs with a greedy sampler differ | dropout is on |
# | `no attribute 'extend'` | the model was not asked whether it has one |

# %% [markdown] hints="generate"

# %% slug="evaluating"

@contextmanager
def evaluating(model):
    """No gradients, no dropout; afterwards each part is in the mode it was in: given."""
    flags = {part: part.training for part in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training_flag in flags.items():
            part.training = training_flag

# %% exercise="generate"
def generate(model, tokens, max_new_tokens, sampler, use_cache=True):
    """The tokens, and max_new_tokens more that the sampler chose.

    tokens (batch, seq) -> (batch, seq + max_new_tokens)
    """
    ### BEGIN SOLUTION
    cached = use_cache and hasattr(model, "extend")
    past, new = None, tokens
    with evaluating(model):
        for _ in range(max_new_tokens):
            if cached:
                logits, past = model.extend(new, past)
            else:
                logits = model(tokens)
            new = sampler(logits[:, -1]).unsqueeze(1)
            tokens = torch.cat([tokens, new], dim=1)
    return tokens
    ### END SOLUTION

# %% check="generate"
check("generate")

# %% [markdown] slug="t5-title"
# ## T5: every task as text

# %% [markdown] slug="span-text"
# ### Exercise: `span_corruption`

# %% [markdown] hints="span_corruption"

# %% exercise="span_corruption"
def span_corruption(tokens, spans, sentinel_ids, eos_id):
    """T5's blanks: each span becomes a sentinel, and the targets say what stood there.

    tokens: a list of ints; spans: sorted pairs (start, length) -> (inputs, targets)
    """
    ### BEGIN SOLUTION
    inputs, targets, place = [], [], 0
    for sentinel, (start, length) in zip(sentinel_ids, spans):
        inputs += [*tokens[place:start], sentinel]
        place = start + length
        targets += [sentinel, *tokens[start:place]]
    return inputs + list(tokens[place:]), targets + [eos_id]
    ### END SOLUTION

# %% check="span_corruption"
check("span_corruption")

# %% [markdown] slug="bucket-text"
# ### Exercise: `relative_position_bucket`

# %% [markdown] hints="relative_position_bucket"

# %% exercise="relative_position_bucket"
def relative_position_bucket(relative_position, bidirectional=True, num_buckets=32,
                             max_distance=128):
    """The bucket of each distance, key's position minus query's.

    int64 of any shape -> int64 of the same shape. Raffel et al. 2020.
    """
    ### BEGIN SOLUTION
    first = torch.zeros_like(relative_position)
    if bidirectional:
        num_buckets //= 2
        first = num_buckets * (relative_position > 0)
        distance = relative_position.abs()
    else:
        distance = (-relative_position).clamp(min=0)
    exact = num_buckets // 2
    share = torch.log(distance.clamp(min=1).double() / exact) / math.log(max_distance / exact)
    far = exact + (share * (num_buckets - exact)).long()
    far = far.clamp(max=num_buckets - 1)
    return first + torch.where(distance < exact, distance, far)
    ### END SOLUTION

# %% check="relative_position_bucket"
check("relative_position_bucket")

# %% [markdown] slug="t5-text"
# ### Exercise: `T5`, first part: attention with a bias

# %% [markdown] hints="T5"

# %% exercise="T5-attention"
split_heads, merge_heads = my.split_heads, my.merge_heads

class BiasedAttention(nn.Module):
    """Attention in heads with a bias on the scores and no scale.

    query (batch, q_len, d_model), key (batch, k_len, d_model) -> (batch, q_len, d_model)
    """

    def __init__(self, d_model, num_heads, d_head):
        super().__init__()
        self.num_heads, inner = num_heads, num_heads * d_head
        self.w_q = nn.Linear(d_model, inner, bias=False)
        self.w_k = nn.Linear(d_model, inner, bias=False)
        self.w_v = nn.Linear(d_model, inner, bias=False)
        self.w_o = nn.Linear(inner, d_model, bias=False)

    def forward(self, query, key, bias):
        """bias: added to the scores (batch, num_heads, q_len, k_len), -inf where masked."""
        ### BEGIN SOLUTION
        q, k, v = (split_heads(x, self.num_heads)
                   for x in (self.w_q(query), self.w_k(key), self.w_v(key)))
        scores = q @ k.transpose(-2, -1) + bias
        blind = (scores == -torch.inf).all(dim=-1, keepdim=True)
        weights = scores.masked_fill(blind, 0.0).softmax(dim=-1).masked_fill(blind, 0.0)
        return self.w_o(merge_heads(weights @ v))
        ### END SOLUTION

# %% exercise="T5-block"
RMSNorm = my.RMSNorm

class T5Block(nn.Module):
    """x (batch, seq, d_model) -> the same shape; with crosses=True it looks at a memory too."""

    def __init__(self, d_model, num_heads, d_head, d_ff, crosses):
        super().__init__()
        self.self_attention = BiasedAttention(d_model, num_heads, d_head)
        if crosses:
            self.cross_attention = BiasedAttention(d_model, num_heads, d_head)
        self.feed_forward = nn.Sequential()
        self.feed_forward.linear1 = nn.Linear(d_model, d_ff, bias=False)
        self.feed_forward.relu = nn.ReLU()
        self.feed_forward.linear2 = nn.Linear(d_ff, d_model, bias=False)
        self.norm1, self.norm2 = RMSNorm(d_model), RMSNorm(d_model)
        if crosses:
            self.norm3 = RMSNorm(d_model)

    def forward(self, x, bias, memory=None, memory_bias=None):
        ### BEGIN SOLUTION
        normed = self.norm1(x)
        x = x + self.self_attention(normed, normed, bias)
        if memory is None:
            return x + self.feed_forward(self.norm2(x))
        x = x + self.cross_attention(self.norm2(x), memory, memory_bias)
        return x + self.feed_forward(self.norm3(x))
        ### END SOLUTION

# %% exercise="T5"
def as_bias(mask, like):
    """A mask (True = may attend) as numbers to add: 0 and -inf. Given."""
    return like.new_zeros(mask.shape).masked_fill(~mask, -torch.inf)

class T5(nn.Module):
    """source (batch, seq), target_in (batch, target_len)
    -> logits (batch, target_len, vocab). Raffel et al. 2020.
    """

    def __init__(self, vocab_size, d_model, num_heads, d_head, d_ff, num_layers,
                 num_buckets=32, max_distance=128):
        super().__init__()
        self.num_buckets, self.max_distance = num_buckets, max_distance
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.encoder_bias = nn.Embedding(num_buckets, num_heads)
        self.decoder_bias = nn.Embedding(num_buckets, num_heads)
        ### BEGIN SOLUTION
        sizes, layers = (d_model, num_heads, d_head, d_ff), range(num_layers)
        self.encoder = nn.ModuleList(T5Block(*sizes, crosses=False) for _ in layers)
        self.decoder = nn.ModuleList(T5Block(*sizes, crosses=True) for _ in layers)
        self.encoder_norm, self.decoder_norm = RMSNorm(d_model), RMSNorm(d_model)
        ### END SOLUTION

    def position_bias(self, table, length, bidirectional):
        """What each head adds to its scores: (num_heads, length, length)."""
        ### BEGIN SOLUTION
        place = torch.arange(length, device=table.weight.device)
        buckets = relative_position_bucket(
            place - place[:, None], bidirectional, self.num_buckets, self.max_distance)
        return table(buckets).permute(2, 0, 1)
        ### END SOLUTION

    def encode(self, source, source_mask=None):
        """The memory (batch, seq, d_model)."""
        ### BEGIN SOLUTION
        x = self.token_embedding(source)
        bias = self.position_bias(self.encoder_bias, source.shape[1], True)
        if source_mask is not None:
            bias = bias + as_bias(source_mask, x).unsqueeze(-3)
        for block in self.encoder:
            x = block(x, bias)
        return self.encoder_norm(x)
        ### END SOLUTION

    def decode(self, target_in, memory, source_mask=None):
        """Logits (batch, target_len, vocab)."""
        ### BEGIN SOLUTION
        x, length = self.token_embedding(target_in), target_in.shape[1]
        past = create_look_ahead_mask(length).to(x.device)
        bias = self.position_bias(self.decoder_bias, length, False) + as_bias(past, x)
        memory_bias = 0.0
        if source_mask is not None:
            memory_bias = as_bias(source_mask, x).unsqueeze(-3)
        for block in self.decoder:
            x = block(x, bias, memory, memory_bias)
        x = self.decoder_norm(x) * x.shape[-1] ** -0.5
        return x @ self.token_embedding.weight.T
        ### END SOLUTION

    def forward(self, source, target_in, source_mask=None):
        return self.decode(target_in, self.encode(source, source_mask), source_mask)

    def load_pretrained(self, state_dict):
        """The weights of a real T5: given."""
        checkpoints.load(self, "t5", state_dict)

# %% check="T5"
check("T5")

# %% [markdown] slug="vit-title"
# ## ViT: a picture as a sentence of patches

# %% [markdown] slug="patchify-text"
# ### Exercise: `patchify`

# %% [markdown] hints="patchify"

# %% exercise="patchify"
def patchify(images, patch_size):
    """Pictures cut into square patches, row by row.

    images (batch, channels, height, width) -> (batch, patches, channels * patch_size²)
    """
    ### BEGIN SOLUTION
    batch, channels, height, width = images.shape
    if height % patch_size or width % patch_size:
        raise ValueError(f"{height} x {width} does not split by patch_size={patch_size}")
    rows, columns = height // patch_size, width // patch_size
    x = images.reshape(batch, channels, rows, patch_size, columns, patch_size)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, -1)
    ### END SOLUTION

# %% check="patchify"
check("patchify")

# %% [markdown] slug="vit-text"
# ### Exercise: `ViT`

# %% [markdown] hints="ViT"

# %% exercise="ViT"
class ViT(nn.Module):
    """images (batch, channels, image_size, image_size) -> logits (batch, num_classes).

    Dosovitskiy et al. 2021.
    """

    def __init__(self, image_size, patch_size, channels, num_classes, d_model,
                 num_heads, d_ff, num_layers, dropout=0.0):
        super().__init__()
        self.patch_size, patches = patch_size, (image_size // patch_size) ** 2
        self.patch_embedding = nn.Linear(channels * patch_size**2, d_model)
        self.class_token = nn.Parameter(torch.zeros(d_model))
        self.positions = LearnedPositionalEmbedding(patches + 1, d_model)
        ### BEGIN SOLUTION
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            gelu_block(d_model, num_heads, d_ff, dropout, norm_first=True, eps=1e-12)
            for _ in range(num_layers))
        self.norm = LayerNorm(d_model, 1e-12)
        self.classifier = nn.Linear(d_model, num_classes)
        ### END SOLUTION

    def encode(self, images):
        """What the class token and each patch became: (batch, patches + 1, d_model)."""
        ### BEGIN SOLUTION
        x = self.patch_embedding(patchify(images, self.patch_size))
        first = self.class_token.expand(len(x), 1, -1)
        x = self.dropout(self.positions(torch.cat([first, x], dim=1)))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)
        ### END SOLUTION

    def forward(self, images):
        ### BEGIN SOLUTION
        return self.classifier(self.encode(images)[:, 0])
        ### END SOLUTION

    def load_pretrained(self, state_dict):
        """The weights of a real ViT: given."""
        checkpoints.load(self, "vit", state_dict)

# %% check="ViT"
check("ViT")

# %% [markdown] slug="iou-text"
# ### Exercise: `box_iou`

# %% [markdown] hints="box_iou"

# %% exercise="box_iou"
def box_iou(a, b):
    """Intersection over union of every pair of boxes (x0, y0, x1, y1).

    a (n, 4), b (m, 4) -> (n, m)
    """
    ### BEGIN SOLUTION
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (high - low).clamp(min=0).prod(dim=-1)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(dim=-1) for x in (a, b))
    union = area_a[:, None] + area_b[None, :] - common
    empty = union == 0
    return torch.where(empty, 0.0, common / union.masked_fill(empty, 1.0))
    ### END SOLUTION

# %% check="box_iou"
check("box_iou")

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("08_applications")

# %% [markdown] slug="written-question"
# ## In your own words
#
# TODO

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric** (2 points)
# ### END SOLUTION
