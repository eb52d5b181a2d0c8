# %% [markdown] slug="title"
# # 4 · Multi-head attention
#
# One look-up mixes what it finds into one vector. This chapter builds the layer that looks several times at once:
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `split_heads` | cuts features into heads | 15 | 1.5 |
# | `merge_heads` | puts the heads side by side again | 10 | 1.5 |
# | `MultiHeadAttention` | several look-ups in one layer, with masks and dropout | 40 | 4 |
# | `GroupedQueryAttention` (stretch) | the same with fewer keys and values to remember | 25 | – |
#
# One **open task** carries no points: the layer without one of its heads.
#
# **Time:** about 165 minutes, of which 60 are reading, running and the open task, and 15 the quiz and the written question.
#
# **You need:** chapters 2 and 3.
#
# Where a cell begins with `guess_`, enter your prediction: it is drawn on the result.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()
import torch
from torch import nn
from utils import my, session, training
from utils.chapters.multi_head_attention import experiment as task
from utils.chapters.multi_head_attention import explorer, pictures, tasks

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
# *Which letters stand at places 1 and 5, in that order?* The answer is "c, then b". **Can a single look-up answer that?**
#
# Its weights sum to 1, so two places have to share. Take the letters as one-hot values and give place 1 the share $p$, place 5
# the rest:
#
# $$\text{output} = p \cdot \text{c} + (1 - p) \cdot \text{b}$$
#
# **Predict 1.** Further down, a layer with one head and a linear readout is trained on such questions. Which share of them will
# it answer right, both letters? (A blind guess: $\tfrac{1}{64} = 0.016$.) You may change your number until then.

# %% slug="guess-one-head"
guess_one_head = None    # from 0 to 1

# %% slug="one-mixture" tags=["nbval-check-output"]
one_hot = torch.eye(3)                            # a, b, c
for share in (0.5, 0.7):
    for first, second in ((2, 1), (1, 2)):        # c then b, b then c
        mixture = share * one_hot[first] + (1 - share) * one_hot[second]
        print(f"share {share}, {'abc'[first]} then {'abc'[second]}:", end="")
        print("   a {:.1f}   b {:.1f}   c {:.1f}".format(*mixture))

# %% [markdown] slug="middle-share"
# With equal shares both questions give the same vector: the order is gone. With unequal shares the first letter has the most,
# the second *less*, absent letters 0.
#
# But who reads it? With a linear readout, the score that a letter gets for "c, then b" is $p$ times what it would get if both
# places held c, plus $1 - p$ times what it would get if both held b. Write $B(l, m)$ for the score of letter $l$ when both
# places hold $m$. Then $m$ has to win: $B(m, m) > B(l, m)$ for every other $l$. A readout that is to name the **second** letter
# of "c, then b" must score b above c:
#
# $$p\,B(b, c) + (1 - p)\,B(b, b) > p\,B(c, c) + (1 - p)\,B(c, b).$$
#
# Swap b and c for the other order, add the two lines and sort: $(1 - 2p)\,\big[B(b, b) + B(c, c) - B(c, b) - B(b, c)\big] > 0$.
# The bracket is positive, so $p$ has to be **below** one half. To name the **first** letter, the same steps ask for $p$
# **above** one half. As long as the shares depend on the places alone, one look-up with a linear readout cannot get both
# letters right in all questions.
#
# **The way out:** give the layer several **heads**, each with a row of weights of its own, and keep what they find side by
# side.
#
# ## Split, attend, concatenate, project
#
# **Several full-sized layers?** There is a cheaper way (Vaswani et al. 2017, section 3.2.2): each of $h$ heads works with a
# slice of $d_{head} = d_{model} / h$ features.
#
# $$\operatorname{MultiHead}(Q, K, V) = \operatorname{Concat}(\text{head}_1, \dots, \text{head}_h)\, W^O, \qquad
#   \text{head}_i = \operatorname{Attention}(Q W_i^Q,\ K W_i^K,\ V W_i^V)$$
#
# The drawing has five steps; a colour is a head, and the numbers are its features.

# %% slug="draw-heads"
pictures.heads(batch=1, seq=6, d_model=32, num_heads=4)

# %% [markdown] slug="what-is-left"
# Step 3 of the drawing is your `attention` with an axis of heads in front. What is left is to bring the heads there and back.

# %% [markdown] slug="split-exercise"
# ## Exercise: `split_heads`
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

