# %% [markdown] slug="title"
# # 5 · The transformer architecture
#
# A transformer is a stack of equal **blocks**. This chapter builds the two kinds, one for the encoder and one for the
# decoder, from attention and four smaller parts, and measures what each part is for.
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `LayerNorm` | brings every vector to one size | 20 | 2 |
# | `FeedForward` | works on each position alone | 10 | 1.5 |
# | `EncoderBlock` | attention and feed-forward, with sums and norms | 30 | 3 |
# | `DecoderBlock` | the same, and it reads a second sequence | 30 | 3 |
# | `RMSNorm` (stretch) | a norm without a mean | 10 | – |
# | `SwiGLU` (stretch) | a feed-forward layer with a gate | 10 | – |
#
# Two **open tasks** carry no points: how a deep post-norm stack can start, and where the work of a block is.
#
# **Time:** about 190 minutes, of which 65 are reading, running and the open tasks, and 15 the quiz and the written question.
#
# **You need:** chapter 3 (masks) and chapter 4 (`MultiHeadAttention`). Your own parts are used where their checks have
# passed, the reference where not.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()

import torch
from torch import nn
from utils import my, session, training
from utils.chapters.transformer_architecture import experiment as task
from utils.chapters.transformer_architecture import explorer, pictures
from utils.chapters.transformer_architecture import sweep

MultiHeadAttention = my.MultiHeadAttention

# %% [markdown] slug="what-a-block-is"
# ## What is a block?
#
# An attention layer lets positions exchange what they know. **What else does a transformer need?** Attention only hands on
# mixtures of values. A block adds a **feed-forward layer**, which works on each position alone. Attention and feed-forward
# are the two **sublayers** of an encoder block. Around each of them go two more things:
#
# - a sum: what a sublayer finds is *added* to what went in. This is a **residual connection**;
# - a norm, which brings every vector back to one size. The paper (Vaswani et al. 2017) puts it behind the sum: **post-norm**.
#   Most models of today put it in front of the sublayer: **pre-norm**.
#
# The drawing shows both orders, for 2 sequences of 7 positions with $d_{model} = 32$. Read it from below.

# %% slug="draw-encoder-blocks"
pictures.encoder_blocks(batch=2, seq=7, d_model=32)

# %% [markdown] slug="what-a-decoder-is"
# What comes out has the shape of what went in, so blocks can be stacked. A stack of encoder blocks is an **encoder**. Its
# output, the **memory**, is what a **decoder** reads while it writes another sequence. A decoder block has a third sublayer
# for that, the **cross-attention**:

# %% slug="draw-decoder-blocks"
pictures.decoder_blocks(batch=2, seq=7, k_len=5, d_model=32)

# %% [markdown] slug="words"
# ## Why a norm?
#
# Every part multiplies by weights, so every part makes its vectors somewhat larger or smaller. **What becomes of these
# factors in a stack?** Here are twelve blocks with random weights, without norms: first without sums, then with them. The
# numbers are the size of a feature (root of the mean square) behind some of the blocks.

# %% slug="sizes-without-norm"
blocks = (1, 4, 8, 12)
rows = [f"{'behind block':20}" + "".join(f"{block:10}" for block in blocks)]
for way in ("neither", "residual only"):
    for seed in (0, 1, 2):
        stack = explorer.StackSetting(way, depth=12, seed=seed)
        signal, _ = explorer.measure(stack)
        sizes = "".join(f"{signal[block - 1]:10.4f}" for block in blocks)
        rows.append(f"{way:13} seed {seed} {sizes}")
print(*rows, sep="\n")

# %% [markdown] slug="norm-idea"
# Without sums the signal fades, with sums it grows: by two orders of magnitude and more in twelve blocks. The weights of the
# later blocks would have to serve vectors of very different sizes.
#
# **Layer normalisation** (Ba et al. 2016) takes each vector by itself. It subtracts the vector's mean and divides by its
# standard deviation. Then each feature gets a weight and a bias, which are learned:
#
# $$\operatorname{LayerNorm}(x) = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \odot w + b, \qquad
#   \mu = \frac1d \sum_i x_i, \qquad \sigma^2 = \frac1d \sum_i (x_i - \mu)^2$$
#
# Mean and variance are those of *one position of one sequence*, over its $d = d_{model}$ features. No position sees another
# one here, and the norm does the same in training and in evaluation. The small $\varepsilon$ keeps the root away from 0.

