# %% [markdown] slug="title"
# # 3 · Self-attention
#
# In chapter 2 somebody handed you queries, keys and values. Here you have one sentence:
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `SelfAttention` | every word of a sentence takes something from every other word | 30 | 3 |
# | `create_look_ahead_mask` | keeps a model that writes from reading its own answer | 15 | 1.5 |
# | `create_padding_mask` | lets sentences of different lengths share a batch | 15 | 1.5 |
#
# Two **open tasks** carry no points: the shift that turns a text into a task, and the loop that writes.
#
# **Time:** about 130 minutes, of which 55 are reading, running and the open tasks, and 15 the quiz and the written question.
#
# **You need:** chapter 2 (`attention`).
#
# Where a cell begins with `guess_`, enter your prediction: it is drawn on the result.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()
import math
import torch
from torch import nn
from utils import my, session
from utils.chapters.self_attention import experiment as toy
from utils.chapters.self_attention import explorer, pictures, tasks

attention = my.attention

# %% [markdown] slug="one-sentence"
# ## One sentence, three roles
#
# **Where do queries, keys and values come from when there is only one sequence?**
#
# A table of word vectors gives `cat` the same vector in every sentence. To find out that this one sat, `cat` has to look at
# the other words of *The cat sat on the mat*.
#
# **Self-attention** gives each word three roles. As a **query** it asks, as a **key** it can be found, as a **value** it is
# passed on. All three are made from the same vector, by three matrices that are learned:
#
# $$Q = X W^Q \qquad K = X W^K \qquad V = X W^V$$
#
# $$\text{output} = \text{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
#
# | symbol | shape | what it is |
# |---|---|---|
# | $X$ | `(batch, seq, d_model)` | the words, one vector each |
# | $Q$, $K$ | `(batch, seq, d_k)` | what each word asks for, what it is found by |
# | $V$ | `(batch, seq, d_v)` | what each word passes on |
# | weights | `(batch, seq, seq)` | row *i*: how much word *i* takes from each word |
# | output | `(batch, seq, d_v)` | each word's mixture: the word **in its context** |
#
# The drawing has the sizes of the layer that you run first.

# %% slug="draw-projections"
pictures.projections(batch=1, seq=6, d_model=32, d_k=16, d_v=32)

# %% [markdown] slug="by-hand"
# ### A number by hand
#
# Two words with vectors of size 2, and projections to size 1 ($d_k = d_v = 1$):
#
# | | vector | query: first entry | key: ln 3 × second entry | value: 4 × first + 8 × second |
# |---|---|---|---|---|
# | word 0 | (1, 0) | 1 | 0 | 4 |
# | word 1 | (0, 1) | 0 | ln 3 | 8 |
#
# Word 0 asks with 1. Its scores are 1 · 0 = 0 and 1 · ln 3 = ln 3. The exponentials are 1 and 3, so its weights are ¼ and ¾,
# and its output is ¼ · 4 + ¾ · 8 = **7**. Word 1 asks with 0. Both scores are 0, both weights ½, and its output is **6**.
# Looking is not mutual.

# %% [markdown] slug="build-self-attention"
# ## Exercise: `SelfAttention`
#
# Build the layer as an `nn.Module`.
#
# - `SelfAttention(d_model, d_k, d_v)` makes three linear layers **without bias**, called `w_q`, `w_k` and `w_v`.
# - `forward(x, mask=None)` takes `x` of shape `(batch, seq, d_model)` and returns `(output, weights)` of the shapes in the
#   first table. The mask, where there is one, is boolean with `True` = may attend, as in chapter 2.
# - `attention`, yours or the reference's, is there for you to use. Plain tensor operations are just as welcome.
#
# In the checks `d_model`, `d_k` and `d_v` are three different numbers. In much code that you will read they are equal,
# and a mistake in the scale goes unseen.

# %% [markdown] hints="SelfAttention"

# %% [markdown] slug="symptoms-SelfAttention"
# | you see | look at |
# |---|---|
# | `state_dict has no w_k.weight` | the constructor: three layers, `w_q`, `w_k`, `w_v` |
# | two parameters are equal after loading | `self.w_k = self.w_q` is one layer under two names |
# | right where `d_model` is `d_k`, wrong otherwise | the scale: the root of the size of a query |
# | weights too sharp, nearly 0 and 1 | the scores are not scaled |
# | NaN in some rows | a row in which everything is masked: is `attention` of chapter 2 used? |

