"""Real files go in: what `transformers` saves, BERT and GPT-2 of the course read, and the results are the same."""

import pytest
import torch
from safetensors.torch import load_file

from utils import reference

transformers = pytest.importorskip("transformers")

# (vocab, d_model, num_heads, d_ff, num_layers, max_len, num_segments)
BERTS = [(29, 12, 3, 31, 2, 11, 2), (53, 20, 2, 37, 1, 17, 3), (101, 24, 4, 96, 4, 64, 2)]
# (vocab, d_model, num_heads, num_layers, max_len)
GPTS = [(29, 12, 3, 2, 11), (53, 20, 2, 1, 17), (101, 24, 4, 4, 64)]
TOLERANCES = {torch.float32: 1e-4, torch.float64: 1e-9}


def shaken(model):
    """The same model with numbers of a size that shows, biases and norms too, in float64 and evaluation mode."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.double().eval()


def bert(vocab, d_model, num_heads, d_ff, num_layers, max_len, num_segments):
    return shaken(transformers.BertModel(transformers.BertConfig(
        vocab_size=vocab, hidden_size=d_model, num_hidden_layers=num_layers, num_attention_heads=num_heads,
        intermediate_size=d_ff, max_position_embeddings=max_len, type_vocab_size=num_segments,
    )))  # fmt: skip


def gpt(vocab, d_model, num_heads, num_layers, max_len):
    return shaken(transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=vocab, n_embd=d_model, n_layer=num_layers, n_head=num_heads, n_positions=max_len,
        bos_token_id=0, eos_token_id=0,
    )))  # fmt: skip


def saved(model, folder):
    model.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def near(got, right, dtype):
    torch.testing.assert_close(got, right.to(dtype), rtol=TOLERANCES[dtype], atol=TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("sizes", BERTS)
def test_bert_is_that_of_transformers(sizes, dtype, tmp_path):
    theirs, ours = bert(*sizes), reference.Bert(*sizes).to(dtype).eval()
    ours.load_pretrained(saved(theirs, tmp_path))
    tokens, segments = torch.randint(sizes[0], (3, sizes[5])), torch.randint(sizes[6], (3, sizes[5]))
    real = torch.arange(sizes[5]) < torch.tensor([[sizes[5]], [4], [1]])
    with torch.no_grad():
        near(ours(tokens), theirs(tokens).last_hidden_state, dtype)
        right = theirs(tokens, attention_mask=real.long(), token_type_ids=segments).last_hidden_state
        near(ours(tokens, segments, real[:, None])[real], right[real], dtype)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("sizes", GPTS)
def test_gpt_is_that_of_transformers(sizes, dtype, tmp_path):
    theirs, ours = gpt(*sizes), reference.Gpt(*sizes).to(dtype).eval()
    ours.load_pretrained(saved(theirs, tmp_path))
    tokens = torch.randint(sizes[0], (3, sizes[4]))
    with torch.no_grad():
        near(ours(tokens), theirs(tokens).logits, dtype)


def renamed(state, *pairs):
    for old, new in pairs:
        state = {name.replace(old, new): x for name, x in state.items()}
    return state


def test_the_first_names_of_bert_go_in_too(tmp_path):
    theirs, ours = bert(*BERTS[0]), reference.Bert(*BERTS[0]).double()
    state = saved(theirs, tmp_path)
    old = renamed(state, ("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta"))
    assert old.keys() != state.keys()
    tokens = torch.randint(29, (2, 7))
    ours.load_pretrained({f"bert.{name}": x for name, x in old.items()} | {"cls.predictions.bias": torch.ones(29)})
    near(ours(tokens), theirs(tokens).last_hidden_state, torch.float64)


def test_gpt_goes_in_without_its_prefix_and_with_what_old_files_carry(tmp_path):
    theirs, ours = gpt(*GPTS[0]), reference.Gpt(*GPTS[0]).double()
    state = {name.removeprefix("transformer."): x for name, x in saved(theirs, tmp_path).items()}
    state |= {"h.0.attn.bias": torch.ones(1, 1, 11, 11), "h.1.attn.masked_bias": torch.tensor(-1e4)}
    tokens = torch.randint(29, (2, 7))
    ours.load_pretrained(state | {"lm_head.weight": state["wte.weight"]})
    near(ours(tokens), theirs(tokens).logits, torch.float64)


@pytest.mark.parametrize(
    ("make", "model", "missing"),
    [
        (lambda: bert(*BERTS[0]), lambda: reference.Bert(*BERTS[0]), "encoder.layer.1.attention.self.key.bias"),
        (lambda: gpt(*GPTS[0]), lambda: reference.Gpt(*GPTS[0]), "h.1.mlp.c_fc.weight"),
    ],
    ids=["bert", "gpt"],
)
def test_a_name_too_few_and_one_too_many_are_named(make, model, missing, tmp_path):
    state = saved(make(), tmp_path)
    (whole,) = (name for name in state if name.endswith(missing))
    with pytest.raises(ValueError, match=missing.replace(".", r"\.")):
        model().load_pretrained({name: x for name, x in state.items() if name != whole})
    with pytest.raises(ValueError, match=r"surplus\.weight"):
        model().load_pretrained({**state, "surplus.weight": torch.ones(2)})
