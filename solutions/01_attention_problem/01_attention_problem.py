# %% [markdown] slug="title"
# # 1 · The attention problem
#
# This chapter takes the usual model before attention, a recurrent network, and finds out how far back it can remember and how
# long it takes, compared with one layer of attention.
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `rnn_forward` | reads a sequence step by step, with a memory of fixed size | 20 | 2 |
# | `gradient_norms` | measures how far back the last output can see | 20 | 2 |
# | `causal_average` | gives every position something of all before it, without a loop | 20 | 2 |
#
# Two **open tasks** carry no points: how far a gradient reaches, and one step of training.
#
# **Time:** about 130 minutes, of which 55 are reading, running and the open tasks, and 15 the quiz and the written question.
#
# **You need:** PyTorch tensors, the matrix product, what a gradient is, and what training with a loss is.
#
# **How it goes:** a prediction that you enter is drawn on the result.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()

import torch
from torch import nn

from utils import my, plots, session, training
from utils.chapters.attention_problem import experiment as toy
from utils.chapters.attention_problem import explorer, on_a_gpu, pictures, steps

# %% [markdown] slug="map"
# ## Where all this goes
#
# **What is a transformer?** A network that reads a sequence of vectors: words, letters, patches of a picture. It is a stack of
# equal **blocks**. In a block every element first takes something from the others, as much from each as fits: that is
# **attention**. Then each is worked on by itself, by a **feed-forward network**.
#
# | chapter | what you have in the end |
# |---|---|
# | 1 | a ruler for how far a network can see |
# | 2 | `attention` |
# | 3 | self-attention, and a mask for models that write |
# | 4 | several heads |
# | 5 | the blocks around attention |
# | 6 | positions: which word comes first |
# | 7 | a translator: `hello world` → `hola mundo` |
# | 8 | BERT, GPT, T5 and ViT |

# %% [markdown] slug="challenge"
# ## The challenge: something that lies far back
#
# *The keys that the woman who runs the small shop on the corner lent me yesterday* … **is it** *are* **or** *is* **on the
# table?** You need a word that stands 15 steps back: a **long-range dependency**.
#
# Here is the bare problem. A model reads random letters, and then must name the letter that stood **k steps back**. Eight
# letters: who guesses is right one time in eight.

# %% slug="recall-task" tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(1)
for distance in (2, 5, 20):
    for tokens in toy.tokens_of(distance, 2, generator):
        text = toy.text_of(tokens)
        print(f"k = {distance:2}:  read {text:22} say {text[0]}")

# %% [markdown] slug="two-ways"
# How can the first letter get to the last place? Follow the orange arrows from `x0`. On the left each **hidden state** is made
# from the one before it, so the letter has to pass through all of them. On the right every output takes from every input
# directly.

# %% slug="draw-paths"
pictures.paths(seq=6, width=toy.WIDTH)

# %% [markdown] slug="challenge-predict"
# **Predict 1:** a plain recurrent network and one attention layer will be trained on this. Up to which k, of 2 to 100, will
# each get it right? Your numbers are drawn with the results, in the second half.

# %% slug="guess-before"
guess_before = {"plain": None, "attention": None}    # for example 50

# %% [markdown] slug="rnn-idea"
# ## A memory that is rewritten at every step
#
# **How can a network read a sequence of any length?** A **recurrent network** keeps a hidden state, a vector of fixed size. At
# each step it makes the next state from the new input and the state before, with the same three weights:
#
# $$h_t = \tanh(x_t W_x + h_{t-1} W_h + b), \qquad h_{-1} = 0$$
#
# **By hand,** with one number for everything: $W_x = \tfrac12 \ln 3$, $W_h = \ln 3$, $b = 0$, and the inputs $1, 0, -1$. It
# helps to know that $\tanh(\tfrac12 \ln 3) = \tfrac12$.
#
# | step | inside the tanh | state |
# |---|---|---|
# | 0 | $1 \cdot \tfrac12 \ln 3 + 0 \cdot \ln 3 = \tfrac12 \ln 3$ | ½ |
# | 1 | $0 \cdot \tfrac12 \ln 3 + \tfrac12 \cdot \ln 3 = \tfrac12 \ln 3$ | ½ |
# | 2 | $-1 \cdot \tfrac12 \ln 3 + \tfrac12 \cdot \ln 3 = 0$ | 0 |
#
# At step 1 the state remembers the 1 although the input is 0. At step 2 a new input wipes it out.

