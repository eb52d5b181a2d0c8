# %% [markdown] slug="title"
# # 2 · The attention mechanism
#
# A layer that attends looks things up. You take one look-up apart and build it:
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `softmax` | turns any numbers into shares | 20 | 2 |
# | `attention_scores` | tells how well each query fits each key | 15 | 1.5 |
# | `attention` | looks up: scores, weights, mixture of the values; with a mask | 35 | 3 |
# | `blockwise_attention` (stretch) | the same result without ever holding all scores | 30 | – |
#
# An **open task** carries no points: a wrong mask, and a test that refutes it.
#
# **Time:** about 170 minutes, of which 60 are reading, running and the open task, and 10 the quiz and the written question.
#
# **You need:** PyTorch tensors, broadcasting, the matrix product, and what a gradient is.
#
# **How it goes:** a prediction that you enter is drawn on the result. Cells that call `my.softmax` and so on take your version
# once its checks hold, the course's until then.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()
import math
import torch
from utils import my, session
from utils.chapters.attention_mechanism import explorer, look_up, masking, pictures

# %% [markdown] slug="soft-look-up"
# ## A look-up that always answers
#
# **How fast is a living thing, rather large?** A Python `dict` answers only when the question equals one of its keys. Attention
# answers every question. It compares the question with *all* keys and mixes the values of those that fit. Three roles take
# part, each a vector:
#
# - a **query** $q$ says what is looked for;
# - a **key** $k_j$ says under what entry $j$ can be found;
# - a **value** $v_j$ says what entry $j$ hands over when it is found.
#
# In the five entries below, a key has two numbers: how *living* the thing is, and how *large*; the value is the top speed.
#
# How well a key fits is measured by the **dot product** $q \cdot k_j$. By hand, for the horse:
# $1.8 \cdot 1.4 + 0.9 \cdot 0.3 = 2.79$.
#
# **Predict 1:** which entry fits the query $(1.8,\ 0.9)$ best? The keys stand in the second cell below.

# %% slug="guess-best"
guess_best = None   # for example "mouse"

# %% slug="five-entries"
labels = ("mouse", "horse", "elephant", "toy car", "lorry")
keys = torch.tensor([      # how living, how large
    [1.0, -1.2], [1.4, 0.3], [1.0, 1.4], [-1.0, -1.2], [-1.0, 1.4],
])
speeds = torch.tensor([[13.0], [70.0], [25.0], [5.0], [90.0]])  # km/h
query = torch.tensor([[1.8, 0.9]])

fits = (query @ keys.T)[0]
pictures.fits(labels, fits.tolist(), guess_best)

# %% [markdown] slug="after-fits"
# The elephant fits a little better than the horse, though the query points closer to the horse: a dot product grows with the
# *length* of a key, too.
#
# A mixture needs shares: positive numbers that sum to 1. In the drawing the fits, divided by a number explained later, are
# called **scores**, their shares **attention weights**.

# %% slug="draw-look-up"
pictures.look_up(query, keys, speeds)

# %% [markdown] slug="softmax-idea"
# ## From numbers to shares: the softmax
#
# **How do you make shares out of any numbers,** so that a larger number always gets a larger share? The exponential makes every
# number positive and keeps the order; dividing by the sum makes the total 1.
#
# $$\operatorname{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$
#
# **By hand:** for $x = (0,\ \ln 3)$ the exponentials are $1$ and $3$, their sum is $4$, and the shares are
# $\left(\tfrac14, \tfrac34\right)$. Add 1000 to both entries, and both exponentials grow by the factor $e^{1000}$, which
# cancels on paper: the shares stay.
#
# From which of these numbers on does `exp` stop giving a usable float32?

# %% slug="exp-overflows" tags=["nbval-check-output"]
for number in (10.0, 80.0, 88.0, 89.0, 1000.0, -80.0, -110.0):
    print(f"exp({number:5g}) = {torch.tensor(number).exp():.3g}")

infinity, zero = torch.tensor(math.inf), torch.tensor(0.0)
print("inf / inf =", (infinity / infinity).item(), "    0 / 0 =", (zero / zero).item())

# %% [markdown] slug="softmax-exercise"
# The largest float32 is about $3.4 \cdot 10^{38}$, and $e^{89}$ is beyond it: an **overflow**. The result is `inf`, and a
# share becomes `inf / inf`, which is NaN. Far below zero everything becomes 0 (an **underflow**), and the share is `0 / 0`.
# Scores of that size do occur.
#
# ## Exercise: `softmax`
#
# Build `softmax(x, dim=-1)`: shares along the axis `dim` of a tensor of any shape. It must be right for entries of any
# size, and also where some entries are `-inf` (they get the share 0), as long as one entry of the row is finite.
# Do not call `torch.softmax` or `log_softmax`.
#
# **Check yourself:** `softmax(torch.tensor([0.0, math.log(3)]))` gives `[0.25, 0.75]`, and so does
# `softmax(torch.tensor([1000.0, 1000 + math.log(3)]))`, up to the rounding of its large entries.

