# %% [markdown] slug="title"
# # 7 · Encoder and decoder
#
# You have the blocks (chapter 5) and the positions (chapter 6). This chapter joins them into the **encoder-decoder** of the
# paper (Vaswani et al. 2017), trains it, and lets it translate English into Spanish.
#
# | you build | what it does | minutes | points |
# |---|---|---|---|
# | `shift_right` | makes the decoder's input from the targets | 10 | 1 |
# | `Transformer` | the whole model | 50 | 4 |
# | `label_smoothed_loss` | what training makes small | 25 | 2 |
# | `noam_learning_rate` | how large each step is | 15 | 1.5 |
# | `greedy_decode` | writes a translation word by word | 30 | 2.5 |
# | `beam_search` (stretch) | the same with several drafts at once | 35 | – |
#
# Two **open tasks** carry no points: the loss of one training step, and a model that cheats.
#
# **Time:** about 250 minutes. Two cells train, for one minute and for one and a half on a laptop; they say so.
#
# **You need:** chapters 3, 5 and 6.

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()

import math
from contextlib import contextmanager

import torch
from torch import nn

from utils import my, session, training
from utils.chapters.encoder_decoder import experiment as task
from utils.chapters.encoder_decoder import explorer, files, measures, pictures
from utils.data import translation
from utils.data.translation import BOS, EOS, PAD

# %% [markdown] slug="pairs-text"
# ## Sentences in, sentences out
#
# The task is translation. **What makes it more than a word list?** The sentences come from a small grammar of the course's own
# (`utils/data/translation.py` says how it works). A few pairs, and how many words each language has:

# %% slug="pairs"
english, spanish = translation.vocabularies()
print(f"{len(english)} English tokens, {len(spanish)} Spanish ones\n")
for pair in translation.held_out_pairs()[30:39]:
    print("{:32} {}".format(*pair))

# %% [markdown] slug="pairs-answer"
# Word by word does not work, for four reasons:
#
# - **Order.** The adjective follows its noun; in a question the subject follows the verb.
# - **Agreement.** *The, my, red, small* have up to four Spanish forms each, and the noun decides which.
# - **Person.** *I see* is one word, *veo*; the ending says who sees.
# - **Length.** *do* has no word of its own; *not* becomes *no*; *the girl 's house* becomes *la casa de la niña*.
#
# So a model has to read the whole sentence before it writes, and while it writes it has to know where in the sentence it is.
# The **encoder-decoder** has a part for each:
#
# - The **encoder** reads the English sentence and gives one vector for each of its words, the **memory**.
# - The **decoder** writes Spanish, one word after the other. It looks at what it has written so far (self-attention with the
#   look-ahead mask of chapter 3, called a **causal mask** from here on) and at the memory (**cross-attention**).
#
# Here is the whole model with the shapes of this chapter, for a sentence of 6 words and a translation of 7. It has one block
# on each side; the paper's has six.

# %% slug="architecture"
model = task.build(my.Transformer)
pictures.architecture(model, source_len=6, target_len=7)

# %% [markdown] slug="shift-text"
# ## What the decoder reads
#
# The decoder says the next word from the words before it. **How can one pass ask for every next word at once?** In training all
# Spanish words are known, so position $t$ reads the words before $t$ and is asked for word $t$:
#
# | position | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | the decoder reads | `<bos>` | la | casa | roja |
# | the target is | la | casa | roja | `<eos>` |
#
# The two rows are the same words, one place apart. `<bos>` says "begin", `<eos>` "end". In training the decoder reads the
# *right* words, whatever it would have said itself: **teacher forcing**.
#
# ## Exercise: `shift_right`
#
# Build `shift_right(targets, bos_id)`. `targets` has shape `(batch, seq)`, and so has the result: `bos_id` first, then the
# targets without their last token. The padding moves along like any other token.
#
# **By hand:** with `bos_id` 1, `[[5, 8, 2, 0]]` becomes `[[1, 5, 8, 2]]`.

# %% [markdown] hints="shift_right"

# %% [markdown] slug="symptoms-shift_right"
# | you see | look at |
# |---|---|
# | one column too many | the last token is still there |
# | training gives a loss near 0 at once, and nonsense when decoding | the input is the target itself |
# | the caller's targets have changed | a slice was written into |

# %% exercise="shift_right"
def shift_right(targets, bos_id):
    """The decoder's input: bos, then the targets without their last token.

    targets (batch, seq) -> (batch, seq)
    """
    ### BEGIN SOLUTION
    first = targets.new_full((targets.shape[0], 1), bos_id)
    return torch.cat([first, targets[:, :-1]], dim=1)
    ### END SOLUTION

# %% check="shift_right"
check("shift_right")