# %% [markdown] slug="norm-exercise"
# ## Exercise: `LayerNorm`
#
# Build `LayerNorm(d_model, eps=1e-5)`, an `nn.Module` for x of shape `(..., d_model)`. It has two parameters of shape
# `(d_model,)`: `weight`, which starts with ones, and `bias`, which starts with zeros. `nn.LayerNorm` and `F.layer_norm` are
# what you are building, so they may not be called.
#
# **By hand:** x = (1, 1, 5, 5) has the mean 3 and the variance $\tfrac14 (4 + 4 + 4 + 4) = 4$. So it becomes
# (−1, −1, 1, 1). With weight (1, 1, 2, 2) and bias (0, 0, 0, 10) the result is (−1, −1, 2, 12).

# %% [markdown] hints="LayerNorm"

# %% [markdown] slug="symptoms-LayerNorm"
# | you see | look at |
# |---|---|
# | (−0.87, −0.87, 0.87, 0.87) | `var` and `std` divide by $d - 1$ unless told otherwise |
# | an error about sizes | the reductions drop the axis: `keepdim=True` |
# | wrong with small x only | $\varepsilon$ stands outside the root |
# | one sequence changes another's result | the reductions run over the wrong axes |

# %% exercise="LayerNorm"
class LayerNorm(nn.Module):
    """Brings each vector to mean 0 and variance 1, then weight and bias.

    x (..., d_model) -> (..., d_model). Ba et al. 2016.
    """

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        ### BEGIN SOLUTION
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        centred = x - x.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        normed = centred / torch.sqrt(variance + self.eps)
        return normed * self.weight + self.bias
        ### END SOLUTION

# %% check="LayerNorm"
check("LayerNorm")

# %% [markdown] slug="feed-forward-idea"
# ## Why a feed-forward layer?
#
# Attention decides *where from* something is taken. **Who does something with it?** The feed-forward layer, at each position
# alone and with the same weights at all of them. It is a small network with one hidden layer, usually four times as wide as
# the model:
#
# $$\operatorname{FFN}(x) = W_2 \max(0,\ W_1 x + b_1) + b_2$$
#
# The $\max(0, \cdot)$, a **ReLU**, stands between the two products for a reason, which you will see below.
#
# ## Exercise: `FeedForward`
#
# Build `FeedForward(d_model, d_ff, dropout=0.0)` with two layers, `linear1` from `d_model` to `d_ff` and `linear2` back.
# Between them come the ReLU and then dropout, in training only. x has shape `(batch, seq, d_model)`.
#
# **By hand:** let the rows of $W_1$ be (1, 0), (0, −1), (1, 1), those of $W_2$ (1, 1, 1), (0, 0, 2), and all biases 0. For
# x = (1, 2) the hidden units are (1, −2, 3). After the ReLU they are (1, 0, 3), and the output is (4, 6).

# %% [markdown] hints="FeedForward"

# %% [markdown] slug="symptoms-FeedForward"
# | you see | look at |
# |---|---|
# | (2, 6) in the example | no ReLU, or its result is thrown away |
# | `Missing key(s) in state_dict` | the layers have other names than `linear1`, `linear2` |
# | two calls in `eval()` differ | `F.dropout` that was not told the mode |

# %% exercise="FeedForward"
class FeedForward(nn.Module):
    """A small network that works on each position alone.

    x (batch, seq, d_model) -> (batch, seq, d_model).
    Vaswani et al. 2017, eq. 2.
    """

    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        ### BEGIN SOLUTION
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.linear2(self.dropout(torch.relu(self.linear1(x))))
        ### END SOLUTION

# %% check="FeedForward"
check("FeedForward")

# %% [markdown] slug="fold-question"
# What is the ReLU for? The cell leaves it out and compares the result with that of **one** matrix, $W_2 W_1$.

# %% slug="fold"
torch.manual_seed(5)
layer, x = my.FeedForward(32, 128), torch.randn(2, 7, 32)
with torch.no_grad():
    one_matrix = layer.linear2.weight @ layer.linear1.weight
    one_bias = layer.linear2(layer.linear1.bias)
    folded = x @ one_matrix.T + one_bias
    without_relu = layer.linear2(layer.linear1(x))
    without = (without_relu - folded).abs().max()
    with_it = (layer(x) - folded).abs().max()
print(f"largest difference without the ReLU: {without:.0e}")
print(f"largest difference with the ReLU:    {with_it:.0e}")
print(f"{training.count_parameters(layer):,} parameters; one matrix and bias have",
      f"{one_matrix.numel() + one_bias.numel():,}")