# %% [markdown] slug="symptoms-split_heads"
# | you see | look at |
# |---|---|
# | right shapes, wrong numbers | `view` where a transpose is needed: print your heads of the 2 × 4 example |
# | right with one head only | the axis of the heads stands behind the positions |

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
# ### The same shape, the wrong numbers (a demonstration)
#
# `x.view(batch, num_heads, seq, d_head)` has the right shape, too, without a transpose. In the picture, entry `13` is feature 3
# of position 1, and each position has a colour.

# %% slug="view-picture"
explorer.split_picture({
    "split_heads": my.split_heads,
    "view alone": lambda x, num_heads: x.view(1, num_heads, 2, -1),
})

# %% [markdown] slug="view-answer"
# `view` moves nothing. It cuts the numbers in the order in which they lie in memory: head 0 gets two pieces of *position 0*.
# Every shape fits.

# %% [markdown] slug="merge-exercise"
# ## Exercise: `merge_heads`
#
# Build `merge_heads(x)`, the way back: `(batch, num_heads, seq, d_head)` becomes `(batch, seq, num_heads * d_head)`, so
# that `merge_heads(split_heads(x, n))` is `x` again.
#
# **By hand:** the two heads above give `[[0, 1, 2, 3], [4, 5, 6, 7]]`. Note the 2: it goes behind the 1, though
# in the memory of the heads it follows the 5.

# %% [markdown] hints="merge_heads"

# %% [markdown] slug="symptoms-merge_heads"
# | you see | look at |
# |---|---|
# | `view size is not compatible …` | after a transpose, memory has another order than the axes: `reshape` or `flatten` |
# | right for one position, wrong for more | which axis stands in front of the heads when they are joined |

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
# Two heads of one feature each: $d_{model} = 2$, $d_{head} = 1$. Let all four projections be the identity. One query asks two
# keys:
#
# | | feature 0: head 0 | feature 1: head 1 |
# |---|---|---|
# | query | ln 3 | 0 |
# | first key | 1 | 0 |
# | value of the first key | 4 | 8 |
# | second key and its value | 0 | 0 |
#
# - **Head 0** has the scores $\ln 3$ and $0$, the weights $\tfrac34, \tfrac14$, and finds
#   $\tfrac34 \cdot 4 + \tfrac14 \cdot 0 = 3$.
# - **Head 1** has the scores $0$ and $0$, the weights $\tfrac12, \tfrac12$, and finds
#   $\tfrac12 \cdot 8 + \tfrac12 \cdot 0 = 4$.
#
# Side by side: $(3, 4)$. No single row of weights gives that, since it would need $\tfrac34$ for the one feature and $\tfrac12$
# for the other.

# %% [markdown] slug="heads-exercise"
# ## Exercise: `MultiHeadAttention`
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

# %% [markdown] slug="symptoms-MultiHeadAttention"
# | you see | look at |
# |---|---|
# | an error about sizes with a mask of three axes | batch lines up with heads: the mask needs an axis there |
# | right when `batch` equals `num_heads`, wrong otherwise | the same, by luck |
# | right with one head only | the root of $d_{model}$ in place of $d_{head}$ |
# | right in self-attention only | key or value is not used, or they are swapped |
# | weights of shape `(batch, q_len, k_len)` | an average over heads: return them as they are |
# | returned weights have zeros in training | they were taken after dropout |
# | results differ from call to call in `eval()` | dropout that does not ask for `self.training` |
# | `Missing key(s) in state_dict` | four `nn.Linear` of these names, made in the constructor |
# | NaN where a query may attend to nothing | a softmax of your own: `attention` of chapter 2 takes care of it |

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
# Through the layer, with two heads and with one:

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
# ## One projection or $h$ of them? (a demonstration)
#
# **Is a matrix $W_i^Q$ *for each head* the same as one `w_q`, cut afterwards?** `nn.Linear` computes $x W^\top + b$: the
# features of head $i$ come from the **rows** of head $i$ alone, which *are* $W_i^Q$, transposed. And $W^O$ multiplies a
# concatenation, which is a sum:
#
# $$\operatorname{Concat}(\text{head}_1, \dots, \text{head}_h)\, W^O = \sum_i \text{head}_i\, W_i^O$$
#
# The cell computes the formula head by head, with slices of *your* layer's weights.

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
for num_heads in (1, 2, 4, 8):
    count = training.count_parameters(my.MultiHeadAttention(32, num_heads))
    print(f"{num_heads=}: {count:,} parameters, {32 // num_heads:2} features a head")