# %% [markdown] slug="transformer-text"
# ## The model
#
# **What is left to build?** Everything inside is there: `my.EncoderBlock` and `my.DecoderBlock` from chapter 5, the masks of
# chapter 3, the encoding of chapter 6. They have to be joined. Three decisions are the paper's:
#
# - **Embeddings times $\sqrt{d_{model}}$.** Embeddings start small, about $1/\sqrt{d_{model}}$ each, and the sinusoids are
#   about 1. The factor brings the two to the same size.
# - **Post-norm blocks**, so `norm_first` stays False, and no norm at the end.
# - **Three masks, two kinds.** A **padding mask** hides the padding of the *source* wherever the source is looked at: in the
#   encoder's self-attention and in the decoder's cross-attention. The causal mask hides the *future* in the decoder's
#   self-attention. Padding in the target needs no mask: it comes last, so the causal mask hides it from every real word.
#
# ## Exercise: `Transformer`, first part: `embed`
#
# Build `embed(embedding, tokens)`: the embedding of the tokens times $\sqrt{d_{model}}$, plus `sinusoidal_encoding`.
# `embedding` is an `nn.Embedding`, `tokens` has shape `(batch, seq)`, the result `(batch, seq, d_model)`. The encoding is a
# float32 tensor on the CPU; bring it to the dtype and the device of the embeddings.
#
# **By hand:** $d_{model} = 4$, and the embedding of a token is $(\tfrac12, \tfrac12, \tfrac12, \tfrac12)$. Times
# $\sqrt 4 = 2$ it is $(1, 1, 1, 1)$. At position 0 the encoding is $(0, 1, 0, 1)$, so the result is $(1, 2, 1, 2)$.

# %% [markdown] hints="Transformer"

# %% exercise="Transformer-embed"
sinusoidal_encoding = my.sinusoidal_encoding

def embed(embedding, tokens):
    """Embeddings times the root of d_model, plus the positions.

    tokens (batch, seq) -> (batch, seq, d_model)
    """
    ### BEGIN SOLUTION
    seq, d_model = tokens.shape[1], embedding.embedding_dim
    x = embedding(tokens) * math.sqrt(d_model)
    return x + sinusoidal_encoding(seq, d_model).to(x)
    ### END SOLUTION

# %% [markdown] slug="transformer-exercise"
# ## Exercise: `Transformer`, second part: the class
#
# - `Transformer(source_vocab, target_vocab, d_model, num_heads, d_ff, num_layers, dropout=0.0, pad_id=0)` makes
#   `source_embedding` and `target_embedding` (`nn.Embedding`), `encoder` and `decoder` (`nn.ModuleList` of `num_layers`
#   blocks each) and `output` (`nn.Linear` from `d_model` to `target_vocab`). It keeps `pad_id`.
# - `encode(source)` takes tokens `(batch, seq)` and gives the memory `(batch, seq, d_model)`.
# - `decode(target_in, memory, source)` gives **logits** `(batch, target_len, target_vocab)`. It needs `source` to see where
#   the memory is padding.
# - `forward(source, target_in)` does both.
# - Dropout acts in the blocks, and on what `embed` gives.

# %% [markdown] slug="symptoms-Transformer"
# | you see | look at |
# |---|---|
# | a later word changes an earlier row of the logits | no `self_mask`, or it is built for the wrong length |
# | a longer padding changes the result | `memory_mask` or the encoder's `mask` is missing |
# | the order of the source words does not matter | positions are missing on the source side |
# | `Missing key(s) in state_dict` | a part has another name, or blocks stand in a plain list |
# | `expected … same device` | the mask or the encoding was left on the CPU |

# %% exercise="Transformer"
EncoderBlock, DecoderBlock = my.EncoderBlock, my.DecoderBlock
create_padding_mask = my.create_padding_mask
create_look_ahead_mask = my.create_look_ahead_mask