# %% [markdown] slug="residual-idea"
# Without the ReLU the layer is one matrix, at about eight times the price. With it, each hidden unit is on for some vectors and
# off for others, and the layer can do what one matrix cannot.
#
# ## Why a sum?
#
# **How does the gradient of the loss reach the first block of a deep stack?** On the way back it passes through every block,
# and each one multiplies it by its derivative. For a sublayer $f$:
#
# $$\frac{\partial f(x)}{\partial x} = f'(x) \qquad \text{but} \qquad \frac{\partial\,(x + f(x))}{\partial x} = 1 + f'(x)$$
#
# Where $f'$ is small, a product of many $f'$ is next to nothing: a **vanishing gradient**. The 1 gives the gradient a way
# round.
#
# The experiments below use a small task: eight letters come in, and the model is to give back the same letters **in
# order**. A stack is made of your parts, put together in four ways: with sums or without, with norms or without (post-norm).
# The weights start as those of `nn.Transformer` do (Xavier).
#
# **Predict 1:** which of the four ways keep the size of the gradient at the first block when the stack grows from 2 blocks to
# 24? Put your number for *neither*, 24 blocks, into the cell (for 2 blocks it is about 0.5). It is drawn with the result.

# %% slug="guess-gradient"
guess_gradient = None   # for example 1e-3

# %% slug="measure-gradients"
# about 6 seconds
depths = (2, 6, 12, 24)
if session.training_allowed():
    found = task.gradients(depths)
    pictures.gradients(depths, found, guess_gradient)

# %% [markdown] slug="gradients-answer"
# Look at the left panel first (three lines a way, one for each seed):
#
# - **Neither:** the gradient vanishes.
# - **Residual only:** it grows with depth, an **exploding gradient**. The 1 keeps the gradient alive; it does not keep the
#   product of the factors $1 + f'$ from growing.
# - **Norm only**, and **residual and norm:** it stays about where it was.
#
# The right panel has the same stacks with the smaller weights that `nn.Linear` starts with by itself. There *residual only*
# does much better, and *neither* is worse still: its lines leave the picture. So it depends on the start how bad things get,
# and neither start saves the stack without sums and norms.
#
# ### Does it learn?
#
# A gradient of a good size may still point nowhere useful. So all four are trained, six blocks each, three seeds, 70 steps.
#
# **Predict 2:** which ones learn? (A blind guess has a loss of $\ln 8 = 2.08$.)

# %% slug="train-ways"
# about 20 seconds
def train_way(way, small=False):
    """The losses of six blocks put together in that way, by seed."""
    losses = []
    for seed in task.SEEDS:
        stack = task.begin(task.of_parts(way, depth=6), seed, small)
        losses.append(task.fit(stack, seed, steps=70, label=way))
    return losses

if session.training_allowed():
    by_way = {way: train_way(way) for way in task.WAYS}
    smaller = train_way("residual only", small=True)
    by_way["residual only, smaller start"] = smaller
    pictures.runs(by_way, chance=task.CHANCE, top=4)

# %% [markdown] slug="ways-answer"
# - **Neither** and **norm only** hardly move from the blind guess. For *norm only* the gradient was about as large as with
#   both, so its size is not what is missing. This experiment does not show what is.
# - **Residual only** stays beyond the upper edge of the picture. With the smaller start it learns, faster than all others
#   here.
# - **Residual and norm** learns from the larger start, too.
#
# So in this experiment a stack cannot do without the residual connections. The norm makes it depend less on how the weights
# start. All this holds for six blocks, 70 steps and a learning rate of 0.003.
#
# ### Explore
#
# Change arrangement, depth and start. What happens to the signal on its way up, and to the gradient on its way down?

# %% slug="explorer"
explorer.stack_explorer()

# %% slug="explorer-still"
ways = ("neither", "residual only", "residual and norm")
explorer.stack_settings(explorer.StackSetting(way) for way in ways)

