# %% [markdown] slug="title"
# # 6 · Positional encoding
#
# Attention looks things up by what they *are*. Where they stand it cannot see. This chapter gives it places, in five
# ways, and measures what each way is good for:
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `sinusoidal_encoding` | a fixed row of waves for each position | 35 | 3 |
# | `LearnedPositionalEmbedding` | a trained row for each position | 20 | 2 |
# | `shift_matrix` | moves the encoding of any position by a fixed number of steps | 25 | 2 |
# | `apply_rotary` (stretch) | turns queries and keys by their positions | 25 | – |
# | `alibi_bias` (stretch) | takes something off each score for the distance | 20 | – |
#
# Two **open tasks** carry no points: attention with rotary positions, and attention with ALiBi.
#
# **Time:** about 200 minutes, of which 60 are reading, running and the open tasks, and 15 the quiz and the written question.
#
# **You need:** self-attention and the causal mask (chapter 3), heads (chapter 4), sine and cosine, and a 2 × 2 rotation.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()

import math

import torch
from torch import nn

from utils import my, plots, session, training
from utils.chapters.positional_encoding import experiment as tasks
from utils.chapters.positional_encoding import explorer, pictures, plugged, three_seeds

# %% [markdown] slug="who-bites"
# ## Who bites whom?
#
# "dog bites man" is not news, "man bites dog" is. **Can self-attention tell the two apart?** They consist of the same three
# words, and chapter 3 showed that when words change places, the outputs change places with them, and that is all. This is
# called **permutation equivariance**. Here a layer with random weights reads both sentences:

# %% slug="same-outputs" tags=["nbval-check-output"]
torch.manual_seed(6)
words = {"dog": 0, "man": 1, "bites": 2}
embedding, layer = nn.Embedding(3, 8), my.SelfAttention(8, 8, 8)

def read(sentence):
    """{word: its output} of a sentence."""
    order = sentence.split()
    tokens = torch.tensor([[words[word] for word in order]])
    with torch.no_grad():
        return dict(zip(order, layer(embedding(tokens))[0][0], strict=True))

both = {sentence: read(sentence) for sentence in ("dog bites man", "man bites dog")}
pictures.print_outputs(list(words), both)
one, other = both.values()
same = all(torch.allclose(one[word], other[word], atol=1e-6) for word in words)
print("all eight numbers equal, up to rounding:", same)

# %% [markdown] slug="same-outputs-answer"
# Every word gets the same vector in both sentences. What follows can only work with what it is given, so it should be
# impossible to *train* a reader to say who bites. Is it?
#
# The reader below reads *a bites b* with twelve beings, and is to name the one that bites. It attends, averages its outputs,
# and chooses among the twelve. Twenty pairs of beings, in both orders, are kept for the test.
#
# **Predict 1:** what share of the new pairs does it get right after 300 steps? Your number is drawn with the result.

# %% slug="guess-bites"
guess_bites = None            # a share from 0 to 1

# %% slug="reader"
class Reader(nn.Module):
    """(batch, 3) tokens -> (batch, 12) logits: who bites?

    `positions` (3, d_model) are added to the embeddings.
    """

    def __init__(self, positions=None, d_model=32):
        super().__init__()
        self.embedding = nn.Embedding(13, d_model)
        self.attention = my.SelfAttention(d_model, d_model, d_model)
        self.output = nn.Linear(d_model, 12)
        self.positions = positions

    def forward(self, tokens):
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions
        return self.output(self.attention(x)[0].mean(dim=1))

# %% slug="train-reader"
pairs = torch.combinations(torch.arange(12))                # 66 pairs of beings
pairs = pairs[torch.randperm(66, generator=torch.Generator().manual_seed(0))]

def both_orders(pairs):
    """(2 · pairs, 3) tokens: `a bites b` and `b bites a` of each; 12 is "bites"."""
    a, b = torch.cat([pairs, pairs.flip(1)]).T
    return torch.stack([a, torch.full_like(a, 12), b], dim=1)

tested, trained = both_orders(pairs[:20]), both_orders(pairs[20:])

def draw(step, generator):
    return trained[torch.randint(len(trained), (64,), generator=generator)]

def reader_loss(model, tokens):
    return nn.functional.cross_entropy(model(tokens), tokens[:, 0])

def right(model, tokens):
    return (model(tokens).argmax(-1) == tokens[:, 0]).float().mean().item()

if session.training_allowed():
    torch.manual_seed(0)
    blind = Reader()
    blind_losses = training.train(blind, draw, reader_loss, steps=300, lr=5e-3)
    shares = {"training pairs": right(blind, trained), "new pairs": right(blind, tested)}
    pictures.bars(shares, {"new pairs": guess_bites}, "without positions", chance=0.5)

# %% [markdown] slug="reader-answer"
# Half, and no better in training: it knows *which two* beings there are, and is right about one order of each pair. More
# steps or more layers would not help, since the two sentences are the same input.
#
# This is the first pitfall of this chapter: **a model without positions trains, gives a reasonable loss, and quietly works
# on bags of words.** Nothing raises an error.

# %% [markdown] slug="where-positions-enter"
# ## Three ways in
#
# **Where can positions get into a layer?** The orange arrows are the ways that you will build, from below: add something to
# the **embeddings**, turn **queries and keys**, or add something to the **scores**. A model uses one of them. The shapes are
# those of the 40 test sentences.