# %% exercise="SelfAttention"
class SelfAttention(nn.Module):
    """Each word takes a mixture of the values of all words: q, k and v from the same input.

    `forward(x (batch, seq, d_model), mask=None)` returns `output (batch, seq, d_v)` and
    `weights (batch, seq, seq)`. Vaswani et al. 2017, section 3.2.
    """

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        ### BEGIN SOLUTION
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)
        ### END SOLUTION

    def forward(self, x, mask=None):
        ### BEGIN SOLUTION
        return attention(self.w_q(x), self.w_k(x), self.w_v(x), mask=mask)
        ### END SOLUTION

# %% check="SelfAttention"
check("SelfAttention")

# %% [markdown] slug="by-hand-again"
# The same through the layer. `nn.Linear` keeps its weights as `(outputs, inputs)`.

# %% slug="by-hand-code" tags=["nbval-check-output"]
two_words = my.SelfAttention(d_model=2, d_k=1, d_v=1)
two_words.load_state_dict({
    "w_q.weight": torch.tensor([[1.0, 0.0]]),
    "w_k.weight": torch.tensor([[0.0, math.log(3)]]),
    "w_v.weight": torch.tensor([[4.0, 8.0]]),
})
with torch.no_grad():
    output, weights = two_words(torch.eye(2)[None])
print("weights", weights[0].mul(100).round().div(100).tolist())
print("output ", output[0, :, 0].mul(100).round().div(100).tolist())

# %% [markdown] slug="each-word-sees-all"
# ## Each word gets context from all words
#
# **What does a layer do with a sentence before it has learned anything?** The word vectors and the three matrices are random.
# An even spread would be $\tfrac16 = 0.17$ everywhere.

# %% slug="untrained-layer"
sentence = toy.HELD_OUT
words = sentence.split()
torch.manual_seed(0)
vectors = nn.Embedding(len(toy.WORDS), 32)
layer = my.SelfAttention(d_model=32, d_k=16, d_v=32)
with torch.no_grad():
    x = vectors(toy.encode(sentence))[None]
    output, weights = layer(x)
pictures.maps({"random weights: who looks at whom": (weights[0], words)})

# %% [markdown] slug="untrained-layer-read"
# Every word takes something from every word, also from itself: the softmax never gives 0. It does not yet know which matters.
#
# ### Give it something to learn
#
# In a toy language we know what the right context is. Its 108 sentences all look like *The cat sat on the mat*, and three
# things hang together:
#
# - the **animal** decides the **verb**: a cat sat, a dog lay, a bird sang …
# - the **first word** goes with the ending: *The cat*, *Two cats*;
# - the **place** decides the **preposition**: *on the mat*, *in the box*. Each preposition has three places.
#
# One word is hidden behind a `?`, and a model has to guess it from the other five: **masked language modelling**. The model is
# your layer with as little around it as possible: a vector for each word, a vector for each place (chapter 6), your layer, and
# a linear **readout**, which gives each word a score, its **logit**. The layer's output is added to the word's own vector, a
# **residual connection**.

# %% slug="sentence-model"
class SentenceModel(nn.Module):
    """Word and place vectors, one layer, a readout; gives logits and weights."""

    def __init__(self, vocab, length, d_model=32, d_k=16):
        super().__init__()
        self.word = nn.Embedding(vocab, d_model)
        self.place = nn.Embedding(length, d_model)
        self.attention = my.SelfAttention(d_model, d_k, d_model)
        self.readout = nn.Linear(d_model, vocab)

    def forward(self, tokens, mask=None):
        x = self.word(tokens) + self.place.weight[: tokens.shape[-1]]
        output, weights = self.attention(x, mask=mask)
        return self.readout(x + output), weights

# %% [markdown] slug="fill-in-predict"
# **Predict 1.** `cat`, `sat` and `on` are hidden in turn. Which word of the sentence will the trained layer give the largest
# weight? Your guesses are framed in the map. The model never sees this sentence in its training.

# %% slug="guess-looks"
guess_looks = {"cat": None, "sat": None, "on": None}    # for example "the"

# %% slug="train-fill-in"
filler = SentenceModel(len(toy.WORDS), length=6)
if session.training_allowed():
    losses = toy.train_fill_in(filler, seed=1)       # other seeds: further down
    pictures.fill_in_losses(losses, toy.FILL_IN_FLOOR)