# %% [markdown] slug="encoder-exercise"
# ## Exercise: `EncoderBlock`
#
# Build `EncoderBlock(d_model, num_heads, d_ff, dropout=0.0, norm_first=False)` with the children `self_attention`,
# `feed_forward`, `norm1` and `norm2`. `forward(x, mask=None)` takes and returns `(batch, seq, d_model)`. For each sublayer
# $f$ with its norm:
#
# | | formula |
# |---|---|
# | post-norm, `norm_first=False` | $x \leftarrow \operatorname{norm}(x + \operatorname{dropout}(f(x)))$ |
# | pre-norm, `norm_first=True` | $x \leftarrow x + \operatorname{dropout}(f(\operatorname{norm}(x)))$ |
#
# `dropout` goes to three places: to the attention (its weights), into the feed-forward layer, and to what each sublayer
# found, before it is added. The mask is that of chapter 4. `nn.Transformer…` may not be called.
#
# **By hand:** d_model = 2, x = (1, 3). Say attention always finds (0, 2) and the feed-forward layer (0, 4).
#
# - Post-norm: (1, 5) → norm → (−1, 1); then (−1, 5) → norm → (−1, 1).
# - Pre-norm: (1, 5), then (1, 9). Nothing norms the sum.

# %% [markdown] hints="EncoderBlock"

# %% [markdown] slug="symptoms-EncoderBlock"
# | you see | look at |
# |---|---|
# | (0, 0) added: x does not come through | a sum is missing, or the normed x is added instead of x |
# | post-norm whose output has not mean 0 and variance 1 | norm and plus in the wrong order |
# | the two settings give the same | `norm_first` is not kept, or not asked |
# | `tuple` has no attribute … | attention returns `(output, weights)` |
# | right at first, wrong with other weights | one norm used for both sublayers |

# %% exercise="EncoderBlock"
class EncoderBlock(nn.Module):
    """Self-attention and feed-forward, each with a sum and a norm.

    x (batch, seq, d_model), mask -> (batch, seq, d_model).
    Vaswani et al. 2017, section 3.1; with `norm_first` Xiong et al. 2020.
    """

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0,
                 norm_first=False):
        super().__init__()
        ### BEGIN SOLUTION
        self.norm_first = norm_first
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x, mask=None):
        ### BEGIN SOLUTION
        if self.norm_first:
            normed = self.norm1(x)
            found, _ = self.self_attention(normed, normed, normed, mask)
            x = x + self.dropout(found)
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        found, _ = self.self_attention(x, x, x, mask)
        x = self.norm1(x + self.dropout(found))
        return self.norm2(x + self.dropout(self.feed_forward(x)))
        ### END SOLUTION

# %% check="EncoderBlock"
check("EncoderBlock")

# %% [markdown] slug="encoder-by-hand-text"
# The example from above, with weights of 0, so that only the last biases are left of the two sublayers:

# %% slug="encoder-by-hand" tags=["nbval-check-output"]
for norm_first in (False, True):
    block = my.EncoderBlock(2, 1, 8, norm_first=norm_first)
    with torch.no_grad():
        for part in (block.self_attention, block.feed_forward):
            for weight in part.parameters():
                weight.zero_()
        block.self_attention.w_o.bias.copy_(torch.tensor([0.0, 2.0]))
        block.feed_forward.linear2.bias.copy_(torch.tensor([0.0, 4.0]))
        result = block(torch.tensor([[[1.0, 3.0]]]))[0, 0]
    print(f"{norm_first=!s:5}: {result[0]:.2f}, {result[1]:.2f}")

# %% [markdown] slug="flow-text"
# And what really flows through *your* block? The cell hangs a hook on each part, sends a batch through, and draws the parts
# in the order in which your code called them. (Sums are no modules, so they leave no trace.)

# %% slug="flow"
block, x = my.EncoderBlock(32, 4, 128), torch.randn(2, 7, 32)
pictures.flow(task.shapes(block, x), "your EncoderBlock, post-norm")

# %% [markdown] slug="order-question"
# ## In front or behind?
#
# **Does it matter where the norm stands?** In pre-norm the sums form one line from the input to the output with nothing on it
# but sums, the **residual stream**. In post-norm every norm stands on that line. (A pre-norm stack needs one more norm at its
# very end, since its sums are never normed. Here it has one.)
#
# The paper trained post-norm with **warm-up**: the learning rate begins near 0 and rises for a while. Below are ten
# blocks, 60 steps, a learning rate of 0.003, three seeds: post-norm, post-norm with a warm-up over 40 steps, and pre-norm
# without warm-up.
#
# **Predict 3:** which of the three learn?

# %% slug="train-orders"
# about 25 seconds
def train_order(norm_first, warm_up=0):
    """The losses of ten of your blocks, by seed."""
    losses = []
    for seed in task.SEEDS:
        stack = task.begin(task.of_blocks(norm_first, depth=10), seed)
        losses.append(task.fit(stack, seed, steps=60, warm_up=warm_up))
    return losses

