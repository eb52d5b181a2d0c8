"""Translates from the command line, with weights that the notebook of chapter 07 saved and the learner's own model.

    python -m utils.chapters.encoder_decoder.translate WEIGHTS "the red house" [--library FOLDER]

`Transformer` comes from the `my_transformer/` in FOLDER (default: the working folder, else where the weights lie), and from
the reference where there is none. Exit 0 with the translation, 1 when a word is unknown, 2 on wrong usage.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from utils.data.translation import BOS, EOS, PAD, UnknownWord, Vocabulary

PACKAGE = "my_transformer"
MAX_LEN = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: prints the translation and returns the exit status."""
    parser = argparse.ArgumentParser(prog="translate", description="Translates an English sentence into Spanish.")
    parser.add_argument("weights", type=Path, help="a file that the notebook saved")
    parser.add_argument("sentence")
    parser.add_argument("--library", type=Path, help=f"the folder that holds {PACKAGE}/")
    given = parser.parse_args(arguments)
    kind, greedy_decode, words = components(given.library or _beside(given.weights))
    print(words, file=sys.stderr)
    try:
        model, english, spanish = load(kind, given.weights)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        print(f"{given.weights} cannot be loaded: {error}", file=sys.stderr)
        return 2
    try:
        source = torch.tensor([english.encode(given.sentence)])
    except UnknownWord as error:
        print(error, file=sys.stderr)
        return 1
    if not source.numel():
        print("the sentence is empty: give it some words", file=sys.stderr)
        return 2
    print(spanish.decode(greedy_decode(model, source, BOS, EOS, MAX_LEN)[0].tolist()))
    return 0


def _beside(weights: Path) -> Path:
    """The first folder that holds the library: the working folder, or one above the weights."""
    for folder in (Path.cwd(), *weights.resolve().parents):
        if (folder / PACKAGE).is_dir():
            return folder
    return Path.cwd()


def components(folder: Path) -> tuple[Callable[..., Any], Callable[..., torch.Tensor], str]:
    """(Transformer, greedy_decode, where they come from)."""
    from utils import reference

    found: dict[str, Any] = {}
    sources = []
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    own: Any = None
    try:
        own = importlib.import_module(f"{PACKAGE}.encoder_decoder")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(PACKAGE):
            raise
    for name in ("Transformer", "greedy_decode"):
        found[name] = getattr(own, name, None)
        sources.append(f"{name}: {'the reference' if found[name] is None else f'yours, from {PACKAGE}/'}")
        found[name] = found[name] or reference.COMPONENTS[name]
    return found["Transformer"], found["greedy_decode"], "; ".join(sources)


def load(kind: Callable[..., Any], path: Path | str) -> tuple[Any, Vocabulary, Vocabulary]:
    """(model, English, Spanish): a model of that class with the weights, sizes and vocabularies of the file."""
    with safe_open(str(path), framework="pt") as file:
        notes = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    model = kind(len(notes["english"]), len(notes["spanish"]), **notes["sizes"], pad_id=PAD)
    model.load_state_dict(tensors)
    return model.eval(), Vocabulary(notes["english"]), Vocabulary(notes["spanish"])


if __name__ == "__main__":
    sys.exit(main())
