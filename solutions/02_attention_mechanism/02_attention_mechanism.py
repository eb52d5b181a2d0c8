# %% [markdown] slug="title"
# # 2 · The attention mechanism
#
# A layer that attends looks things up. This chapter takes one look-up apart, measures its parts, and has you build it:
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `softmax` | turns any numbers into shares | 20 | 2 |
# | `attention_scores` | tells how well each query fits each key | 15 | 1.5 |
# | `attention` | looks up: scores, shares, mixture of the values; with a mask | 35 | 3 |
# | `blockwise_attention` (stretch) | the same result without ever holding all scores | 30 | – |
#
# **Time:** about 170 minutes, of which 60 are reading and running, and 10 the quiz and the written question.
#
# **You need:** PyTorch tensors, broadcasting, the matrix product, and what a gradient is. Chapter 1 helps, but nothing
# from it is used.
#
# **How it goes:** a question, a guess, a run, the reason. Write your guess down before you run a cell: the difference
# is what you learn. Each exercise has a number worked by hand, three hints to open one at a time, and a check that you
# can run as often as you like. Cells that call `my.softmax` and so on take your version once its checks hold, the
# course's until then, and say which. If a result looks odd, the table
# [If something looks wrong](#If-something-looks-wrong) near the end lists what you see and where to look.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()
import math
import torch
from utils import my, plots, session
from utils.chapters.attention_mechanism import explorer, look_up, pictures

# %% [markdown] slug="soft-look-up"
# ## A look-up that always answers
#
# **How fast is a living thing, rather large?** A Python `dict` could not say. It answers only when the question equals
# one of its keys, and then with one value.
#
# Attention answers every question. It compares the question with *all* keys and mixes the values of those that fit.
# Three roles take part, each a vector:
#
# - a **query** $q$ says what is looked for;
# - a **key** $k_j$ says under what entry $j$ can be found;
# - a **value** $v_j$ says what entry $j$ hands over when it is found.
#
# Here are five entries. A key has two numbers: how *living* the thing is, and how *large*. A value is one number, the
# top speed in km/h. Note that the speed stands in no key: what we search by and what we get are different things.
#
# How well a key fits is measured by the **dot product** $q \cdot k_j$. By hand, for the horse:
# $1.8 \cdot 1.4 + 0.9 \cdot 0.3 = 2.79$.
#
# **Predict:** which entry fits the query $(1.8,\ 0.9)$ best, and which fits worst?

# %% slug="five-entries" tags=["nbval-check-output"]
labels = ("mouse", "horse", "elephant", "toy car", "lorry")
keys = torch.tensor([      # how living, how large
    [1.0, -1.2], [1.4, 0.3], [1.0, 1.4], [-1.0, -1.2], [-1.0, 1.4],
])
speeds = torch.tensor([[13.0], [70.0], [25.0], [5.0], [90.0]])  # km/h
query = torch.tensor([[1.8, 0.9]])

fits = (query @ keys.T)[0]
for label, fit, speed in zip(labels, fits, speeds, strict=True):
    print(f"{label:9} fits {fit:5.2f}   speed {speed.item():3.0f} km/h")

# %% [markdown] slug="after-fits"
# The elephant fits a little better than the horse, though the query points closer to the horse: a dot product grows with
# the *length* of a key, too. The toy car fits worst, since it is neither living nor large.
#
# A mixture needs shares: positive numbers that sum to 1. The fits are no shares, and some are negative.
#
# Here is the whole look-up, with the shapes of this query and these entries; read it from below. The fits are called
# **scores** there, the shares **weights**. This chapter builds it box by box, and first the softmax.

# %% slug="draw-look-up"
pictures.look_up(query, keys, speeds)

# %% [markdown] slug="softmax-idea"
# ## From numbers to shares: the softmax
#
# **How do you make shares out of any numbers,** so that a larger number always gets a larger share? Two steps: the
# exponential makes every number positive and keeps the order; dividing by the sum makes the total 1.
#
# $$\operatorname{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$
#
# **By hand:** for $x = (0,\ \ln 3)$ the exponentials are $1$ and $3$, their sum is $4$, and the shares are
# $\left(\tfrac14, \tfrac34\right)$. Now add 1000 to both entries. Both exponentials grow by the same factor
# $e^{1000}$, which cancels in the fraction: the shares are still $\left(\tfrac14, \tfrac34\right)$.
#
# That is so on paper. **Predict:** from which of these numbers on does `exp` stop giving a usable float32?