# %% [markdown] slug="fill-in-floor"
# The dashed line is the best that is possible: five of the six words are certain once you see the others, and the place is one
# of three, which costs ln 3 = 1.10 in one case of six. Now each word is hidden in turn: first the model's guesses, then the row
# of weights of the hidden word.

# %% slug="trained-layer"
shown, weights, guesses = toy.looks(filler)
if session.training_allowed():
    for tokens, guess in zip(shown, guesses, strict=True):
        likely = [f"{word} {p:.2f}"
                  for word, p in zip(toy.WORDS, guess, strict=True) if p > 0.05]
        print(f"{' '.join(toy.decode(tokens)):24}", *likely)
    pictures.looks(weights, words, guess_looks)

# %% [markdown] slug="trained-layer-read"
# - `cat` takes from **two** words: the verb says which animal, the first word says how many.
# - The verb is looked for at the animal, `on` at the place.
# - The row of `the` means nothing: that word is the same in every sentence. **Weights are worth reading only where the task
#   depends on them.**
#
# BERT is trained in this way (chapter 8). But the layer had help.
#
# ### The same training, without the help
#
# `toy.train_fill_in` **held queries and keys back**: they started at three tenths of the size of the other weights, and learned
# at a tenth of their rate. Below, five models are trained with it, and five with one size and one rate for all weights.
#
# **Predict 2.** With the help the loss ended near 0.18, the best possible. Where will it end without, for a typical seed?

# %% slug="guess-loss"
guess_loss = None    # for example 0.3

# %% slug="held-back-or-not"
# about 8 seconds
if session.training_allowed():
    ends, maps = {}, {}
    for way, held_back in {"held back": True, "one rate for all": False}.items():
        ends[way], maps[way] = [], []
        for seed in range(5):
            model = SentenceModel(len(toy.WORDS), length=6)
            losses = toy.train_fill_in(model, seed=seed, held_back=held_back)
            ends[way].append(sum(losses[-50:]) / 50)
            maps[way].append(toy.looks(model)[1])
    pictures.held_back(ends, maps, words, toy.FILL_IN_FLOOR, guess_loss)

# %% [markdown] slug="held-back-read"
# **Held back,** the loss is the same five times, near the best possible, and the maps agree in part: `cat` takes most from
# `sat` in all five, and `sat` most from `cat`. How much `The` looks at `cat`, or `on` at `mat`, differs from seed to seed.
#
# **With one rate** most models are stuck far above the best loss. Their rows are no less sharp, and many point at a word that
# tells nothing. The likely reason is **saturation**: early on some queries become so sure of one word that the others get next
# to no weight, and next to no gradient (chapter 2). Whether a sharp row is of use, only the loss says.
#
# ## Why three projections? (a demonstration)
#
# **Could one matrix serve for queries and keys?** Then the score of *i* for *j* would be $x_i W W^\top x_j^\top$, which does
# not change when *i* and *j* change places. The cell measures it on your trained layer, then on a copy in which the keys use
# the queries' matrix.

# %% slug="symmetric-scores"
with torch.no_grad():
    x = filler.word(toy.encode(sentence)) + filler.place.weight
    q, k = filler.attention.w_q(x), filler.attention.w_k(x)
    for name, keys in {"keys of their own": k, "keys = queries": q}.items():
        scores = q @ keys.T / 16**0.5                 # d_k = 16
        cat_sat, sat_cat = scores[1, 2], scores[2, 1]
        print(f"{name:18} cat scores sat {cat_sat:5.2f}, sat scores cat {sat_cat:5.2f}")

# %% [markdown] slug="order"
# With one matrix every score equals its mirror image: `cat` could not look for its verb without the verb looking for `cat` just
# as hard. Values have a matrix of their own for a similar reason: what a word is found by need not be what it passes on.
#
# ## What it cannot see: the order
#
# **Does the layer know which word comes first?** The layer with random weights reads our sentence backwards.
#
# **Predict 3.** By how much will the output of `cat` change? (The largest change of its 32 numbers, which lie between −1 and
# 1.)

# %% slug="guess-cat"
guess_cat = None    # for example 0.5

# %% slug="reverse-the-words"
backwards = torch.arange(5, -1, -1)
with torch.no_grad():
    x = vectors(toy.encode(sentence))[None]
    output, weights = layer(x)
    output_back, weights_back = layer(x[:, backwards])