by_order = {}
if session.training_allowed():
    by_order["post-norm"] = train_order(norm_first=False)
    by_order["post-norm, warm-up"] = train_order(norm_first=False, warm_up=40)
    by_order["pre-norm"] = train_order(norm_first=True)
    pictures.runs(by_order, chance=task.CHANCE, top=4)

# %% [markdown] slug="orders-answer"
# Pre-norm learns. Post-norm stays at the blind guess. Warm-up helps it to begin, and no more than that in 60 steps.
#
# Is that so at other depths and learning rates, and with more time? The next picture has two learning rates, four depths and
# 200 steps (warm-up over the first 100). It would take this notebook half an hour, so the results are stored;
# `python -m utils.chapters.transformer_architecture.sweep` makes them.

# %% slug="sweep"
pictures.sweep(sweep.stored())

# %% [markdown] slug="sweep-answer"
# - **Pre-norm** learns in every setting. In most of them warm-up only slows it down.
# - **Post-norm** learns, too, with two and four blocks, and with eight at the lower rate. With eight at the higher rate it
#   wants warm-up: without it, one seed of three stays near the blind guess. With sixteen it hardly learns, with warm-up or
#   without, at both rates.
#
# So post-norm depends on depth and learning rate far more than pre-norm does. That fits Xiong et al. (2020), who also found
# that pre-norm can do without warm-up. These runs do not show which order ends up better when both learn, nor whether
# sixteen post-norm blocks would learn with more steps or a longer warm-up.

# %% [markdown] slug="gentle-text"
# ### Open task: rescue post-norm
#
# Ten post-norm blocks, no warm-up, and this time you may change *how the weights start*. Write `start_gently(model)`: it
# changes weights of `model.blocks` in place, before the training. Which weights could you change so that at first every
# block hands on nearly what it got?
#
# There are several good answers. The cell below trains your version three times beside the runs from above. It works if
# your lines leave the blind guess.

# %% open="start-gently"
@torch.no_grad()
def start_gently(model):
    """Changes the starting weights of `model.blocks`, in place."""
    ### BEGIN SOLUTION
    # What a sublayer adds comes out of its last layer: make that small.
    for block in model.blocks:
        block.self_attention.w_o.weight *= 0.1
        block.feed_forward.linear2.weight *= 0.1
    ### END SOLUTION

# %% slug="try-gently"
# about 8 seconds
if session.training_allowed():
    gentle = task.gently_started(start_gently, depth=10, steps=60)
    if gentle is not None:
        beside = {"post-norm": by_order["post-norm"], "post-norm, your start": gentle,
                  "pre-norm": by_order["pre-norm"]}
        pictures.runs(beside, chance=task.CHANCE, top=4)

# %% [markdown] slug="cost-question"
# ## Where are the parameters, and where is the work?
#
# **What does a block cost?** Here is one as in the paper: $d_{model} = 512$, $d_{ff} = 2048$, 8 heads.
#
# **Predict 4:** what share of its parameters is in the attention, from 0 to 1? Enter it. Is the share of the *work* the same?

# %% slug="guess-share"
guess_share = None   # for example 0.5

# %% slug="cost"
block = my.EncoderBlock(512, 8, 2048)
held = task.parameters(block)
for name, number in held.items():
    print(f"{name:20} {number:10,} parameters")
if session.training_allowed():
    lengths = [2**power for power in range(5, 15)]
    counts = [task.multiplications(block, length) for length in lengths]
    print("\nmillions of multiplications")
    print(" length" + "".join(f"{part:>20}" for part in counts[0]))
    for length, count in zip(lengths[2::2], counts[2::2], strict=True):
        print(f"{length:7}" + "".join(f"{n / 1e6:20,.0f}" for n in count.values()))
    parts = {part: [count[part] for count in counts] for part in counts[0]}
    pictures.shares(lengths, parts, held, guess_share)

# %% [markdown] slug="cost-answer"
# A third of the parameters is in the attention, two thirds in the feed-forward layer, and the norms have next to nothing.
# The multiplications were counted by PyTorch while a sequence ran through your block. For short sequences they are shared
# out like the parameters. The longer the sequence, the larger the part of the **scores and mixture**, which has no
# parameters at all.
#
# ### Open task: the formula behind the picture
#
# A product of an $(a, b)$ matrix with a $(b, c)$ matrix takes $a \cdot b \cdot c$ multiplications. Go through your block
# and write down what one sequence of length `seq` needs. Leave out sums, norms and the softmax. The cell below holds your
# formula against PyTorch's count.