# %% [markdown] hints="softmax"

# %% [markdown] slug="symptoms-softmax"
# | you see | look at |
# |---|---|
# | NaN for large entries only | what reaches `exp`: somewhere `inf / inf` is taken |
# | rows do not sum to 1, columns do | the `dim` of maximum and sum |
# | an error about sizes | whether maximum and sum keep their axis |

# %% exercise="softmax"
def softmax(x, dim=-1):
    """Shares along `dim`: the larger an entry, the larger its share; they sum to 1.

    x: any shape -> the same shape. Entries of any size; -inf too, next to a finite one.
    """
    ### BEGIN SOLUTION
    # The shift cancels, so no gradient has to go through it.
    shifted = x - x.detach().amax(dim=dim, keepdim=True)  # no exponent above 0
    exponentials = torch.exp(shifted)
    return exponentials / exponentials.sum(dim=dim, keepdim=True)
    ### END SOLUTION

# %% check="softmax"
check("softmax")

# %% [markdown] slug="temperature-question"
# ## What stretching the scores does
#
# **Do the shares stay the same when all five fits are multiplied by 3,** since the *ratios* of the fits stay the same?

# %% slug="temperature"
shares = {factor: my.softmax(factor * fits).tolist() for factor in (0.3, 1.0, 3.0)}
pictures.temperatures(labels, shares)

# %% [markdown] slug="temperature-answer"
# They do not. A softmax looks at *differences*: adding a number to all entries changes nothing, stretching them does. Stretched
# far enough, nearly all goes to the largest entry: the softmax is **saturated**. One over the factor is called the
# **temperature**.

# %% [markdown] slug="why-scale"
# ## Why divide by $\sqrt{d_k}$?
#
# Our keys have two features, real ones 64 or 128. That number is $d_k$. **What do more features do to the dot products?**
#
# Take queries and keys whose entries are independent, with mean 0 and variance 1. A product of two entries has mean 0 and
# variance 1, too. A dot product adds $d_k$ of them, and variances of independent terms add up:
#
# $$\operatorname{Var}(q \cdot k) = d_k, \qquad \operatorname{Var}\!\left(\frac{q \cdot k}{\sqrt{d_k}}\right) = 1.$$
#
# So with $d_k = 64$ a typical dot product is 8 or -8, enough to saturate a softmax. Training moves the scores
# $s$ along the gradient of their weights $w$ ($\delta_{ij}$ is 1 where $i = j$, else 0):
#
# $$\frac{\partial w_i}{\partial s_j} = w_i\,(\delta_{ij} - w_j).$$
#
# **By hand,** with two keys: at $w = (0.5, 0.5)$ the entry for $i = j$ is $0.5 \cdot 0.5 = 0.25$; at $w = (0.99, 0.01)$ it is
# $0.0099$. Hardly any gradient passes through a saturated softmax.
#
# For a whole row of weights the **slope by the scores** is the size of this matrix, the root of the sum of its squared entries.
# Behind the scores are the queries and keys, which are learned. With $s_j = q \cdot k_j / c$, where $c$ is 1 or
# $\sqrt{d_k}$, the **slope by the query** is the size of the matrix times the keys over $c$.
#
# **Predict 2:** the keys are 32 random ones. At $d_k = 4$ and without the scale, the largest weight is about 0.3 on average and
# the slope by the scores about 0.3. What is left of them at $d_k = 1024$?

# %% slug="guess-scale"
guess_scale = {"largest weight": None, "slope by the scores": None}   # from 0 to 1

# %% slug="measure-scale"
generator = torch.Generator().manual_seed(2)
sizes = [4, 16, 64, 256, 1024]
if session.training_allowed():
    measured = {"without scale": [], "divided by √d_k": []}
    for d_k in sizes:
        q = torch.randn(1000, d_k, generator=generator)
        k = torch.randn(32, d_k, generator=generator)
        for name, divisor in zip(measured, (1.0, d_k**0.5), strict=True):
            s = q @ k.T / divisor
            w = my.softmax(s)
            jacobian = torch.diag_embed(w) - w[:, :, None] * w[:, None, :]
            slopes = jacobian.flatten(1).norm(dim=1)      # of each query's weights, by its scores
            reach = (jacobian @ k / divisor).flatten(1).norm(dim=1)              # by the query
            found = s.var(), w.amax(-1).mean(), slopes.median(), slopes.mean(), reach.median(), reach.mean()
            measured[name].append([number.item() for number in found])
    pictures.scale_table(sizes, measured)