changes = {
    "same word, other place": output_back[0, backwards] - output[0],
    "same place, other word": output_back[0] - output[0],
}
pictures.changes(changes, words, {"cat": guess_cat})
pictures.maps({
    "as written": (weights[0], words),
    "backwards": (weights_back[0], words[::-1]),
})

# %% [markdown] slug="order-read"
# Every word has kept its output and taken it along (blue); the outputs at one place differ (orange). The second map is the
# first, turned by half a turn. This is called **permutation equivariance**: reorder the input, and the
# output is reordered in the same way, and not changed otherwise. A bare layer reads a **bag of words**. The model above could
# tell places apart only because it added a vector for each place.
#
# ## A model that writes must not read ahead
#
# **What is the next word?** A **language model** answers that at every position at once. A full stop stands before and behind
# the sentence. What it is to say, the **targets**, is the input, **shifted by one**:

# %% slug="draw-next-words"
pictures.next_words(f"{toy.STOP} {sentence} {toy.STOP}".split(), position=1)

# %% [markdown] slug="look-ahead-mask"
# But the layer above lets every word see every word. At `The`, the answer `cat` stands one place to the right: follow the
# orange arrow back.
#
# The **causal mask** closes that. (Its other name, look-ahead mask, is in the name of the exercise.) Row *i* is the position
# that looks, column *j* the one that is looked at:
#
# $$\text{mask}_{ij} = \text{True} \iff j \le i$$
#
# ### By hand, for three positions
#
# | | sees 0 | sees 1 | sees 2 |
# |---|---|---|---|
# | **position 0** | True | False | False |
# | **position 1** | True | True | False |
# | **position 2** | True | True | True |
#
# Each position sees itself: it holds the word that has just been read, and what is asked for is the word *after* it.

# %% [markdown] slug="build-look-ahead-mask"
# ## Exercise: `create_look_ahead_mask`
#
# `create_look_ahead_mask(seq_len)` returns a boolean tensor of shape `(seq_len, seq_len)`, `True` where the position of
# the row may attend to that of the column.

# %% [markdown] hints="create_look_ahead_mask"

# %% [markdown] slug="symptoms-create_look_ahead_mask"
# | you see | look at |
# |---|---|
# | the first position gives NaN or 0 | the diagonal is excluded: j ≤ i, not j < i |
# | the mask does the opposite | a library with True = hidden; here and in `F.scaled_dot_product_attention` True = may attend |
# | a loss far below what the data allow | the future is visible: is the mask made, and is it passed on? |
# | low loss, rubbish when writing | the same: is any weight right of the diagonal? |

# %% exercise="create_look_ahead_mask"
def create_look_ahead_mask(seq_len):
    """(seq_len, seq_len) booleans: True where row i may attend to column j, j ≤ i."""
    ### BEGIN SOLUTION
    positions = torch.arange(seq_len)
    return positions[None, :] <= positions[:, None]
    ### END SOLUTION

# %% check="create_look_ahead_mask"
check("create_look_ahead_mask")

# %% [markdown] slug="shift-task"
# ### Open task: make the targets
#
# A language model needs no labels: the text is its own answer key, one word further on. Write `shifted(tokens)`. `tokens`
# is a batch of sentences with their full stops, `(batch, seq)`. It returns a pair of tensors of shape `(batch, seq - 1)`:
#
# - the **inputs**, which the model reads;
# - the **targets**: at each position the word that comes after the one that is read there.
#
# It is not checked and carries no points. The cell after it shows both rows for one sentence, as your function makes them,
# and says whether it is used for the training below.

# %% open="shifted"
def shifted(tokens):
    """tokens (batch, seq) -> inputs and targets, both (batch, seq - 1)."""
    ### BEGIN SOLUTION
    return tokens[:, :-1], tokens[:, 1:]
    ### END SOLUTION

# %% slug="try-shifted"
shift = tasks.try_shift(shifted)

# %% [markdown] slug="both-ways"
# ### Trained both ways
#
# The same model, sentences and number of steps, three seeds: with your mask, and without one.
#
# The best loss of an honest model is known. There are 108 sentences, all equally likely, so telling one costs ln 108 on
# average, spread over seven predictions: 0.67 for each word, the **entropy** of the language.
#
# **Predict 4.** With the mask the loss will end near 0.67. Where will it end without?

# %% slug="guess-cheat"
guess_cheat = None    # for example 0.5