# %% slug="exp-overflows" tags=["nbval-check-output"]
for number in (10.0, 80.0, 88.0, 89.0, 1000.0, -80.0, -110.0):
    print(f"exp({number:5g}) = {torch.tensor(number).exp():.3g}")

infinity, zero = torch.tensor(math.inf), torch.tensor(0.0)
print("inf / inf =", (infinity / infinity).item(), "    0 / 0 =", (zero / zero).item())

# %% [markdown] slug="softmax-exercise"
# The largest float32 is about $3.4 \cdot 10^{38}$, and $e^{89}$ is beyond it: the result is `inf`, and a share becomes
# `inf / inf`, which is NaN. Far below zero everything becomes 0, and the share is `0 / 0`. Scores of that size do
# occur. So the formula is right, and typing it in as it stands is not enough.
#
# ### Exercise: `softmax`
#
# Build `softmax(x, dim=-1)`: shares along the axis `dim` of a tensor of any shape. It must be right for entries of any
# size, and also where some entries are `-inf` (they get the share 0), as long as one entry of the row is finite.
# Do not call `torch.softmax` or `log_softmax`.
#
# **Check yourself:** `softmax(torch.tensor([0.0, math.log(3)]))` gives `[0.25, 0.75]`, and so does
# `softmax(torch.tensor([1000.0, 1000 + math.log(3)]))`, up to the rounding of its large entries.

# %% [markdown] hints="softmax"

# %% exercise="softmax"
def softmax(x, dim=-1):
    """Shares along `dim`: the larger an entry, the larger its share; they sum to 1.

    x: any shape -> the same shape. Entries of any size; -inf too, next to a finite one.
    """
    ### BEGIN SOLUTION
    shifted = x - x.amax(dim=dim, keepdim=True)      # no exponent above 0
    exponentials = torch.exp(shifted)
    return exponentials / exponentials.sum(dim=dim, keepdim=True)
    ### END SOLUTION

# %% check="softmax"
check("softmax")

# %% [markdown] slug="temperature-question"
# ### Softer, harder
#
# **Predict:** multiply all five fits by 3. Will the shares stay the same, since the *ratios* of the fits stay the same?

# %% slug="temperature"
figure, axes = plots.figure(width=10.5, height=2.6, columns=3, sharey=True)
for ax, factor in zip(axes, (0.3, 1.0, 3.0), strict=True):
    shares = my.softmax(factor * fits).tolist()
    bars = ax.bar(labels, shares, color=plots.COLOURS["blue"])
    ax.bar_label(bars, [f"{share:.2f}" for share in shares], fontsize=8)
    ax.set(title=f"fits × {factor:g}", ylim=(0, 1), xlabel="entry")
    ax.tick_params(axis="x", labelsize=8)
axes[0].set_ylabel("share")
plots.alt(figure, """Three bar charts of the five shares. At factor 0.3 all five have
    a share; at 1 elephant and horse have most; at 3 the elephant has 0.69.""")

# %% [markdown] slug="temperature-answer"
# A softmax looks at *differences*: adding a number to all entries changes nothing, stretching them changes everything.
# Small numbers give almost equal shares, large ones give nearly all to the largest. People call one over the factor the
# **temperature**. Keep this picture in mind: whatever makes scores larger makes the choice harder.