# %% [markdown] slug="same-cost"
# The same, up to rounding. Every head *writes* with its own slice of $W^O$ into all features of the output. More heads have
# narrower slices, so the layer stays the same size.
#
# ## What does a head look at?
#
# **Before training, nothing in particular.** *The cat sat on the mat* with random vectors, through four heads with random
# weights:

# %% slug="untrained-heads"
torch.manual_seed(1)
words = "The cat sat on the mat".split()
x = torch.randn(1, len(words), 32)
with torch.no_grad():
    _, weights = my.MultiHeadAttention(32, 4)(x, x, x)
pictures.untrained(weights[0], words)

# %% [markdown] slug="experiment"
# All weights lie near an even spread, $\tfrac16 = 0.17$, the orange line at the colour bar.
#
# ## The experiment: two look-ups at once
#
# **Does the number of heads decide what can be answered?** The model gets eight letters and a question that names two places.
# One query, made of the two names, looks at the eight places, and a **linear** readout gives the **logits** of the two letters,
# in order. Nothing else stands around it.

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
# Layers with one, two, four and eight heads have the same number of parameters. Each is trained three times for 400 steps,
# from different seeds, and measured on questions that it has not seen.
#
# **Predict 2.** Which share of the questions will a layer with **two** heads answer right, both letters?

# %% slug="guess-two-heads"
guess_two_heads = None    # from 0 to 1

# %% slug="train-heads"
# about 7 seconds
SEEDS = range(3)
models, both_right = {}, {}
if session.training_allowed():
    for num_heads in (1, 2, 4, 8):
        models[num_heads] = [fit(num_heads, seed) for seed in SEEDS]
        both_right[num_heads] = [task.right(model)[1] for model in models[num_heads]]
    lines = {"one right, one guessed": 1 / 8, "blind guess": 1 / 64}
    guesses = {1: guess_one_head, 2: guess_two_heads}
    pictures.shares(both_right, "number of heads", "both letters right", lines, guesses)

# %% [markdown] slug="heads-answer"
# One head answers about one question in five; two heads, or more, answer all of them, whatever the seed.
#
# **What did the one head learn?**

# %% slug="one-head-letters"
if session.training_allowed():
    for seed, model in zip(SEEDS, models[1], strict=True):
        (first, second), _ = task.right(model)
        (weight_1, weight_2), = task.attended(model).tolist()
        print(f"seed {seed}   letters right: {first:.2f}, {second:.2f}"
              f"   weight on the two places: {weight_1:.2f}, {weight_2:.2f}")

# %% [markdown] slug="one-head-answer"
# It takes sides. One of the two letters is right about nine times out of ten, the other two or three times out of ten, and
# which one depends on the seed.
#
# ### What each head learned
#
# Now the model with two heads. Each row is a question, each column a place.

# %% slug="trained-heads"
if session.training_allowed():
    asked = torch.tensor([[1, 5], [5, 1], [2, 6], [6, 2], [0, 7], [4, 3]])
    tokens = task.held_out(2)[0][: len(asked)]
    with torch.no_grad():
        _, weights = models[2][0](tokens, asked)
    pictures.questions(weights.transpose(0, 1), asked)

# %% [markdown] slug="explore"
# ### Explore
#
# Move the two places and change the letters. Compare one head with two, and look at four and eight: which heads share a job?
# Below: two questions, with two heads and then with one.

# %% slug="explorer"
one_each = {num_heads: trained[0] for num_heads, trained in models.items()}
explorer.question_explorer(one_each) if one_each else None

# %% slug="explorer-two"
if session.training_allowed():
    questions = [explorer.QuestionSetting(1, 5), explorer.QuestionSetting(5, 1)]
    explorer.question_settings(one_each[2], questions)
    explorer.question_settings(one_each[1], questions)

# %% [markdown] slug="ablate-question"
# ## Is the picture true?
#
# **Does the model need what the map shows?** To find out, take a part away and measure: an **ablation**.
#
# ### Open task: the layer without one head
#
# Write `without_head(layer, num_heads, head, query, key, value)`: the output of a trained `MultiHeadAttention`, of shape
# `(batch, q_len, d_model)`, when `head` (counted from 0) writes nothing into it. All other heads, and the bias of `w_o`, stay
# as they are, and so does `layer` itself.
#
# There are several ways. You may set to 0 what the head found before `w_o` mixes it in, or the head's slice of a copy of
# `w_o.weight`, or take what the head writes off the whole. `my.split_heads`, `my.merge_heads` and `my.attention` are there;
# no mask, no dropout. The cell after it compares your output with what it must be, for each head.

