# %% [markdown] slug="title"
# # 03 · Self-attention
#
# *Prerequisite: chapter 02, the attention mechanism. Time: about 130 minutes.*
#
# In chapter 02 somebody handed you queries, keys and values. In this chapter you have one sentence and nothing else. You
# will build
#
# - `SelfAttention`, the layer in which every word of a sentence takes something from every other word,
# - `create_look_ahead_mask`, which keeps a model that writes from reading its own answer,
# - `create_padding_mask`, which lets sentences of different lengths share a batch.
#
# On the way you train the layer on small languages and look at what it does: where it looks, what it cannot see, and how
# it cheats when you let it.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()
import math
import torch
from torch import nn
from utils import my, plots, session
from utils.chapters.self_attention import experiment as toy
from utils.chapters.self_attention import explorer, pictures

attention = my.attention

# %% [markdown] slug="one-sentence"
# ## One sentence, three roles
#
# **Where do queries, keys and values come from when there is only one sequence?**
#
# Take *The cat sat on the mat*. A table of word vectors gives `cat` the same vector in every sentence. It cannot know
# that this cat sat, or that there is only one of it. To find out, `cat` has to look at the other words, and they at it.
#
# Self-attention gives each word three roles at once. As a **query** it asks. As a **key** it says what it can be found
# by. As a **value** it says what it passes on. All three are made from the same vector, by three matrices that are
# learned:
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
# Only the weights have two axes of length `seq`. They are the picture that you will draw all through this chapter.
#
# The drawing has the sizes of the layer that you run first, for one sentence of six words. Read it from below: **one** X goes
# into all three matrices.

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
# Word 0 asks with 1. Its scores are 1 · 0 = 0 and 1 · ln 3 = ln 3, and $\sqrt{d_k}$ is 1. The exponentials are 1 and 3,
# so its weights are ¼ and ¾, and its output is ¼ · 4 + ¾ · 8 = **7**.
#
# Word 1 asks with 0. Both scores are 0, both weights ½, and its output is ½ · 4 + ½ · 8 = **6**.
#
# Word 0 looks at word 1 with ¾, and word 1 looks back with ½. Looking is not mutual.

# %% [markdown] slug="build-self-attention"
# ## Exercise: `SelfAttention`
#
# Build the layer as an `nn.Module`.
#
# - `SelfAttention(d_model, d_k, d_v)` makes three linear layers **without bias**, called `w_q`, `w_k` and `w_v`.
# - `forward(x, mask=None)` takes `x` of shape `(batch, seq, d_model)` and returns `(output, weights)` of the shapes in the
#   table above. The mask, where there is one, is boolean with `True` = may attend, as in chapter 02.
# - `attention`, yours or the reference's, is there for you to use. Plain tensor operations are just as welcome.
#
# In the checks `d_model`, `d_k` and `d_v` are three different numbers. In much code that you will read they are equal,
# and a mistake in the scale goes unseen.

# %% [markdown] hints="SelfAttention"

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
# The two words from above, through the layer. `nn.Linear` keeps its weights as `(outputs, inputs)`: one row for each
# number that comes out.

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
# **What does a layer do with a sentence before it has learned anything?**
#
# *Predict, then run:* the word vectors and the three matrices below are random. How much weight will `cat` give to each
# of the six words, roughly?

# %% slug="untrained-layer"
sentence = toy.HELD_OUT
words = sentence.split()
torch.manual_seed(0)
vectors = nn.Embedding(len(toy.WORDS), 32)
layer = my.SelfAttention(d_model=32, d_k=16, d_v=32)
with torch.no_grad():
    x = vectors(toy.encode(sentence))[None]
    output, weights = layer(x)
ax = plots.attention_map(weights[0], words, words, "random weights: who looks at whom", largest=1.0)
plots.alt(ax, "Heat map of 6 by 6 attention weights between the words of "
              "The cat sat on the mat: between about 0.1 and 0.25, without a pattern.")