# %% slug="draw-entries"
pictures.entries(batch=40, seq=3, d_model=32)

# %% [markdown] slug="which-code"
# ## Waves
#
# The first way adds to each word's vector another vector that depends on its position only. **What should stand for a
# position?** The first ideas all have a catch:
#
# | idea | catch |
# |---|---|
# | the number itself: 0, 1, 2, … | position 500 drowns every word, since embeddings have entries near 1 |
# | the number divided by the length | "the next word" is another distance in every sentence |
# | binary digits: 000, 001, 010, 011, … | bounded, unlike for each position, but it jumps: from 3 to 4 three digits flip |
#
# The third is close. Its last digit flips at every step, the one before at every second, the next at every fourth: each
# digit is a wave, and each wave is slower than the one after it. Make the waves smooth, and you have the **sinusoidal
# encoding** of Vaswani et al. (2017). Column pair $i$ is a clock of its own, with the position as the time:
#
# $$\mathrm{PE}(pos, 2i) = \sin\!\left(\frac{pos}{10000^{2i/d_{model}}}\right), \qquad
#   \mathrm{PE}(pos, 2i+1) = \cos\!\left(\frac{pos}{10000^{2i/d_{model}}}\right)$$
#
# Both columns of a pair have the *same* angle; $i = 0, 1, 2, \dots$ counts **pairs**. The factor
# $1/10000^{2i/d_{model}}$ is the speed of the clock, its **frequency**: 1 for pair 0, and slower from pair to pair. The
# last one comes the closer to $1/10000$ the larger $d_{model}$ is: $1/100$ at 4, $1/5623$ at 32, $1/9647$ at 512.
#
# **By hand:** $d_{model} = 4$ has two pairs, with speeds $1$ and $10000^{-2/4} = 0.01$. Position 2 becomes
# $(\sin 2,\ \cos 2,\ \sin 0.02,\ \cos 0.02) = (0.909,\ -0.416,\ 0.020,\ 1.000)$. With $d_{model} = 5$ there are three
# speeds, $1$, $10000^{-2/5} = 0.0251$ and $10000^{-4/5} = 0.00063$, and the last clock has room for its sine only:
# $(0.909,\ -0.416,\ 0.050,\ 0.999,\ 0.001)$.

# %% [markdown] slug="large-angles"
# ### Large angles (a demonstration)
#
# At position 10,000 the angle of the first pairs is a number of several thousand, and a float32 carries about seven digits.
# How many are left behind the point? Here is the angle of pair 1 of 64 columns, all in float32, against the same in float64:

# %% slug="float32-angles"
speed = 10_000 ** (-2 / 64)
print("position      angle   to the next float32   error of the sine")
for position in (10, 100, 1_000, 10_000):
    positions = torch.arange(position - 9, position + 1)
    exact = torch.sin(positions.double() * speed)
    rough = torch.sin(positions.float() * torch.tensor(speed))
    angle = positions[-1].float() * speed
    gap = torch.nextafter(angle, torch.tensor(math.inf)) - angle
    error = (rough - exact).abs().max()
    print(f"{position:8,} {angle:10.2f} {gap:21.7f} {error:19.1e}")

# %% [markdown] slug="large-angles-answer"
# Near 7,500 the float32 numbers are 0.0005 apart, so an angle can be off by about as much, and the sine of it too: a good
# float32 sine would be right to 0.00000006. The table is float32 in the end, and that is precise enough for a *sine*. It
# is the angle that needs more digits on the way.
#
# ## Exercise: `sinusoidal_encoding`
#
# Build `sinusoidal_encoding(seq_len, d_model)`: the rows of positions 0 to `seq_len - 1`, a tensor `(seq_len, d_model)`
# in float32, **right to 1e-6 up to position 10,000**. An odd `d_model` ends with a sine. The tensor belongs to whoever
# asked for it: should you keep tables for later calls, changing one must not change the next.
#
# **Check yourself:** `sinusoidal_encoding(3, 4)[2]` and `sinusoidal_encoding(3, 5)[2]` are the two rows worked out above.

# %% [markdown] hints="sinusoidal_encoding"

# %% [markdown] slug="symptoms-sinusoidal_encoding"
# | you see | look at |
# |---|---|
# | row 0 begins with 1 | sine and cosine are swapped: position 0 is 0, 1, 0, 1, … |
# | row 0 begins with 0.841 | positions count from 0: `torch.arange(seq_len)` |
# | pair 0 right, later pairs too slow or too fast | the exponent: $i$ counts pairs; `torch.arange(0, d_model, 2)` *is* $2i$ |
# | the sine right, its cosine not | one angle a pair, for both columns |
# | all sines left, all cosines right | the slices `0::2` and `1::2`, or `stack` and `flatten`, not `cat` |
# | an error about sizes for odd `d_model` | an odd size ends with a sine: one cosine too many |
# | right near 0, off at 10,000 | float64 until the sine is taken |
# | right once, wrong at the second call | a kept table was changed by its user: hand out a copy |

