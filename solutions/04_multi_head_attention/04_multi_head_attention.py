# %% [markdown] slug="title"
# # 4 · Multi-head attention
#
# One look-up mixes what it finds into one vector. This chapter shows what gets lost in that mixture, and builds the layer
# that looks several times at once:
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `split_heads` | cuts features into heads | 15 | 1.5 |
# | `merge_heads` | puts the heads side by side again | 10 | 1.5 |
# | `MultiHeadAttention` | several look-ups in one layer, with masks and dropout | 40 | 4 |
# | `GroupedQueryAttention` (stretch) | the same with fewer keys and values to remember | 25 | – |
#
# **Time:** about 165 minutes, of which 60 are reading and running, and 15 the quiz and the written question.
#
# **You need:** chapter 2 (`attention`) and chapter 3 (a layer that makes queries, keys and values).
#
# **How it goes:** a question, a guess, a run, the reason. Write your guess down first. If a result looks odd, see
# [If something looks wrong](#If-something-looks-wrong) near the end.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()
import copy
import torch
from torch import nn
from utils import my, plots, session, training
from utils.chapters.multi_head_attention import experiment as task
from utils.chapters.multi_head_attention import explorer, pictures

attention = my.attention

# %% [markdown] slug="two-questions"
# ## Two questions, one look-up
#
# Eight places in a row, each with a letter:
#
# | place | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |
# |---|---|---|---|---|---|---|---|---|
# | letter | f | **c** | a | h | a | **b** | e | g |
#
# Somebody asks: *which letters stand at places 1 and 5, in that order?* The answer is "c, then b". **Can a single look-up
# answer that?**
#
# A look-up has one row of weights, and the weights sum to 1. So two places have to share. Take the letters as one-hot
# values and give place 1 the share $p$, place 5 the rest:
#
# $$\text{output} = p \cdot \text{c} + (1 - p) \cdot \text{b}$$
#
# **Predict:** with $p = 0.5$, how does the output of "c, then b" differ from that of "b, then c"? And with $p = 0.7$?

# %% slug="one-mixture" tags=["nbval-check-output"]
one_hot = torch.eye(3)                            # a, b, c
for share in (0.5, 0.7):
    for first, second in ((2, 1), (1, 2)):        # c then b, b then c
        mixture = share * one_hot[first] + (1 - share) * one_hot[second]
        print(f"share {share}, {'abc'[first]} then {'abc'[second]}:", end="")
        print("   a {:.1f}   b {:.1f}   c {:.1f}".format(*mixture))

# %% [markdown] slug="middle-share"
# With equal shares the order is gone: both questions give the same vector, and nothing that comes later can tell them
# apart. With unequal shares the order is still in there. The first letter has the most, the second has *less*, and
# absent letters have 0.
#
# But who reads it? Say the next layer is linear. Then the score that it gives a letter for "c, then b" is $p$ times what it
# would give if both places held c, plus $1 - p$ times what it would give if both held b. Write $B(l, m)$ for the score of
# letter $l$ when both places hold $m$. Then $m$ has to win: $B(m, m) > B(l, m)$ for every other $l$. Now let it name the
# **second** letter, in both orders:
#
# | question | the second letter beats the first |
# |---|---|
# | c, then b | $p\,B(b, c) + (1 - p)\,B(b, b) > p\,B(c, c) + (1 - p)\,B(c, b)$ |
# | b, then c | $p\,B(c, b) + (1 - p)\,B(c, c) > p\,B(b, b) + (1 - p)\,B(b, c)$ |
#
# Add the two lines and sort: $(1 - 2p)\,\big[B(b, b) + B(c, c) - B(c, b) - B(b, c)\big] > 0$. The bracket is positive, since
# each letter wins where it stands alone. So $p$ has to be **below** one half. For the **first** letter the same steps ask
# that $p$ be **above** one half. Whatever the values and the readout are, as long as the shares depend on the places alone,
# one look-up and a linear readout hand over one of the two letters. The other one is lost.
#
# **The way out:** look twice. Give the layer several **heads**, each with a row of weights of its own, and keep what they
# find side by side instead of mixing it.