# %% [markdown] slug="why-scale"
# ## Why divide by $\sqrt{d_k}$?
#
# Our keys have two features, real ones have 64 or 128. Call that number $d_k$. **What do more features do to the dot
# products?**
#
# Take queries and keys whose entries are independent, with mean 0 and variance 1. One product of two entries has mean 0
# and variance 1. A dot product adds $d_k$ of them, and variances of independent terms add up:
#
# $$\operatorname{Var}(q \cdot k) = d_k, \qquad \operatorname{Var}\!\left(\frac{q \cdot k}{\sqrt{d_k}}\right) = 1.$$
#
# So with $d_k = 64$ a typical dot product is 8 or -8, and from the last picture you know what a softmax makes of that.
# Is it harmful? Training moves scores along the gradient of the softmax, and that is
#
# $$\frac{\partial w_i}{\partial s_j} = w_i\,(\delta_{ij} - w_j).$$
#
# **By hand,** with two keys: at $w = (0.5, 0.5)$ the entry for $i = j$ is $0.5 \cdot 0.5 = 0.25$; at
# $w = (0.99, 0.01)$ it is $0.0099$. A softmax that has decided can hardly be told otherwise.
#
# For a whole row of weights, take the size of this matrix of slopes, the root of the sum of its squared entries, and call
# it the slope of the softmax.
#
# What is learned is not the scores but the queries and keys behind them. One step further back, with
# $s_j = q \cdot k_j / c$, the slope of the weights with respect to the **query** is that matrix times the keys over $c$:
# without a scale ($c = 1$) the keys come in at full size.
#
# **Predict,** for 32 random keys at $d_k = 4$ and at $d_k = 1024$: how large is the largest weight on average? What is
# left of the two slopes? Then run the measurement, without the scale and with it.

# %% slug="measure-scale"
generator = torch.Generator().manual_seed(2)
sizes = [4, 16, 64, 256, 1024]
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

print("                      variance  largest  slope by scores  slope by query")
print("                 d_k of scores   weight   median     mean  median    mean")
for name, rows in measured.items():
    for d_k, row in zip(sizes, rows, strict=True):
        print("{:15} {:4} {:9.1f} {:8.2f} {:8.4f} {:8.4f} {:7.3f} {:7.3f}".format(name, d_k, *row))

# %% slug="plot-scale"
figure, axes = plots.figure(width=10, height=3.2, columns=3)
names = {1: "largest weight (mean)", 2: "slope by the scores (median)", 4: "slope by the query (median)"}
for ax, (column, name) in zip(axes, names.items(), strict=True):
    lines = {way: [row[column] for row in rows] for way, rows in measured.items()}
    plots.curves(sizes, lines, "d_k", name, ax=ax, logx=True).set_ylim(0)
    if ax is not axes[0]:
        ax.get_legend().remove()
plots.alt(figure, """Three curves against d_k. Without the scale the largest weight goes from
    0.33 to 0.95, the median slope by the scores falls to 0, and the one by the query
    first rises and is near 0 only at 1024. With the scale all three stay level.""")

# %% [markdown] slug="scale-answer"
# The variance does what the sum of variances says. The rest is worth a second look:
#
# - Without the scale the largest of 32 weights approaches 1, for no reason but chance: queries and keys are random here.
#   With the scale the picture is the same at every $d_k$.
# - The **median** slope by the scores falls to nearly nothing. The **mean** falls far less: a few queries happen to have
#   two keys in a close race, and those still learn. Most do not.
# - What reaches the **query** is another matter. At $d_k = 64$, the size of the first transformer's heads, it is *larger*
#   without the scale. It is near nothing only at 1024. "Without the scale the gradients vanish" is true of the scores, and
#   of queries at sizes that few models use.
#
# So what is the scale good for? Look at the rows with it: **the same numbers at every** $d_k$. Let us see what that is
# worth in training.
#
# ### Trained with and without it
#
# The task is a look-up: 16 entries with a label each, and a query that equals one of the entries; two matrices that make
# queries and keys of size $d_k$ have to learn to find it. Plain gradient descent, one learning rate for all, three seeds.
#
# **Predict:** which of the four curves is lowest after 20 steps? Which after 100?

# %% slug="train-scale"
if session.training_allowed():
    figure, axes = plots.figure(width=10, height=3.2, columns=2, sharey=True)
    print("                       mean loss of steps 11 to 20     91 to 100")
    for ax, d_k in zip(axes, (16, 1024), strict=True):
        runs = {way: [look_up.train(my.softmax, d_k, divisor, seed) for seed in range(3)]
                for way, divisor in {"without scale": 1.0, "divided by √d_k": d_k**0.5}.items()}
        plots.losses(runs, ax, smooth=5).set_title(f"d_k = {d_k}")
        for way, histories in runs.items():
            early, late = ([sum(losses[last - 10 : last]) / 10 for losses in histories]
                           for last in (20, 100))
            print(f"{way:16} d_k {d_k:4}",
                  *(f"{loss:7.2f}" for loss in early), "   ",
                  *(f"{loss:6.2f}" for loss in late))
    plots.alt(figure, """Loss against steps, three seeds each. Divided by √d_k the curves for d_k 16
        and 1024 lie close together and fall at once. Without the scale d_k 1024 starts far higher and
        comes down later, and d_k 16 does not settle.""")