# %% slug="plot-scale"
if session.training_allowed():
    pictures.scale(sizes, measured, guess_scale)

# %% [markdown] slug="scale-answer"
# - The variance of the scores is about $d_k$ without the scale, about 1 with it.
# - Without the scale the largest of 32 weights approaches 1 by chance alone.
# - The **median** slope by the scores falls to nearly nothing. The **mean** falls far less.
# - At $d_k = 64$ the slope by the **query** is *larger* without the scale. Its median is near nothing only at 1024, its mean
#   not even there. So "without the scale the gradients vanish" is true of the scores, and of most queries only at large sizes.
#
# What is the scale good for? With it there are **about the same numbers at every size** from $d_k = 16$ on.
#
# ### Trained with and without it (a demonstration)
#
# 16 entries have a label each, and a query equals one of them. Two matrices that make queries and keys of size $d_k$ learn to
# find it. Plain gradient descent, one learning rate for all, three seeds.

# %% slug="train-scale"
if session.training_allowed():
    divisors = {"without scale": lambda d_k: 1.0, "divided by √d_k": lambda d_k: d_k**0.5}
    runs = {d_k: {way: [look_up.train(my.softmax, d_k, divisor(d_k), seed) for seed in range(3)]
                  for way, divisor in divisors.items()}
            for d_k in (16, 1024)}
    pictures.trained(runs)

# %% [markdown] slug="train-scale-answer"
# With the scale, **one learning rate serves both sizes**. Without it the large size starts from a loss many times higher. It
# comes down, though: "it cannot learn" is more than we measure. Nor does the small size settle without it.
#
# What of a query that *equals* one of the keys?

# %% slug="aligned-query"
for d_k in sizes:
    k = torch.randn(32, d_k, generator=generator)
    s = k @ k.T / d_k**0.5          # query i is key i
    own, weight = s.diagonal(), my.softmax(s).diagonal()
    print(f"d_k {d_k:4}   its score {own.mean():5.2f}, from {own.min():5.2f} to {own.max():5.2f}"
          f"   its weight {weight.mean():.3f}")

# %% [markdown] slug="scores-exercise"
# Its dot product with itself is $d_k$ on average, so the score is $\sqrt{d_k}$ on average, and for large $d_k$ the
# softmax saturates again, in spite of the scale. Dividing by $\sqrt{d_k}$ gives a fair *start* and promises nothing about a
# trained model.
#
# ## Exercise: `attention_scores`
#
# Build `attention_scores(q, k)`: all scores at once,
#
# $$S = \frac{Q K^\top}{\sqrt{d_k}}, \qquad S_{ij} = \frac{q_i \cdot k_j}{\sqrt{d_k}}.$$
#
# The queries are the **rows** of the matrix $Q$, the keys the rows of $K$, and so will the values be those of $V$. `q` is
# `(..., q_len, d_k)` and `k` is `(..., k_len, d_k)`; the dots stand for any number of leading axes, such as a batch. The
# result is `(..., q_len, k_len)`: a row for each query, a column for each key.
#
# **By hand:** $q = (1, 2, 0, 1)$, $k_1 = (2, 1, 5, 0)$, $k_2 = (0, 1, 1, 0)$. The dot products are
# $2 + 2 + 0 + 0 = 4$ and $0 + 2 + 0 + 0 = 2$. With $d_k = 4$ the root is 2, so the scores are $(2, 1)$.

# %% [markdown] hints="attention_scores"

# %% [markdown] slug="symptoms-attention_scores"
# | you see | look at |
# |---|---|
# | weights near 0 and 1 from the start | the division in the scores |
# | an error about sizes, with a batch only | `.T`, or axes counted from the front: `transpose(-2, -1)` turns the last two |
# | float64 right to seven digits only | a float32 constant such as `torch.sqrt(torch.tensor(d_k))`: take `math.sqrt` |

# %% exercise="attention_scores"
def attention_scores(q, k):
    """How well each query fits each key: q kᵀ / √d_k (Vaswani et al. 2017, eq. 1).

    q (..., q_len, d_k), k (..., k_len, d_k) -> (..., q_len, k_len)
    """
    ### BEGIN SOLUTION
    d_k = k.shape[-1]
    return q @ k.transpose(-2, -1) / math.sqrt(d_k)
    ### END SOLUTION

# %% check="attention_scores"
check("attention_scores")