# %% [markdown] slug="untrained-layer-read"
# Every word takes something from every word: no weight is 0, since the softmax never gives 0. Each row sums to one, so
# an even spread would be 0.17 everywhere, and most weights are not far from that. The differences come from the dice. Look
# at the diagonal, too: a word is among the words it can take from, so it also **attends to itself**.
# The layer *can* bring context. It does not yet know which.

# %% [markdown] slug="fill-in"
# ### Give it something to learn
#
# A toy language shows what "the right context" is, because there we know it. Its 108 sentences all look like *The cat
# sat on the mat*, and three things hang together:
#
# - the **animal** decides the **verb**: a cat sat, a dog lay, a bird sang …
# - the **first word** goes with the ending: *The cat*, *Two cats*;
# - the **place** decides the **preposition**: *on the mat*, *in the box*, *under the tree*. Each preposition has three
#   places.
#
# We hide one word behind a `?`, and a model has to guess it from the other five. The model is your layer with as little
# around it as possible: a vector for each word, a vector for each place (chapter 06 is about those), your layer, and a
# linear readout. The layer's output is added to the word's own vector: the word keeps what it was and gets what it
# gathered.

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
# *Predict, then run.* When `cat` is hidden, which words tell what stood there? When `mat` is hidden, can any model be
# sure of it? Our sentence is left out of the training: the model never sees it.

# %% slug="train-fill-in"
filler = SentenceModel(len(toy.WORDS), length=6)
if session.training_allowed():
    losses = toy.train_fill_in(filler, steps=800, seed=1)       # other seeds: further down
    ax = plots.losses({"one hidden word": losses}, smooth=20)
    ax.axhline(toy.FILL_IN_FLOOR, color="grey", linestyle="--", label="best possible")
    ax.legend()
    plots.alt(ax, "The loss of guessing a hidden word falls from above 3 to the dashed "
                  "line of the best possible loss within 200 steps and stays there.")

# %% [markdown] slug="fill-in-floor"
# The dashed line is the best that anybody can do: five of the six words are certain once you see the others, and the
# place is one of three, which costs ln 3 = 1.10 in one case of six. The model gets there.
#
# Now we hide each word of *The cat sat on the mat* in turn, and draw for each the row of the hidden word: **where does
# the layer look for what is missing?**

# %% slug="trained-layer"
shown, weights, guesses = toy.looks(filler)
for tokens, guess in zip(shown, guesses, strict=True):
    likely = [f"{toy.WORDS[i]} {p:.2f}" for i, p in enumerate(guess) if p > 0.05]
    print(f"{' '.join(toy.decode(tokens)):24}", *likely)
ax = plots.attention_map(weights, [f"? for {word}" for word in words], words,
                         "where the layer looks for a hidden word", largest=1.0)
plots.alt(ax, "Heat map. The hidden animal looks at the first word and the verb, the verb "
              "at the animal, on looks at mat and mat at on; the row of the is spread.")

# %% [markdown] slug="trained-layer-read"
# Read it row by row and compare it with the rules of the language.
#
# - The first word is looked for at the noun, whose ending tells *The* from *Two*. The verb is looked for at the animal.
# - `cat` takes from **two** words: the verb says which animal, the first word says how many. One row, two sources.
# - `on` looks to the place, and the place to `on`. For the place three words remain, and the model shares its guess among
#   them. It does not pretend to know.
# - The row of `the` means nothing. That word is the same in every sentence, so whatever its row holds, the guess is
#   right, and nothing has shaped it. **Weights are worth reading only where the task depends on them.**
#
# Nobody told the layer which word belongs to which: it found these pairs by guessing hidden words. That is, on a small
# scale, how BERT is trained (chapter 08). But it did not do so without help.

# %% [markdown] slug="held-back"
# ### The same training, without the help
#
# `toy.train_fill_in` **held queries and keys back**: they started at three tenths of the size of the other weights, and
# learned at a tenth of their rate. Does that matter? Five models are trained with it, and five with one size and one rate
# for all weights. Nothing else differs within a pair but that.
#
# *Predict, then run:* will all ten reach the best possible loss? Will the five maps of a row look alike?