# %% slug="train-both-ways"
# about 6 seconds
ways = {"with the mask": my.create_look_ahead_mask(7), "without a mask": None}
models, histories = {way: [] for way in ways}, {way: [] for way in ways}
if session.training_allowed():
    for way, mask in ways.items():
        for seed in range(3):
            model = SentenceModel(len(toy.WORDS), length=8)
            losses = toy.train_next_word(model, mask, shift, seed=seed)
            models[way].append(model)
            histories[way].append(losses)
    pictures.next_word_losses(histories, toy.NEXT_WORD_FLOOR, guess_cheat)

# %% [markdown] slug="both-ways-read"
# Without a mask the loss goes *through* the floor, and that is the alarm: no prediction can beat the entropy of what it
# predicts. Here it is a **leak**: the answer stands in the input.
#
# ### Open task: write
#
# Is the model with the low loss the better one? Let both write. A model that writes is **autoregressive**: it reads the text
# so far, a next word is drawn from what it predicts at the **last** position, the word is added, and the longer text is
# read again. Write `write(model, tokens, steps, longest)` for texts `tokens` of shape `(batch, seq)`:
#
# 1. `model(x)` gives `(logits, weights)` for texts x, logits of shape `(batch, seq, vocab)`. It has vectors for `longest`
#    places, so show it no more than the last `longest` words.
# 2. The logits become probabilities by a softmax over the vocabulary. `torch.multinomial(p, 1)` draws one word for each row
#    of `p (batch, vocab)`; the result has shape `(batch, 1)`.
# 3. The new words go behind the texts. After `steps` words return the texts, `(batch, seq + steps)`.
#
# No mask is needed here: nothing stands behind the last position, its row of the mask is all True, and in a model of one
# layer no other row counts. (In a stack of layers it would, and the mask stays on.)
#
# The cell after it lets your loop write with a model that was trained *with* the mask, and holds the texts against the rules
# of the language. It works if nearly all of them are sentences.

# %% open="write"
@torch.no_grad()
def write(model, tokens, steps, longest):
    """tokens (batch, seq) -> (batch, seq + steps), one drawn word a step."""
    ### BEGIN SOLUTION
    for _ in range(steps):
        logits, _ = model(tokens[:, -longest:])
        chances = logits[:, -1].softmax(dim=-1)
        drawn = torch.multinomial(chances, num_samples=1)
        tokens = torch.cat([tokens, drawn], dim=1)
    return tokens
    ### END SOLUTION

# %% slug="try-write"
if session.training_allowed():
    writer = tasks.try_write(write, models["with the mask"][0])

# %% [markdown] slug="guess-sentences-text"
# **Predict 5.** Which share of the texts of the models *without* a mask will be sentences of the language?

# %% slug="guess-sentences"
guess_sentences = None    # from 0 to 1

# %% slug="write-both-ways"
if session.training_allowed():
    judged, shares = {}, {}
    for way, some in models.items():
        texts = [toy.texts(model, writer) for model in some]
        print(f"{way}, seed 0:", *texts[0][:4], sep="\n    ")
        shares[way] = [toy.share(one) for one in texts]
        judged[way] = [toy.language_losses(some, mask)
                       for mask in (ways[way], ways["with the mask"])]
    pictures.judged(judged, shares, toy.NEXT_WORD_FLOOR, guess_sentences)

# %% [markdown] slug="write-read"
# With the mask the models write the language, with hardly a slip. Without it they write rubbish. The orange marks say why: hide
# the future from them, as writing does, and their loss is several times the entropy. The low loss was that of *another task*,
# to copy the word on the right. The maps show what they learned (seed 0):

# %% slug="cheat-map"
if session.training_allowed():
    seen = toy.encode(f"{toy.STOP} {sentence}")
    found = {}
    for way, mask in ways.items():
        with torch.no_grad():
            _, weights = models[way][0](seen[None], mask=mask)
        found[way] = weights[0], toy.decode(seen)
    pictures.maps(found)

# %% [markdown] slug="cheat-map-read"
# On the left everything above the diagonal is exactly 0; the second `the` finds `on` one word back, and so knows which places
# can follow. On the right the full stop, `The` and `the` look one step to the right, at the answer. `sat` finds the preposition
# there, too. The other rows are certain without looking (after `cat` comes `sat`).
#
# ### Is that only a toy? (a demonstration)
#
# The same model on real prose: the help texts of Python itself, letter by letter, in windows of 32, three seeds. The picture
# shows the loss **at each place** of the window: as the models were trained, and with the future hidden, as it is while they
# write.