# %% [markdown] slug="attention-idea"
# ## Attention
#
# **How do scores become an answer?** The softmax makes weights of them, and the output is the mixture of the values with those
# weights. The paper calls the whole **scaled dot-product attention**:
#
# $$\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
#
# Scores and weights are `(..., q_len, k_len)`: the softmax runs **along the keys**, so that each row sums to 1. The output is
# `(..., q_len, d_v)`.
#
# **By hand:** $d_k = 4$, so the root is 2. Take $q = (2, 0, 0, 0)$ with $k_1 = (\ln 3, 0, 0, 0)$ and $k_2 = (0, 7, 7, 7)$. The
# scores are $2 \ln 3 / 2 = \ln 3$ and $0$, the weights $\left(\tfrac34, \tfrac14\right)$. With the values $v_1 = (4, 0)$ and
# $v_2 = (0, 8)$ the output is $\tfrac34 (4, 0) + \tfrac14 (0, 8) = (3, 2)$.
#
# ### Keys that must not be seen
#
# Sentences in a batch are filled up to the same length, and a model that writes must not read what comes next. So attention
# takes a **mask**, a boolean tensor that broadcasts against the scores. Here, as in PyTorch's `scaled_dot_product_attention`,
# **`True` means "may attend"**.
#
# A forbidden key must count for nothing. Add to the example a third key $k_3 = (9, 0, 0, 0)$ with value $(100, 100)$ and forbid
# it: weights $\left(\tfrac34, \tfrac14, 0\right)$, output $(3, 2)$ as before.
#
# A query that may attend to *nothing* has, by convention, weights 0 and output 0. It is never NaN, and neither is a gradient.

# %% [markdown] slug="attention-exercise"
# ## Exercise: `attention`
#
# Build `attention(q, k, v, mask=None)` out of your `attention_scores` and `softmax`. It returns the pair
# `(output, weights)` with the shapes above. A mask has two or more axes and broadcasts to `(..., q_len, k_len)`: do not
# count on its number of axes. Do not call `scaled_dot_product_attention`; `torch.softmax` is allowed from here on.

# %% [markdown] hints="attention"

# %% [markdown] slug="symptoms-attention"
# | you see | look at |
# |---|---|
# | rows do not sum to 1, columns do | the `dim` of the softmax: it runs along the keys |
# | rows sum to less than 1 | the order of mask and softmax |
# | a masked key has weight | the value filled in; and is the result of `masked_fill` used? |
# | weight only on masked keys | `True` means "may attend" |
# | NaN in one row only, with a mask | a query that may attend to nothing: its row before and after the softmax |
# | a right result, NaN in a gradient | a NaN that was painted over: mend the scores, so that none arises |

# %% exercise="attention"
def attention(q, k, v, mask=None):
    """Each query's mixture of the values (Vaswani et al. 2017, eq. 1).

    q (..., q_len, d_k), k (..., k_len, d_k), v (..., k_len, d_v)
    -> output (..., q_len, d_v), weights (..., q_len, k_len)
    mask: bool, broadcastable to the weights, True = may attend; a query that may
    attend to nothing gets zeros.
    """
    ### BEGIN SOLUTION
    scores = attention_scores(q, k)
    if mask is None:
        weights = softmax(scores)
    else:
        blind = ~mask.any(dim=-1, keepdim=True)      # queries that see nothing
        scores = scores.masked_fill(~mask & ~blind, -math.inf)
        weights = softmax(scores).masked_fill(blind, 0.0)
    output = weights @ v
    return output, weights
    ### END SOLUTION

# %% check="attention"
check("attention")

# %% [markdown] slug="answer-question"
# ## The first question, answered
#
# **How fast is a living thing, rather large?** The example worked by hand comes first, then the answer.

# %% slug="first-answer" tags=["nbval-check-output"]
q = torch.tensor([[2.0, 0, 0, 0]])
k = torch.tensor([[math.log(3), 0, 0, 0], [0, 7, 7, 7], [9, 0, 0, 0]])
v = torch.tensor([[4.0, 0], [0, 8], [100, 100]])
output, weights = my.attention(q, k, v, mask=torch.tensor([[True, True, False]]))
print(f"by hand: {weights[0, 0]:.2f} {weights[0, 1]:.2f} {weights[0, 2]:.2f}, "
      f"output {output[0, 0]:.2f} {output[0, 1]:.2f}")

output, weights = my.attention(query, keys, speeds)
for label, weight in zip(labels, weights[0], strict=True):
    print(f"{label:9} {weight:.2f}")
print(f"answer    {output.item():.1f} km/h")

# %% [markdown] slug="explorer-text"
# Watch: the same look-up at three settings. The arrow is the query; the dots on the plane of the keys grow
# with the weight.

# %% slug="settings"
lookup = explorer.Lookup(labels, keys, speeds, axes=("living", "large"), unit="km/h")
explorer.lookup_settings(my.attention, lookup, [
    explorer.LookupSetting(angle=27, length=2.0),
    explorer.LookupSetting(angle=27, length=2.0, temperature=0.2),
    explorer.LookupSetting(angle=27, length=2.0, hidden=("elephant",)),
])