# %% open="multiplications"
def multiplications(seq, d_model, d_ff):
    """Three whole numbers, under the names of the picture:
    "projections", "scores and mixture", "feed-forward".
    """
    ### BEGIN SOLUTION
    return {
        "projections": 4 * seq * d_model * d_model,
        "scores and mixture": 2 * seq * seq * d_model,   # of all heads
        "feed-forward": 2 * seq * d_model * d_ff,
    }
    ### END SOLUTION

# %% slug="compare-counts"
if session.training_allowed():
    task.compare_counts(multiplications)

# %% [markdown] slug="cost-why"
# The length enters the scores squared and everything else once. With $d_{ff} = 4\, d_{model}$ the scores and mixture catch up
# with the feed-forward layer at $2\, seq^2 d_{model} = 8\, seq\, d_{model}^2$, that is at $seq = 4\, d_{model}$: here at a
# length of 2,048. Look for that point in the picture.

# %% [markdown] slug="decoder-exercise"
# ## Exercise: `DecoderBlock`
#
# Build `DecoderBlock(d_model, num_heads, d_ff, dropout=0.0, norm_first=False)` with the children `self_attention`,
# `cross_attention`, `feed_forward`, `norm1`, `norm2` and `norm3`. Its
# `forward(x, memory, self_mask=None, memory_mask=None)` takes x `(batch, seq, d_model)` and memory
# `(batch, k_len, d_model)` and returns the shape of x. Three sublayers, in this order:
#
# 1. self-attention of x, under `self_mask` (in use, the causal mask of chapter 3);
# 2. cross-attention: the **queries** come from x, **keys and values** from the memory, under `memory_mask`;
# 3. feed-forward.
#
# Sums, norms and dropout are as before. The memory is taken as it is and never normed here.
#
# **By hand:** one position x = (1, 3), one position of memory (4, 0), all projections the identity, a feed-forward layer
# that finds 0. With one key the weight is 1, so attention finds its value.
#
# - Post-norm: (1, 3) + (1, 3) → norm → (−1, 1); + (4, 0) = (3, 1) → norm → (1, −1); + 0 → norm → (1, −1).
# - Pre-norm: (1, 3) + norm(1, 3) = (0, 4); + (4, 0) = (4, 4); + 0 = (4, 4).

# %% [markdown] hints="DecoderBlock"

# %% [markdown] slug="symptoms-DecoderBlock"
# | you see | look at |
# |---|---|
# | another memory, the same result | keys and values come from x |
# | an error, or a result as long as the memory | the memory asks, and x is looked up |
# | right without masks, wrong with them | the two masks are swapped, or one is forgotten |
# | wrong in pre-norm only | the memory was normed, too |
# | wrong with other weights in the norms | the norms go with the wrong sublayers |

# %% exercise="DecoderBlock"
class DecoderBlock(nn.Module):
    """Self-attention, cross-attention, feed-forward, each with sum and norm.

    x (batch, seq, d_model), memory (batch, k_len, d_model), masks
    -> (batch, seq, d_model). Vaswani et al. 2017, section 3.1.
    """

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0,
                 norm_first=False):
        super().__init__()
        ### BEGIN SOLUTION
        self.norm_first = norm_first
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        ### BEGIN SOLUTION
        def look(x):
            return self.self_attention(x, x, x, self_mask)[0]

        def read(x):
            return self.cross_attention(x, memory, memory, memory_mask)[0]

        think = self.feed_forward
        steps = [(self.norm1, look), (self.norm2, read), (self.norm3, think)]
        for norm, sublayer in steps:
            if self.norm_first:
                x = x + self.dropout(sublayer(norm(x)))
            else:
                x = norm(x + self.dropout(sublayer(x)))
        return x
        ### END SOLUTION

# %% check="DecoderBlock"
check("DecoderBlock")

# %% [markdown] slug="decoder-sees-text"
# What can a position of the decoder see? The cell changes one thing at a time, the last position of x or the last of the
# memory, and prints which positions of the output move.