# %% exercise="sinusoidal_encoding"
def sinusoidal_encoding(seq_len, d_model):
    """A row of sines and cosines for each position (Vaswani et al. 2017, 3.5).

    -> (seq_len, d_model) float32, exact to 1e-6 up to position 10,000.
    An odd d_model ends with a sine.
    """
    ### BEGIN SOLUTION
    positions = torch.arange(seq_len, dtype=torch.float64)
    exponents = torch.arange(0, d_model, 2, dtype=torch.float64) / d_model
    angles = positions[:, None] / 10_000**exponents      # (seq_len, pairs)
    encoding = torch.empty(seq_len, d_model)
    encoding[:, 0::2] = angles.sin()                     # rounded to float32 only here
    encoding[:, 1::2] = angles[:, : d_model // 2].cos()  # an odd size has one cosine less
    return encoding
    ### END SOLUTION

# %% check="sinusoidal_encoding"
check("sinusoidal_encoding")

# %% slug="rows-by-hand" tags=["nbval-check-output"]
for d_model in (4, 5):
    row = my.sinusoidal_encoding(3, d_model)[2].tolist()
    print(f"position 2, d_model {d_model}:", "  ".join(f"{number:.3f}" for number in row))

# %% [markdown] slug="see-encoding"
# ### What it looks like
#
# Watch: on the left the binary digits of 0 to 63, the fastest first; in the middle your encoding with 32 columns. On the
# right the dot product of three rows with all rows: how alike do they find their neighbours?

# %% slug="encoding-picture"
pictures.encoding(my.sinusoidal_encoding(64, 32))

# %% [markdown] slug="encoding-answer"
# The first columns tell neighbours apart, the slow ones tell the beginning from the end. In the right picture every row has
# the same length: its dot product with itself is 16, one for each pair, since $\sin^2 + \cos^2 = 1$. And the three curves
# have *one shape*: how alike two positions are depends on their distance only.
#
# ### Who bites, with positions
#
# The same reader, the same 300 steps, and three rows of your encoding added:

# %% slug="train-with-positions"
if session.training_allowed():
    torch.manual_seed(0)
    sighted = Reader(positions=my.sinusoidal_encoding(3, 32))
    sighted_losses = training.train(sighted, draw, reader_loss, steps=300, lr=5e-3)
    for name, model in {"without positions": blind, "with positions": sighted}.items():
        print(f"{name:18} right on new pairs: {right(model, tested):.2f}")
    histories = {"without positions": blind_losses, "with positions": sighted_losses}
    ax = plots.losses(histories, smooth=10)
    ax.axhline(math.log(2), color="grey", linestyle="--", label="one of two: ln 2")
    ax.legend()
    plots.alt(ax, "The loss without positions stops a little above ln 2, a guess between two "
                  "beings. With positions it falls to nearly 0 within 100 steps.")

# %% [markdown] slug="bites-answer"
# All of them. Without positions the loss stops above the line of $\ln 2$, the cost of choosing between two beings by the
# toss of a coin. One addition changed, and nothing in it is trained: the encoding is **fixed**.

# %% [markdown] slug="learned"
# ## Or let the model find them
#
# **Why think up waves, if the model can learn?** Give it a table with a row for each position and train the rows like
# any other parameter: a **learned positional embedding**, as in BERT and GPT-2. The price is a limit: a table of `max_len`
# rows has nothing to say about position `max_len`.
#
# **By hand:** the table is $\begin{pmatrix}1 & 0\\ 0 & 1\\ 5 & 5\end{pmatrix}$ and the sequence
# $\begin{pmatrix}10 & 10\\ 20 & 20\end{pmatrix}$. The result is $\begin{pmatrix}11 & 10\\ 20 & 21\end{pmatrix}$; the
# third row is not used, and its gradient is 0. A sequence of four does not fit.
#
# ## Exercise: `LearnedPositionalEmbedding`
#
# Build the module `LearnedPositionalEmbedding(max_len, d_model)`. Its one parameter is `table`, `(max_len, d_model)`,
# with any start you like. `forward(x)` takes `x` `(batch, seq, d_model)` and returns `x + table[:seq]`. A sequence
# longer than the table raises a `ValueError` whose message names both numbers.

# %% [markdown] hints="LearnedPositionalEmbedding"

# %% [markdown] slug="symptoms-LearnedPositionalEmbedding"
# | you see | look at |
# |---|---|
# | the optimiser does not find `table` | it is a buffer, a plain tensor, or has `requires_grad=False`: `nn.Parameter` |
# | no `ValueError`, but an error about sizes | the check comes after the sum |
# | a sequence as long as the table is refused | `seq > max_len`, not `>=` |

# %% exercise="LearnedPositionalEmbedding"
class LearnedPositionalEmbedding(nn.Module):
    """Adds a trained row to each position: (batch, seq, d_model) -> the same shape.

    Parameter `table` (max_len, d_model). `ValueError` where seq exceeds max_len.
    """

    def __init__(self, max_len, d_model):
        super().__init__()
        ### BEGIN SOLUTION
        self.table = nn.Parameter(0.02 * torch.randn(max_len, d_model))    # as in GPT-2
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        seq, max_len = x.shape[1], self.table.shape[0]
        if seq > max_len:
            raise ValueError(f"seq={seq} does not fit into max_len={max_len} rows")
        return x + self.table[:seq]
        ### END SOLUTION

# %% check="LearnedPositionalEmbedding"
check("LearnedPositionalEmbedding")

# %% [markdown] slug="table-ends"
# Watch: both ways one step past the end of training. A table with 32 rows and the formula are asked for position 32.

# %% slug="past-the-end"
positions = my.LearnedPositionalEmbedding(32, 8)
row = my.sinusoidal_encoding(33, 8)[32].tolist()
print("sinusoidal:", " ".join(f"{number:.2f}" for number in row))
try:
    positions(torch.zeros(1, 33, 8))
except ValueError as error:
    print("learned:    ValueError:", error)
count = training.count_parameters(positions)
print("numbers to train: sinusoidal 0, learned", count)

# %% [markdown] slug="extrapolation-claim"
# The formula has a row for every position. It is often concluded that a model with sinusoids **extrapolates** to sequences
# longer than those it was trained on. Further down this claim is measured.

# %% [markdown] slug="relative"
# ## A step is a turn
#
# Language cares little for absolute places. "The word before" matters, wherever we are. **Can a layer compute, from the
# encoding of any position, the encoding of the position $k$ steps on, with one fixed matrix?**
#
# Look at one clock. Its hand at position $p$ is the pair $(\sin a, \cos a)$ with $a = p \cdot speed$. Moving on by $k$
# turns it by $b = k \cdot speed$, wherever it stands, and the addition theorems say how:
#
# $$\sin(a + b) = \sin a \cos b + \cos a \sin b, \qquad \cos(a + b) = \cos a \cos b - \sin a \sin b$$
#
# Both are *linear* in $(\sin a, \cos a)$, with factors that hold $k$ and no $p$. So there is such a matrix $M_k$, with
# $\mathrm{PE}(p)\,M_k = \mathrm{PE}(p + k)$ for **all** $p$, and it is made of 2 × 2 rotations along the diagonal, one
# for each clock.
#
# **By hand:** suppose a clock turns by $b = 90°$. Then $\sin(a + b) = \cos a$ and $\cos(a + b) = -\sin a$. Which matrix
# $B$ gives $(\sin a, \cos a)\,B = (\cos a, -\sin a)$? The vector is a row and stands on the left, so each *column* of
# $B$ makes one entry of the result: $B = \begin{pmatrix}0 & -1\\ 1 & 0\end{pmatrix}$.
#
# ## Exercise: `shift_matrix`
#
# Build `shift_matrix(offset, d_model)`, the `(d_model, d_model)` matrix $M_{offset}$. Negative offsets move back. It
# exists for even `d_model` only; an odd one raises a `ValueError` that names `d_model` and its value.
#
# **Check yourself:** `shift_matrix(1, 2)` takes the row of position 0, which is $(0, 1)$, to
# $(\sin 1, \cos 1) = (0.841, 0.540)$. So $(0.841, 0.540)$ is its second row.

# %% [markdown] hints="shift_matrix"

# %% [markdown] slug="symptoms-shift_matrix"
# | you see | look at |
# |---|---|
# | it moves backwards | it was made for column vectors: rows stand on the left, so it is the transpose |
# | right for `d_model` 2 only | each pair needs its own angle, as in the encoding |
# | lengths change | the two cosines of a block are equal, the two sines have opposite signs |

# %% exercise="shift_matrix"
def shift_matrix(offset, d_model):
    """The matrix that moves every position's encoding by `offset` steps.

    -> (d_model, d_model), with PE(p) @ shift_matrix(k, d_model) = PE(p + k) for all p.
    `ValueError` for an odd d_model.
    """
    ### BEGIN SOLUTION
    if d_model % 2:
        raise ValueError(f"d_model={d_model} is odd: only pairs can turn")
    exponents = torch.arange(0, d_model, 2, dtype=torch.float64) / d_model
    angles = offset / 10_000**exponents
    cos, sin = angles.cos(), angles.sin()
    rows = torch.stack([cos, -sin], dim=-1), torch.stack([sin, cos], dim=-1)
    blocks = torch.stack(rows, dim=-2)                   # (pairs, 2, 2)
    return torch.block_diag(*blocks).float()
    ### END SOLUTION

# %% check="shift_matrix"
check("shift_matrix")

# %% [markdown] slug="clocks"
# ### The hands
#
# Your encoding with eight columns, as four clocks. The blue hand is the position: its sine to the right, its cosine up.
# The orange hand is what your `shift_matrix` makes of it. Three positions, moved by the same three steps.

# %% slug="clock-settings"
explorer.clock_settings(my.sinusoidal_encoding, my.shift_matrix, [
    explorer.ClockSetting(position=0, offset=3),
    explorer.ClockSetting(position=5, offset=3),
    explorer.ClockSetting(position=60, offset=3),
])

# %% [markdown] slug="clock-tasks"
# Now move them yourself (the sliders need a running notebook):
#
# 1. Move the position. What happens to the angle *between* the hands, in each clock?
# 2. Set the offset to 6, then to -6. What has become of the angles?
# 3. Which is the smallest position at which clock 0 looks like at position 0? Do the other clocks tell them apart?

# %% slug="clock-explorer"
explorer.clock_explorer(my.sinusoidal_encoding, my.shift_matrix)

# %% [markdown] slug="previous-word"
# ### A head that looks at the word before
#
# This is what makes sinusoids useful to attention. Take the encodings themselves as keys, and as queries the encodings
# *times a matrix*, as a projection $W^Q$ would do: first $M_{-1}$, then $M_{-3}$. Nothing is trained here; the factor 20
# only sharpens the choice.
#
# **Predict 2:** to which position does query 8 give most of its weight, when the matrix is $M_{-3}$? Your number is ringed
# in the right map.

# %% slug="guess-place"
guess_place = None            # a position from 0 to 11

# %% slug="previous-word-map"
places, maps = my.sinusoidal_encoding(12, 64), {}
for offset in (-1, -3):
    queries = 20 * places @ my.shift_matrix(offset, 64).float()
    _, maps[offset] = my.attention(queries, places, places)
pictures.looks_back(maps, 8, guess_place)

# %% [markdown] slug="previous-word-answer"
# A model that needs "the word before" can *find* this matrix, since it is just a value of its $W^Q$. The picture also
# explains the three equal curves: a rotation changes no lengths and no angles, so $\mathrm{PE}(p) \cdot \mathrm{PE}(q)$
# stays when both move by $k$.
#
# Mind the word *can*. Scores are made of word plus place on both sides, which disturb each other, and whether training finds
# the rotation is a matter of fact. The next two ways put the distance into the scores directly.

# %% [markdown] slug="rotary"
# ## Turn the queries and keys themselves
#
# **If a step is a turn, why not turn the queries and keys?** That is **rotary position embedding** (RoPE, Su et al. 2021):
# nothing is added to the words. Each query and each key is cut into pairs of neighbours, and pair $i$ at position $pos$
# is turned by the angle $t = pos / 10000^{2i/d_{head}}$, counter-clockwise:
#
# $$(x_{2i},\ x_{2i+1}) \;\mapsto\; (x_{2i} \cos t - x_{2i+1} \sin t,\ \ x_{2i} \sin t + x_{2i+1} \cos t)$$
#
# Query and key turn by different angles, and their dot product sees the difference only: the **relative position**. The
# values are not turned, so no position gets into what is handed over.
#
# **By hand:** $d_{head} = 2$ has one pair, with speed 1. At position 1 the vector $(1, 0)$ becomes
# $(\cos 1, \sin 1) = (0.540, 0.841)$ and $(0, 1)$ becomes $(-0.841, 0.540)$.
#
# ## Stretch exercise: `apply_rotary`
#
# Build `apply_rotary(x, positions, base=10000.0)`. `x` is `(..., seq, d_head)` with any leading axes, `positions` is
# `(seq,)`: the caller says where each vector stands, and that need not begin at 0 or be in order. The result has the shape
# and dtype of `x`. An odd `d_head` raises a `ValueError` that names `d_head` and its value. Models that read very long
# texts take a larger `base` than 10,000 in the formula above, so that their slow pairs turn more slowly still.
#
# Mind that here the *first* of a pair takes the cosine, and the pairs are neighbours. Some libraries pair entry $i$ with
# entry $i + d_{head}/2$; their weights are sorted to match, and mixing the two up gives wrong numbers without an error.

# %% [markdown] hints="apply_rotary"

# %% [markdown] slug="symptoms-apply_rotary"
# | you see | look at |
# |---|---|
# | right for `d_head` 2 only | pairs are neighbours, `0::2` and `1::2`, not $i$ and $i + d_{head}/2$ |
# | right for positions 0, 1, 2, … only | the angles come from `arange(seq)`: use `positions` |
# | float64 right to seven digits | the dtype of exponents, positions and angles |

# %% exercise="apply_rotary"
def apply_rotary(x, positions, base=10000.0):
    """Turns each pair of neighbours by an angle that its position gives (Su et al. 2021).

    x (..., seq, d_head), positions (seq,) -> the shape and dtype of x.
    `base` stands in the place of the 10,000. `ValueError` for an odd d_head.
    """
    ### BEGIN SOLUTION
    d_head = x.shape[-1]
    if d_head % 2:
        raise ValueError(f"d_head={d_head} is odd: only pairs can turn")
    pairs = torch.arange(0, d_head, 2, dtype=torch.float64, device=x.device)
    angles = positions[:, None] / base ** (pairs / d_head)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x[..., 0::2], x[..., 1::2]
    turned = torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return turned.flatten(-2)                            # each pair back in its place
    ### END SOLUTION

# %% check="apply_rotary"
check("apply_rotary")

# %% [markdown] slug="rotary-turns"
# Watch: a query and a key of one pair, both $(1, 0)$, the dotted line, before `apply_rotary` turns them. Look at the angle
# between the arrows. In the first three panels the key stands one step further on than the query, in the last one two steps.

# %% slug="draw-turns"
pictures.turns(my.apply_rotary)

# %% [markdown] slug="rotary-distance"
# With more pairs, each has a speed of its own. Take a random query and a random key, 32 features each. The query stands at
# position $s$, the key at $s + \Delta$. Does their score still depend on $\Delta$ alone? And does it fade with the distance?

# %% slug="rotary-picture"
generator = torch.Generator().manual_seed(3)
q, k = torch.randn(2, 1, 32, generator=generator)
distances = torch.arange(0, 129, 4)
scores = {}
for start in (0, 100, 500):
    turned_q = my.apply_rotary(q, torch.tensor([start]))
    turned_k = my.apply_rotary(k.expand(len(distances), 32), start + distances)
    scores[f"query at {start}"] = (turned_k @ turned_q[0]).tolist()
pictures.one_curve(distances.tolist(), scores)

# %% [markdown] slug="rotary-answer"
# One curve, drawn three times: the score knows the distance and no place. And it swings up and down out to the largest
# distance: for a single query and key, rotation alone does not say that far words matter less.

# %% [markdown] slug="rotary-task"
# ### Open task: attention with rotary positions
#
# Put your rotation into attention. `rotary_attention(q, k, v, mask)` gets what a layer has after its projections, split into
# heads: `q`, `k` and `v` are `(batch, num_heads, seq, d_head)`, token $t$ stands at position $t$, and `mask` is `(seq, seq)`
# or None. It gives the output alone, in the shape of `v`. `my.apply_rotary` and `my.attention(q, k, v, mask)` are there.
#
# The cell after it compares your output with the course's own and says what it saw. If they agree, yours is the rotary model
# of *Train short, test long*.

# %% open="rotary-attention"
def rotary_attention(q, k, v, mask):
    """Attention whose scores know the distance from query to key.

    q, k, v (batch, num_heads, seq, d_head) -> output of the same shape.
    """
    ### BEGIN SOLUTION
    positions = torch.arange(q.shape[-2])
    q, k = my.apply_rotary(q, positions), my.apply_rotary(k, positions)
    output, _ = my.attention(q, k, v, mask)
    return output
    ### END SOLUTION

# %% slug="try-rotary"
rotary = plugged.try_rotary(rotary_attention, my)

# %% [markdown] slug="alibi"
# ## Or just take something off for the distance
#
# **What is the least that would do?** **ALiBi** (attention with linear biases, Press et al. 2022) adds no vectors and turns
# none. It changes the scores, before the softmax: a key that lies $i - j$ steps back loses a little for each step. Every
# head has its own slope, from steep (looks near) to flat (looks far):
#
# $$\mathrm{bias}(h, i, j) = -\,2^{-8(h+1)/num\_heads} \cdot (i - j) \quad\text{for } j \le i, \qquad
#   -\infty \quad\text{for } j > i, \qquad h = 0, 1, \dots$$
#
# The $-\infty$ is the causal mask, in the form in which it is *added* to scores.
#
# **By hand:** two heads have the slopes $2^{-4} = 1/16$ and $2^{-8} = 1/256$. The row of query 2 among four positions is
# $(-\tfrac{2}{16},\ -\tfrac{1}{16},\ 0,\ -\infty)$ in head 0 and
# $(-\tfrac{2}{256},\ -\tfrac{1}{256},\ 0,\ -\infty)$ in head 1.
#
# ## Stretch exercise: `alibi_bias`
#
# Build `alibi_bias(num_heads, seq_len)`, a float32 tensor `(num_heads, seq_len, seq_len)`: rows are queries $i$, columns
# keys $j$. `num_heads` is a power of two.

# %% [markdown] hints="alibi_bias"

# %% [markdown] slug="symptoms-alibi_bias"
# | you see | look at |
# |---|---|
# | NaN | $0 \cdot \infty$: fill with -inf, do not multiply by it |
# | far keys have the largest numbers | the sign |
# | head 0 is flat | the exponent has $h + 1$ and `num_heads`: head 0 is the steepest |

# %% exercise="alibi_bias"
def alibi_bias(num_heads, seq_len):
    """What each head takes off a score for its key's distance (Press et al. 2022).

    -> (num_heads, seq_len, seq_len) float32, added to the scores; -inf for keys that
    come after the query. num_heads is a power of two.
    """
    ### BEGIN SOLUTION
    slopes = 2.0 ** (-8 * torch.arange(1, num_heads + 1) / num_heads)
    positions = torch.arange(seq_len)
    steps_back = positions[:, None] - positions[None, :]                   # i - j
    bias = -slopes[:, None, None] * steps_back
    return bias.masked_fill(steps_back < 0, -math.inf)
    ### END SOLUTION

# %% check="alibi_bias"
check("alibi_bias")

# %% [markdown] slug="alibi-bias-text"
# Watch: the bias of four heads for 12 words, a row for each query. Along the last row it darkens to the left, and how fast
# depends on the head.

# %% slug="draw-bias"
pictures.bias_maps(my.alibi_bias(4, 12))

# %% [markdown] slug="alibi-picture-text"
# Suppose all scores are equal, so that the bias alone decides. Over how many words does each of the four heads spread its
# weight?

# %% slug="alibi-picture"
last = torch.softmax(my.alibi_bias(4, 64)[:, -1], dim=-1)
back = range(63, -1, -1)
lines = {f"head {h}, slope 1/{4 ** (h + 1)}": row.tolist() for h, row in enumerate(last)}
label = "steps back from the last of 64 words"
ax = plots.curves(back, lines, label, "weight", "ALiBi, equal scores")
plots.alt(ax, "Weight against steps back, four heads. The steepest gives nearly all to the "
              "last dozen words, the flattest spreads almost evenly over all 64.")

# %% [markdown] slug="alibi-task"
# ### Open task: attention with ALiBi
#
# The same for your bias. `alibi_attention(q, k, v)` gets queries, keys and values as above, gives the output alone, and needs
# no mask, since the bias brings its own. `my.attention` knows only masks of True and False, so take its steps one by one:
# `my.attention_scores(q, k)`, `my.softmax(…)`, and the product with the values. Where does `my.alibi_bias` come in?

# %% open="alibi-attention"
def alibi_attention(q, k, v):
    """Attention that takes something off each score for the distance.

    q, k, v (batch, num_heads, seq, d_head) -> output of the same shape.
    """
    ### BEGIN SOLUTION
    num_heads, seq = q.shape[1:3]
    scores = my.attention_scores(q, k) + my.alibi_bias(num_heads, seq)
    return my.softmax(scores) @ v
    ### END SOLUTION

# %% slug="try-alibi"
alibi = plugged.try_alibi(alibi_attention, my)

# %% [markdown] slug="train-short"
# ## Train short, test long
#
# Now the claim. **Do *fixed* encodings handle longer sequences?** We train small decoders on sequences of **32** tokens and
# test them on **128**, with each of five ways to give positions. Three tasks:
#
# - **Recall:** say which token stood **5 steps back**. The tokens are random, so only the place helps. One layer.
# - **Periodic copy:** a random pattern of 3 to 8 tokens repeats; say what comes next. There are four tokens. Two layers.
# - **Mark:** one of the first 8 tokens bears a mark; at every place after it, say which token that was. One layer.
#
# Under the causal mask place $t$ sees nothing of what follows, so place $t$ of a long test sequence shows how well the model
# does at length $t + 1$. The learned table gets 128 rows, so that it can run; **rows 32 to 127 never appear in training and
# keep their start**, random numbers of size 0.02. "None" has the mask and no positions: in papers **NoPE**.
#
# A sixth line is a control without training: in the **window**, the model with rotary positions is tested once more, and
# each place sees the last 32 tokens alone. No distance is new to it.
#
# **Predict 3:** inside the 32 places, sinusoidal, learned and rotary are all right at recall. What share is right at the
# places 64 to 127? A blind guess gets 1/16. Your numbers are ringed in the picture, in the colours of the curves.

# %% slug="guess-far"
guess_far = {"sinusoidal": None, "learned": None,
             "rotary": None, "rotary, window": None}      # shares from 0 to 1

# %% slug="train-all"
# about 30 seconds
accuracies = {task: {} for task in tasks.STEPS}
yours = {"rotary": rotary, "ALiBi": alibi}                  # of the open tasks
if session.training_allowed():
    for task, steps in tasks.STEPS.items():
        for scheme in tasks.SCHEMES:
            model, _ = tasks.train(scheme, task, my, steps, attend=yours.get(scheme))
            accuracies[task][scheme] = tasks.accuracy_by_position(model, task)
            if scheme == "rotary":
                model.window = tasks.TRAINED
                accuracies[task][tasks.WINDOW] = tasks.accuracy_by_position(model, task)
        pictures.print_shares(task, accuracies[task])

# %% slug="plot-all"
if session.training_allowed():
    pictures.extrapolation(accuracies, guess_far)

# %% [markdown] slug="more-seeds"
# One seed is one throw of the dice. The same models with three seeds take some minutes, so their results are stored:

# %% slug="three-seeds"
three_seeds.print_schemes()

# %% [markdown] slug="extrapolation-answer"
# - **None** is right at fewer than one place in five at recall. At copying it does better, since what followed the same
#   token before is a clue. The mark is found by what it *is*, and for that no position is needed.
# - **Learned** falls at once behind the last trained place: to the blind guess at recall, to *none* at copying.
# - **Sinusoidal** has a row for every place, and the model fails on them all the same: at copying within a few places, at
#   recall within a few dozen. *A value of the formula exists* did not mean *the model can use it*.
# - **Rotary** knows relative positions by construction, and at recall it goes on for a while. Then it fails as well: further
#   on there are *distances* that never occurred, and their scores swing (the picture above) to values that nobody trained.
# - **ALiBi** copies at length 128 as well as at 32: far keys are pushed down, further than in training, so they get little
#   weight. The price shows at recall. "Exactly 5 back" is not a matter of near and far, and one layer with ALiBi did not
#   learn it at any length.
# - **The window** shows what the first two tasks were worth. Nothing in them is far, so it does as well as ALiBi at copying,
#   and better at recall. It loses the mark as soon as that is out of sight; ALiBi's flattest heads can still see it.
#
# So with these models and this training, *fixed* did not give extrapolation, and *relative* alone did not either. What did
# was a pull **to the near**, gentle or hard, and a hard one loses what is far. Larger models and other data may differ.
# Long-context models in use do train on long sequences, or rescale the angles and train a little more.
#
# ### Does a decoder need positions at all?
#
# The causal mask treats places differently: place 0 sees one token, place 1 sees two, and so on. **Could a decoder find out
# where it is from that alone?** Haviv et al. (2022) and Kazemnejad et al. (2023) report that large ones do. Our one layer did
# not.
#
# **Predict 4:** with **four** layers and five times the training, what share is right at recall, inside the trained length?

# %% slug="guess-depth"
guess_depth = None            # a share from 0 to 1

# %% slug="without-positions"
three_seeds.print_depths()
pictures.depths(three_seeds.stored()["without positions"], guess_depth)

# %% [markdown] slug="without-positions-answer"
# With four layers the share of right answers is several times that of a blind guess, inside the trained length. It is far
# from the 1.00 of one layer *with* positions, and beyond the trained length it fades to the blind guess. So an encoding is
# not the only way for a decoder to know places. It is the cheap one.

# %% [markdown] slug="cheating"
# ## Positions and the causal mask
#
# The second pitfall is to forget the causal mask where the next token is predicted: the model then sees the answer (chapter
# 3). **What do positions have to do with it?** Models without positions and with rotary ones learn the periodic copy once
# more, each with and without the mask. Then each goes on by itself from 16 given tokens to 32.
#
# **Predict 5:** what share of what it writes is right, for each of the four? A blind guess gets 1/4.

# %% slug="guess-pitfalls"
guess_pitfalls = {"none, no mask": None, "none, mask": None,
                  "rotary, no mask": None, "rotary, mask": None}

# %% slug="both-pitfalls"
# about 8 seconds
if session.training_allowed():
    ends, written = {}, {}
    for scheme in ("none", "rotary"):
        for mask in (False, True):
            model, losses = tasks.train(scheme, "periodic copy", my, 300, mask,
                                        attend=yours.get(scheme))
            name = f"{scheme}, mask" if mask else f"{scheme}, no mask"
            ends[name], written[name] = sum(losses[-20:]) / 20, tasks.continued(model)
    pictures.two_bars(ends, written, guess_pitfalls)

# %% [markdown] slug="both-pitfalls-answer"
# - **No positions, no mask:** it sees the answer among all the other tokens and cannot tell which one it is. Not even
#   cheating works.
# - **No positions, with the mask:** honest and poor. The mask tells a little about order, not enough here.
# - **Positions, no mask:** by far the lowest loss. "One step to the right" is a fixed offset, the very thing that rotations
#   are good at. On its own it has nothing to its right, and it is hardly better than a model that knows no order.
# - **Positions and the mask:** a higher loss, since the first round of a pattern cannot be foreseen. What it writes is right
#   far more often than what the other three write, though not always.
#
# The loss alone would have chosen the wrong model.

# %% [markdown] slug="papers"
# ## Here and in papers
#
# | here | in papers |
# |---|---|
# | outputs change places with the words | permutation equivariance |
# | causal mask | look-ahead mask, subsequent mask |
# | waves, clocks | sinusoidal or absolute positional encoding |
# | a trained row for each position | learned (absolute) position embedding |
# | turning queries and keys | RoPE, rotary position embedding |
# | a speed; the 10,000 | frequency, inverse frequency; base, $\theta$ |
# | taking something off for the distance | ALiBi, linear bias; a kind of relative position bias |
# | train short, test long | length extrapolation, length generalisation |
# | rescaling the angles of a trained model | context extension: position interpolation, NTK scaling, YaRN |
# | the last 32 tokens alone | sliding-window attention, local attention |
# | a decoder without an encoding | NoPE |

# %% [markdown] slug="quiz-text"
# ## Quiz
#
# One answer is right in each. Put its letter between the quotes below, run that cell and its check; you can change your
# mind.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("06_positional_encoding")

# %% [markdown] slug="written-question"
# ## In your own words
#
# Take two of the six curves of *Train short, test long*, at one task. What did you predict for them beyond place 32, and
# what did you see? Explain for each why it is so, from the way in which it gives positions. Then say what you would answer
# to somebody who writes: "sinusoidal encodings are fixed, hence they extrapolate". Four to eight sentences.

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric** (2 points)
#
# - 0.5: a prediction for two curves, and what was seen, with at least one number from the learner's own run.
# - 1: the reasons, half a point for each of the two curves. Learned: rows beyond the trained ones kept their start. None: a
#   bag of tokens. Sinusoidal: the rows exist, the model has not been trained on them, word and place are mixed in one
#   vector. Rotary: a score depends on the distance alone, and beyond 32 there are distances that never occurred, whose
#   scores swing. ALiBi: distant keys are pushed down further, so that nothing unknown gets weight; it has no way to pick an
#   exact distance in one layer. The window: no distance is new, and what is far is out of sight.
# - 0.5: the answer separates "the encoding has a value there" from "the model was trained to use it", or says that the
#   claim is about the formula and the measurement about a model.
#
# No points are lost for a wrong prediction.
# ### END SOLUTION

# %% [markdown] slug="what-you-built"
# ## What you built
#
# - `sinusoidal_encoding`: a fixed row for each position, exact far out.
# - `LearnedPositionalEmbedding`: a trained row for each, up to a limit.
# - `shift_matrix`: why the waves carry relative positions, since a step is a turn.
# - `apply_rotary` and `alibi_bias`, if you did them: the distance put into the scores themselves.
#
# What passed its checks is now in your library `my_transformer/`.
#
# **Next:** chapter 7 adds your sinusoidal encoding to the words of a translation model, source and target, and trains it.
# BERT, GPT and the vision transformer of chapter 8 have learned positions; T5 has a relative of ALiBi with a learned bias in
# place of the slope.