# %% [markdown] slug="rnn-exercise"
# ## Exercise: `rnn_forward`
#
# Build `rnn_forward(x, w_x, w_h, b)`. It returns **every** state, not just the last.
#
# | tensor | shape |
# |---|---|
# | `x` | `(batch, seq, d_in)` |
# | `w_x`, `w_h`, `b` | `(d_in, d_hidden)`, `(d_hidden, d_hidden)`, `(d_hidden,)` |
# | result | `(batch, seq, d_hidden)` |
#
# Each sequence of the batch has a state of its own. The result has the dtype of `x`, and gradients flow back to `x` and to
# all three weights. Do not call `nn.RNN` or a kernel of its kind.

# %% [markdown] hints="rnn_forward"

# %% [markdown] slug="symptoms-rnn_forward"
# | you see | look at |
# |---|---|
# | every state looks like a first state | what the next step reads: is the new state kept? |
# | states beyond -1 and 1 | what is inside tanh, and what is returned |
# | shape `(seq, batch, …)` | the `dim` of `stack` |
# | "modified by an inplace operation" | a tensor of states that is written to and read again: keep a list |
# | an error about float and double | zeros made in float32: `x.new_zeros` takes the dtype of `x` |

# %% exercise="rnn_forward"
def rnn_forward(x, w_x, w_h, b):
    """All states of a recurrent network (Elman 1990), which starts from zeros.

    x (batch, seq, d_in), w_x (d_in, d_hidden), w_h (d_hidden, d_hidden), b (d_hidden,)
    -> (batch, seq, d_hidden)
    """
    ### BEGIN SOLUTION
    batch, seq, _ = x.shape
    h = x.new_zeros(batch, w_h.shape[0])
    states = []
    for t in range(seq):
        h = torch.tanh(x[:, t] @ w_x + h @ w_h + b)
        states.append(h)
    return torch.stack(states, dim=1)
    ### END SOLUTION

# %% check="rnn_forward"
check("rnn_forward")

# %% [markdown] slug="rnn-again"
# The example worked by hand, through the function. From here on `my.rnn_forward` is yours where its checks passed, and the
# course's own where not.

# %% slug="rnn-by-hand" tags=["nbval-check-output"]
ln3 = torch.tensor(3.0).log()
x = torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1)
states = my.rnn_forward(x, ln3.view(1, 1) / 2, ln3.view(1, 1), torch.zeros(1))
print("states", [round(h, 4) + 0.0 for h in states.flatten().tolist()])

# %% [markdown] slug="fade-question"
# ## How long does a first impression last?
#
# **Does the state remember the beginning?** Take two sequences that differ **in the first input only**. If it does, the states
# of the two stay apart. All numbers are random; the recurrent weights are multiplied by a **gain** of 0.5, 1 or 2.
#
# **Predict 2:** at first the two states are about 5 apart. What is left of that after 40 steps at a gain of 1?

# %% slug="guess-fade"
guess_fade = None   # for example 0.1

# %% slug="fade"
generator = torch.Generator().manual_seed(1)
width = toy.WIDTH
w_x, w_h = (torch.randn(width, width, generator=generator) / width**0.5 for _ in range(2))
b = torch.zeros(width)
one = torch.randn(1, 41, width, generator=generator)
other = one.clone()
other[:, 0] = torch.randn(width, generator=generator)

apart = {}
for gain in (0.5, 1.0, 2.0):
    weights = [w.double() for w in (w_x, gain * w_h, b)]       # float32 would end at 1e-7
    first, second = (my.rnn_forward(x.double(), *weights)[0] for x in (one, other))
    apart[f"gain {gain:g}"] = (first - second).norm(dim=-1).tolist()
pictures.fading(apart, guess_fade)

# %% [markdown] slug="fade-answer"
# With a gain of 0.5 or 1 the first input is forgotten at a steady rate. With a gain of 2 the states are still about 1 apart
# after 40 steps. Whether the first input can be read from them, a distance does not say.
#
# To *learn* to remember, a network must feel which early input a late error came from.