# %% [markdown] slug="explorer-tasks"
# Now move it yourself. Guess before each move:
#
# 1. Set the query's length to 0. Why is the temperature powerless there?
# 2. Forbid the winner. Who gets its share: all the others alike, or in which proportion?
# 3. Forbid all five.

# %% slug="explorer"
explorer.lookup_explorer(my.attention, lookup)

# %% [markdown] slug="masking-pitfall"
# ## The mask and four ways to get it wrong
#
# **How would you notice a wrong mask?** It raises no error, and the shapes fit. One query, four keys; the last two are padding
# that happens to fit well.
#
# A right mask passes two tests. Its weights on what is hidden are 0 and the rest sums to 1. And with *other* keys and values in
# the hidden places, the output must not move. Which of the five ways below passes both?

# %% slug="masking-ways"
tokens = ["the", "cat", "[pad]", "[pad]"]
mask = torch.tensor([[True, True, False, False]])

def ways(s):
    """The weights that each way makes of the scores s of one query."""
    unit = torch.eye(4)      # keys that make the scores equal to s
    return {
        "attention": my.attention(s * 4**0.5, unit, unit, mask=mask)[1],
        "no mask": my.softmax(s),
        "after softmax": my.softmax(s) * mask,
        "scores × mask": my.softmax(s * mask),
        "turned round": my.softmax(s.masked_fill(mask, -math.inf)),
    }

values = torch.tensor([[1.0], [2], [10], [20]])
other_values = torch.tensor([[1.0], [2], [-30], [5]])
before = ways(torch.tensor([[-1.0, 0.5, 1.5, 1.0]]))
after = ways(torch.tensor([[-1.0, 0.5, 4.0, -2.0]]))      # other hidden keys
outputs = {way: ((w @ values).item(), (after[way] @ other_values).item()) for way, w in before.items()}
pictures.ways(before, tokens, ~mask, outputs)

# %% [markdown] slug="masking-answer"
# Only `attention` passes. The others:
#
# - **No mask:** most of the weight goes to padding. If the hidden tokens are the words to predict, the loss gets *better*, and
#   the model is useless (chapter 3).
# - **After the softmax:** the hidden scores are still in the denominator: the row sums to less than 1, and the output moves
#   with them.
# - **Scores × mask:** the hidden score becomes 0, and $e^0 = 1$ is a weight like any other.
# - **Turned round:** exactly the wrong half. Easily done: in `nn.MultiheadAttention` `True` means "must not attend".

# %% [markdown] slug="mask-task"
# ### Open task: a wrong mask, and the test that refutes it
#
# Write two functions.
#
# 1. `wrong_attention(q, k, v, mask=None)` returns `(output, weights)`. Without a mask it is right, with a mask it is wrong
#    and raises no error. Take one of the four ways, or find a fifth: what would slip through a review?
# 2. `test_mask(attention)` calls whatever attention it is given, on inputs and a mask of your choice. Use `assert`: for a
#    wrong mask it raises an `AssertionError`, for a right one it ends quietly. Compare with `torch.allclose`, not with `==`.
#
# The cell after them runs your test on the right attention, on yours, and on three other wrong ones. Can it catch all four?

# %% open="wrong_attention"
def wrong_attention(q, k, v, mask=None):
    """Like `attention`, but with a mask something goes wrong."""
    ### BEGIN SOLUTION
    weights = my.attention(q, k, v)[1]
    if mask is not None:
        weights = weights * mask             # a hidden key stays in the denominator
    return weights @ v, weights
    ### END SOLUTION

# %% open="test_mask"
def test_mask(attention):
    """Raises AssertionError where the mask of `attention` is wrong."""
    ### BEGIN SOLUTION
    q, k, v = torch.randn(2, 4), torch.randn(5, 4), torch.randn(5, 3)
    mask = torch.tensor([[True, True, True, False, False], [True, False, True, True, False]])
    output, weights = attention(q, k, v, mask=mask)
    assert (weights[~mask] == 0).all(), "a hidden key has weight"
    assert torch.allclose(weights.sum(-1), torch.ones(2)), "a row does not sum to 1"
    k[-1], v[-1] = 9.0, -9.0                 # hidden from both queries
    moved = attention(q, k, v, mask=mask)[0]
    assert torch.allclose(output, moved), "the output moves with what is hidden"
    ### END SOLUTION

# %% slug="try-mask"
masking.try_mask(wrong_attention, test_mask)

# %% [markdown] slug="real-tokens"
# ## An attention map of real tokens
#
# **What does attention do with words?** We count, in the help texts that come with Python, which words stand within four words
# of each other more often than by chance. The 16 strongest directions of that table are the vectors: words which keep the same
# company get similar ones.