# %% open="without_head"
def without_head(layer, num_heads, head, query, key, value):
    """The layer's output (batch, q_len, d_model), with nothing from `head`.

    query (batch, q_len, d_model), key and value (batch, k_len, d_model)
    """
    ### BEGIN SOLUTION
    projected = layer.w_q(query), layer.w_k(key), layer.w_v(value)
    found, _ = my.attention(*(my.split_heads(x, num_heads) for x in projected))
    kept = torch.ones(num_heads, 1, 1)
    kept[head] = 0
    return layer.w_o(my.merge_heads(found * kept))
    ### END SOLUTION

# %% slug="try-without"
silenced = tasks.try_without(without_head, my.MultiHeadAttention)

# %% [markdown] slug="ablate-predict"
# Each head is taken away in turn, from the trained models with two, four and eight heads. With all heads the **loss** is next
# to 0. A blind guess at both letters has $\ln 8 = 2.08$; one letter known and the other guessed blindly, half of that.
#
# **Predict 3.** The loss without head 0 of two, and without head 0 of four?

# %% slug="guess-without"
guess_without = {2: None, 4: None}    # a loss for each number of heads

# %% slug="ablate"
if session.training_allowed():
    losses = {num_heads: task.losses_without(silenced, models[num_heads], num_heads)
              for num_heads in (2, 4, 8)}
    pictures.without(losses, guess_without)
    for num_heads in (2, 4):
        task.print_without(silenced, models[num_heads][0], num_heads)

# %% [markdown] slug="ablate-answer"
# With two heads the map is true (the table has seed 0): without the head that looks at the first place, the first letter falls
# to chance (0.125), and the second does not notice. With four, two look at each place (seed 0). Taking one away costs less,
# sometimes nothing; without *both* (the last lines) that letter falls to chance, too. With eight, each head alone costs little.
#
# A **large loss** says that this model, as it stands, uses the head. Do not read more from these numbers:
#
# - **A small loss is not a useless head.** Another head may double it, as in the model with four.
# - **Retraining may fill in.** The other heads could learn the missing job. That was not tried here.
# - **Zeros are an input that the readout never saw.** With two heads the loss is somewhat above the dotted line: at the missing
#   letter the readout does worse than a blind guess.

# %% [markdown] slug="more-look-ups"
# ## How many heads for how many look-ups?
#
# **Is it enough to have as many heads as look-ups? Is it necessary?** Three and four places asked for at once, with one, two
# and four heads, three seeds each.
#
# **Predict 4.** Which share of the questions will **two** heads answer right when **three** places are asked for?

# %% slug="guess-three"
guess_three = None    # from 0 to 1

# %% slug="train-look-ups"
# about 9 seconds
if session.training_allowed():
    right = {}
    for look_ups in (3, 4):
        for num_heads in (1, 2, 4):
            fitted = [fit(num_heads, seed, look_ups) for seed in SEEDS]
            found = [task.right(model, look_ups)[1] for model in fitted]
            right[f"{look_ups} places,\nheads: {num_heads}"] = found
    guesses = {"3 places,\nheads: 2": guess_three}
    pictures.shares(right, "places asked for, and heads of the layer", "all letters right", guesses=guesses)

# %% [markdown] slug="more-look-ups-answer"
# As many heads as look-ups is enough, every time. With fewer, most questions go wrong in most runs; how far two heads get with
# three look-ups depends on the seed. The argument above is about one mixture and does not say what two can carry.
#
# ### Is one head really not enough?
#
# The order *is* in the mixture, as the larger and the smaller share. So give the one head a readout with a hidden layer of 64
# units and a ReLU, and 800 steps; and, for comparison, the linear readout as many.
#
# **Predict 5.** Which share of the questions will one head with the **hidden layer** answer right?

# %% slug="guess-hidden"
guess_hidden = None    # from 0 to 1