# %% [markdown] slug="gradient-idea"
# ## How far back does the gradient reach?
#
# **How much does the last output change when an input k steps back changes a little?** The chain rule walks back through every
# state on the way, and each step multiplies by one more Jacobian:
#
# $$\frac{\partial h_T}{\partial x_{T-k}} = \frac{\partial h_T}{\partial h_{T-1}} \cdots
# \frac{\partial h_{T-k+1}}{\partial h_{T-k}} \cdot \frac{\partial h_{T-k}}{\partial x_{T-k}}$$
#
# **By hand,** with one number for a state and no tanh, $h_t = w\,h_{t-1} + x_t$, the gradient is $w^k$. For $w = 0.5$ and
# $k = 10$ that is $0.001$. For $w = 1.1$ and $k = 50$ it is $117$. A product of many factors **vanishes** or **explodes**,
# unless they are 1 almost exactly.
#
# In a real network we measure the Euclidean norm of the gradient at each position.

# %% [markdown] slug="gradient-exercise"
# ## Exercise: `gradient_norms`
#
# Build `gradient_norms(outputs, inputs)`. `inputs` `(batch, seq, d_in)` is the leaf from which `outputs`
# `(batch, seq, d_out)` was computed. Take the gradient of `outputs[:, -1].sum()` with respect to `inputs`, and return its
# norm **over batch and features** for each position: shape `(seq,)`, in the dtype of `inputs`.
#
# - Where there is no path the norm is 0, also when `outputs` does not depend on `inputs` at all.
# - You are a visitor in somebody else's graph. Every `.grad`, of the inputs and of all weights, is afterwards what it was
#   before, and the function can be called again on the same graph.
#
# **By hand:** one sequence of two positions with two features each. If its last output is $3 a_0 + 4 b_0$, where
# $(a_0, b_0)$ is the input at position 0, then the gradient is $(3, 4)$ at position 0 and $(0, 0)$ at position 1. The norms
# are $(5, 0)$.

# %% [markdown] hints="gradient_norms"

# %% [markdown] slug="symptoms-gradient_norms"
# | you see | look at |
# |---|---|
# | "Trying to backward through the graph a second time" | the graph was freed: `retain_graph=True` |
# | "One of the differentiated Tensors appears to not have been used" | a missing path: `allow_unused=True` |
# | "element 0 of tensors does not require grad" | outputs in no graph at all: ask `outputs.requires_grad` first |
# | norms that do not depend on the position | which positions of the outputs are in the scalar |
# | norms that grow with each call | `.grad`, which `backward` adds to: `torch.autograd.grad` leaves it alone |

# %% exercise="gradient_norms"
def gradient_norms(outputs, inputs):
    """For each position the norm of the gradient of outputs[:, -1].sum().

    outputs (batch, seq, d_out), inputs (batch, seq, d_in) -> (seq,)
    Leaves every .grad and the graph as they are.
    """
    ### BEGIN SOLUTION
    zeros = inputs.new_zeros(inputs.shape[1])
    if not outputs.requires_grad:                        # nothing to go back along
        return zeros
    last = outputs[:, -1].sum()
    (gradient,) = torch.autograd.grad(last, inputs, retain_graph=True, allow_unused=True)
    return zeros if gradient is None else gradient.norm(dim=(0, 2))
    ### END SOLUTION

# %% check="gradient_norms"
check("gradient_norms")

# %% slug="gradient-by-hand" tags=["nbval-check-output"]
inputs = torch.zeros(1, 2, 2, requires_grad=True)
outputs = (inputs[:, :1] @ torch.tensor([[3.0], [4.0]])).expand(1, 2, 1)
print("norms", my.gradient_norms(outputs, inputs).tolist())

# %% [markdown] slug="reach-question"
# ## The reach of five networks, before any training
#
# **Which networks can see far?** Below are the plain network at three gains and two **LSTMs**. An LSTM adds to its state
# instead of rewriting it, and a **forget gate** between 0 and 1 decides how much of the old state stays. The gate starts at
# $\sigma(\text{forget bias})$: with a bias of 1 it keeps $0.73$ of the state at each step, with a bias of 4 it keeps $0.98$.
#
# **By hand:** after 10 steps $0.73^{10} \approx 0.04$ is left, and after 50 steps $0.98^{50} \approx 0.4$. Can any of the five
# see 100 steps back?