# %% slug="held-back-or-not"
if session.training_allowed():
    fig, axes = plots.figure(width=10.0, height=4.6, rows=2, columns=5, sharex=True, sharey=True)
    for row, held_back in zip(axes, (True, False), strict=True):
        for seed, ax in enumerate(row):
            model = SentenceModel(len(toy.WORDS), length=6)
            losses = toy.train_fill_in(model, steps=800, seed=seed, held_back=held_back)
            title = f"seed {seed}: loss {sum(losses[-50:]) / 50:.2f}"
            plots.attention_map(toy.looks(model)[1], words, words, title, ax, largest=1.0, numbers=False)
            ax.set(xlabel="", ylabel="held back" if held_back else "one rate for all")
            ax.label_outer()
    print(f"best possible loss: {toy.FILL_IN_FLOOR:.2f}")
    plots.alt(fig, "Ten heat maps, a row of five for each way. Held back, all five reach a loss "
                   "near 0.18, with maps that differ. With one rate most losses are 0.4 to 1.0 "
                   "and many rows put all weight on one word that does not tell.")

# %% [markdown] slug="held-back-read"
# The first row of maps: the same loss five times, and maps that are alike only where they have to be. `cat` takes from
# `The` and `sat` in all five, since nothing else says what it was. How much `The` looks at `cat`, or `on` at `mat`, differs
# from seed to seed, and the guesses are as good.
#
# The second row: most of these models are stuck far above the best loss. The likely reason: before the values mean
# anything, some queries become so sure of one word that the softmax gives all others next to nothing, and what has no
# weight gets next to no gradient (chapter 02). Their rows are as sharp as those above, and **many point at a word that tells
# nothing**. A sharp row shows where a layer looks. Whether that word is of use, only the loss says.
#
# Two things to keep in mind when you see a picture of attention in a paper: how many seeds were drawn, and how good the
# model is.

# %% [markdown] slug="why-three"
# ## Why three projections?
#
# **Could one matrix serve for queries and keys?** Then the score of *i* for *j* would be $x_i W W^\top x_j^\top$, a number
# that does not change when *i* and *j* change places. The cell measures it on your trained layer, then on a copy in which
# the keys use the queries' matrix.

# %% slug="symmetric-scores"
with torch.no_grad():
    x = filler.word(toy.encode(sentence)) + filler.place.weight
    q, k = filler.attention.w_q(x), filler.attention.w_k(x)
    for name, keys in {"keys of their own": k, "keys = queries": q}.items():
        scores = q @ keys.T / 16**0.5                 # d_k = 16
        cat_sat, sat_cat = scores[1, 2], scores[2, 1]
        print(f"{name:18} cat scores sat {cat_sat:5.2f}, sat scores cat {sat_cat:5.2f}")

# %% [markdown] slug="why-three-read"
# With one matrix for both, every score equals its mirror image. `cat` could not look for its verb without the verb
# looking for `cat` just as hard. The softmax then makes rows of the scores, so the weights need not be symmetric, but
# the freedom is gone. Values have a matrix of their own for a similar reason: what a word is found by (*I am a verb*)
# need not be what it passes on (*it was "sat"*).

# %% [markdown] slug="order"
# ## What it cannot see: the order
#
# **Does the layer know which word comes first?** Look at the formula: scores are dot products of vectors, the output is
# a weighted sum. Is there a place in it where a position enters?
#
# *Predict, then run:* the layer with random weights reads our sentence backwards. What becomes of the output of `cat`?

# %% slug="reverse-the-words"
backwards = torch.arange(5, -1, -1)
with torch.no_grad():
    x = vectors(toy.encode(sentence))[None]
    output, weights = layer(x)
    output_back, weights_back = layer(x[:, backwards])