# %% slug="count-words"
import re
from collections import Counter
from pydoc_data.topics import topics
if session.training_allowed():
    prose = " ".join(topics[name] for name in sorted(topics)).lower()
    text = re.findall(r"[a-z]+", prose)
    vocabulary = [word for word, _ in Counter(text).most_common(1000)]
    index = {word: place for place, word in enumerate(vocabulary)}
    ids = torch.tensor([index.get(word, -1) for word in text])

    together = torch.zeros(1000, 1000)
    for distance in range(1, 5):
        left, right = ids[:-distance], ids[distance:]
        both = (left >= 0) & (right >= 0)
        together.index_put_((left[both], right[both]), torch.ones(()), accumulate=True)
    together = together + together.T
    by_chance = together.sum(1, keepdim=True) * together.sum(0) / together.sum()
    surprise = (together / by_chance).log().clamp(min=0)

    strengths, directions = torch.linalg.eigh(surprise)
    embedding = directions[:, -16:] * strengths[-16:].sqrt()
    embedding = embedding / embedding.square().mean(-1, keepdim=True).sqrt()
    print(f"{len(text):,} words read, {len(vocabulary)} kept, {embedding.shape[1]} numbers each")

# %% [markdown] slug="map-question"
# Now a sentence of 17 words looks things up in itself: queries, keys and values are all the same word vectors `x`.

# %% slug="draw-sentence"
sentence = "an integer or a float is a number but a list or a tuple is a sequence".split()
if session.training_allowed():
    x = embedding[[index[word] for word in sentence]]
    pictures.look_up(x, x, x, source=x)

# %% [markdown] slug="map-predict"
# Hiding the diagonal is a mask, too: then no word may attend to itself. **Predict 3:** to which word of the sentence will
# "integer" attend most then? *An integer or a float is a number but a list or a tuple is a sequence.*

# %% slug="guess-word"
guess_word = None   # for example "list"

# %% slug="token-map"
if session.training_allowed():
    not_itself = ~torch.eye(len(sentence), dtype=torch.bool)
    everything = my.attention(x, x, x)[1]
    others = my.attention(x, x, x, mask=not_itself)[1]

    numbers, containers = ("integer", "float", "number"), ("list", "tuple", "sequence")
    maps = {"may attend to all words": everything, "… but not to itself": others}
    pictures.sentence_maps(maps, sentence, (numbers, containers),
        """Two attention maps of the sentence, 17 words by 17. In the first the diagonal is strong
        and equal words see each other. In the second integer, float and number see each other,
        and so do list and tuple; sequence sees the word or.""", "integer", guess_word)

# %% slug="map-numbers"
if session.training_allowed():
    def weight_between(words, among):
        """Mean weight that `words` give to `among` (second map), and an equal share."""
        rows = [i for i, word in enumerate(sentence) if word in words]
        columns = [j for j, word in enumerate(sentence) if word in among]
        equal = my.softmax(torch.zeros(17, 17).masked_fill(~not_itself, -math.inf))
        return [w[rows][:, columns].sum(1).mean().item() for w in (others, equal)]

    print(f"first map, weight of a word on itself: {everything.diagonal().mean():.2f} on average")
    for name, words, among in (
        ("integer, float, number to each other", numbers, numbers),
        ("list, tuple, sequence to each other", containers, containers),
        ("the first three to the other three", numbers, containers),
    ):
        given, equal = weight_between(words, among)
        print(f"{name:38} {given:.2f}   (equal shares: {equal:.2f})")

# %% [markdown] slug="map-answer"
# By dot products alone "integer", "float" and "number" (orange) find each other, at five times an equal share. What is still
# missing:
#
# - "list", "tuple" and "sequence" (green) are barely above equal shares. Such vectors know only who stands near whom, in a
#   short text.
# - A word fits itself best: query and key are one vector here. A model learns separate ones (chapter 3).
# - In the first map the rows of the five "a" are equal: nothing tells *where* a word stands (chapter 6).
#
# An **attention map** shows where the *values* were taken from. It says little about what the output would be if a word were
# changed.

# %% [markdown] slug="memory-question"
# ## What does the score matrix cost?
#
# Every query meets every key, so there are $q_{\text{len}} \cdot k_{\text{len}}$ scores. **By hand:** a book of 100,000 tokens
# that attends to itself has $10^{10}$ scores, 40 GB in float32, for one head of one layer. **Is the whole matrix needed at
# once?**
#
# The softmax of a row needs its maximum and its sum before any value can be weighted. The **online softmax** gets around that.
# It goes through the keys block by block and carries three things for each query: the largest score so far $m$, the sum of
# exponentials $\ell$, and the weighted sum of values $a$, both relative to $m$. When a block brings a larger maximum $m'$, one
# factor puts right what was carried:
#
# $$\ell \leftarrow \ell\, e^{m - m'} + \sum_j e^{s_j - m'}, \qquad
#   a \leftarrow a\, e^{m - m'} + \sum_j e^{s_j - m'} v_j, \qquad m \leftarrow m'.$$
#
# At the end the output is $a / \ell$.
#
# **By hand:** scores $(0, \ln 2, \ln 4)$, values $(10, 20, 30)$, blocks of one key.
#
# | after key | $m$ | factor $e^{m-m'}$ | $\ell$ | $a$ |
# |---|---|---|---|---|
# | 1 | $0$ | – | $1$ | $10$ |
# | 2 | $\ln 2$ | $\tfrac12$ | $\tfrac12 + 1 = \tfrac32$ | $5 + 20 = 25$ |
# | 3 | $\ln 4$ | $\tfrac12$ | $\tfrac34 + 1 = \tfrac74$ | $12.5 + 30 = 42.5$ |
#
# Output: $42.5 / 1.75 = 24.29$, the same as all at once.