# %% slug="reach"
torch.manual_seed(0)
x = torch.randn(16, 101, width, requires_grad=True)
networks = {f"plain, gain {gain:g}": my.rnn_forward(x, w_x, gain * w_h, b)
            for gain in (0.5, 1.0, 3.0)}
networks |= {f"LSTM, forget bias {bias}": toy.lstm(bias)(x)[0] for bias in (1, 4)}
norms = {name: my.gradient_norms(outputs, x).flip(0) for name, outputs in networks.items()}

pictures.reach(norms, 1e-10, 1e13, "Gradient norm against steps back, logarithmic. Straight falling "
               "lines for the plain network with gain 0.5 and 1 and for the LSTM with bias 1; a rising "
               "line for gain 3; a nearly level one for the LSTM with bias 4.")

# %% [markdown] slug="reach-task"
# ### Open task: how far is that?
#
# Read a number off the curves. Write `steps_back(norms, share=0.01)`, where `norms[k]` is the norm k steps back. It returns
# the first k at which less than `share` of `norms[0]` is left, a whole number, and `len(norms)` where there is none. By
# hand: the norms 8, 4, 2, 1 with a share of 0.3 give 2.
#
# The cell after it tries your function and prints how far each network reaches. Keep the numbers in mind: later they stand
# beside what each network has learned.

# %% open="steps_back"
def steps_back(norms, share=0.01):
    """The first k with norms[k] < share * norms[0], else len(norms)."""
    ### BEGIN SOLUTION
    left = norms / norms[0]
    for k in range(len(norms)):
        if left[k] < share:
            return k
    return len(norms)
    ### END SOLUTION

# %% slug="try-steps-back"
far = steps.try_steps_back(steps_back, norms)

# %% [markdown] slug="reach-answer"
# Nearly straight lines on a logarithmic axis: **each step back costs about the same factor**. At a gain of 0.5 or 1, and in the
# LSTM with a bias of 1, the gradient vanishes. At a gain of 3 it explodes. With a bias of 4 the curve is nearly level.
#
# So "recurrent networks cannot see far" needs a condition: *unless what is multiplied on the way is almost exactly 1*.

# %% [markdown] slug="average-idea"
# ## A short cut: mix all positions at once
#
# **Why walk at all?** Every output could take something from each earlier position *directly*. The simplest such layer has no
# weights to learn. Output t is the mean of all inputs up to t:
#
# $$y_t = \frac{1}{t+1} \sum_{s \le t} x_s$$
#
# **By hand:** the inputs 2, 4, 9 give 2, then $(2 + 4)/2 = 3$, then $(2 + 4 + 9)/3 = 5$.
#
# No output is made from another output, so nothing has to wait, and the number of tensor operations can stay the same at any
# length.
#
# ## Exercise: `causal_average`
#
# Build `causal_average(x)`, `(batch, seq, d) -> (batch, seq, d)`. Output t is the mean of $x_0 \dots x_t$, its own input
# included and nothing later. **The number of tensor operations must not grow with `seq`**: no Python loop over positions.

# %% [markdown] hints="causal_average"

# %% [markdown] slug="symptoms-causal_average"
# | you see | look at |
# |---|---|
# | the average is right in the last row only | how many inputs row t has: it is not divided by `seq` |
# | NaN in the first row | the diagonal: a row that leaves out its own input is 0 / 0 |
# | right results, but the count of operations grows | a loop over positions: take a running sum, or one matrix product |

# %% exercise="causal_average"
def causal_average(x):
    """Output t is the mean of x_0 … x_t, for all t at once.

    x (batch, seq, d) -> (batch, seq, d)
    The number of tensor operations does not depend on seq.
    """
    ### BEGIN SOLUTION
    seq = x.shape[1]
    weights = torch.ones(seq, seq, dtype=x.dtype, device=x.device).tril()
    weights = weights / weights.sum(dim=-1, keepdim=True)
    return weights @ x
    ### END SOLUTION

# %% check="causal_average"
check("causal_average")

# %% [markdown] slug="weights-question"
# To see what such a layer does, feed it an **identity matrix**, so that input s is a one at place s. Then output t spells out
# how much it took from each position.

# %% slug="average-picture"
weights = my.causal_average(torch.eye(6)[None])[0]
inputs, outputs = [f"x{s}" for s in range(6)], [f"y{t}" for t in range(6)]
ax = plots.attention_map(weights, outputs, inputs, "how much each output takes from each input")
ax.set(xlabel="input", ylabel="output")
plots.alt(ax, "Lower triangle of weights: row t holds t + 1 equal weights of 1 over t + 1, "
              "and zeros to their right.")