# %% slug="prose"
# about 15 seconds
prose, letters = toy.prose()
window = my.create_look_ahead_mask(32)
if session.training_allowed():
    by_place, hidden = {}, {}
    for way, mask in {"with the mask": window, "without a mask": None}.items():
        readers = []
        for seed in range(3):
            reader = SentenceModel(len(letters), length=32, d_model=64, d_k=32)
            toy.train_next_letter(reader, prose, 32, mask, shift, seed=seed)
            readers.append(reader)
        torch.manual_seed(0)
        text = writer(readers[0], prose[None, :8], 50, 32)[0]
        print(f"{way}:", "".join(letters[i] for i in text))
        by_place[way], hidden[way] = (
            [toy.loss_by_place(reader, prose, 32, seen) for reader in readers]
            for seen in (mask, window))
    pictures.losses_by_place(by_place, hidden, blind=math.log(len(letters)))

# %% [markdown] slug="prose-read"
# One layer does not write well, but with the mask its letters come in the shape of words. Without it the loss is next to 0 at
# 31 of 32 places, and at the last, where no answer stands to the right, it is worse than with the mask (left). While a model
# writes, every place is a last place, and there the copy is worth less than a blind guess at most places (right). **Look at
# samples, not only at the loss.**

# %% [markdown] slug="padding"
# ## Sentences of different lengths
#
# **How do *The cat sat* and *The cat sat on the mat* fit into one tensor?** The shorter one is filled up with a token that
# means nothing, the **padding**, written `–` here. To the layer a pad is a word like any other.
#
# The **padding mask** says which keys are real. It does not depend on who is looking, so it has shape `(batch, 1, seq)`: the
# axis of size 1 stretches over all queries.
#
# **By hand:** with `pad_id = 0`, the tokens `[[5, 9, 0], [7, 0, 0]]` of shape `(2, 3)` give `[[[True, True, False]], [[True,
# False, False]]]` of shape `(2, 1, 3)`.

# %% [markdown] slug="build-padding-mask"
# ## Exercise: `create_padding_mask`
#
# `create_padding_mask(tokens, pad_id)` takes integers of shape `(batch, seq)` and returns booleans of shape
# `(batch, 1, seq)`: `True` where the key is a real token. Any integer may be the padding.

# %% [markdown] hints="create_padding_mask"

# %% [markdown] slug="symptoms-create_padding_mask"
# | you see | look at |
# |---|---|
# | `size mismatch` between mask and scores | the shape is `(batch, seq)`, and `(batch, 1, seq)` is needed |
# | the same sentence, another output in another batch | pads are attended to: is the mask passed on? |
# | real words are hidden | True = may attend: for which tokens is yours True? |

# %% exercise="create_padding_mask"
def create_padding_mask(tokens, pad_id):
    """(batch, 1, seq) booleans for tokens (batch, seq): True where a key is a real token."""
    ### BEGIN SOLUTION
    return (tokens != pad_id)[:, None, :]
    ### END SOLUTION

# %% check="create_padding_mask"
check("create_padding_mask")

# %% [markdown] slug="padding-predict"
# The layer with random weights reads *The cat sat*, alone and with up to six pads behind it. By how much does its output
# for `cat` change?

# %% slug="pads-leak"
pad_id, counts = toy.encode(toy.PAD).item(), range(7)
changes = {"without the mask": [], "with the mask": []}
with torch.no_grad():
    alone = layer(vectors(toy.encode("The cat sat"))[None])[0][0, 1]
    for count in counts:
        padded = toy.encode("The cat sat" + f" {toy.PAD}" * count)[None]
        masks = None, my.create_padding_mask(padded, pad_id)
        for name, mask in zip(changes, masks, strict=True):
            cat = layer(vectors(padded), mask=mask)[0][0, 1]
            changes[name].append((cat - alone).abs().max().item())
pictures.pads(counts, changes)

# %% [markdown] slug="pads-leak-read"
# Without the mask, the output depends on the number of pads, and so on the longest sentence of the batch. Nothing fails and no
# shape is wrong. With the mask the change is rounding.
#
# ## Both masks at once (a demonstration)
#
# **What does a language model need on a batch of padded sentences?** A key must be real **and** not later. Two boolean masks
# are joined with `&`, and broadcasting does the rest: `(batch, 1, seq) & (seq, seq)` is `(batch, seq, seq)`.