# %% [markdown] slug="train-scale-answer"
# With the scale, one learning rate serves both sizes. Without it the large size starts from a loss many times higher,
# because its random choices are made with full confidence; and the small size does not settle, because the same steps move
# its scores further. It is not lost, though: at 1024 the loss without the scale falls as well, and after 100 steps is a
# small part of what it was. The textbook's "it cannot learn" is more than we measure. **With the scale, $d_k$ is a size
# that you can change without changing anything else.**
#
# The reasoning assumed that queries have nothing to do with keys. **Predict:** what does the scale do for a query that
# *equals* one of the keys?

# %% slug="aligned-query"
for d_k in sizes:
    k = torch.randn(32, d_k, generator=generator)
    s = k @ k.T / d_k**0.5          # query i is key i
    own, weight = s.diagonal(), my.softmax(s).diagonal()
    print(f"d_k {d_k:5}   its score {own.mean():5.2f} on average, from {own.min():5.2f} to "
          f"{own.max():5.2f}   its weight {weight.mean():.3f}")

# %% [markdown] slug="scores-exercise"
# Its dot product with itself is $d_k$ on average, so the score is $\sqrt{d_k}$ on average, and the softmax saturates
# again, scale or no scale. Dividing by $\sqrt{d_k}$ gives a fair *start*, when queries and keys are still random. It
# promises nothing about a trained model.
#
# ### Exercise: `attention_scores`
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
# All parts are there. Scores tell how well each key fits, the softmax makes weights of them, and the output is the
# mixture of the values with those weights:
#
# $$\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
#
# | step | shape |
# |---|---|
# | scores: queries against keys | `(..., q_len, d_k)` and `(..., k_len, d_k)` give `(..., q_len, k_len)` |
# | weights: softmax **along the keys** | `(..., q_len, k_len)`, each row sums to 1 |
# | output: weights times values | `(..., q_len, k_len)` and `(..., k_len, d_v)` give `(..., q_len, d_v)` |
#
# **By hand:** $d_k = 4$, so the root is 2. Take $q = (2, 0, 0, 0)$ with $k_1 = (\ln 3, 0, 0, 0)$ and
# $k_2 = (0, 7, 7, 7)$. The scores are $2 \ln 3 / 2 = \ln 3$ and $0$: the second key is long, but it points elsewhere.
# The weights are $\left(\tfrac34, \tfrac14\right)$. With the values $v_1 = (4, 0)$ and $v_2 = (0, 8)$ the output is
# $\tfrac34 (4, 0) + \tfrac14 (0, 8) = (3, 2)$.
#
# ### Keys that must not be seen
#
# Sentences in a batch are filled up to the same length, and a model that writes must not read what comes next. So
# attention takes a **mask**, a boolean tensor that broadcasts against the scores. In this course, as in PyTorch's own
# `scaled_dot_product_attention`, **`True` means "may attend"**.
#
# A forbidden key must count for nothing, as if it were not there. Add to the example a third key $k_3 = (9, 0, 0, 0)$
# with value $(100, 100)$ and forbid it: weights $\left(\tfrac34, \tfrac14, 0\right)$, output $(3, 2)$ as before.
#
# And a query that may attend to *nothing*? No shares sum to 1 when nobody may have one. The convention here: its weights
# are all 0 and its output is 0. It is never NaN, and neither is a gradient.

# %% [markdown] slug="attention-exercise"
# ### Exercise: `attention`
#
# Build `attention(q, k, v, mask=None)` out of your `attention_scores` and `softmax`. It returns the pair
# `(output, weights)` with the shapes above. A mask has two or more axes and broadcasts to `(..., q_len, k_len)`: do not
# count on its number of axes. Do not call `scaled_dot_product_attention`; `torch.softmax` is allowed from here on.

# %% [markdown] hints="attention"

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
        scores = scores.masked_fill(~mask, -math.inf).masked_fill(blind, 0.0)
        weights = softmax(scores).masked_fill(blind, 0.0)
    output = weights @ v
    return output, weights
    ### END SOLUTION

# %% check="attention"
check("attention")

