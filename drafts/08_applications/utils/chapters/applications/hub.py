"""Real checkpoints in the course's models: found in a folder, in the cache or over the network, and built from their config.

The same code loads a folder that `save_pretrained` of `transformers` made.
"""

import errno
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from utils import session
from utils.chapters.applications.weights import home as weights_home

FILES = ("config.json", "model.safetensors")
MEGABYTES = {
    "openai-community/gpt2": 550,
    "google-bert/bert-base-uncased": 440,
    "google-t5/t5-small": 240,
    "google/vit-base-patch16-224": 350,
}
PATIENCE = 2  # seconds for an answer of the Hub, which is asked twice
# What the course's models are fixed to: a checkpoint that says otherwise is another model.
_FIXED: dict[str, dict[str, Any]] = {
    "bert": {"hidden_act": "gelu", "position_embedding_type": "absolute"},
    "gpt2": {"activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "scale_attn_by_inverse_layer_idx": False},
    "t5": {"feed_forward_proj": "relu", "layer_norm_epsilon": 1e-6, "tie_word_embeddings": True},
    "vit": {"hidden_act": "gelu", "layer_norm_eps": 1e-12, "qkv_bias": True},
}


def found(name: str, shows: str, tokenizer: bool = True) -> Path | None:
    """The folder of a checkpoint for a cell that `shows` something with it, or None after a line that says what is missing.

    While notebooks are built it is None whatever is there. Under grading it is None without a word.
    """
    if session.grading():
        return None
    here, reason = (None, "a build loads nothing") if session.building() else folder(name, tokenizer)
    if here is None:
        print(f"{name} was not loaded ({reason}). With its {MEGABYTES[name]} MB this cell shows {shows}.")
    return here


def folder(name: str, tokenizer: bool = True) -> tuple[Path | None, str]:
    """(the folder with a checkpoint's files, "") or (None, why there is none).

    `name` may be a folder. Else it is looked for in `weights/`, under its last part, then in the Hub's cache, and then
    fetched over the network.
    """
    files = (*FILES, "tokenizer.json") if tokenizer else FILES
    for place in (Path(name), weights_home() / name.split("/")[-1]):
        if all((place / file).is_file() for file in files):
            return place, ""
    return _from_hub(name, files)


def _from_hub(name: str, files: tuple[str, ...]) -> tuple[Path | None, str]:
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HTTPError, RemoteEntryNotFoundError, RepositoryNotFoundError, XetDownloadError
    from huggingface_hub.utils import disable_progress_bars

    places = [try_to_load_from_cache(name, file) for file in files]
    if all(isinstance(place, str) for place in places):
        return Path(str(places[0])).parent, ""
    if constants.HF_HUB_OFFLINE:
        return None, "it is not in the cache, and HF_HUB_OFFLINE is set"
    disable_progress_bars()  # a saved notebook would show them as broken widgets
    try:
        for file in files:  # a download would try for minutes where nothing answers
            get_hf_file_metadata(hf_hub_url(name, file), timeout=PATIENCE, token=False)
        print(f"fetching {name}, {MEGABYTES.get(name, 'some')} MB, once ...", flush=True)
        return Path([hf_hub_download(name, file, token=False) for file in files][0]).parent, ""
    except (RepositoryNotFoundError, RemoteEntryNotFoundError):
        return None, f"the Hub does not have its {', '.join(files)}"
    except (OSError, HTTPError, XetDownloadError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            return None, "the disk is full"
        return None, "it is not here, and the Hub cannot be reached: connect, then run this cell again"


def config(folder: Path) -> dict[str, Any]:
    """What stands in the folder's `config.json`."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """The checkpoint's tensors under its own names."""
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def load_tokenizer(folder: Path) -> Any:
    """The checkpoint's tokenizer."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def build(kind: Callable[..., Any], folder: Path) -> Any:
    """`kind`, a `Bert`, `Gpt`, `T5` or `ViT` of the course, made in the checkpoint's sizes, with its weights, in eval mode.

    `ValueError` where the checkpoint is a model that the course's are not.
    """
    state = weights(folder)
    needed, named = arguments(config(folder), state)
    model = kind(*needed, **named)
    model.load_pretrained(state)
    return model.eval()


def arguments(known: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> tuple[tuple[int, ...], dict[str, Any]]:
    """(arguments by position, arguments by name) of the course's model for a `config.json`."""
    kind = known.get("model_type")
    if kind not in _FIXED:
        raise ValueError(f"model_type={kind!r} is not one of the course's models: choose from {', '.join(_FIXED)}")
    for name, value in _FIXED[kind].items():
        if known.get(name, value) != value:
            raise ValueError(f"{name}={known[name]!r} in config.json: the course's model has {value!r} there")
    if kind == "gpt2":
        if known.get("n_inner") not in (None, 4 * known["n_embd"]):
            raise ValueError(f"n_inner={known['n_inner']} in config.json: the course's model has 4 * {known['n_embd']}")
        return tuple(known[name] for name in ("vocab_size", "n_embd", "n_head", "n_layer", "n_positions")), {}
    if kind == "t5":
        if known.get("num_decoder_layers") not in (None, known["num_layers"]):
            raise ValueError(f"num_decoder_layers={known['num_decoder_layers']}: the course's model has {known['num_layers']}")
        tables = known.get("relative_attention_num_buckets", 32), known.get("relative_attention_max_distance", 128)
        sizes = tuple(known[name] for name in ("vocab_size", "d_model", "num_heads", "d_kv", "d_ff", "num_layers"))
        return sizes, dict(zip(("num_buckets", "max_distance"), tables, strict=True))
    inner = tuple(known[name] for name in ("hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers"))
    if kind == "vit":
        classes = len(state["classifier.weight"])
        return (known["image_size"], known["patch_size"], known["num_channels"], classes, *inner), {}
    named = {"num_segments": known["type_vocab_size"], "eps": known["layer_norm_eps"]}
    return (known["vocab_size"], *inner, known["max_position_embeddings"]), named


def blank_logits(hidden: torch.Tensor, folder: Path) -> torch.Tensor:
    """BERT's head for blanks, `(batch, seq, d_model) -> (batch, seq, vocab)`: a layer, GELU, a norm, the embeddings."""
    state, old = weights(folder), {"gamma": "weight", "beta": "bias"}  # how the first checkpoints call the numbers of a norm
    head = {}
    for name, value in state.items():
        *front, last = name.removeprefix("cls.predictions.").split(".")
        head[".".join([*front, old.get(last, last)])] = value
    norm = (head["transform.LayerNorm.weight"], head["transform.LayerNorm.bias"], config(folder)["layer_norm_eps"])
    x = F.gelu(F.linear(hidden, head["transform.dense.weight"], head["transform.dense.bias"]))
    words = next(value for name, value in state.items() if name.endswith("embeddings.word_embeddings.weight"))
    return F.linear(F.layer_norm(x, x.shape[-1:], *norm), words, head["bias"])


def picture(path: Path | str | None = None, size: int = 224) -> torch.Tensor:
    """A picture as ViT reads it, (1, 3, size, size) with values from -1 to 1.

    Without a path it is the photograph that comes with Matplotlib: Grace Hopper in uniform.
    """
    import numpy
    from matplotlib import cbook
    from PIL import Image

    with Image.open(path or str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))) as photo:
        small = photo.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return torch.tensor(numpy.asarray(small, dtype="float32")).permute(2, 0, 1).unsqueeze(0) / 127.5 - 1