class Transformer(nn.Module):
    """source (batch, seq), target_in (batch, target_len)
    -> logits (batch, target_len, target_vocab). Vaswani et al. 2017, section 3.
    """

    def __init__(self, source_vocab, target_vocab, d_model, num_heads, d_ff,
                 num_layers, dropout=0.0, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        ### BEGIN SOLUTION
        sizes = d_model, num_heads, d_ff, dropout
        self.source_embedding = nn.Embedding(source_vocab, d_model)
        self.target_embedding = nn.Embedding(target_vocab, d_model)
        layers = range(num_layers)
        self.encoder = nn.ModuleList(EncoderBlock(*sizes) for _ in layers)
        self.decoder = nn.ModuleList(DecoderBlock(*sizes) for _ in layers)
        self.output = nn.Linear(d_model, target_vocab)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def encode(self, source):
        ### BEGIN SOLUTION
        x = self.dropout(embed(self.source_embedding, source))
        mask = create_padding_mask(source, self.pad_id)
        for block in self.encoder:
            x = block(x, mask=mask)
        return x
        ### END SOLUTION

    def decode(self, target_in, memory, source):
        ### BEGIN SOLUTION
        x = self.dropout(embed(self.target_embedding, target_in))
        self_mask = create_look_ahead_mask(target_in.shape[1]).to(x.device)
        memory_mask = create_padding_mask(source, self.pad_id)
        for block in self.decoder:
            x = block(x, memory, self_mask=self_mask, memory_mask=memory_mask)
        return self.output(x)
        ### END SOLUTION

    def forward(self, source, target_in):
        ### BEGIN SOLUTION
        return self.decode(target_in, self.encode(source), source)
        ### END SOLUTION

# %% check="Transformer"
check("Transformer")

# %% [markdown] slug="untrained-text"
# ### Before training
#
# A sentence through your model: the numbers of its words, and the shapes of what comes out.

# %% slug="untrained" tags=["nbval-check-output"]
translator = task.build(my.Transformer, seed=0)
sentence = "the girl sees the red house"
source = torch.tensor([english.encode(sentence)], device=session.device())
target = torch.tensor([[*spanish.encode("la niña ve la casa roja"), EOS]]).to(source)
memory = translator.encode(source)
logits = translator.decode(my.shift_right(target, BOS), memory, source)
print("source", source.tolist())
print("target", target.tolist())
print(f"memory {tuple(memory.shape)}, logits {tuple(logits.shape)}")
print(f"{training.count_parameters(translator):,} parameters")

# %% [markdown] slug="loss-text"
# ## What training makes small
#
# **What is a good answer worth?** The model's logits for one word become probabilities $p$ by a softmax. The usual loss is
# minus the logarithm of the probability of the right word, the **cross-entropy**. It is smallest when the right word has
# probability 1, and a logit would have to be infinite for that. **Label smoothing** aims a little lower: the right word is to
# get most of the probability, and a share $\varepsilon$ is spread evenly over the whole vocabulary, the right word included:
#
# $$\text{loss} = (1 - \varepsilon) \cdot (-\ln p_{\text{right}}) + \varepsilon \cdot \frac{1}{V} \sum_{j=1}^{V} (-\ln p_j)$$
#
# ## Exercise: `label_smoothed_loss`
#
# Build `label_smoothed_loss(logits, targets, pad_id, smoothing=0.1)` for logits `(batch, seq, vocab)` and targets
# `(batch, seq)`. The result is the mean of the loss over all targets that are not `pad_id`, a tensor without axes. Where
# everything is padding it is 0. `pad_id` may be a word of the vocabulary, or -100, which is none. `F.cross_entropy` may be
# used, its argument `label_smoothing` not.
#
# **By hand:** four words with probabilities 0.7, 0.1, 0.1, 0.1, the first is right, $\varepsilon = 0.1$. The right word
# gives $-\ln 0.7 = 0.357$, the mean over all is $(0.357 + 3 \cdot 2.303) / 4 = 1.816$. So the loss is
# $0.9 \cdot 0.357 + 0.1 \cdot 1.816 = 0.503$.

# %% [markdown] hints="label_smoothed_loss"

# %% [markdown] slug="symptoms-label_smoothed_loss"
# | you see | look at |
# |---|---|
# | NaN for a batch of padding | a division by the number of real targets, 0 |
# | a loss that falls when padding is added | the mean is taken over all places |
# | an index error with `pad_id` -100 | `gather` with -100 |
# | right with smoothing 0 only | the spread part is missing, or is not divided by $V$ |

# %% exercise="label_smoothed_loss"
def label_smoothed_loss(logits, targets, pad_id, smoothing=0.1):
    """Cross-entropy against the right word mixed with the even spread.

    logits (batch, seq, vocab), targets (batch, seq) -> scalar, the mean over
    targets other than pad_id. Vaswani et al. 2017, section 5.4.
    """
    ### BEGIN SOLUTION
    surprise = -logits.log_softmax(dim=-1)
    real = targets != pad_id
    index = targets.masked_fill(~real, 0).unsqueeze(-1)
    right = surprise.gather(-1, index).squeeze(-1)
    losses = (1 - smoothing) * right + smoothing * surprise.mean(dim=-1)
    return losses[real].sum() / real.sum().clamp(min=1)
    ### END SOLUTION

# %% check="label_smoothed_loss"
check("label_smoothed_loss")

# %% [markdown] slug="predict-loss"
# **Predict 1:** what is the loss of the model before its first step, with no idea of Spanish at all and about 400 words to
# choose from? Put a number into the next cell. It is drawn when the losses are.

# %% slug="guess-loss"
guess_loss = None             # for example 2.5

# %% [markdown] slug="noam-text"
# ## How large a step
#
# **How large may the first steps be?** Adam's rest on few gradients, and a deep post-norm transformer does not forgive large
# steps then (chapter 5). The paper lets the learning rate rise in a straight line for a while, the **warm-up**, and then fall
# with the root of the step:
#
# $$\text{rate} = d_{model}^{-0.5} \cdot \min\left(\text{step}^{-0.5},\ \text{step} \cdot \text{warmup}^{-1.5}\right)$$
#
# ## Exercise: `noam_learning_rate`
#
# Build `noam_learning_rate(step, d_model, warmup_steps)`, a Python float. Steps count from 1; below it raises a `ValueError`
# that names `step` and its value.
#
# **By hand:** $d_{model} = 64$ and a warm-up of 100. The factor in front is $\tfrac18 = 0.125$. Step 25: $25 \cdot
# 100^{-1.5} = 0.025$ is smaller than $25^{-0.5} = 0.2$, so the rate is $0.125 \cdot 0.025 = 0.003125$. Step 100: both are
# 0.1, the rate is 0.0125, its largest. Step 400: $0.125 \cdot 0.05 = 0.00625$.

# %% [markdown] hints="noam_learning_rate"

# %% [markdown] slug="symptoms-noam_learning_rate"
# | you see | look at |
# |---|---|
# | it falls from the first step on | the second argument of `min` is missing |
# | it rises for ever | `max` in place of `min` |
# | step 0 divides by zero | the check stands behind the formula |

# %% exercise="noam_learning_rate"
def noam_learning_rate(step, d_model, warmup_steps):
    """The paper's learning rate: up in a line, down with the root of the step.

    step counts from 1, ValueError below. Vaswani et al. 2017, eq. 3.
    """
    ### BEGIN SOLUTION
    if step < 1:
        raise ValueError(f"{step=}: steps count from 1")
    return d_model ** -0.5 * min(step ** -0.5, step * warmup_steps ** -1.5)
    ### END SOLUTION

# %% check="noam_learning_rate"
check("noam_learning_rate")

# %% slug="rates"
steps = range(1, task.STEPS + 1)
pictures.rate_picture({
    f"{warmup=}": [my.noam_learning_rate(step, 64, warmup) for step in steps]
    for warmup in (100, task.WARMUP, 1000)
})

# %% [markdown] slug="rates-answer"
# A longer warm-up means a lower peak. Behind the peaks the curves are one. The training below uses the middle one.

# %% [markdown] slug="loss-task"
# ### Open task 1: the loss of one step
#
# Everything for a training step is there. Write `batch_loss(model, batch)` in three lines, with `my.shift_right` and
# `my.label_smoothed_loss`:
#
# 1. `batch` is a pair: `source` and `target`, both padded with `PAD`; each target ends with `EOS`.
# 2. The model reads the source and the targets shifted right, behind `BOS`.
# 3. The loss compares its logits with the targets. Leave `smoothing` as it is.
#
# There is no check and there are no points. The cell after it says whether your loss is used for the training.

# %% open="batch_loss"
def batch_loss(model, batch):
    """The smoothed loss of one batch under teacher forcing, a scalar tensor."""
    ### BEGIN SOLUTION
    source, target = batch
    logits = model(source, my.shift_right(target, BOS))
    return my.label_smoothed_loss(logits, target, PAD)
    ### END SOLUTION

# %% slug="try-loss"
loss = task.try_loss(batch_loss, translator)

# %% [markdown] slug="train-text"
# ### Training
#
# The next cell trains for **about a minute**. Each step takes 64 of some 20,000 pairs, sentences of like length together;
# Adam moves the weights, at your learning rate. At the end the weights are averaged over the last quarter of the steps, as
# the paper does with its last checkpoints (section 6.1). Another 1,000 pairs are held out: the model never sees them.

# %% slug="train"
# about a minute
if session.training_allowed():
    history = task.fit(translator, loss, my.noam_learning_rate, seed=0)
    pictures.loss_picture({"smoothed loss": history}, guess_loss)
    words = len(spanish)
    print(f"first loss {history[0]:.2f}, ln {words} = {math.log(words):.2f}")
    print(f"mean of the last 100: {sum(history[-100:]) / 100:.2f}")

# %% [markdown] slug="train-answer"
# With nothing learned every word is about equally likely, so the loss begins near $\ln V$, a little above it. It does not go
# to 0: with smoothing, even a perfect model keeps a loss. It does not say how good the translations are. Let the model
# translate.

# %% [markdown] slug="greedy-text"
# ## Writing word by word
#
# In use nobody knows the Spanish words. **What does the decoder read then?** What it has written itself: it starts with
# `<bos>`, says a word, reads it, says the next. This is **autoregressive** decoding. When each word is simply the likeliest,
# it is **greedy** decoding.
#
# Dropout must be off while the decoder writes, and no gradients are needed. This helper takes care of both, and leaves every
# part of the model as it found it, training or not:

# %% slug="evaluating"
@contextmanager
def evaluating(model):
    """Eval mode and no gradients inside; afterwards the modes from before."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode

# %% [markdown] slug="greedy-exercise"
# ## Exercise: `greedy_decode`
#
# Build `greedy_decode(model, source, bos_id, eos_id, max_len)` for source `(batch, seq)`. It returns tokens of shape
# `(batch, n)`, without bos, where $n$ is at most `max_len`.
#
# - A row ends with its first `eos_id`, which is kept. What follows in that row is `model.pad_id`.
# - It stops as soon as every row has ended, or at `max_len`.
# - Encode once; in each step decode what there is and look at the last position.
# - `model` has `encode`, `decode` and `pad_id`. Use `evaluating`.
#
# **By hand:** eos is 2, pad 0. The likeliest words of the first sentence are 7, 9, 2, of the second 5, 2. The result is
# `[[7, 9, 2], [5, 2, 0]]`, and $n$ is 3 even when `max_len` is 20.

# %% [markdown] hints="greedy_decode"

# %% [markdown] slug="symptoms-greedy_decode"
# | you see | look at |
# |---|---|
# | always `max_len` columns | nothing stops the loop |
# | words behind an eos | rows that have ended are not overwritten |
# | results differ from call to call | dropout: the model is in training mode |
# | it stops when the first row has ended | `any` in place of `all` |
# | the first column is bos | it is to be cut off at the end |

# %% exercise="greedy_decode"
def greedy_decode(model, source, bos_id, eos_id, max_len):
    """The likeliest word at each step.

    source (batch, seq) -> (batch, at most max_len), without bos; a row ends
    with its first eos and is padded with model.pad_id after it.
    """
    ### BEGIN SOLUTION
    with evaluating(model):
        memory = model.encode(source)
        tokens = source.new_full((len(source), 1), bos_id)
        ended = torch.zeros_like(tokens, dtype=torch.bool)
        for _ in range(max_len):
            logits = model.decode(tokens, memory, source)[:, -1:]
            best = logits.argmax(dim=-1).masked_fill(ended, model.pad_id)
            tokens = torch.cat([tokens, best], dim=1)
            ended = ended | (best == eos_id)
            if ended.all():
                break
    return tokens[:, 1:]
    ### END SOLUTION

# %% check="greedy_decode"
check("greedy_decode")

# %% [markdown] slug="hello-text"
# And now *hello world*. The greetings are a closed set, and all of them are in the training data, often. The others are
# sentences of the grammar.

# %% slug="hello"
if session.training_allowed():
    for sentence in ("Hello world!", "good morning", "the small red house",
                     "I do not see my sister's house.", "Do you see the red house?",
                     "Do you see the tower?"):
        print(f"{sentence:33} {explorer.answer(translator, sentence)[1]}")

# %% [markdown] slug="score-text"
# Two figures for all 1,000 held-out sentences. **Exact match** is the share of translations that are right in every word.
# **BLEU** compares runs of one to four words and gives 100 when all agree (Papineni et al. 2002; the library is `sacrebleu`).
# It is the usual figure for translation, where one sentence has many right translations. Here each has one, so exact match is
# the stricter figure and the clearer one.

# %% slug="score"
pairs = translation.held_out_pairs()
sentences = [pair[0] for pair in pairs]
if session.training_allowed():
    said = measures.translations(translator, sentences, my.greedy_decode)
    exact, bleu = measures.score(said, pairs)
    print(f"exact match {exact:.3f}, BLEU {bleu:.1f}\n")
    measures.mistakes(said, pairs, count=3)

# %% [markdown] slug="seeds-text"
# One run could be luck. Three seeds are too long for a notebook, so they are stored, together with the command that made
# them:

# %% slug="seeds" tags=["nbval-check-output"]
measures.print_runs({"full": "as it should be"})

# %% [markdown] slug="forcing-text"
# ## What teacher forcing buys, and what it costs
#
# It buys speed: all words of a batch are learned from in one pass of the decoder, where writing needs a pass a word. **What
# happens after a wrong word?** In training the model reads right words only, so it never learns that. This is called **exposure
# bias**.
#
# **Predict 2:** after the *right* words the trained model gets nearly every next word right. Now exchange the first word it
# reads for a random one. Which share of the words from the third on is still right?

# %% slug="guess-forcing"
guess_forcing = None          # a share between 0 and 1

# %% slug="forcing"
if session.training_allowed():
    right = measures.next_words_right(translator, pairs)
    wrong = measures.next_words_right(translator, pairs, disturbed=True)
    pictures.scores_picture(
        {"after right words": [right], "first word exchanged": [wrong]},
        {"first word exchanged": guess_forcing}, "from the third word on", "next words right")
    print(f"right {right:.3f}, exchanged {wrong:.3f}")
    words, ratio = measures.forced_against_written(translator, my.greedy_decode)
    print(f"{words} words: writing takes {ratio:.1f} times as long as one forced pass")

# %% [markdown] slug="forcing-answer"
# Most of the next words are still right. One likely reason is the source sentence: cross-attention can still find the words
# in it. A language model has no source to go back to.
#
# Could one train without a teacher, on the model's own words? The stored runs did it too: the decoder reads what it would
# have said, and the targets stay the right words. The same number of steps each:

# %% slug="own-words" tags=["nbval-check-output"]
measures.print_runs({"short": "teacher forcing", "own_words": "own words"})

# %% [markdown] slug="own-words-answer"
# At the beginning its own words are nonsense, and nonsense is all that the decoder can read. In these runs it learned less in
# the same number of steps, and each step took longer. There are ways between the two, such as scheduled sampling (Bengio et
# al. 2015): mostly right words, now and then an own one.

# %% [markdown] slug="maps-text"
# ## Where the decoder looks
#
# **When the model writes *casa*, which English word does it look at?** Cross-attention has a row of weights for each Spanish
# word: what the decoder looked at when it chose that word. The next picture shows the mean of the heads.
#
# **Predict 3:** the sentence is *the small red house*, the translation *la casa roja pequeña*. For each Spanish word write
# the English word that you expect to have the largest weight. Your guesses are framed in the map.

# %% slug="guess-map"
guess_map = {"la": None, "casa": None, "roja": None, "pequeña": None}

# %% slug="map"
if session.training_allowed():
    examples = ["the small red house", "does the girl see our dog 's house ?"]
    pictures.maps_picture(translator, examples, guess_map)

# %% slug="heads"
if session.training_allowed():
    pictures.heads_picture(translator, "the small red house is not dirty")

# %% [markdown] slug="maps-count"
# A picture of one sentence can be picked to please. So count: for the nouns, adjectives and verbs of 100 held-out sentences,
# how often is the largest weight on the word that is being translated? The control is a rule that needs no attention, "look
# at the word in the same place".

# %% slug="alignment"
if session.training_allowed():
    shares = measures.aligned(translator, pairs[:100])
    for number, heads in enumerate(shares.tolist()):
        print(f"decoder block {number}, each head:", *(f"{x:.2f}" for x in heads))
    print(f"same place: {measures.same_place(pairs[:100]):.2f}")

# %% [markdown] slug="maps-answer"
# In every head the largest weight is on the translated word far more often than the rule is right. So the maps of this model
# are an **alignment**: the rows for *casa*, *roja*, *pequeña* run against the order of the columns, and in the question the
# verb comes before its subject. Nothing in the training asked for that. No other model was looked at.

# %% [markdown] slug="pitfalls-text"
# ## Two pitfalls
#
# **What breaks when a part is missing?** Two are easily forgotten, and neither raises an error:
#
# - **No positions:** the sinusoidal encoding is left out, on both sides.
# - **No causal mask:** the decoder sees the whole of `target_in` in training. Its input is shifted, so the word that it has to
#   say next stands one place further on, ready to be read off.
#
# **Predict 4:** the exact match of both, after training like the model above. Your numbers are drawn with the results.

# %% slug="guess-pitfalls"
guess_pitfalls = {"no positions": None, "no causal mask": None}    # from 0 to 1

# %% [markdown] slug="peeking-task"
# ### Open task 2: a model that cheats
#
# Write `Peeking`, a subclass of your model whose `decode` lets every position see every other one of `target_in`. All else
# stays as it is: the padding mask, the embedding, the output. The cell after it says whether your class sees the future.

# %% open="peeking"
class Peeking(my.Transformer):
    """A Transformer without the causal mask."""

    def decode(self, target_in, memory, source):
        ### BEGIN SOLUTION
        x = embed(self.target_embedding, target_in)
        memory_mask = my.create_padding_mask(source, self.pad_id)
        for block in self.decoder:
            x = block(x, memory, memory_mask=memory_mask)
        return self.output(x)
        ### END SOLUTION

# %% slug="try-peeking"
cheat = task.try_peeking(Peeking, my.Transformer)

# %% [markdown] slug="pitfalls-train-text"
# The next cell trains both: without positions for as many steps as above, without the mask for a third of them.

# %% slug="train-pitfalls"
# about a minute and a half
if session.training_allowed():
    without = task.altered(my.Transformer, positions=False)
    few = task.STEPS // 3
    kinds = {"no positions": (without, task.STEPS), "no causal mask": (cheat, few)}
    broken, histories = {}, {"as it should be": history}
    for name, (kind, count) in kinds.items():
        broken[name] = task.build(kind, seed=0)
        histories[name] = task.fit(broken[name], steps=count, label=name)
    pictures.loss_picture(histories)
    for name, losses in histories.items():
        mean = sum(losses[few - 50 : few]) / 50
        print(f"{name:20} mean loss of the 50 steps up to {few}: {mean:.2f}")

# %% slug="pitfalls-score"
if session.training_allowed():
    results = {"as it should be": [exact]}
    for name, model in broken.items():
        spoken = measures.translations(model, sentences, my.greedy_decode)
        results[name] = [measures.score(spoken, pairs)[0]]
        print(name.upper())
        measures.mistakes(spoken, pairs, count=2)
    pictures.scores_picture(results, guess_pitfalls)

# %% [markdown] slug="pitfalls-stored"
# The same with three seeds, stored, with the same numbers of steps as above:

# %% slug="pitfalls-seeds" tags=["nbval-check-output"]
measures.print_runs({"full": "as it should be", "no_positions": "no positions",
                 "no_look_ahead": "no causal mask"})

# %% [markdown] slug="pitfalls-answer"
# - **Without the causal mask** the loss falls fastest, and no translation is right: the two that are printed are empty. In
#   training the next word could be copied from the input. When the model writes, it is not there. The loss curve looks like
#   success: only decoding shows this mistake.
# - **Without positions** the encoder reads a bag of words. Many sentences still come out right, since the words themselves
#   often leave one sensible order. What is lost is what only the order says: which noun an adjective belongs to, who does
#   what. The decoder is not quite without positions, though: its causal mask shows each place a different number of words.

# %% [markdown] slug="box-text"
# ## Type a sentence
#
# **How far beyond its training data does it go?** Write English in the box and press Enter. The slider goes through the
# translation step by step: the weights of cross-attention (mean of the heads) and the likeliest next words. Try a word that the
# model does not know. Then try *do you see the girl ?* All its words are known, but in the grammar only things are seen, never
# a girl. The held-out sentences follow the same grammar, so they cannot test that.

# %% slug="box"
explorer.translation_explorer(translator) if session.training_allowed() else None

# %% [markdown] slug="box-static-text"
# The same as still pictures, at two steps, and what the box answers to these two sentences:

# %% slug="box-static"
if session.training_allowed():
    sentence = "does the girl see our small red house ?"
    explorer.translation_settings(translator, [
        explorer.TranslationSetting(sentence, step) for step in (2, 7)])
    for sentence in ("the girl sees a dragon", "do you see the girl ?"):
        print(f"{sentence}: {explorer.answer(translator, sentence)[1]}")

# %% [markdown] slug="beam-text"
# ## Several drafts at once
#
# Greedy decoding never goes back. **Can it miss the likeliest sentence?** Say the first word is *a* with probability 0.6 or *b*
# with 0.4. After *a* the model is unsure, and the best ending has 0.5; after *b* it has 0.9. Greedy takes *a* and ends with
# $0.6 \cdot 0.5 = 0.30$. The other sentence has $0.4 \cdot 0.9 = 0.36$.
#
# **Beam search** keeps the best few drafts, called **hypotheses**. A step extends each by every word and keeps the best of
# all. Since each word multiplies by a number below 1, long sentences always look worse. The score makes up for it with a
# **length penalty** (Wu et al. 2016):
#
# $$\text{score} = \frac{\ln p(\text{sentence})}{\left((5 + \text{length}) / 6\right)^{\alpha}}$$
#
# ## Stretch exercise: `beam_search`
#
# Build `beam_search(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6)` for one sentence, `source` of shape
# `(1, seq)`. It returns a list of at most `beam_size` pairs `(tokens, score)`, the best first.
#
# - `tokens` is a list of ints without bos. It ends with eos, or was cut at `max_len`; those count too.
# - Each step keeps the `beam_size` likeliest continuations *over all live hypotheses*. One that ends with eos is finished and
#   is not extended.
# - The length counts eos. The modes are left as they were, as in `greedy_decode`.
#
# **By hand:** *b* and eos have length 2, so the divisor is $(7/6)^{0.6} = 1.097$, and $\ln 0.36 = -1.022$ gives
# the score $-0.931$. *a* and eos: $\ln 0.30 = -1.204$, score $-1.098$.

# %% [markdown] hints="beam_search"

# %% [markdown] slug="symptoms-beam_search"
# | you see | look at |
# |---|---|
# | the same list whatever `alpha` is | the penalty is missing |
# | a finished sentence grows on | eos does not end a hypothesis |
# | `beam_size` hypotheses too many | the best are kept for each hypothesis, not over all |

# %% exercise="beam_search"
def beam_search(model, source, bos_id, eos_id, max_len, beam_size=4, alpha=0.6):
    """The best few translations of one sentence, source (1, seq).

    -> at most beam_size pairs (tokens, score), the best first.
    """
    ### BEGIN SOLUTION
    live, finished = [([], 0.0)], []
    with evaluating(model):
        memory = model.encode(source)
        for _ in range(max_len):
            heads = source.new_tensor([[bos_id, *tokens] for tokens, _ in live])
            copies = [x.expand(len(live), *x.shape[1:]) for x in (memory, source)]
            steps = model.decode(heads, *copies)[:, -1].log_softmax(dim=-1)
            totals = steps + steps.new_tensor([[total] for _, total in live])
            best = totals.flatten().topk(min(beam_size, totals.numel()))
            grown = []
            for total, place in zip(*(x.tolist() for x in best), strict=True):
                row, word = divmod(place, totals.shape[1])
                ended = finished if word == eos_id else grown
                ended.append(([*live[row][0], word], total))
            live = grown
            if not live:
                break
    scored = [(tokens, total / ((5 + len(tokens)) / 6) ** alpha)
              for tokens, total in finished + live]
    return sorted(scored, key=lambda pair: -pair[1])[:beam_size]
    ### END SOLUTION

# %% check="beam_search"
check("beam_search")

# %% [markdown] slug="beam-question"
# What does it gain here? First the hypotheses for one sentence, then the same 100 sentences both ways.

# %% slug="beam-one"
if session.training_allowed():
    source = translation.tensors([("the small red house", "")])[0].to(session.device())
    for tokens, value in my.beam_search(translator, source, BOS, EOS, max_len=20):
        print(f"{value:7.3f}  {spanish.decode(tokens)}")

# %% slug="beam-many"
# about ten seconds
if session.training_allowed():
    best = measures.beam_translations(translator, sentences[:100], my.beam_search)
    changed = sum(a != b for a, b in zip(best, said[:100], strict=True))
    both = [measures.score(x, pairs[:100])[0] for x in (said[:100], best)]
    print("greedy {:.2f}, beam {:.2f};".format(*both), f"{changed} of 100 changed\n")
measures.print_beams({"full": "trained to the end", "short": "after few steps"})

# %% [markdown] slug="beam-answer"
# Trained to the end, nothing: the model is sure of each word, so the likeliest next word and the likeliest sentence are the
# same. After few steps it is less sure. There the search gains in two of three stored runs and loses in one, a few sentences
# of a hundred each time. In the paper beam search is part of the reported figure, with a beam of 4 and $\alpha = 0.6$.

# %% [markdown] slug="keep-text"
# ## Keep it
#
# **What is needed to translate outside of Jupyter?** The weights, in a file of the **safetensors** format (names, shapes,
# numbers, no code), and your `my_transformer/`. The next cell saves and then runs this command, in a process of its own, in
# **about five seconds**:
#
#     python -m utils.chapters.encoder_decoder.translate WEIGHTS "the small red house"

# %% slug="keep"
if session.training_allowed():
    path = files.weights_file()
    files.save(translator, path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    print(files.command_line(path, "the small red house"))

# %% [markdown] slug="papers"
# ## Here and in papers
#
# | here | in papers |
# |---|---|
# | memory | encoder output, encoder states |
# | reading the right words in training | teacher forcing |
# | causal mask | look-ahead mask, subsequent mask |
# | a map whose rows follow the translated words | (soft) alignment |
# | the word by word way of writing | autoregressive decoding |
# | drafts | hypotheses, the beam |
# | rising rate at the beginning | warm-up; the whole is "the Noam schedule" |
# | learning only from right words, then reading own ones | exposure bias |

# %% [markdown] slug="quiz-text"
# ## Quiz
#
# One answer is right in each. Put its letter between the quotes below, run that cell and its check; you can change your
# mind.

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("07_encoder_decoder")

# %% [markdown] slug="written-question"
# ## In your own words
#
# Somebody trains a translator. The loss is lower than ever, and every translation is nonsense. What is the first thing you
# would look at, and how would you test it without training again? Use what you predicted and saw for the two pitfalls.
# Three to six sentences.

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# **Rubric** (2 points)
#
# - 0.5: names the causal mask of the decoder's self-attention (or a target that is not shifted) as the first suspect.
# - 0.75: the reason. Under teacher forcing the next word stands in the decoder's input; without the mask it can be copied,
#   so the loss falls and nothing about translation is learned. When decoding, the word is not there.
# - 0.5: a test without training: change a later token of `target_in` and see whether earlier logits change. (0.25 for
#   "decode some sentences", which shows that something is wrong, not what.)
# - 0.25: states a prediction and the measured outcome for at least one of the two pitfalls. No points are lost for a wrong
#   prediction.
# ### END SOLUTION

# %% [markdown] slug="what-you-built"
# ## What you built
#
# - `Transformer`: the model of the paper, from your own blocks, masks and positions.
# - `label_smoothed_loss` and `noam_learning_rate`: how the paper trains it.
# - `greedy_decode`, and `beam_search` if you went for it: how it writes.
#
# What passed its checks is now in your library `my_transformer/`.
#
# **Next:** chapter 8 takes the model apart again: BERT keeps the encoder, GPT the decoder, T5 both, and a vision
# transformer reads pictures.