# %% [markdown] slug="average-answer"
# A square of weights, a row for each output. **The path between any two positions is one step long.**
#
# Yet this layer takes the same from everywhere. It cannot *choose*. Attention can: the same square, an **attention matrix**,
# with weights that are made from the contents. You will build it in chapter 2. Here `my.attention(q, k, v)` is ready-made: it
# compares a *query* with a *key* for each position, mixes the *values* of those that fit, and returns the mixture and the
# weights.
#
# How far do the gradients of the two reach?

# %% slug="reach-short-paths"
generator = torch.Generator().manual_seed(3)
w_q, w_k, w_v = (torch.randn(width, width, generator=generator) / width**0.5 for _ in range(3))
attended, weights = my.attention(x @ w_q, x @ w_k, x @ w_v)

short = {"average": my.causal_average(x), "attention": attended}
lines = {name: norms[name] for name in ("plain, gain 1", "LSTM, forget bias 1")}
lines |= {name: my.gradient_norms(outputs, x).flip(0) for name, outputs in short.items()}
pictures.reach(lines, 1e-10, 1e3, "Gradient norm against steps back, logarithmic. The plain network and "
               "the LSTM fall, as before. The average is exactly level. Attention goes up and down "
               "around a level without falling.")

# %% [markdown] slug="reach-short-answer"
# The average is exactly level. Attention is ragged, because it depends on **what** stands at each position, and level,
# because it does not depend on **how far away** that is.

# %% [markdown] slug="recall-models"
# ## Recall, trained
#
# **Who learns the challenge?** Two of the models stand here; the LSTM and the average have the same form: a vector for each
# letter, the layer, a linear readout. Attention and average have no order of their own, so each position gets a learned vector
# that is added to its letter (chapter 6). The plain network gets a second chance: a start with an **orthogonal** $W_h$, which
# turns the state and does not shrink it.
#
# In one training the answer always stands at position 0. Each model learns *one place*, and not to count back.

# %% slug="models"
class RecallRnn(nn.Module):
    def __init__(self, orthogonal=False):
        super().__init__()
        self.embedding = nn.Embedding(toy.VOCAB, width)
        self.w_x = nn.Parameter(torch.randn(width, width) / width**0.5)      # gain 1
        self.w_h = nn.Parameter(torch.randn(width, width) / width**0.5)
        if orthogonal:
            nn.init.orthogonal_(self.w_h)
        self.b = nn.Parameter(torch.zeros(width))
        self.readout = nn.Linear(width, toy.VOCAB)

    def states(self, tokens):
        return my.rnn_forward(self.embedding(tokens), self.w_x, self.w_h, self.b)

    def forward(self, tokens):
        return self.readout(self.states(tokens)[:, -1])

# %% slug="attention-model"
class RecallAttention(nn.Module):
    def __init__(self, length):
        super().__init__()
        self.embedding = nn.Embedding(toy.VOCAB, width)
        self.place = nn.Parameter(torch.randn(length, width))
        self.w_q, self.w_k, self.w_v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.readout = nn.Linear(width, toy.VOCAB)

    def look(self, tokens):
        x = self.embedding(tokens) + self.place
        output, weights = my.attention(self.w_q(x[:, -1:]), self.w_k(x), self.w_v(x))
        return self.readout(output[:, 0]), weights[:, 0]

    def forward(self, tokens):
        return self.look(tokens)[0]

# %% [markdown] slug="step-task"
# ### Open task: one step of training
#
# What all trainings of this course repeat some hundred times, you write once. `model(tokens)` gives **logits**, a number for
# each of the eight letters, and `tokens[:, 0]` is the right one in each row. `training_step` does five things, in an order
# that you choose: it computes the logits and the cross-entropy, clears the gradients of the step before, goes backward, and
# lets the optimiser move the weights. It returns the loss as a float.
#
# The cell after it draws your losses beside two others at $k = 5$, three seeds each: one that clears the gradients, and one
# that never does. If yours is right, everything below is trained with it.