# %% [markdown] slug="blockwise-exercise"
# ## Stretch exercise: `blockwise_attention`
#
# Build `blockwise_attention(q, k, v, block_size, mask=None)`: the output of `attention`, computed over slices of
# `block_size` keys. The last slice may be short. With `block_size` below `k_len` it never holds a tensor of
# `q_len · k_len` entries, nor all blocks at once. `block_size` below 1 raises a `ValueError` that names it and its value.
# Masks and rows that may attend to nothing are as in `attention`.
#
# It counts nothing towards the pass mark. It is how the fast attention kernels of today work.

# %% [markdown] hints="blockwise_attention"

# %% [markdown] slug="symptoms-blockwise_attention"
# | you see | look at |
# |---|---|
# | right for whole blocks only | where the loop over blocks ends: the last one may be short |
# | right for one block only | what was summed before a larger maximum came |
# | NaN with a mask | a query that has seen nothing so far: its maximum is still `-inf` |

# %% exercise="blockwise_attention"
def blockwise_attention(q, k, v, block_size, mask=None):
    """The output of `attention`, over blocks of keys (Milakov and Gimelshein 2018).

    q (..., q_len, d_k), k (..., k_len, d_k), v (..., k_len, d_v) -> (..., q_len, d_v)
    mask: as in `attention`. `ValueError` for `block_size` below 1.
    """
    ### BEGIN SOLUTION
    if block_size < 1:
        raise ValueError(f"block_size={block_size} holds no key: choose at least 1")
    k_len = k.shape[-2]
    if mask is not None:
        mask = mask.expand(*mask.shape[:-1], k_len)    # so that one column can be cut
    largest = q.new_full((*q.shape[:-1], 1), -math.inf)
    total = torch.zeros_like(largest)
    mixture = q.new_zeros(*q.shape[:-1], v.shape[-1])
    for start in range(0, k_len, block_size):
        block = slice(start, start + block_size)
        scores = attention_scores(q, k[..., block, :])
        if mask is not None:
            scores = scores.masked_fill(~mask[..., block], -math.inf)
        higher = torch.maximum(largest, scores.amax(dim=-1, keepdim=True))
        shift = higher.masked_fill(higher == -math.inf, 0.0)   # nothing seen so far
        rescale = torch.exp(largest - shift)
        exponentials = torch.exp(scores - shift)
        total = total * rescale + exponentials.sum(dim=-1, keepdim=True)
        mixture = mixture * rescale + exponentials @ v[..., block, :]
        largest = higher
    return mixture / total.masked_fill(total == 0, 1.0)
    ### END SOLUTION

# %% check="blockwise_attention"
check("blockwise_attention")

# %% [markdown] slug="memory-measure"
# ## Measured
#
# **What do blocks save?** The cell below notes the most tensor entries that were alive at the same time during a call.
# **Predict 4:** when the sequence doubles, by which factor does that number grow, with all scores at once and with blocks of 64
# keys?

# %% slug="guess-factor"
guess_factor = {"all scores at once": None, "blocks of 64 keys": None}   # for example 3

# %% slug="measure-memory"
# about 5 seconds
from functools import partial
from autograder.framework import watch
from utils import training
if session.training_allowed():
    in_blocks = partial(my.blockwise_attention, block_size=64)
    lengths = [128, 256, 512, 1024, 2048, 4096]
    held = {"all scores at once": [], "blocks of 64 keys": []}
    print("length      at once: entries  millisec.     in blocks: entries  millisec.")
    for length in lengths:
        inputs = torch.randn(3, length, 16, generator=generator).unbind()
        row = []
        for name, function in zip(held, (my.attention, in_blocks), strict=True):
            call = partial(function, *inputs)
            held[name].append(watch.measure(call, inputs)[1].peak)
            row += [held[name][-1], 1000 * training.timed(call, repeats=3)]
        print("{:6} {:21,} {:10.2f} {:22,} {:10.2f}".format(length, *row))

    gap = (my.attention(*inputs)[0] - in_blocks(*inputs)).abs().max()
    print(f"largest difference between the two outputs: {gap:.0e}")