moved = (output_back - output[:, backwards]).abs().max()
print(f"same word, other place: its output changes by at most {moved:.0e}")
other = (output_back - output).abs().max()
print(f"same place, other word: the output changes by up to {other:.2f}")
fig, axes = plots.figure(width=8.5, columns=2)
plots.attention_map(weights[0], words, words, "as written", axes[0], largest=0.3)
plots.attention_map(weights_back[0], words[::-1], words[::-1], "backwards", axes[1], largest=0.3)
plots.weight_bar(fig, list(axes), even=1 / 6)
plots.alt(fig, "Two heat maps of weights. The one of the reversed sentence is the first "
               "one turned by half a turn.")

# %% [markdown] slug="order-read"
# Every word has kept its output and taken it along. The second picture is the first, turned by half a turn: the same
# pairs, the same weights. This is called **permutation equivariance**: reorder the input, and the output is reordered in
# the same way, and not changed otherwise. You will also read that attention is *permutation-invariant*. That is said of what
# **one** query gets: keys and values may come in any order, and its mixture is the same. Both are true. A layer whose words
# all ask is equivariant, and if you then add up its outputs, that sum is invariant.
#
# So a bare layer reads a *bag* of words: `dog bites man` and `man bites dog` give each word the same vector. The model
# above could tell places apart only because it added a vector for each place. That debt is paid in chapter 06.

# %% [markdown] slug="look-ahead"
# ## A model that writes must not read ahead
#
# **What is the next word?** A language model answers that at every position at once: from `The` it predicts `cat`, from
# `The cat` it predicts `sat`, and so on. With a full stop before and behind the sentence, its beginning and its end are
# predicted, too. The targets are the input, **shifted by one**:

# %% slug="draw-next-words"
pictures.next_words(f"{toy.STOP} {sentence} {toy.STOP}".split(), position=1)

# %% [markdown] slug="look-ahead-mask"
# One sentence gives seven lessons in one pass. But the layer above lets every word see every word. At `The`, the answer `cat`
# stands one place to the right, in plain sight: follow the orange arrow back.
#
# The **look-ahead mask** closes that. Row *i* is the position that looks, column *j* the one that is looked at:
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
# Six of nine entries are True; for *n* positions it is *n*(*n* + 1)/2. Each position sees itself: it holds the word that
# has just been read, and what is asked for is the word *after* it.

# %% [markdown] slug="build-look-ahead-mask"
# ## Exercise: `create_look_ahead_mask`
#
# `create_look_ahead_mask(seq_len)` returns a boolean tensor of shape `(seq_len, seq_len)`, `True` where the position of
# the row may attend to that of the column.

# %% [markdown] hints="create_look_ahead_mask"

# %% exercise="create_look_ahead_mask"
def create_look_ahead_mask(seq_len):
    """(seq_len, seq_len) booleans: True where row i may attend to column j, j ≤ i."""
    ### BEGIN SOLUTION
    positions = torch.arange(seq_len)
    return positions[None, :] <= positions[:, None]
    ### END SOLUTION

# %% check="create_look_ahead_mask"
check("create_look_ahead_mask")

# %% [markdown] slug="both-ways"
# ### Trained both ways
#
# The same model, the same sentences (between full stops, as in the drawing), the same number of steps: once with your mask,
# once without.
#
# We know the best loss that an honest model can have. There are 108 sentences, all equally likely, so telling one costs
# ln 108 on average, spread over seven predictions: 0.67 for each word. This is the **entropy** of the language.
#
# *Predict, then run:* which of the two gets the lower loss, and how low?

# %% slug="train-both-ways"
ahead = my.create_look_ahead_mask(7)
honest, cheat = (SentenceModel(len(toy.WORDS), length=8) for _ in range(2))
if session.training_allowed():
    histories = {
        "with the look-ahead mask": toy.train_next_word(honest, ahead, steps=800),
        "without a mask": toy.train_next_word(cheat, steps=800),
    }
    ax = plots.losses(histories, smooth=20)
    ax.axhline(toy.NEXT_WORD_FLOOR, color="grey", linestyle="--", label="entropy")
    ax.set_yscale("log")
    ax.legend()
    plots.alt(ax, "Loss on a logarithmic axis. With the mask it settles on the line of the "
                  "entropy, 0.67; without, it falls far below it, to less than 0.01.")