# %% open="training_step"
def training_step(model, optimiser, tokens):
    """Moves the weights once; tokens (batch, seq) -> the loss before, a float."""
    ### BEGIN SOLUTION
    logits = model(tokens)
    loss = nn.functional.cross_entropy(logits, tokens[:, 0])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()
    ### END SOLUTION

# %% slug="try-step"
# about 5 seconds
step = steps.try_step(training_step, RecallRnn) if session.training_allowed() else toy.closed_step

# %% [markdown] slug="step-answer"
# `backward` *adds* to `.grad`. Without clearing, each step follows the sum of all gradients so far. The loss falls at first and
# then climbs above a blind guess, in all three seeds, without an error. (Done on purpose, over a few batches, it is called
# **gradient accumulation**.)

# %% [markdown] slug="recall-predict"
# Each model is trained from scratch at each distance, with three seeds, the same 300 steps and the same learning rate, and
# then answers 1,000 new sequences. Who gets fewer than nine in ten right is not tried at longer distances.
#
# **Predict 3:** you have seen the gradients. Up to which k will each of the two LSTMs get it right?

# %% slug="guess-recall"
guess_recall = {"LSTM, bias 1": None, "LSTM, bias 4": None}    # for example 10

# %% slug="recall-run"
# about 20 seconds
makers = {
    "plain": lambda length: RecallRnn(),
    "plain, orthogonal": lambda length: RecallRnn(orthogonal=True),
    "LSTM, bias 1": lambda length: toy.LstmRecall(1.0),
    "LSTM, bias 4": lambda length: toy.LstmRecall(4.0),
    "average": toy.AverageRecall,
    "attention": RecallAttention,
}
distances = (2, 5, 10, 20, 50, 100)
if session.training_allowed():
    found = toy.sweep(makers, distances, steps=300, step=step)

# %% slug="recall-numbers"
if session.training_allowed():
    faded = {"plain": far["plain, gain 1"], "LSTM, bias 1": far["LSTM, forget bias 1"]}
    pictures.recall(
        found, distances,
        "Accuracy against distance. Attention stays at 1 up to 100. The plain network is right up to 5, "
        "the LSTM with bias 1 up to 10, with bias 4 up to 20 and in part at 50. The average is below "
        "one half at 2. Triangles at 1 % of the gradient.", guess_before | guess_recall, faded)
    for name in ("plain", "LSTM, bias 1", "average", "attention"):
        print(f"{name:18}{training.count_parameters(makers[name](51)):6,} parameters at k = 50")

# %% [markdown] slug="recall-answer"
# The triangles mark where less than a hundredth of the gradient is left.
#
# - The **plain network** is lost at about that distance, and so is the LSTM with a forget bias of 1. An orthogonal start helps
#   a little: a seed may get one distance further.
# - The **LSTM** with a bias of 4 goes on to 20. At 50 its seeds disagree: reach is needed, and it is not enough. We opened the
#   gate because we knew the distance.
# - The **average** reaches everywhere, and even at $k = 2$ it cannot tell which letter was meant.
# - **Attention** is right at every distance tried.
#
# This small task is kind to attention, which here has a vector for each place to look for. What it isolates is distance, and
# that is the claim: *no loss with distance*.

# %% [markdown] slug="picture-idea"
# ## A first picture of attention
#
# **Where did it look?** The weights of the last position say that directly. At $k = 5$, which the plain network masters, too,
# train one of each (and an average, for later), and read six new sequences. Beside the weights stand the states of the
# recurrent network, a column of 32 numbers for each step.

# %% slug="picture"
torch.manual_seed(1)
attentive, recurrent, averaging = RecallAttention(6), RecallRnn(), toy.AverageRecall(6)
models = {"attention": attentive, "plain network": recurrent, "average": averaging}
if session.training_allowed():
    for name, model in models.items():
        toy.train_recall(model, distance=5, steps=400, seed=1, step=step)
        print(f"{name:14} accuracy at k = 5: {toy.accuracy(model, 5):.2f}")
rows = toy.tokens_of(5, 6, torch.Generator().manual_seed(5))
with torch.no_grad():
    logits, weights = attentive.look(rows)
    states = recurrent.states(rows[:1])[0]
pictures.looks(weights, states, [toy.text_of(row) for row in rows])