# %% [markdown] slug="answer-question"
# ### The first question, answered
#
# How fast is a living thing, rather large? **Predict:** between which of the five speeds will the answer lie? Then run
# the worked number and the question.

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
# The answer lies between the elephant's speed and the horse's, with a little of the rest. No entry has that speed, and
# nobody asked for exactly one entry. Because the answer moves smoothly with the query, training can improve the query.
#
# Here is the same look-up at three settings. On the left the plane of the keys, the query as an arrow, and dots that grow
# with the weight; on the right the weights; below the output. **Predict** first: what will a lower temperature do, and
# who gains when the elephant may not be seen?

# %% slug="settings"
lookup = explorer.Lookup(labels, keys, speeds, axes=("living", "large"), unit="km/h")
explorer.lookup_settings(my.attention, lookup, [
    explorer.LookupSetting(angle=27, length=2.0),
    explorer.LookupSetting(angle=27, length=2.0, temperature=0.2),
    explorer.LookupSetting(angle=27, length=2.0, hidden=("elephant",)),
])

# %% [markdown] slug="explorer-tasks"
# Now by hand. Guess before each move:
#
# 1. Turn the query through a full circle. Does each of the five win somewhere?
# 2. Set the query's length to 0. What are the weights, and why is the temperature powerless there?
# 3. Forbid the winner. Who gets its share: all the others alike, or in which proportion?
# 4. Forbid all five.

# %% slug="explorer"
explorer.lookup_explorer(my.attention, lookup)

# %% [markdown] slug="masking-pitfall"
# ## The mask and four ways to get it wrong
#
# A wrong mask raises no error. The shapes fit, the loss goes down, and the mistake stays. So let us make the mistakes on
# purpose, in numbers. One query, four keys; the last two are padding and must not be seen. They happen to fit well.
#
# A right mask passes two tests. Its weights on what is hidden are 0 and the rest sums to 1. And the sharper test: put
# *other* keys and values in the hidden places, and the output must not move.
#
# **Predict** which of these ways pass: no mask at all; weights multiplied by the mask after the softmax; scores
# multiplied by the mask before it; a mask with the meaning turned round.

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
print("               sum of weights  on hidden  output  with other padding")
for name, w in before.items():
    row = w.sum(), w[~mask].sum(), w @ values, after[name] @ other_values
    print("{:14} {:14.2f} {:10.2f} {:7.2f} {:19.2f}".format(name, *map(float, row)))

# %% slug="masking-picture"
ax = plots.attention_map(torch.cat(list(before.values())), list(before), tokens, largest=1.0)
ax.set_ylabel("way to mask")
plots.alt(ax, """One query's weights on four tokens, a row for each way to mask. Only the
    first row gives padding 0 and sums to 1. After the softmax, padding has 0, but the
    row sums to 0.22. The other three give padding between 0.50 and 1.""")

# %% [markdown] slug="masking-answer"
# Only one way passes, and each of the others fails in its own manner:
#
# - **No mask:** most of the weight goes to padding. Where the hidden tokens are not padding but the words that a model
#   is asked to predict, it reads them: the loss gets *better*, and the model is useless (chapter 3 trains one).
# - **After the softmax:** the hidden weights are 0, so a quick look finds nothing wrong. But the row sums to less than 1,
#   and the output moves with what is hidden: the hidden scores are still in the denominator.
# - **Scores × mask:** the hidden score becomes 0, and $e^0 = 1$ is a weight like any other. Here padding even beats
#   "the", whose score is negative.
# - **Turned round:** exactly the wrong half. PyTorch has both conventions: `True` means "may attend" in
#   `scaled_dot_product_attention` and "must not attend" in `nn.MultiheadAttention`. Say it in every docstring.

# %% [markdown] slug="real-tokens"
# ## An attention map of real tokens
#
# **What does attention do with words?** It needs vectors for them. Trained ones come later; here we count. Words that keep
# the same company get similar vectors: count which words stand within four words of each other in the help texts that
# come with Python, compare each count with what chance would give, and keep the 16 strongest directions of that table.
# No network is trained.

# %% slug="count-words"
import re
from collections import Counter
from pydoc_data.topics import topics

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
# Now a sentence of 17 words looks things up in itself: queries, keys and values are all the same word vectors `x`. The scores
# are a square then, each word against each.

