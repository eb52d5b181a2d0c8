"""T5 and ViT take the files that `transformers` writes, and then say what its models say."""

import pytest
import torch
import transformers
from safetensors.torch import load_file

from autograder.framework.known_answers import solution
from utils import reference

CHAPTER = "08_applications"
CLOSE = {torch.float32: {"rtol": 1e-4, "atol": 1e-4}, torch.float64: {"rtol": 1e-9, "atol": 1e-9}}
DTYPES = pytest.mark.parametrize("dtype", CLOSE, ids=["float32", "float64"])
SIZES_T5 = [  # vocab, d_model, heads, d_head, d_ff, layers, buckets, max_distance
    (31, 16, 4, 4, 37, 2, 32, 128),
    (17, 10, 3, 7, 11, 1, 12, 20),
    (53, 24, 2, 5, 48, 3, 20, 37),
]
SIZES_VIT = [  # image, patch, channels, classes, d_model, heads, d_ff, layers
    (12, 4, 3, 5, 16, 4, 37, 2),
    (6, 2, 1, 3, 10, 5, 11, 1),
    (21, 7, 2, 11, 18, 3, 40, 3),
]


@pytest.fixture(params=["reference", "solution"])
def course(request):
    """The course's class of a name: the reference's, and that of the chapter's solution."""
    return lambda name: reference.COMPONENTS[name] if request.param == "reference" else solution(CHAPTER, name).answer


def shaken(model):
    """The model with every number moved, biases and norms too, in evaluation mode."""
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model.eval()


def t5(sizes):
    vocab, d_model, heads, d_head, d_ff, layers, buckets, distance = sizes
    config = transformers.T5Config(
        vocab_size=vocab, d_model=d_model, d_kv=d_head, d_ff=d_ff, num_layers=layers, num_heads=heads, dropout_rate=0.0,
        relative_attention_num_buckets=buckets, relative_attention_max_distance=distance, feed_forward_proj="relu",
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return shaken(transformers.T5ForConditionalGeneration(config))


def vit(sizes):
    image, patch, channels, classes, d_model, heads, d_ff, layers = sizes
    config = transformers.ViTConfig(
        image_size=image, patch_size=patch, num_channels=channels, num_labels=classes, hidden_size=d_model,
        num_attention_heads=heads, intermediate_size=d_ff, num_hidden_layers=layers, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return shaken(transformers.ViTForImageClassification(config))


def normed(layer, x):
    """What the library's norm means, in the precision of `x`."""
    return layer.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + layer.variance_epsilon)


def on_disk(theirs, folder):
    """What a file holds that the library wrote."""
    theirs.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def ours_t5(course, sizes, weights, dtype):
    vocab, d_model, heads, d_head, d_ff, layers, buckets, distance = sizes
    made = course("T5")(vocab, d_model, heads, d_head, d_ff, layers, num_buckets=buckets, max_distance=distance).to(dtype)
    made.load_pretrained(weights)
    return made.eval()


def ours_vit(course, sizes, weights, dtype):
    made = course("ViT")(*sizes).to(dtype)
    made.load_pretrained(weights)
    return made.eval()


@DTYPES
@pytest.mark.parametrize("sizes", SIZES_T5)
@pytest.mark.parametrize("lengths", [(7, 5), (1, 1), (90, 70)])
def test_t5_says_what_transformers_says(course, sizes, lengths, dtype, tmp_path, monkeypatch):
    if dtype is torch.float64:  # the library rounds to float32 in its norms and in its softmax, whatever comes in
        monkeypatch.setattr(transformers.models.t5.modeling_t5.T5LayerNorm, "forward", normed)
        monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    theirs = t5(sizes)
    ours = ours_t5(course, sizes, on_disk(theirs, tmp_path), dtype)
    theirs = theirs.to(dtype)
    source, target = (torch.randint(2, sizes[0], (3, length)) for length in lengths)
    shown = torch.arange(lengths[0]) < torch.tensor([[lengths[0]], [max(1, lengths[0] // 2)], [1]])
    with torch.no_grad():
        plain = theirs(input_ids=source, decoder_input_ids=target).logits
        masked = theirs(input_ids=source, attention_mask=shown.long(), decoder_input_ids=target).logits
        torch.testing.assert_close(ours(source, target), plain, **CLOSE[dtype])
        torch.testing.assert_close(ours(source, target, source_mask=shown[:, None]), masked, **CLOSE[dtype])


@DTYPES
@pytest.mark.parametrize("sizes", SIZES_VIT)
def test_vit_says_what_transformers_says(course, sizes, dtype, tmp_path):
    theirs = vit(sizes)
    ours = ours_vit(course, sizes, on_disk(theirs, tmp_path), dtype)
    images = torch.randn(3, sizes[2], sizes[0], sizes[0], dtype=dtype)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs.to(dtype)(images).logits, **CLOSE[dtype])


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(
    ("buckets", "distance"), [(32, 128), (32, 64), (16, 128), (12, 20), (20, 37), (64, 300), (8, 50), (14, 50), (128, 1000)]
)
def test_buckets_are_those_of_transformers_but_for_the_boundaries(course, bidirectional, buckets, distance):
    """On a boundary of the logarithm float32 may fall to either side; nowhere else do the two differ."""
    ours, position = course("relative_position_bucket"), torch.arange(-1500, 1501)
    found = ours(position, bidirectional=bidirectional, num_buckets=buckets, max_distance=distance)
    attention = transformers.models.t5.modeling_t5.T5Attention
    wanted = attention._relative_position_bucket(
        position, bidirectional=bidirectional, num_buckets=buckets, max_distance=distance
    )
    side = buckets // 2 if bidirectional else buckets
    exact = side // 2
    where = (found != wanted).nonzero().flatten()
    for place in position[where].abs().tolist():
        assert any(place ** (side - exact) * exact**j == distance**j * exact ** (side - exact) for j in range(side - exact)), (
            place
        )
    assert (found - wanted).abs().max() <= 1


@pytest.mark.parametrize("name", ["T5", "ViT"])
def test_a_missing_and_an_unexpected_name_are_told(course, name, tmp_path):
    sizes, make, build = (SIZES_T5[0], t5, ours_t5) if name == "T5" else (SIZES_VIT[0], vit, ours_vit)
    weights = on_disk(make(sizes), tmp_path)
    for gone in [key for key in weights if key != "lm_head.weight" and "embed_tokens" not in key]:
        with pytest.raises(ValueError, match=gone.replace(".", r"\.")):
            build(course, sizes, {key: x for key, x in weights.items() if key != gone}, torch.float32)
    with pytest.raises(ValueError, match=r"surplus\.weight"):
        build(course, sizes, {**weights, "surplus.weight": torch.ones(2)}, torch.float32)


def test_copies_of_the_embedding_and_a_pooler_may_be_there_or_not(course, tmp_path):
    weights = on_disk(t5(SIZES_T5[0]), tmp_path / "t5")
    copies = {name: weights["shared.weight"].clone() for name in ("encoder.embed_tokens.weight", "lm_head.weight")}
    ours_t5(course, SIZES_T5[0], {**weights, **copies}, torch.float32)
    weights = on_disk(vit(SIZES_VIT[0]), tmp_path / "vit")
    pooler = {"vit.pooler.dense.weight": torch.ones(16, 16), "vit.pooler.dense.bias": torch.ones(16)}
    ours_vit(course, SIZES_VIT[0], {**weights, **pooler}, torch.float32)