# %% [markdown] slug="both-ways-read"
# The model without a mask looks about a thousand times better. It has gone *through* the floor, and that is the alarm: no
# prediction can beat the entropy of what it predicts. A loss that is too good is a bug until proven otherwise.
#
# Now let both of them write. To write, a model starts with a full stop, draws a next word from its own prediction at the
# **last** position, adds it, and goes on. Behind the last position there is nothing to peek at.

# %% slug="write"
@torch.no_grad()
def write(model, mask, tokens, steps, longest):
    """(batch, seq) tokens grow by `steps`, each drawn from the prediction at the last place."""
    for _ in range(steps):
        seen = tokens[:, -longest:]
        seq = seen.shape[1]
        logits, _ = model(seen, mask=None if mask is None else mask[:seq, :seq])
        drawn = torch.multinomial(logits[:, -1].softmax(-1), num_samples=1)
        tokens = torch.cat([tokens, drawn], dim=1)
    return tokens

# %% slug="write-both-ways"
torch.manual_seed(0)
both = {"with the mask": (honest, ahead), "without a mask": (cheat, None)}
start = toy.encode(toy.STOP).repeat(500, 1)
framed = toy.training_sentences(framed=True)
for name, (model, mask) in both.items():
    texts = [toy.decode(text) for text in write(model, mask, start, steps=7, longest=7)]
    share = sum(toy.is_sentence(text) for text in texts) / len(texts)
    print(f"{name}: loss as trained {toy.next_loss(model, framed, mask).item():.3f}, "
          f"with the future hidden {toy.next_loss(model, framed, ahead).item():.2f}")
    print(f"   {share:.0%} of 500 texts are sentences of the language; the first four:")
    for text in texts[:4]:
        print("      ", " ".join(text))

# %% [markdown] slug="write-read"
# The honest model writes the language, with hardly a slip. The cheat writes rubbish. The second number says why: hide
# the future from it, as writing does, and its loss is several times the entropy. Its low loss was the loss of *another
# task*: copy the word on your right.
#
# Putting the mask on after training does not help it. It never learned what follows what, because it never had to. You
# can see what it learned instead:

# %% slug="cheat-map"
shown = toy.encode(f"{toy.STOP} {sentence}")
ticks = toy.decode(shown)
fig, axes = plots.figure(width=8.5, columns=2)
for ax, (name, (model, mask)) in zip(axes, both.items(), strict=True):
    with torch.no_grad():
        _, weights = model(shown[None], mask=mask)
    plots.attention_map(weights[0], ticks, ticks, name, ax, largest=1.0)
plots.alt(fig, "Two heat maps. With the mask all weight is on or left of the diagonal. "
               "Without, the full stop, The, sat and the look at words to their right.")

# %% [markdown] slug="cheat-map-read"
# On the left everything above the diagonal is exactly 0, and the weight goes where the grammar is: the second `the`, for
# example, finds `on` one word back, and so knows which places can follow.
#
# On the right look at the rows that have something to find out. The full stop looks one step to the right, at the answer,
# and so do `The` and `the`. `sat` asks for the preposition and finds it there, and also in `mat`, which gives it away.
# The other rows are certain without looking (after `cat` comes `sat`, after `on` comes `the`), so theirs mean little.
#
# ### Is that only a toy?
#
# The same model on real prose: the help texts of Python itself, letter by letter, in windows of 32. After training we
# look at the loss **at each place** of the window: first as the models were trained, then with the future hidden, as it
# is while they write.

# %% slug="prose"
prose, letters = toy.prose()
window = my.create_look_ahead_mask(32)
size = {"length": 32, "d_model": 64, "d_k": 32}
reader, peeker = (SentenceModel(len(letters), **size) for _ in range(2))
if session.training_allowed():
    by_place = {}
    ways = [("with the mask", reader, window), ("without", peeker, None)]
    for name, model, mask in ways:
        toy.train_next_letter(model, prose, 32, mask, steps=800)
        by_place[name] = toy.loss_by_place(model, prose, 32, mask)
        print(f"{name}: mean loss {sum(by_place[name]) / 32:.2f}. It writes:")
        text = write(model, mask, prose[None, :8], steps=60, longest=32)[0]
        print("    ", "".join(letters[i] for i in text))
    hidden = {"with the mask": by_place["with the mask"],
              "without": toy.loss_by_place(peeker, prose, 32, window)}
    pictures.losses_by_place(by_place, hidden, blind=math.log(len(letters)))