# %% slug="draw-sentence"
sentence = "an integer or a float is a number but a list or a tuple is a sequence".split()
x = embedding[[index[word] for word in sentence]]
pictures.look_up(x, x, x, source=x)

# %% [markdown] slug="map-predict"
# **Predict:** which word will "integer" attend to most? And if it may not attend to itself? Hiding the diagonal is a mask,
# too. In the two maps the words for numbers are orange and those for containers green.

# %% slug="token-map"
not_itself = ~torch.eye(len(sentence), dtype=torch.bool)
everything = my.attention(x, x, x)[1]
others = my.attention(x, x, x, mask=not_itself)[1]

numbers, containers = ("integer", "float", "number"), ("list", "tuple", "sequence")
maps = {"may attend to all words": everything, "… but not to itself": others}
pictures.sentence_maps(maps, sentence, (numbers, containers),
    """Two attention maps of the sentence, 17 words by 17. In the first the diagonal is strong
    and equal words see each other. In the second integer, float and number see each other,
    and so do list and tuple; sequence sees the word or.""")

# %% slug="map-numbers"

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
# Nothing but dot products, and "integer", "float" and "number" find each other, at five times an equal share. It does
# not always work as well, and it shows what is still missing:
#
# - "list" and "tuple" see each other, but "sequence" looks at "or". The three are barely above equal shares. Such vectors
#   know only who stands near whom, in a short text.
# - A word fits itself best. Query and key are one vector here, so the scores are symmetric. A model learns separate maps
#   to queries and keys, so that a word can look for something unlike itself (chapter 3).
# - In the first map the rows of the five "a" are equal, whatever stands beside them: nothing tells *where* a word stands
#   (chapter 6).
#
# And a warning for all maps to come: a map shows where the *values* were taken from. It does not show what a model
# "thinks", and it says little about what the output would be if a word were changed. To know that, change it and look.

# %% [markdown] slug="memory-question"
# ## What does the score matrix cost?
#
# Every query meets every key, so the scores have $q_{\text{len}} \cdot k_{\text{len}}$ entries. **By hand:** a book of
# 100,000 tokens that attends to itself has $10^{10}$ scores, 40 GB in float32, for one head of one layer. **Is the whole
# matrix needed at once?**
#
# Rows are easy to split. The trouble is inside a row: the softmax needs its maximum and its sum before any value can be
# weighted. The **online softmax** gets around that. It goes through the keys block by block and carries three things for
# each query: the largest score so far $m$, the sum of exponentials $\ell$, and the weighted sum of values $a$, both
# taken relative to $m$. When a block brings a larger maximum $m'$, everything carried was measured against the old one,
# and one factor puts that right:
#
# $$\ell \leftarrow \ell\, e^{m - m'} + \sum_j e^{s_j - m'}, \qquad
#   a \leftarrow a\, e^{m - m'} + \sum_j e^{s_j - m'} v_j, \qquad m \leftarrow m'.$$
#
# At the end the output is $a / \ell$. Nothing is approximated.
#
# **By hand:** scores $(0, \ln 2, \ln 4)$, values $(10, 20, 30)$, blocks of one key.
#
# | after key | $m$ | factor $e^{m-m'}$ | $\ell$ | $a$ |
# |---|---|---|---|---|
# | 1 | $0$ | – | $1$ | $10$ |
# | 2 | $\ln 2$ | $\tfrac12$ | $\tfrac12 + 1 = \tfrac32$ | $5 + 20 = 25$ |
# | 3 | $\ln 4$ | $\tfrac12$ | $\tfrac34 + 1 = \tfrac74$ | $12.5 + 30 = 42.5$ |
#
# Output: $42.5 / 1.75 = 24.29$. All at once: $(1 \cdot 10 + 2 \cdot 20 + 4 \cdot 30) / 7 = 170 / 7 = 24.29$.

# %% [markdown] slug="blockwise-exercise"
# ### Stretch exercise: `blockwise_attention`
#
# Build `blockwise_attention(q, k, v, block_size, mask=None)`: the output of `attention`, computed over slices of
# `block_size` keys. The last slice may be short. With `block_size` below `k_len` it never holds a tensor of
# `q_len · k_len` entries, nor all blocks at once. `block_size` below 1 raises a `ValueError` that names it and its value.
# Masks and rows that may attend to nothing are as in `attention`.
#
# It counts nothing towards the pass mark. It is how the fast attention kernels of today work.