# %% slug="decoder-sees" tags=["nbval-check-output"]
torch.manual_seed(5)
block = my.DecoderBlock(32, 4, 128)
x, memory = torch.randn(1, 5, 32), torch.randn(1, 3, 32)
causal = my.create_look_ahead_mask(5)
other_x, other_memory = x.clone(), memory.clone()
other_x[:, -1] += 1
other_memory[:, -1] += 1
with torch.no_grad():
    before = block(x, memory, self_mask=causal)
    after_x = block(other_x, memory, self_mask=causal)
    after_memory = block(x, other_memory, self_mask=causal)
for name, after in {"x": after_x, "memory": after_memory}.items():
    moved = (after - before)[0].abs().amax(dim=-1) > 1e-6
    places = moved.nonzero().flatten().tolist()
    print(f"last position of {name} changed: output moves at {places}")

# %% [markdown] slug="decoder-sees-answer"
# The causal mask holds for x: its last position reaches only itself. The memory is a finished sequence, so every position
# may read all of it. Chapter 7 stacks these blocks to a translator.

# %% [markdown] slug="today"
# ## What is different today?
#
# **Is this still the block of today's models?** Nearly: two parts have changed in many of them, to RMSNorm and SwiGLU.
#
# **RMSNorm** (Zhang and Sennrich 2019) leaves out the mean and the bias. It divides by the root of the mean square alone:
#
# $$\operatorname{RMSNorm}(x) = \frac{x}{\sqrt{\tfrac1d \sum_i x_i^2 + \varepsilon}} \odot w$$
#
# ## Stretch exercise: `RMSNorm`
#
# Build `RMSNorm(d_model, eps=1e-6)` with the one parameter `weight`, for x of shape `(..., d_model)` with any leading
# axes. `nn.RMSNorm` and `F.rms_norm` may not be called.
#
# **By hand:** (1, 7) has the mean square $\tfrac12 (1 + 49) = 25$, so it becomes (0.2, 1.4). LayerNorm makes (−1, 1) of it.

# %% [markdown] hints="RMSNorm"

# %% [markdown] slug="symptoms-RMSNorm"
# | you see | look at |
# |---|---|
# | (−1, 1) | a mean was subtracted |
# | (−0.6, 0.6) | a mean was subtracted above the line only |

# %% exercise="RMSNorm"
class RMSNorm(nn.Module):
    """Brings each vector to root mean square 1, then to a learned weight.

    x (..., d_model) -> (..., d_model). Zhang and Sennrich 2019.
    """

    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        ### BEGIN SOLUTION
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        square = x.square().mean(dim=-1, keepdim=True)
        return x / torch.sqrt(square + self.eps) * self.weight
        ### END SOLUTION

# %% check="RMSNorm"
check("RMSNorm")

# %% [markdown] slug="swiglu-exercise"
# **SwiGLU** (Shazeer 2020) has two layers in place of `linear1`. One makes a **gate**, the other what passes through it:
#
# $$\operatorname{SwiGLU}(x) = W_{down}\,\bigl(\operatorname{silu}(W_{gate}\, x) \odot W_{up}\, x\bigr), \qquad
#   \operatorname{silu}(z) = z \cdot \operatorname{sigmoid}(z)$$
#
# ## Stretch exercise: `SwiGLU`
#
# Build `SwiGLU(d_model, d_ff)` with three layers without bias: `w_gate` and `w_up` from `d_model` to `d_ff`, `w_down` back.
# x has shape `(..., d_model)`. `F.silu` may be called.
#
# **By hand:** one feature, one hidden unit, $W_{gate} = 1$, $W_{up} = 3$, $W_{down} = 0.5$. For x = 2:
# $\operatorname{silu}(2) = 2 \cdot 0.881 = 1.762$, times 6 is 10.57, times 0.5 is 5.28. (With the branches swapped it would
# be $2 \cdot \operatorname{silu}(6) \cdot 0.5 = 5.99$.)

# %% [markdown] hints="SwiGLU"

# %% [markdown] slug="symptoms-SwiGLU"
# | you see | look at |
# |---|---|
# | 5.99 | the SiLU is on the other branch |
# | `Unexpected key(s) … bias` | `bias=False` is missing |

# %% exercise="SwiGLU"
class SwiGLU(nn.Module):
    """A feed-forward layer whose hidden units pass through a gate.

    x (..., d_model) -> (..., d_model). Shazeer 2020.
    """

    def __init__(self, d_model, d_ff):
        super().__init__()
        ### BEGIN SOLUTION
        self.w_gate = nn.Linear(d_model, d_ff, bias=False)
        self.w_up = nn.Linear(d_model, d_ff, bias=False)
        self.w_down = nn.Linear(d_ff, d_model, bias=False)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.w_down(nn.functional.silu(self.w_gate(x)) * self.w_up(x))
        ### END SOLUTION