# %% [markdown] slug="four-steps"
# ## Split, attend, concatenate, project
#
# Several heads could mean several full-sized layers. The paper (Vaswani et al. 2017, section 3.2.2) has a cheaper way:
# each of $h$ heads works with a slice of $d_{head} = d_{model} / h$ features.
#
# $$\operatorname{MultiHead}(Q, K, V) = \operatorname{Concat}(\text{head}_1, \dots, \text{head}_h)\, W^O, \qquad
#   \text{head}_i = \operatorname{Attention}(Q W_i^Q,\ K W_i^K,\ V W_i^V)$$
#
# In code this becomes five steps, with one large projection in place of $h$ small ones:
#
# | step | shape |
# |---|---|
# | 1. project query, key and value | `(batch, seq, d_model)` |
# | 2. **split** the features into heads | `(batch, num_heads, seq, d_head)` |
# | 3. **attend** in every head | `(batch, num_heads, q_len, d_head)`, weights `(batch, num_heads, q_len, k_len)` |
# | 4. **concatenate** the heads | `(batch, q_len, d_model)` |
# | 5. **project** with $W^O$ | `(batch, q_len, d_model)` |
#
# The drawing shows them for one sentence of six words with $d_{model} = 32$ and four heads; read it from below. A colour is a
# head, and the numbers are the features that it works on: it gets none of another head.

# %% slug="draw-heads"
pictures.heads(batch=1, seq=6, d_model=32, num_heads=4)

# %% [markdown] slug="what-is-left"
# You have step 3 already. `attention` takes any number of leading axes, so an axis of heads in front is enough to run all
# heads at once. What is left is to bring the heads there and back.

# %% [markdown] slug="split-exercise"
# ### Exercise: `split_heads`
#
# Build `split_heads(x, num_heads)` for `x` of shape `(batch, seq, d_model)`. The result is
# `(batch, num_heads, seq, d_head)`: head $h$ holds the features from $h \cdot d_{head}$ up to $(h+1) \cdot d_{head}$, at
# every position. Where `num_heads` does not divide `d_model`, raise a `ValueError` that names them with their values.
#
# **By hand:** one sequence of two positions with $d_{model} = 4$, split in two:
#
# $$\begin{pmatrix} 0 & 1 & 2 & 3 \\ 4 & 5 & 6 & 7 \end{pmatrix} \quad\to\quad
#   \text{head 0: } \begin{pmatrix} 0 & 1 \\ 4 & 5 \end{pmatrix} \quad
#   \text{head 1: } \begin{pmatrix} 2 & 3 \\ 6 & 7 \end{pmatrix}$$
#
# Each head still has both positions. It just sees half of each.

# %% [markdown] hints="split_heads"