# %% [markdown] slug="prose-read"
# One layer is no writer, but with the mask its letters at least come in the shape of words. Without it the loss is next to
# 0 at 31 of 32 places, and at the last, where no answer stands to the right, it is worse than the honest model's (left
# panel). While it writes, every place is a last place. The right panel shows what it is worth then: at most places it does
# worse than guessing blindly, because it is *sure* of its copy even where there is nothing to copy.
#
# In the mean over a window the one bad place hides among 31 good ones. **Look at samples, not only at the loss.**

# %% [markdown] slug="padding"
# ## Sentences of different lengths
#
# **How do *The cat sat* and *The cat sat on the mat* fit into one tensor?** The shorter one is filled up with a token
# that means nothing, written `–` here. The layer does not know that it means nothing: to it a pad is a word with a vector
# like any other, and the softmax gives it its share.
#
# The **padding mask** says which keys are real. It does not depend on who is looking, so one row for each sentence is
# enough, and it has shape `(batch, 1, seq)`: the axis of size 1 stretches over all queries.
#
# ### By hand
#
# With `pad_id = 0`, the tokens `[[5, 9, 0], [7, 0, 0]]` of shape `(2, 3)` give
# `[[[True, True, False]], [[True, False, False]]]` of shape `(2, 1, 3)`.

# %% [markdown] slug="build-padding-mask"
# ## Exercise: `create_padding_mask`
#
# `create_padding_mask(tokens, pad_id)` takes integers of shape `(batch, seq)` and returns booleans of shape
# `(batch, 1, seq)`: `True` where the key is a real token. Any integer may be the padding.

# %% [markdown] hints="create_padding_mask"

# %% exercise="create_padding_mask"
def create_padding_mask(tokens, pad_id):
    """(batch, 1, seq) booleans for tokens (batch, seq): True where a key is a real token."""
    ### BEGIN SOLUTION
    return (tokens != pad_id)[:, None, :]
    ### END SOLUTION

# %% check="create_padding_mask"
check("create_padding_mask")

# %% [markdown] slug="padding-predict"
# *Predict, then run:* the layer with random weights reads *The cat sat*, alone and with one, three and six pads behind
# it. By how much does its output for `cat` change, without the mask and with it?

# %% slug="pads-leak"
pad_id = toy.encode(toy.PAD).item()
with torch.no_grad():
    alone = layer(vectors(toy.encode("The cat sat"))[None])[0]
    for pads in (1, 3, 6):
        padded = toy.encode("The cat sat" + f" {toy.PAD}" * pads)[None]
        mask = my.create_padding_mask(padded, pad_id)
        changes = [(layer(vectors(padded), mask=m)[0][:, :3] - alone)[0, 1].abs().max()
                   for m in (None, mask)]
        print(f"pads {pads}: cat changes by up to {changes[0]:.2f} without the mask, "
              f"by {changes[1]:.0e} with it")

# %% [markdown] slug="pads-leak-read"
# Without the mask, what a sentence means depends on how long its neighbours in the batch happen to be. Nothing fails, no
# shape is wrong, the results are just a little off: a bug of the quiet kind. With the mask the change is rounding.
#
# ## Both masks at once
#
# A model that writes, on a batch of padded sentences, needs both: a key must be real **and** not later. Two boolean
# masks are joined with `&`, and broadcasting does the rest: `(batch, 1, seq) & (seq, seq)` is `(batch, seq, seq)`.