# %% slug="plot-memory"
if session.training_allowed():
    pictures.memory(lengths, held, guess_factor)

# %% [markdown] slug="memory-answer"
# At once, doubling the length takes four times the memory; in blocks, twice. (A guess is drawn where its factor would lead from
# the first length.)
#
# Blocks save no multiplications: every query still meets every key. For short sequences the loop is the slower way, for the
# longest the faster one.
#
# **And in training?** Autograd keeps what each step used for the backward pass. Does a loop over blocks keep less than the
# whole matrix? (The loop below leaves out maximum and sum.)

# %% slug="kept-for-backward"
def kept(function, *inputs):
    """Entries that autograd keeps for the backward pass of `function(*inputs)`."""
    saved = {}

    def keep(x):
        saved[x.untyped_storage().data_ptr()] = x
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        function(*inputs)
    return sum(x.untyped_storage().nbytes() // x.element_size() for x in saved.values())

def loop(q, k, v):
    blocks = zip(k.split(64, dim=-2), v.split(64, dim=-2), strict=True)
    return sum(torch.exp(q @ keys.mT / 4) @ values for keys, values in blocks)

if session.training_allowed():
    q, k, v = torch.randn(3, 1, 1, 1024, 16, generator=generator, requires_grad=True)
    kernel = torch.nn.functional.scaled_dot_product_attention
    print(f"one score for each query and key {1024 * 1024:10,}")
    print(f"attention keeps                  {kept(my.attention, q, k, v):10,}")
    print(f"a loop over blocks keeps         {kept(loop, q, k, v):10,}")
    print(f"PyTorch's kernel keeps           {kept(kernel, q, k, v):10,}")

# %% [markdown] slug="kept-answer"
# A plain loop keeps the exponentials of every block, in the end a whole matrix: blocks alone save memory only where nothing is
# trained. PyTorch's kernel keeps $q$, $k$, $v$, the output and one number for each query:
# $1024 \cdot (4 \cdot 16 + 1) = 66{,}560$. On the way back it computes each block a second time. That idea is
# **FlashAttention** (Dao et al. 2022).

# %% [markdown] slug="papers"
# ## Here and in papers
#
# | here | in papers |
# |---|---|
# | a look-up that always answers | soft, differentiable or content-based look-up; soft attention |
# | scores | attention logits, energies, compatibility |
# | shares, attention weights | attention distribution, attention probabilities |
# | the slope of the softmax | its Jacobian |
# | weights near 0 and 1 | a saturated softmax |
# | the whole formula | scaled dot-product attention |
# | what must not be seen: filling, later words | padding mask, causal mask |
# | word vectors from counts | PPMI (positive pointwise mutual information) embeddings |
# | the square of weights, drawn | attention map, attention heat map |
# | block by block, exactly | online softmax, tiling, memory-efficient attention |

# %% [markdown] slug="quiz-text"
# ## Quiz
#
# One answer is right in each. Put its letter between the quotes below, run that cell and its check; you can change your
# mind.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("02_attention_mechanism")

# %% [markdown] slug="written-question"
# ## In your own words
#
# Take the measurement of the scale. What did you predict for the slope by the scores at $d_k = 1024$ without it, and
# what did you see? Explain the way from $d_k$ to the slope. Then name one case in this notebook in which dividing by
# $\sqrt{d_k}$ does not keep the softmax from saturating, and say why. Two to five sentences.

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric** (2 points)
#
# - 0.5: states a prediction and the measured outcome. At $d_k = 1024$ without the scale the median slope is almost 0; the
#   mean is smaller than at small $d_k$, but not 0.
# - 1: the chain. A dot product sums $d_k$ independent terms of variance 1, so its standard deviation is $\sqrt{d_k}$; the
#   differences between scores grow alike; the softmax gives nearly all to one key; the slope $w(1 - w)$ is then near 0.
#   Half of it where one link is missing.
# - 0.5: a case with its reason: a query that equals (or resembles) a key has a score of about $\sqrt{d_k}$ *after*
#   scaling, because query and key are not independent. A low temperature or a long query is fine, too.
#
# No points are lost for a wrong prediction.
# ### END SOLUTION

# %% [markdown] slug="what-you-built"
# ## What you built
#
# - `softmax`: shares from numbers of any size.
# - `attention_scores`: the fit of every query and every key.
# - `attention`: the look-up itself, with a mask that leaves no trace of what it hides.
# - `blockwise_attention` (stretch): the same, in memory that grows with the length alone.
#
# What passed its checks is now in your library `my_transformer/`.
#
# **Next:** in chapter 3 a layer makes queries, keys and values from one sequence.