# %% slug="both-masks"
padded = toy.encode(f"The cat sat {toy.PAD} {toy.PAD} {toy.PAD}")[None]
real, past = my.create_padding_mask(padded, pad_id), my.create_look_ahead_mask(6)
masks = {"no mask": None, "padding": real, "padding & causal": real & past}
found = {}
for name, mask in masks.items():
    with torch.no_grad():
        _, weights = layer(vectors(padded), mask=mask)
    found[name] = weights[0], toy.decode(padded[0])
pictures.maps(found)

# %% [markdown] slug="both-masks-read"
# The columns of the pads are empty, the *rows* are not: a pad still asks and gets an answer, which a loss that skips padded
# places never reads. Where the padding stands in front, the first rows may see nothing. By the convention of chapter 2
# such a row has weights and output 0, and no NaN:

# %% slug="left-padding" tags=["nbval-check-output"]
left = toy.encode(f"{toy.PAD} {toy.PAD} The cat sat")[None]
mask = my.create_padding_mask(left, pad_id) & my.create_look_ahead_mask(5)
with torch.no_grad():
    output, weights = layer(vectors(left), mask=mask)
print("words seen by each position:", mask.sum(-1).tolist()[0])
print("sum of each row of weights: ", weights.sum(-1)[0].round().tolist())
print("any NaN:", bool(output.isnan().any()))

# %% [markdown] slug="explore"
# ## Explore
#
# **Where does the model that fills in hidden words look in other sentences?** The thicker the arc, the more weight.
#
# - Hide `cat` and tick *causal mask*: the verb is out of sight. What can the layer still know? (It never saw this in training.)
# - Hide the place in another sentence: do the guesses follow the preposition?

# %% slug="explorer-static"
settings = [explorer.SentenceSetting(position=1),
            explorer.SentenceSetting(position=5),
            explorer.SentenceSetting(position=1, causal_mask=True)]
explorer.sentence_settings(filler, my.create_look_ahead_mask, settings)

# %% slug="explorer"
choices = [sentence, "Two birds sang in the garden", "The dog lay under the tree"]
explorer.sentence_explorer(filler, my.create_look_ahead_mask, choices)

# %% [markdown] slug="papers"
# ## Here and in papers
#
# | here | in papers |
# |---|---|
# | self-attention | intra-attention |
# | guess a hidden word | masked language modelling, cloze task |
# | predict the next word at every position | causal or autoregressive language modelling |
# | train on the right words, shifted by one | teacher forcing |
# | causal mask | look-ahead mask, subsequent mask, autoregressive mask |
# | padding mask, True = may attend | key padding mask; in `nn.MultiheadAttention` True = hidden |
# | the answer stands in the input | information leakage, target leakage |
# | the best loss that is possible | entropy of the data, irreducible loss |
# | draw each word from the prediction | ancestral sampling |

# %% [markdown] slug="quiz-title"
# ## Quiz
#
# One answer is right in each. Put its letter between the quotes below, run that cell and its check; you can change your
# mind.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("03_self_attention")

# %% [markdown] slug="written-question"
# ## In your own words
#
# Choose one experiment of this chapter: the hidden words, the reversed sentence, or the model without a mask. What did
# you predict before you ran it, what did you see, and why is it so? Write two to five sentences and name at least one
# number from your own run.

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric (2 points).** *Half a point each:*
#
# - a prediction that could have been wrong;
# - what was seen, with a number from the learner's own run;
# - a reason that uses the mechanism. Hidden words: a row takes from the words that the hidden one depends on, and the
#   row of `the` is arbitrary, because nothing depends on it. Reversed sentence: no term of the formula holds a position,
#   so outputs move with their words. Without a mask: position t sees word t + 1 and copies it; a loss below the entropy
#   cannot be prediction; at the last position, the one used for writing, there is nothing to copy;
# - where prediction and result differ, or what would change the result (places added, the mask put on, more sentences).
# ### END SOLUTION

# %% [markdown] slug="what-you-built"
# ## What you built
#
# - `SelfAttention`: three projections of one sequence, and attention between its words. It is blind to order.
# - `create_look_ahead_mask`: the difference between predicting and copying. Chapters 7 and 8 stand on it.
# - `create_padding_mask`: so that a sentence means the same in any batch.
#
# What passed its checks is now in your library `my_transformer/`.
#
# **Next:** each row of weights is *one* mixture. In chapter 4 `cat` can look several times and keep the answers apart.