# %% [markdown] slug="picture-answer"
# Left, one dark column: in every sequence the last position takes nearly everything from position 0. On the right a readout
# gets the letter out of the last column, and our eyes do not. With attention **you can see where it looks.**
#
# Where it looks is not yet why it answers. Test it by an **intervention**: change one letter and see whether the answer
# changes.
#
# **Predict 4:** the average was right in fewer than half of the sequences. In what share of **all** sequences will its answer
# change when the letter at position 0 is exchanged for another?

# %% slug="guess-change"
guess_change = None   # from 0 to 1

# %% slug="intervene"
tokens = toy.tokens_of(5, 1000, torch.Generator().manual_seed(6))
shares = {name: [] for name in models}
with torch.no_grad():
    looked = attentive.look(tokens)[1].mean(0).tolist()
    for position in range(6):
        changed = tokens.clone()
        changed[:, position] = (changed[:, position] + 1) % toy.VOCAB          # the next letter
        for name, model in models.items():
            other_answer = model(changed).argmax(-1) != model(tokens).argmax(-1)
            shares[name].append(other_answer.float().mean().item())
pictures.changes(looked, shares, guess_change)

# %% [markdown] slug="intervene-answer"
# For attention, picture and test agree: where the weight is, a change matters, and elsewhere it does not. The plain network has
# learned the same, and only the test shows it. The average hangs on all positions alike.
#
# In larger models picture and test need not agree: a picture is a guess, a change is a test. The explorer exchanges one letter.

# %% slug="explorer-static"
settings = [explorer.RecallSetting(),
            explorer.RecallSetting(position=0, letter="d"),
            explorer.RecallSetting(position=4, letter="d")]
explorer.recall_settings(models, settings)

# %% slug="explorer"
explorer.recall_explorer(models)

# %% [markdown] slug="cost-idea"
# ## What it costs
#
# **Is attention faster, then?** Three things are easily mixed up, here for `seq` positions of size $d$ (Vaswani et al. 2017,
# table 1):
#
# | layer | path between positions k apart | steps that wait for each other | multiplications |
# |---|---|---|---|
# | recurrent | $k$ | `seq` | $2 \cdot \text{seq} \cdot d^2$ |
# | attention | 1 | 1 | $2 \cdot \text{seq}^2 \cdot d$, and $3 \cdot \text{seq} \cdot d^2$ to make q, k and v |
#
# The last two columns can be counted: autograd's graph knows which operation waited for which, and PyTorch counts
# multiplications.

# %% slug="layers"
d = 64
matrices = [torch.randn(d, d).div(d**0.5).requires_grad_() for _ in range(5)]

def recurrent_layer(x):
    return my.rnn_forward(x, matrices[0], matrices[1], torch.zeros(d))

def attention_layer(x):
    q, k, v = (x @ w for w in matrices[2:])
    return my.attention(q, k, v)[0]

# %% slug="counts" tags=["nbval-check-output"]
if session.training_allowed():
    layers = {"recurrent": recurrent_layer, "attention": attention_layer}
    print("            longest chain          million multiplications")
    print(" seq    recurrent  attention        recurrent  attention")
    for seq in (16, 64, 256, 1024):
        x = torch.randn(1, seq, d)
        chains = [toy.chain(layer(x)) for layer in layers.values()]
        work = [toy.multiplications(layer, x) / 1e6 for layer in layers.values()]
        print(f"{seq:4} {chains[0]:12} {chains[1]:10} {work[0]:16.2f} {work[1]:10.2f}")

# %% [markdown] slug="time-question"
# The chain grows with the sequence in the recurrent layer alone. The work of attention is larger at every length, and from 256
# to 1,024 it grows more than tenfold.
#
# So which is faster on this machine, with one thread? Two pairs run side by side: the layers written out above, and PyTorch's
# kernels, `nn.RNN` and `scaled_dot_product_attention`; with one sequence, with a batch of 16, and with that batch in training.
#
# **Predict 5:** one sequence at a time, PyTorch's kernels. From which length on, of 16 to 4,096, is attention the slower one?

# %% slug="guess-crossing"
guess_crossing = None   # for example 100

# %% slug="times"
# about 10 seconds
def attention_kernel(x):
    q, k, v = (x @ w for w in matrices[2:])
    return nn.functional.scaled_dot_product_attention(q, k, v)

layers = {"rnn_forward": recurrent_layer, "attention": attention_layer,
          "nn.RNN": nn.RNN(d, d, batch_first=True), "attention kernel": attention_kernel}