# %% slug="train-mlp"
# about 6 seconds
if session.training_allowed():
    right = {"hidden layer": [], "linear": []}
    for seed in SEEDS:
        hidden = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 16))
        for name, readout in zip(right, (hidden, None), strict=True):
            model = fit(1, seed, steps=800, readout=readout)
            right[name].append(task.right(model)[1])
            looks = ", ".join(f"{weight:.2f}" for weight in task.attended(model)[0])
            print(f"seed {seed}   {name:14} weight on the two places: {looks}")
    pictures.shares(right, "readout of one head", "both letters right",
                    guesses={"hidden layer": guess_hidden})

# %% [markdown] slug="mlp-answer"
# With the hidden layer all of them, or nearly; without it no more than before: it is not the longer training. Here the
# one head gives about 0.7 to one place and about 0.27 to the other: a large share and a small one. So one head with
# a **linear** readout cannot do two look-ups; two heads can, at the same size, and so can one head with a **nonlinear**
# readout.
#
# A transformer has a feed-forward layer behind every attention layer (chapter 5), so whether several heads are better has to be
# measured. The paper found one head somewhat worse at translation than eight, and sixteen or thirty-two no better (its table 3,
# rows A).

# %% [markdown] slug="memory"
# ## What the heads have to remember
#
# A model that writes is **autoregressive**: each new token attends to all before it. Their keys and values do not change, so
# one computes them once and keeps them, in the **KV cache**. **How much memory is that?**
#
# Each token, layer and head keeps one key and one value of $d_{head}$ numbers. **By hand:** 32 layers, 32 heads,
# $d_{head} = 128$, two bytes a number make $32 \cdot 32 \cdot 2 \cdot 128 \cdot 2 = 524{,}288$ bytes *for each token*. A
# conversation of 8,192 tokens needs 4 GiB, besides the model.
#
# Queries are not kept. So let several query heads **share** one key/value head. With all sharing one it is called **multi-query
# attention** (Shazeer 2019), with a few that share one each, **grouped-query attention** (Ainslie et al. 2023). In the
# drawing an arrow says whose keys and values a query head uses.

# %% slug="draw-sharing"
pictures.sharing(d_head=8, num_heads=4, shared=(4, 2, 1))

# %% [markdown] slug="grouped-exercise"
# ## Stretch exercise: `GroupedQueryAttention`
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

# %% [markdown] slug="symptoms-GroupedQueryAttention"
# | you see | look at |
# |---|---|
# | right with one key/value head, wrong with two | `repeat` gives 0 1 0 1: neighbours share, 0 0 1 1 |
# | an error about sizes in `split_heads` | keys and values have `num_kv_heads` heads, not `num_heads` |

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
# ### What sharing saves (a demonstration)
#
# A layer with $d_{model} = 512$ and 8 heads of 64, and what it keeps for 100 tokens. The last column computes the same for the
# large model above.

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
# **What does it cost?** The two look-ups again, with four heads that share two key/value heads, or one; bar 4 is
# the layer from above.

# %% slug="train-grouped"
if session.training_allowed():
    right = {"4": both_right[4]}
    for num_kv_heads in (2, 1):
        right[str(num_kv_heads)] = []
        for seed in SEEDS:
            model = LookUps(my.GroupedQueryAttention(32, 4, num_kv_heads))
            task.fit(model, seed=seed)
            right[str(num_kv_heads)].append(task.right(model)[1])
    pictures.shares(right, "key/value heads of four heads", "both letters right")

# %% [markdown] slug="grouped-answer"
# Here it costs nothing. On large models one shared head loses some quality, and a few groups lose little (Ainslie et al. 2023).

# %% [markdown] slug="papers"
# ## Here and in papers
#
# | here | in papers |
# |---|---|
# | a head's slice of the features, $d_{head}$ | head dimension, $d_k = d_v = d_{model} / h$ |
# | side by side again | concatenation, $\operatorname{Concat}$ |
# | `w_o` | output projection, $W^O$ |
# | take a head away | head ablation, head pruning; with zeros: zero ablation |
# | heads that do the same | redundant heads |
# | a readout that is one matrix | linear classifier |
# | a readout with a hidden layer | MLP |
# | the keys and values so far | KV cache |
# | all heads share one key/value head; groups do | MQA; GQA |

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
# - `split_heads` and `merge_heads`: features into heads and back.
# - `MultiHeadAttention`: several look-ups in one layer of the same size, with masks and dropout.
# - `GroupedQueryAttention` (stretch): the same with a fraction of the memory.
#
# What passed its checks is now in your library `my_transformer/`.
#
# **Next:** chapter 5 puts a feed-forward layer behind attention and stacks the result into a transformer.