# %% slug="both-masks"
padded = toy.encode(f"The cat sat {toy.PAD} {toy.PAD} {toy.PAD}")[None]
real, past = my.create_padding_mask(padded, pad_id), my.create_look_ahead_mask(6)
masks = {"no mask": None, "padding": real, "padding & look-ahead": real & past}
ticks = toy.decode(padded[0])
fig, axes = plots.figure(width=10.0, height=3.4, columns=3, sharey=True)
for ax, (name, mask) in zip(axes, masks.items(), strict=True):
    with torch.no_grad():
        _, weights = layer(vectors(padded), mask=mask)
    plots.attention_map(weights[0], ticks, ticks, name, ax, largest=1.0)
plots.alt(fig, "Three heat maps of weights. Without a mask all columns have weight; with the "
               "padding mask the three pad columns are 0; with both also all later words.")

# %% [markdown] slug="both-masks-read"
# The columns of the pads are empty, the *rows* of the pads are not: a pad still asks and gets an answer. Nobody reads it,
# since the loss skips padded places.
#
# What if the padding stands in front? Then the first rows may see nothing at all: everything real is later, everything
# earlier is padding. Such a row has weights 0 and output 0, as in chapter 02, and not NaN.

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
# The model that fills in hidden words, live: choose the word that looks, hide it or show it, and put the look-ahead mask
# on. The thicker the arc, the more weight.
#
# Three things to try. Hide `cat` and put the mask on: the verb is out of sight, so what can the layer still know? Its
# guess is one of a surprised model, which never saw this in training. Hide the place in another sentence: do the guesses
# follow the preposition? Uncheck *hide*: the model was trained to look *for* something, so what do the rows of visible
# words show?

# %% slug="explorer-static"
settings = [explorer.SentenceSetting(position=1),
            explorer.SentenceSetting(position=5),
            explorer.SentenceSetting(position=1, look_ahead_mask=True)]
explorer.sentence_settings(filler, my.create_look_ahead_mask, settings)

# %% slug="explorer"
choices = [sentence, "Two birds sang in the garden", "The dog lay under the tree"]
explorer.sentence_explorer(filler, my.create_look_ahead_mask, choices)

# %% [markdown] slug="symptoms"
# ## If something looks wrong
#
# | you see | likely cause | where to look |
# |---|---|---|
# | `state_dict has no w_k.weight` | a projection is missing or misnamed | `__init__`: three layers, `w_q`, `w_k`, `w_v` |
# | two parameters are equal after loading | one layer under two names: `self.w_k = self.w_q` | an `nn.Linear` for each |
# | right for `d_model = d_k`, wrong otherwise | the scale uses `d_model` | the scale is the root of the size of a query |
# | weights too sharp, nearly 0 and 1 | the scores are not scaled | the formula above |
# | NaN in some rows | a row in which every entry is masked | `attention` of chapter 02 handles it; is it used? |
# | loss far below what the data allow | the future is visible | is the mask made, and is it passed on? |
# | low loss, rubbish when writing | the same | print the weights: is anything right of the diagonal? |
# | first position gives NaN or 0 | the mask excludes the diagonal | j ≤ i, not j < i |
# | `size mismatch` between mask and scores | the padding mask has shape `(batch, seq)` | `(batch, 1, seq)` |
# | same sentence, other output in another batch | pads are attended to | the padding mask |
# | masks do the opposite | a library with `True` = hidden | here, and in `F.scaled_dot_product_attention`, `True` = may attend |

# %% [markdown] slug="quiz-title"
# ## Quiz
#
# Put one letter for each question, run the cell, then the check.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("03_self_attention")

# %% [markdown] slug="written-question"
# ## Written question
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
# ## What you built, and what comes next
#
# - `SelfAttention`: three projections of one sequence, and attention between its words. It looks wherever the task makes
#   it worthwhile, and it is blind to order.
# - `create_look_ahead_mask`: the difference between predicting and copying. Chapter 07 and the GPT of chapter 08 stand
#   on it.
# - `create_padding_mask`: so that a sentence means the same in any batch.
#
# Each row of weights is *one* mixture. `cat` had to put the verb and the first word into the same one. What if it could
# look twice, for two things at once, and keep the answers apart? That is chapter 04: several heads.