runs = {"one sequence": (1, 13, False), "batch of 16": (16, 11, False),
        "batch of 16, with backward": (16, 10, True)}
if session.training_allowed():
    times = {}
    for run, (batch, last, backward) in runs.items():
        times[run] = {2**i: toy.race(layers, torch.randn(batch, 2**i, d), backward=backward)
                      for i in range(4, last)}
    pictures.times(times, guess_crossing, "attention kernel",
        "Milliseconds against length, both logarithmic: one sequence, a batch of 16, and the batch with "
        "the way back. The lines of attention rise more steeply than those of the recurrent layers.")

# %% slug="crossings"
pairs = {"written out": ("rnn_forward", "attention"), "kernels": ("nn.RNN", "attention kernel")}
if session.training_allowed():
    pictures.crossings(times, pairs)

# %% [markdown] slug="time-answer"
# - **Short sequences, one at a time.** The recurrent layer is held up by its many small steps. Attention is ahead in spite of
#   its larger work.
# - **Long sequences.** The square decides: where a length is printed, attention is the slower one from there on, *on this
#   machine, with one thread, at this size*.
# - **A batch** fills the small steps of the recurrent layer, and the crossing of the kernels comes much earlier.
#
# So "transformers are faster" is true in part. That nothing waits is worth more where more is done side by side, as on **a
# graphics card**. Watch: a stored measurement of PyTorch's two kernels, on a processor and on such a card.

# %% slug="on-a-gpu"
on_a_gpu.print_race()

# %% [markdown] slug="on-a-gpu-answer"
# The numbers above 1 are attention's lead. On the processor it ends within the table. On the graphics card attention is ahead,
# or level, nearly everywhere, and only the longest sequences in a batch turn it round.
#
# All this is **training**, or reading a text that is there. A model that *writes* has to wait in any case: each word needs the
# one before it (chapters 7 and 8).

# %% [markdown] slug="papers"
# ## Here and in papers
#
# | here | in papers |
# |---|---|
# | state | hidden state |
# | plain recurrent network | vanilla RNN, Elman network |
# | the gradient's way back through all states | backpropagation through time (BPTT) |
# | a gradient that fades, or grows, with each step | vanishing, exploding gradient |
# | naming a letter k steps back | a recall or copy task; a long-range dependency |
# | average of all that came before | cumulative mean; causal attention with uniform weights |
# | square of weights | attention matrix, attention map |
# | changing one input to see what follows | intervention, ablation |
# | longest chain of operations | sequential operations, critical path |
# | multiplications | MACs; FLOPs count two for each |

# %% [markdown] slug="quiz-text"
# ## Quiz
#
# One answer is right in each. Put its letter between the quotes below, run that cell and its check; you can change your mind.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("01_attention_problem")

# %% [markdown] slug="written-question"
# ## In your own words
#
# Take the two LSTMs. What did you predict for their recall, and what did you see? Explain the difference between them with the
# picture of the gradient norms. Then say in which respect attention does better than the LSTM with the larger bias, and name
# one situation from this notebook in which attention is the worse choice. Three to six sentences.

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric** (2 points)
#
# - 0.5: states a prediction and the measured outcome. With a forget bias of 1 the LSTM is right up to 10 and lost at 20; with
#   4 it is right at 20 and, depending on the seed, at 50.
# - 0.75: the reason. Each step back multiplies by about the gate: 0.73 to the power of 10 is 0.04, 0.98 to the power of 50 is
#   0.4. A straight falling line against an almost level one; training needs the gradient to find the early letter. Half of it
#   where the product over steps is missing.
# - 0.75: attention has no chain, so it needs no gate that was set for a known distance, and no step waits for another (either
#   is enough). It is the worse choice for long sequences on a machine that does little side by side, or where the square of
#   weights is too large, or, without position vectors, where order matters.
#
# No points are lost for a wrong prediction.
# ### END SOLUTION

# %% [markdown] slug="what-you-built"
# ## What you built
#
# - `rnn_forward`: a memory of fixed size, rewritten at each step.
# - `gradient_norms`: a ruler for how far back an output can see, for any model.
# - `causal_average`: every position mixed with all before it, at once.
#
# What passed its checks is now in your library `my_transformer/`.
#
# **Next:** the choice is missing. In chapter 2 you build the look-up that makes the weights from queries and keys.