# %% exercise="split_heads"
def split_heads(x, num_heads):
    """Cuts the features of every position into heads: the first d_head are head 0.

    x (batch, seq, d_model) -> (batch, num_heads, seq, d_model // num_heads)
    `ValueError` unless num_heads divides d_model.
    """
    ### BEGIN SOLUTION
    batch, seq, d_model = x.shape
    if d_model % num_heads != 0:
        raise ValueError(f"{d_model=} does not split into {num_heads=}")
    heads = x.reshape(batch, seq, num_heads, d_model // num_heads)
    return heads.transpose(1, 2)
    ### END SOLUTION

# %% check="split_heads"
check("split_heads")

# %% [markdown] slug="view-question"
# ### The same shape, the wrong numbers
#
# A tempting short cut: `x.view(batch, num_heads, seq, d_head)` has the right shape, too, and saves the transpose.
#
# In the picture below, entry `13` is feature 3 of position 1, and each position has a colour. **Predict:** what does
# head 0 hold after the short cut?

# %% slug="view-picture"
explorer.split_picture({
    "split_heads": my.split_heads,
    "view alone": lambda x, num_heads: x.view(1, num_heads, 2, -1),
})

# %% [markdown] slug="view-answer"
# `view` moves nothing. It reads the numbers in the order in which they lie in memory and cuts that line into pieces: head
# 0 gets two pieces of *position 0* and calls them two positions. Nothing complains, since every shape fits, and the layer
# attends to rows that are no positions. Of all mistakes in this chapter this is the one to look out for.

# %% [markdown] slug="merge-exercise"
# ### Exercise: `merge_heads`
#
# Build `merge_heads(x)`, the way back: `(batch, num_heads, seq, d_head)` becomes `(batch, seq, num_heads * d_head)`, so
# that `merge_heads(split_heads(x, n))` is `x` again.
#
# **By hand:** the two heads above give `[[0, 1, 2, 3], [4, 5, 6, 7]]`. Note the 2: it goes behind the 1, though
# in the memory of the heads it follows the 5.

# %% [markdown] hints="merge_heads"

# %% exercise="merge_heads"
def merge_heads(x):
    """Puts the heads side by side: the inverse of `split_heads`.

    x (batch, num_heads, seq, d_head) -> (batch, seq, num_heads * d_head)
    """
    ### BEGIN SOLUTION
    return x.transpose(1, 2).flatten(start_dim=2)
    ### END SOLUTION

# %% check="merge_heads"
check("merge_heads")

# %% [markdown] slug="by-hand"
# ## One layer by hand
#
# Two heads of one feature each: $d_{model} = 2$, $d_{head} = 1$, so $\sqrt{d_{head}} = 1$. Let all four projections be
# the identity. One query asks two keys:
#
# | | feature 0: head 0 | feature 1: head 1 |
# |---|---|---|
# | query | ln 3 | 0 |
# | first key | 1 | 0 |
# | second key | 0 | 0 |
# | value of the first key | 4 | 8 |
# | value of the second key | 0 | 0 |
#
# - **Head 0** has the scores $\ln 3 \cdot 1$ and $\ln 3 \cdot 0$, so the weights $\tfrac34, \tfrac14$. It finds
#   $\tfrac34 \cdot 4 + \tfrac14 \cdot 0 = 3$.
# - **Head 1** has the scores $0$ and $0$, so the weights $\tfrac12, \tfrac12$. It finds
#   $\tfrac12 \cdot 8 + \tfrac12 \cdot 0 = 4$.
#
# Side by side: $(3, 4)$. Each feature was looked up with weights of its own. With one head of size 2 both features share
# the same weights, here 0.68 and 0.32, and the output is $(2.74,\ 5.48)$. No single row of weights gives $(3, 4)$, since
# it would need $\tfrac34$ for the one feature and $\tfrac12$ for the other.

# %% [markdown] slug="heads-exercise"
# ### Exercise: `MultiHeadAttention`
#
# Build the layer as an `nn.Module`.
#
# - `MultiHeadAttention(d_model, num_heads, dropout=0.0)` makes four layers `nn.Linear(d_model, d_model)`, called `w_q`,
#   `w_k`, `w_v` and `w_o`. Where `num_heads` does not divide `d_model`, the **constructor** raises a `ValueError` that
#   names them with their values.
# - `forward(query, key, value, mask=None)` takes `query` of shape `(batch, q_len, d_model)`, `key` and `value` of shape
#   `(batch, k_len, d_model)`. The three may be three different tensors. It returns `(output, weights)`: output
#   `(batch, q_len, d_model)`, weights `(batch, num_heads, q_len, k_len)`, of every head.
# - **The mask** has two or three axes and broadcasts to `(batch, q_len, k_len)`; `True` means "may attend". It holds for
#   every head, and it knows nothing of heads: their axis is for you to add.
# - **A query that may attend to nothing** finds 0 in every head. After `w_o` that is the bias of `w_o`.
# - **Dropout** acts in training, on the weights that multiply the values. The weights that you *return* are those before
#   dropout, so that a picture of them shows where the layer looked.
#
# `attention`, `split_heads` and `merge_heads` are there for you to use.

# %% [markdown] hints="MultiHeadAttention"

# %% exercise="MultiHeadAttention"
class MultiHeadAttention(nn.Module):
    """Several look-ups at once, each on its own slice of the features.

    query (batch, q_len, d_model), key and value (batch, k_len, d_model), mask
    -> output (batch, q_len, d_model), weights (batch, num_heads, q_len, k_len),
    the weights before dropout. Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        ### BEGIN SOLUTION
        if d_model % num_heads != 0:
            raise ValueError(f"{d_model=} does not split into {num_heads=}")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, query, key, value, mask=None):
        ### BEGIN SOLUTION
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        if mask is not None:
            mask = mask.unsqueeze(-3)        # the same for every head
        output, weights = attention(q, k, v, mask=mask)
        if self.training and self.dropout.p > 0:
            output = self.dropout(weights) @ v
        return self.w_o(merge_heads(output)), weights
        ### END SOLUTION

# %% check="MultiHeadAttention"
check("MultiHeadAttention")

# %% [markdown] slug="by-hand-again"
# The numbers from above, through the layer, with two heads and with one:

# %% slug="by-hand-code" tags=["nbval-check-output"]
identity = {}
for part in "qkvo":
    identity[f"w_{part}.weight"] = torch.eye(2)
    identity[f"w_{part}.bias"] = torch.zeros(2)
query = torch.tensor([[[1.098612, 0.0]]])         # ln 3, 0
key = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
value = torch.tensor([[[4.0, 8.0], [0.0, 0.0]]])

for num_heads in (2, 1):
    layer = my.MultiHeadAttention(2, num_heads)
    layer.load_state_dict(identity)
    with torch.no_grad():
        output, weights = layer(query, key, value)
    for number, row in enumerate(weights[0, :, 0]):
        print("head {}: weights {:.2f}, {:.2f}".format(number, *row))
    print("output {:.2f}, {:.2f}\n".format(*output[0, 0]))

# %% [markdown] slug="one-or-many"
# ## One projection or $h$ of them?
#
# The formula has three matrices *for each head*, $W_i^Q$, $W_i^K$ and $W_i^V$. Your layer has one `w_q`, cut afterwards.
# **Is that the same?**
#
# `nn.Linear` computes $x W^\top + b$, a dot product of $x$ with each **row** of its weight. Feature 5 of the result comes
# from row 5 alone. So the features of head $i$ come from the rows of head $i$ alone, and these rows *are* $W_i^Q$,
# transposed. On the other side, $W^O$ multiplies a concatenation, and a product with pieces side by side is a sum:
#
# $$\operatorname{Concat}(\text{head}_1, \dots, \text{head}_h)\, W^O = \sum_i \text{head}_i\, W_i^O$$
#
# The next cell computes the formula head by head, with slices of *your* layer's weights. **Predict:** how far will it be
# from your layer's output?

# %% slug="formula-with-your-weights"
torch.manual_seed(4)
layer, d_head = my.MultiHeadAttention(24, num_heads=4), 6
query, key = torch.randn(2, 5, 24), torch.randn(2, 7, 24)
value = torch.randn(2, 7, 24)

def rows_of(linear, x, rows):
    """What the `rows` of a linear layer alone make of x."""
    return x @ linear.weight[rows].T + linear.bias[rows]

with torch.no_grad():
    total = layer.w_o.bias
    for i in range(4):
        rows = slice(i * d_head, (i + 1) * d_head)
        q, k = rows_of(layer.w_q, query, rows), rows_of(layer.w_k, key, rows)
        head_i, _ = my.attention(q, k, rows_of(layer.w_v, value, rows))
        total = total + head_i @ layer.w_o.weight[:, rows].T
    difference = (total - layer(query, key, value)[0]).abs().max()
print(f"largest difference between the formula and the layer: {difference:.0e}")

# %% [markdown] slug="same-cost"
# Rounding, and nothing else. One large projection is the formula's $h$ small ones, run in a single matrix product. The
# loop above also shows what $W^O$ is for: every head has its own slice of it, with which it *writes* what it found into
# all features of the output.
#
# Since the slices get narrower as the heads get more, the layer stays the same size. **Predict:** how many parameters
# does it have with $d_{model} = 32$, with one head and with eight?

# %% slug="count-parameters" tags=["nbval-check-output"]
for num_heads in (1, 2, 4, 8):
    layer = my.MultiHeadAttention(32, num_heads)
    count = training.count_parameters(layer)
    print(f"{num_heads=}: {count:,} parameters, {32 // num_heads:2} features a head")

# %% [markdown] slug="before-training"
# ## What does a head look at?
#
# Before training, nothing in particular. Here is *The cat sat on the mat* with random vectors, through a layer of four
# heads with random weights. **Predict:** will the heads agree with each other?

# %% slug="untrained-heads"
torch.manual_seed(1)
words = "The cat sat on the mat".split()
x = torch.randn(1, len(words), 32)
with torch.no_grad():
    _, weights = my.MultiHeadAttention(32, 4)(x, x, x)
figure = plots.heads(weights[0], words, words, even=True)
plots.alt(figure, """Four maps of 6 by 6 attention weights, one a head. All lie
    around one sixth; each head has its own preferences, without a pattern.""")

# %% [markdown] slug="before-training-answer"
# Every head has a different map, and no map means anything: an even spread would be $\tfrac16 = 0.17$, the orange line at the
# colour bar, and the rest is chance. Heads start out different, and nothing forces them to become useful, or to divide the
# work. Whether they do is a question for an experiment.

# %% [markdown] slug="experiment"
# ## The experiment: two look-ups at once
#
# Back to the eight places. The model below gets their letters and a question that names two places. It answers with both
# letters, in order. The attention layer is all that it has: one query, made of the two names, looks at the eight places,
# and a **linear** readout turns the output into two letters. No residual connection, no feed-forward layer.

# %% slug="look-ups-model"
class LookUps(nn.Module):
    """tokens (batch, 8), asked (batch, look_ups)
    -> logits (batch, look_ups, 8), weights (batch, num_heads, 8)
    """

    def __init__(self, layer, look_ups=2, readout=None):
        super().__init__()
        self.value, self.place = nn.Embedding(8, 32), nn.Embedding(8, 32)
        self.asked = nn.Embedding(look_ups * 8, 32)   # the first is 3, the second is 3, …
        self.layer = layer
        self.readout = readout or nn.Linear(32, look_ups * 8)
        self.register_buffer("names", torch.arange(look_ups) * 8)

    def forward(self, tokens, asked):
        x = self.value(tokens) + self.place.weight
        query = self.asked(asked + self.names).sum(dim=1, keepdim=True)
        output, weights = self.layer(query, x, x)
        return self.readout(output[:, 0]).unflatten(-1, (-1, 8)), weights[:, :, 0]

def fit(num_heads, seed, look_ups=2, steps=task.STEPS, readout=None):
    """A model of that many heads, trained on `look_ups` questions at once."""
    model = LookUps(my.MultiHeadAttention(32, num_heads), look_ups, readout)
    task.fit(model, look_ups, seed, steps)
    return model

# %% [markdown] slug="predict-heads"
# Chance is $\tfrac18 = 0.125$ for one letter and $\tfrac{1}{64} = 0.016$ for both.
#
# **Predict,** before you run: which share of questions does a layer with **one** head answer right, both letters? Which
# with two, four, eight? All have the same number of parameters. Each is trained five times for 400 steps, from different
# seeds, and measured on questions that it has not seen.

# %% slug="train-heads"
SEEDS = range(5)
models, both_right = {}, {}
if session.training_allowed():
    for num_heads in (1, 2, 4, 8):
        fitted = [fit(num_heads, seed) for seed in SEEDS]
        shares = [task.right(model)[1] for model in fitted]
        models[num_heads], both_right[num_heads] = fitted, shares
        print(f"{num_heads=}: both letters right", *(f" {x:.2f}" for x in shares))

# %% slug="plot-heads"
if session.training_allowed():
    shares = torch.tensor(list(both_right.values()))              # (4, 5)
    figure, ax = plots.figure(width=6, height=3.2)
    places = torch.arange(4)[:, None] + torch.linspace(-0.12, 0.12, len(SEEDS))
    ax.plot(places.flatten(), shares.flatten(), "o", alpha=0.7, label="one seed each")
    ax.axhline(1 / 8, color=plots.COLOURS["vermillion"], ls="--", label="one right, one guessed")
    ax.axhline(1 / 64, color=plots.COLOURS["grey"], ls=":", label="chance")
    ax.set_xticks(range(4), both_right)
    ax.set(xlabel="number of heads", ylabel="both letters right", ylim=(0, 1.05))
    ax.legend(loc="center right")
    plots.alt(figure, """Share of questions with both letters right against
        the number of heads, a point for each seed. One head: about 0.2, with a small
        spread. More: 1.0.""")

# %% [markdown] slug="heads-answer"
# One head answers about one question in five; two heads, or more, answer all of them, whatever the seed. More than two
# make no difference here. So the number of heads decides, at the same number of parameters.
#
# **What did the one head learn?** Look at the two letters apart, and at the weight that it gives to each of the two places
# that were asked for.

# %% slug="one-head-letters"
if session.training_allowed():
    for seed, model in zip(SEEDS, models[1], strict=True):
        (first, second), _ = task.right(model)
        (weight_1, weight_2), = task.attended(model).tolist()
        print(f"seed {seed}   letters right: {first:.2f}, {second:.2f}"
              f"   weight on the two places: {weight_1:.2f}, {weight_2:.2f}")

# %% [markdown] slug="one-head-answer"
# It takes sides. One of the two letters is right about nine times out of ten, the other two or three times out of ten. Which
# one is sacrificed depends on the seed. That is what the two lines foretold: a linear readout gets one letter out of a
# mixture. The head does give the other place some weight; the readout cannot use it.
#
# ### What each head learned
#
# Now the model with two heads. Each row of the picture is a question, each column a place. **Predict:** will each head
# take one of the two look-ups, or will both heads look at both places?

# %% slug="trained-heads"
if session.training_allowed():
    asked = torch.tensor([[1, 5], [5, 1], [2, 6], [6, 2], [0, 7], [4, 3]])
    tokens = task.held_out(2)[0][: len(asked)]
    with torch.no_grad():
        _, weights = models[2][0](tokens, asked)
    rows = [f"{first} then {second}" for first, second in asked.tolist()]
    figure = plots.heads(weights.transpose(0, 1), rows, range(8))
    figure.axes[0].set_ylabel("places asked for")
    for ax in figure.axes[:2]:
        ax.set_xlabel("place")
    plots.alt(figure, """Two maps, six questions by eight places. One head puts
        nearly all weight on the place asked for first, the other on the second.""")

# %% [markdown] slug="explore"
# ### Explore
#
# Move the two places and change the letters. Compare one head with two, and look at four and eight: which heads share a
# job? Which does nothing that you can name?

# %% slug="explorer"
one_each = {num_heads: trained[0] for num_heads, trained in models.items()}
explorer.question_explorer(one_each) if one_each else None

# %% [markdown] slug="explore-static"
# The same as a still picture: two questions to the model with two heads, then the same two to the model with one.

# %% slug="explorer-two"
if session.training_allowed():
    questions = [explorer.QuestionSetting(1, 5), explorer.QuestionSetting(5, 1)]
    explorer.question_settings(one_each[2], questions)

# %% slug="explorer-one"
if session.training_allowed():
    explorer.question_settings(one_each[1], questions)

# %% [markdown] slug="ablate-question"
# ### Is the picture true?
#
# A map shows where values were taken from. It does not prove that the model needs them. To find out, take a head away:
# set its slice of $W^O$ to zero, so that it cannot write. **Predict:** what happens to the first letter and to the second
# when head 0 of the two falls silent? And with four heads?

# %% slug="ablate"
def without_head(model, head, d_head):
    """A copy of the model in which that head writes nothing into the output."""
    silent = copy.deepcopy(model)
    with torch.no_grad():
        silent.layer.w_o.weight[:, head * d_head : (head + 1) * d_head] = 0
    return silent

for num_heads in (2, 4) if session.training_allowed() else ():
    model = models[num_heads][0]
    print(f"{num_heads} heads  weight on the two places  letters right without it")
    for head, looks in enumerate(task.attended(model).tolist()):
        each, _ = task.right(without_head(model, head, 32 // num_heads))
        row = "head {}       {:.2f}, {:.2f}                 {:.2f}, {:.2f}"
        print(row.format(head, *looks, *each))

# %% [markdown] slug="ablate-answer"
# With two heads the map is true: without the head that looks at the first place, the first letter falls to chance (0.125),
# and the second does not notice. With four heads, two look at each place. Taking one of them away costs far less, and
# sometimes nothing at all. So heads *can* learn different patterns. Nothing makes them: some double each other, and could
# be dropped after training. The same was found in large models (Michel et al. 2019).

# %% [markdown] slug="more-look-ups"
# ### How many heads for how many look-ups?
#
# **Predict** the table: three and four places asked for at once, one to four heads. Is it enough to have as many heads as
# look-ups? Is it necessary?

# %% slug="train-look-ups"
if session.training_allowed():
    print("all letters right, three seeds each")
    print("look-ups           1 head          2 heads          4 heads")
    for look_ups in (3, 4):
        cells = []
        for num_heads in (1, 2, 4):
            fitted = [fit(num_heads, seed, look_ups) for seed in (0, 1, 2)]
            shares = [task.right(model, look_ups)[1] for model in fitted]
            cells.append(" ".join(f"{share:.2f}" for share in shares))
        print(f"{look_ups:8}   " + "   ".join(cells))

# %% [markdown] slug="more-look-ups-answer"
# As many heads as look-ups is enough, every time. With fewer, most questions go wrong. How far two heads get with three
# look-ups depends on the seed; the argument above is about one mixture, and does not say what two can carry.

# %% [markdown] slug="mlp-question"
# ### Is one head really not enough?
#
# The order *is* in the mixture, as the larger and the smaller share. Only a linear readout cannot get it out. So give the
# one head a readout with a hidden layer of 64 units and a ReLU, and 800 steps; and, for comparison, the linear readout as
# many. **Predict:** how many of the questions will each answer now?

# %% slug="train-mlp"
if session.training_allowed():
    for seed in SEEDS:
        hidden = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 16))
        for name, readout in {"hidden layer": hidden, "linear": None}.items():
            model = fit(1, seed, steps=800, readout=readout)
            (weight_1, weight_2), = task.attended(model).tolist()
            print(f"seed {seed}   {name:14} both letters right: {task.right(model)[1]:.2f}"
                  f"   weight on the two places: {weight_1:.2f}, {weight_2:.2f}")

# %% [markdown] slug="mlp-answer"
# With the hidden layer all of them, or nearly; without it no more than before, so it is not the longer training. The one head
# now gives about two thirds to one place and a good quarter to the other, and the hidden layer tells the letters apart by
# their shares. So the honest claim is a small one:
#
# - One head with a **linear** readout cannot do two look-ups. Two heads can, at the same size.
# - One head with a **nonlinear** readout can, too. Here it took twice the steps.
#
# A transformer has a feed-forward layer behind every attention layer (chapter 5). "Several heads are better than one" is
# then a matter of how easily something is learned, to be measured on the task at hand; no law says so. The paper found
# one head somewhat worse at translation than eight, and sixteen or thirty-two no better (its table 3, rows A).

# %% [markdown] slug="memory"
# ## What the heads have to remember
#
# A model that writes text produces one token at a time, and each token attends to all before it. Their keys and values do
# not change, so one computes them once and keeps them. **How much memory is that?**
#
# For each token, each layer and each head: one key and one value, $d_{head}$ numbers each. **By hand:** 32 layers, 32
# heads, $d_{head} = 128$, two bytes a number. That is $32 \cdot 32 \cdot 2 \cdot 128 \cdot 2 = 524{,}288$ bytes, half a
# megabyte *for each token*. A conversation of 8,192 tokens needs 4 GiB, besides the model.
#
# Queries are not kept. So let several query heads **share** one key/value head. With all sharing one it is called
# *multi-query* attention (Shazeer 2019), with a few groups *grouped-query* attention (Ainslie et al. 2023). Many models in
# use today have groups.
#
# Here are the three for four query heads with $d_{head} = 8$. An arrow says whose keys and values a query head uses.

# %% slug="draw-sharing"
pictures.sharing(d_head=8, num_heads=4, shared=(4, 2, 1))

# %% [markdown] slug="grouped-exercise"
# ### Stretch exercise: `GroupedQueryAttention`
#
# Build `GroupedQueryAttention(d_model, num_heads, num_kv_heads)`.
#
# - `w_q` and `w_o` are as before. `w_k` and `w_v` are `nn.Linear(d_model, num_kv_heads * d_head)`, with
#   $d_{head} = d_{model} / h$ as before, where $h$ is the number of query heads.
# - With `r = num_heads // num_kv_heads`, query heads $g \cdot r$ to $g \cdot r + r - 1$ use key/value head
#   $g$: **neighbours share**.
# - `forward` takes and returns what `MultiHeadAttention` does, weights of all `num_heads` heads included. No dropout.
# - `ValueError` in the constructor unless `num_heads` divides `d_model` and `num_kv_heads` divides `num_heads`.
#
# **By hand:** with 4 heads and 2 key/value heads, $r = 2$: query heads 0 and 1 use key/value head 0, query heads 2 and 3
# use key/value head 1.

# %% [markdown] hints="GroupedQueryAttention"

# %% exercise="GroupedQueryAttention"
class GroupedQueryAttention(nn.Module):
    """Multi-head attention in which neighbouring query heads share a key/value head.

    query (batch, q_len, d_model), key and value (batch, k_len, d_model), mask
    -> output (batch, q_len, d_model), weights (batch, num_heads, q_len, k_len).
    Ainslie et al. 2023.
    """

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        ### BEGIN SOLUTION
        if d_model % num_heads != 0:
            raise ValueError(f"{d_model=} does not split into {num_heads=}")
        if num_heads % num_kv_heads != 0:
            raise ValueError(f"{num_heads=} cannot share {num_kv_heads=}")
        d_kv = num_kv_heads * (d_model // num_heads)
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_kv)
        self.w_v = nn.Linear(d_model, d_kv)
        self.w_o = nn.Linear(d_model, d_model)
        ### END SOLUTION

    def forward(self, query, key, value, mask=None):
        ### BEGIN SOLUTION
        shared = self.num_heads // self.num_kv_heads
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_kv_heads)
        v = split_heads(self.w_v(value), self.num_kv_heads)
        k, v = (x.repeat_interleave(shared, dim=1) for x in (k, v))
        if mask is not None:
            mask = mask.unsqueeze(-3)
        output, weights = attention(q, k, v, mask=mask)
        return self.w_o(merge_heads(output)), weights
        ### END SOLUTION

# %% check="GroupedQueryAttention"
check("GroupedQueryAttention")

# %% [markdown] slug="grouped-question"
# ### What sharing saves
#
# The table takes a layer with $d_{model} = 512$ and 8 heads of 64 and measures what it keeps for a sequence of 100 tokens.
# The last column computes the same for the large model above. **Predict** the saving with 2 key/value heads in place of 8.

# %% slug="grouped-table" tags=["nbval-check-output"]
tokens, sizes = torch.zeros(1, 100, 512), (8, 4, 2, 1)
layers = [my.GroupedQueryAttention(512, 8, groups) for groups in sizes]
print("key/value   parameters    kept for      large model,")
print("heads       of w_k, w_v   100 tokens    8,192 tokens")
for groups, layer in zip(sizes, layers, strict=True):
    count = sum(training.count_parameters(x) for x in (layer.w_k, layer.w_v))
    kept = (layer.w_k(tokens).nbytes + layer.w_v(tokens).nbytes) / 2**10
    large_heads = 32 * groups // 8
    large = 32 * large_heads * 2 * 128 * 2 * 8192 / 2**30
    row = f"{groups:5}   {count:15,}   {kept:6.0f} KiB    "
    print(row + f"{large:.1f} GiB ({large_heads} heads)")

# %% [markdown] slug="grouped-accuracy"
# Memory falls in proportion, and `w_k` and `w_v` shrink with it. **What does it cost?** The two look-ups again, with four
# heads that share two key/value heads, or one. (Four of each is the layer that you measured above.)

# %% slug="train-grouped"
for num_kv_heads in (2, 1) if session.training_allowed() else ():
    shares = []
    for seed in (0, 1):
        model = LookUps(my.GroupedQueryAttention(32, 4, num_kv_heads))
        task.fit(model, seed=seed)
        shares.append(f"{task.right(model)[1]:.2f}")
    print(f"4 heads, {num_kv_heads} for keys and values: both letters right", *shares)

# %% [markdown] slug="grouped-answer"
# Here it costs nothing. That fits the task: the heads ask different questions, and the same keys and values can answer all
# of them. It does not prove that sharing is free. On large models one shared head loses some quality, and a
# few groups lose little (Ainslie et al. 2023): that needs a larger experiment than this one.

# %% [markdown] slug="symptoms"
# ## If something looks wrong
#
# | you see | likely cause | where to look |
# |---|---|---|
# | right shapes, wrong numbers | `view` where a transpose is needed | print `split_heads` of the 2 × 4 example |
# | `view size is not compatible …` | after a transpose, memory has another order than the axes | `reshape` or `flatten` |
# | an error about sizes with a mask of three axes | batch lines up with heads | the mask needs an axis where the heads are |
# | right when `batch` equals `num_heads`, wrong otherwise | the same, by luck | test with sizes that all differ |
# | right with one head only | $\sqrt{d_{model}}$ instead of $\sqrt{d_{head}}$ | the size of one head's query |
# | right in self-attention only | key or value is not used, or they are swapped | what goes to `w_k`, what to `w_v` |
# | weights of shape `(batch, q_len, k_len)` | averaged over heads | return them as they are |
# | returned weights have zeros in training | they were taken after dropout | keep the ones from before |
# | results differ from call to call in `eval()` | dropout that does not ask for `self.training` | `nn.Dropout` asks by itself |
# | `Missing key(s) in state_dict` | a layer has another name | four `nn.Linear`, made in the constructor |
# | NaN where a query may attend to nothing | the softmax of a row of `-inf` | `attention` of chapter 2 takes care of it |
# | grouped: right with one key/value head, wrong with two | `repeat` gives 0 1 0 1 | neighbours share: 0 0 1 1 |

# %% [markdown] slug="quiz-text"
# ## Quiz
#
# One answer is right in each. Put its letter between the quotes below, run that cell and its check; you can change your
# mind.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("04_multi_head_attention")

# %% [markdown] slug="written-question"
# ## In your own words
#
# Take the experiment with two look-ups. What did you predict for one head, and what did you see? Explain why one head with
# a linear readout gets one letter and loses the other, and what changes, first with a second head, then with a hidden
# layer in the readout. Three to six sentences.

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric** (2 points)
#
# - 0.5: states a prediction and the measured outcome: about one question in five with one head, of the two letters one
#   nearly always right and the other near chance; all questions with two heads.
# - 0.75: the reason. One row of weights sums to 1, so the output is one mixture; a linear readout names the letter with the
#   larger share as the first only if that share is above one half, as the second only if it is below. That the second letter
#   has the middle share, between the first and those that are absent, and a linear score has its maximum at an end, will do.
#   (Half of it for "the order is lost in a mixture" alone: with unequal shares it is not lost.)
# - 0.5: a second head has its own weights and its own slice of the output, so each letter arrives unmixed; a readout can
#   take it from there.
# - 0.25: a hidden layer can tell a large share from a small one, so one head reaches it, too: the limit is that of one head
#   *with a linear readout*.
#
# No points are lost for a wrong prediction.
# ### END SOLUTION

# %% [markdown] slug="what-you-built"
# ## What you built
#
# - `split_heads` and `merge_heads`: features into heads and back, with every position in its place.
# - `MultiHeadAttention`: several look-ups in one layer of the same size, with masks and dropout. Every block of chapter 5
#   has it inside.
# - `GroupedQueryAttention`, if you went for it: the same with a fraction of the memory.
#
# What passed its checks is now in your library `my_transformer/`.
#
# **Next:** an attention layer mixes and projects. Chapter 5 puts a feed-forward layer behind it, adds residual connections
# and normalisation, and stacks the result into a transformer. Chapter 6 answers what was handed to the layer here for free:
# how does it know which place is which?