# %% check="SwiGLU"
check("SwiGLU")

# %% [markdown] slug="today-question"
# Three layers instead of two: to stay at the same number of parameters, $d_{ff}$ shrinks to two thirds. Are the new parts
# better here? Two pre-norm blocks of each kind, three seeds, 150 steps.

# %% slug="train-today"
# about 8 seconds
rows = []
for todays in (False, True) if session.training_allowed() else ():
    ends, shares = [], []
    for seed in task.SEEDS:
        stack = task.of_todays(2) if todays else task.of_blocks(True, 2)
        history = task.fit(task.begin(stack, seed), seed, steps=150)
        ends.append(f"{task.last(history, 20):.3f}")
        shares.append(f"{task.right(stack):.2f}")
    parts = "RMSNorm, SwiGLU" if todays else "LayerNorm, FeedForward"
    rows += [f"{parts} ({training.count_parameters(stack):,} parameters)",
             f"   loss at the end: {' '.join(ends)}   letters right: {' '.join(shares)}"]
print(*rows, sep="\n")

# %% [markdown] slug="today-answer"
# The loss is a little lower with the new parts for each seed, and the seeds of one kind differ among themselves by more than
# that. So this experiment is no reason to prefer them. In the literature the gain of SwiGLU is small, too, and was measured
# on large models (Shazeer 2020). RMSNorm is chosen because it has less to compute.

# %% [markdown] slug="papers"
# ## Here and in papers
#
# | here | in papers |
# |---|---|
# | block | layer; encoder layer, decoder layer |
# | feed-forward layer | FFN, MLP, position-wise feed-forward network |
# | hidden units, $d_{ff}$ | inner-layer dimension, intermediate size |
# | a sum around a sublayer | residual connection, skip connection, shortcut |
# | the line of sums through a pre-norm stack | residual stream |
# | weight and bias of a norm | gain $\gamma$ and shift $\beta$; scale |
# | post-norm, pre-norm | Post-LN, Pre-LN |
# | a gradient that fades or grows with depth | vanishing, exploding gradient |
# | a learning rate that begins near 0 | warm-up |
# | cross-attention, memory | encoder-decoder attention, encoder output |
# | a feed-forward layer with a gate | GLU variant, gated MLP |

# %% [markdown] slug="quiz-text"
# ## Quiz
#
# One answer is right in each. Put its letter between the quotes below, run that cell and its check; you can change your
# mind.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("05_transformer_architecture")

# %% [markdown] slug="written-question"
# ## In your own words
#
# Take the two experiments with deep stacks: the four ways to put the parts together, and the order of norm and sum. What did
# you predict, and what did you see? Explain what the sum does for the gradient, what the norm does for the signal, and what
# the experiments leave open. Four to seven sentences.

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric** (2 points)
#
# - 0.5: states predictions and measured outcomes for both experiments: without sums a deep stack stays at the blind guess;
#   with sums alone it depends on the start; ten post-norm blocks without warm-up do not learn at this learning rate, pre-norm
#   ones do.
# - 0.5: the sum. The derivative of $x + f(x)$ is $1 + f'(x)$, so a way round remains where $f'$ is small; without it the
#   factors $f'$ multiply to next to nothing.
# - 0.5: the norm. Every block changes the size of its vectors, and in a stack these factors multiply; a norm brings each
#   vector back to one size, so the stack depends less on how its weights start.
# - 0.5: names one thing that is left open or limited: *norm only* has gradients of a good size and does not learn, and the
#   cell does not say why; six and ten blocks, few steps, two learning rates, one small task.
#
# No points are lost for a wrong prediction.
# ### END SOLUTION

# %% [markdown] slug="what-you-built"
# ## What you built
#
# - `LayerNorm` and `FeedForward`: a common size for all vectors, and the work on each position.
# - `EncoderBlock` and `DecoderBlock`: all that a transformer repeats, in both orders.
# - `RMSNorm` and `SwiGLU`, if you went for them: the parts that changed since.
#
# What passed its checks is now in your library `my_transformer/`.
#
# **Next:** the blocks still do not know which position is which; the experiments here added a learned vector to each place.
# Chapter 6 builds that, in five ways. Chapter 7 stacks the blocks into a translator.