# %% [markdown] hints="blockwise_attention"

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
# ### Measured
#
# The instrument below watches every tensor that PyTorch allocates during a call and notes the most entries that were
# alive at the same time. **Predict:** when the sequence doubles, by which factor does that number grow, with all scores
# at once and with blocks of 64 keys? And which of the two takes longer?

# %% slug="measure-memory"
from functools import partial
from autograder.framework import watch
from utils import training

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
ax = plots.curves(lengths, held, "sequence length", "entries held at once",
                  "memory of attention (d_k = d_v = 16)", logx=True, logy=True)
plots.alt(ax, """Entries held against sequence length, both axes logarithmic. All scores at
    once rise with slope two, blocks of 64 keys with slope one.""")

# %% [markdown] slug="memory-answer"
# At once, doubling the length takes four times the memory; in blocks, twice. The results agree to rounding.
#
# Blocks save no multiplications: every query still meets every key, and twice the length means four times as many, in
# both columns. Look at the times of the last rows: in blocks they grow by about that factor. All at once they grow by
# more, and at the end blocks are the faster way. The likely reason: a block fits into the processor's fast memory, and the
# whole matrix does not.
#
# **And in training?** The backward pass needs the weights again, and autograd keeps what each step used. **Predict:**
# does a loop over blocks keep less than the whole matrix? The loop in the next cell leaves out maximum and sum: it only
# shows what piles up.

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

q, k, v = torch.randn(3, 1, 1, 1024, 16, generator=generator, requires_grad=True)
kernel = torch.nn.functional.scaled_dot_product_attention
print(f"one score for each query and key {1024 * 1024:10,}")
print(f"attention keeps                  {kept(my.attention, q, k, v):10,}")
print(f"a loop over blocks keeps         {kept(loop, q, k, v):10,}")
print(f"PyTorch's kernel keeps           {kept(kernel, q, k, v):10,}")

# %% [markdown] slug="kept-answer"
# A plain loop keeps the exponentials of every block, one after the other, and ends up with a whole matrix all the same:
# blocks alone save memory only where nothing is trained. PyTorch's kernel keeps $q$, $k$, $v$, the output and one
# number for each query: $1024 \cdot (4 \cdot 16 + 1) = 66{,}560$. On the way back it computes each block a second time
# instead of keeping it. That idea is FlashAttention (Dao et al. 2022).

# %% [markdown] slug="symptoms"
# ## If something looks wrong
#
# | you see | likely cause | where to look |
# |---|---|---|
# | NaN for large entries only | `inf / inf` in the softmax | what reaches `exp` |
# | NaN in one row only, with a mask | that query may attend to nothing: `0 / 0` | what the row is before and after the softmax |
# | a right result, NaN in a gradient | a NaN painted over after the softmax | let none arise: mend the scores, not the result |
# | rows do not sum to 1, columns do | softmax along the queries | its `dim` |
# | rows sum to less than 1 | masked after the softmax | the order of mask and softmax |
# | a masked key has weight | its score became 0, or `masked_fill` went nowhere | the value filled in; is the result used? |
# | weight only on masked keys | polarity | `True` means "may attend" |
# | weights near 0 and 1 from the start | no scale | the division in the scores |
# | float64 right to seven digits only | a float32 constant: `torch.sqrt(torch.tensor(d_k))` | `math.sqrt`, or give a dtype |
# | an error about sizes, with a batch only | `.T`, or axes counted from the front | `transpose(-2, -1)` |
# | right for whole blocks only | the short last block | where the loop over blocks ends |

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
# - `attention_scores`: the fit of every query and every key, and while they are random its spread does not depend
#   on $d_k$.
# - `attention`: the look-up itself, with a mask that leaves no trace of what it hides. Everything that follows, up to
#   BERT, GPT, T5 and ViT, is built around it.
# - `blockwise_attention`, if you went for it: the same in memory that grows with the length, not with its square.
#
# What passed its checks is now in your library `my_transformer/`, and the next chapters take it from there.
#
# **Next:** here, queries, keys and values were given. In chapter 3 a layer makes all three from one sequence, with
# matrices that it learns, and a mask keeps it from reading ahead.
