"""Chapter 08's real weights: MiniLM and SmolLM2 in the course's models, where `course.py weights` has fetched them."""

import re

import pytest
import torch
from closing import names_after
from tokenizers import Tokenizer, models, pre_tokenizers

from autograder.framework import known_answers
from utils import library, reference, session
from utils.chapters.applications import hub, minilm, sections, smollm2, stored, weights
from utils.manifest import load

SENTENCES = ["Attention looks things up.", "a", "The cat sat on the mat, and the mat was red; nobody knew why it sat there."]


# Finding the files


def test_a_folder_counts_only_when_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path))
    for file in weights.catalogue()["minilm"]["files"]:
        assert weights.folder("minilm") is None
        (tmp_path / "minilm").mkdir(exist_ok=True)
        (tmp_path / "minilm" / file).touch()
    assert weights.folder("minilm") == tmp_path / "minilm"


def test_without_the_files_a_cell_says_in_one_line_what_it_would_show(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path))
    assert weights.found("smollm2", "an answer") is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "python3 course.py weights smollm2" in said and "this cell shows an answer." in said


def test_a_build_says_the_same_whether_the_files_are_there_or_not_and_grading_says_nothing(tmp_path, monkeypatch, capsys):
    said = []
    for there in (False, True):
        monkeypatch.setattr(weights, "folder", lambda name, there=there: tmp_path if there else None)
        monkeypatch.setattr(session, "building", lambda: True)
        assert weights.found("minilm", "a picture") is None
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] and said[0].count("\n") == 1
    monkeypatch.setattr(session, "grading", lambda: True)
    assert weights.found("minilm", "a picture") is None and capsys.readouterr().out == ""


# The course's text


def test_sections_have_a_heading_and_sentences_without_formulas_tables_or_hints():
    found = sections.sections()
    assert len(found) > 100 and {one.chapter[:2] for one in found} == {f"0{number}" for number in range(1, 8)}
    assert any(one.heading == "Why divide by square root of d_k?" for one in found)
    for one in found:
        assert one.heading and one.text
        assert not any(sign in one.heading + one.text for sign in ("$", "\\", "`", "<details>", "|---"))


# MiniLM


@pytest.fixture
def encoder(real_weights):
    folder = real_weights("minilm")
    return folder, hub.build(reference.Bert, folder), minilm.load_tokenizer(folder)


def test_minilm_in_the_course_s_bert_gives_the_hidden_states_of_transformers(encoder):
    transformers = pytest.importorskip("transformers")
    folder, model, tokenizer = encoder
    theirs = transformers.BertModel.from_pretrained(folder).eval()
    batch = tokenizer.encode_batch(SENTENCES)
    tokens = torch.tensor([one.ids for one in batch])
    real = torch.tensor([one.attention_mask for one in batch])
    with torch.no_grad():
        expected = theirs(tokens, attention_mask=real).last_hidden_state
        got = model(tokens, mask=real.bool().unsqueeze(1))
    assert (expected - got)[real.bool()].abs().max() < 1e-4


def test_sentence_vectors_have_length_one_and_do_not_depend_on_the_batch(encoder):
    _, model, tokenizer = encoder
    together = minilm.sentence_vectors(model, tokenizer, SENTENCES)
    alone = torch.cat([minilm.sentence_vectors(model, tokenizer, [one]) for one in SENTENCES])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together.norm(dim=-1), torch.ones(len(SENTENCES)), atol=1e-5)


def test_what_is_searched_explains_and_does_not_ask():
    headings = [one.heading for one in sections.sections()]
    assert "Why divide by square root of d_k?" in headings and "In your own words" not in headings


def test_the_question_about_the_root_finds_its_chapter(encoder):
    _, model, tokenizer = encoder
    found = sections.sections()
    vectors = minilm.sentence_vectors(model, tokenizer, [one.whole for one in found])
    question = minilm.sentence_vectors(model, tokenizer, ["which chapter explains why we divide by a root?"])[0]
    best = [found[place] for place, _ in minilm.nearest(question, vectors)]
    assert best[0].chapter == "02_attention_mechanism" and best[0].heading.startswith("Why divide by")


def test_attention_of_a_sentence_has_a_row_of_weights_for_each_token_in_each_layer_and_head(encoder):
    _, model, tokenizer = encoder
    tokens, maps = minilm.attention_of(model, tokenizer, "The cat sat.")
    assert tokens == ["[CLS]", "the", "cat", "sat", ".", "[SEP]"] and maps.shape == (6, 12, 6, 6)
    assert torch.allclose(maps.sum(dim=-1), torch.ones(6, 12, 6), atol=1e-5)


def test_a_model_that_keeps_its_weights_to_itself_is_told_so(encoder):
    with pytest.raises(ValueError, match="no part of this model returns"):
        minilm.attention_of(torch.nn.Embedding(30522, 2), encoder[2], "The cat sat.")


# SmolLM2


def tiny_gguf(folder):
    """A file of SmolLM2's form with small random weights; its vocabulary is all bytes, one merge and the special tokens."""
    gguf = pytest.importorskip("gguf")
    from tokenizers import pre_tokenizers

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    words = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), "th"]
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    sizes = {"embedding_length": 64, "feed_forward_length": 96, "block_count": 2, "head_count": 4, "head_count_kv": 2}
    for name, value in sizes.items():
        getattr(writer, f"add_{name}")(value)
    writer.add_vocab_size(len(words))
    writer.add_token_list(words)
    writer.add_token_types([3] * len(special) + [1] * (len(words) - len(special)))
    writer.add_token_merges(["t h"])
    generator = torch.Generator().manual_seed(0)
    shapes = {"token_embd": (len(words), 64), "output_norm": (64,)}
    for number in range(2):
        shapes |= {
            f"blk.{number}.{name}": shape
            for name, shape in {
                "attn_norm": (64,), "ffn_norm": (64,), "attn_q": (64, 64), "attn_k": (32, 64), "attn_v": (32, 64),
                "attn_output": (64, 64), "ffn_gate": (96, 64), "ffn_up": (96, 64), "ffn_down": (64, 96),
            }.items()
        }  # fmt: skip
    for name, shape in shapes.items():
        numbers = torch.randn(shape, generator=generator).numpy() / 4
        if name.endswith(("attn_q", "ffn_up")):
            packed = gguf.quants.quantize(numbers, gguf.GGMLQuantizationType.Q4_1)
            writer.add_tensor(f"{name}.weight", packed, raw_dtype=gguf.GGMLQuantizationType.Q4_1)
        else:
            writer.add_tensor(f"{name}.weight", numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """(file, the notebook's model with its weights, the weights)."""
    file = smollm2.GgufFile(tiny_gguf(tmp_path_factory.mktemp("tiny")))
    model = names_after("smol-attention", "smol-block", "smol-model")["SmolLM2"](**file.sizes()).eval()
    model.load_state_dict(file.state_dict())
    return file, model


def test_the_notebook_s_model_gives_the_logits_of_transformers_llama(tiny):
    transformers = pytest.importorskip("transformers")
    file, model = tiny
    config = transformers.LlamaConfig(
        vocab_size=file.sizes()["vocab_size"], hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
        tie_word_embeddings=True,
    )  # fmt: skip
    theirs = transformers.LlamaForCausalLM(config).eval()
    state = model.state_dict()
    theirs.load_state_dict({theirs_name(name): halves(name, value) for name, value in state.items() if "bias" not in name})
    tokens = torch.arange(3, 20).view(1, -1)
    with torch.no_grad():
        assert (theirs(tokens).logits - model(tokens)).abs().max() < 1e-4


def theirs_name(name):
    if name.startswith("output"):
        return "lm_head.weight"
    parts = {"token_embedding": "embed_tokens", "blocks": "layers", ".parts.w_": ".", "norm1": "input_layernorm",
             "norm2": "post_attention_layernorm", "feed_forward.w_": "mlp.", "self_attention": "self_attn"}  # fmt: skip
    for ours, theirs in parts.items():
        name = name.replace(ours, theirs)
    for part in ("q", "k", "v", "o", "gate", "up", "down"):
        name = name.replace(f".{part}.weight", f".{part}_proj.weight")
    return f"model.{name}"


def halves(name, value):
    """Rows of neighbouring pairs in the order that `transformers` wants: first all firsts, then all seconds, in each head."""
    if not name.endswith(("w_q.weight", "w_k.weight")):
        return value
    return value.reshape(-1, 8, 2, 64).transpose(1, 2).reshape(value.shape)


@pytest.mark.parametrize("steps", [(17,), (5, 12), (5, 1, 1, 10)])
def test_the_cache_changes_no_logits(tiny, steps):
    _, model = tiny
    tokens, past, parts = torch.arange(3, 20).view(1, -1), None, []
    with torch.no_grad():
        for new in tokens.split(steps, dim=1):
            logits, past = model.extend(new, past)
            parts.append(logits)
        assert (torch.cat(parts, dim=1) - model(tokens)).abs().max() < 1e-5


def test_16_bits_move_the_logits_a_little_and_the_biases_stay(tiny):
    file, model = tiny
    narrow = names_after("smol-attention", "smol-block", "smol-model")["SmolLM2"](**file.sizes()).eval()
    narrow.load_state_dict(file.state_dict())
    with torch.no_grad():
        narrow.blocks[0].self_attention.parts.w_q.bias += 1
        model.blocks[0].self_attention.parts.w_q.bias += 1
        tokens = torch.arange(3, 20).view(1, -1)
        expected = model(tokens)
        model.blocks[0].self_attention.parts.w_q.bias -= 1
        whole = smollm2.in_16_bits(narrow)(tokens)
        past, rows = None, []
        for token in tokens[0]:
            logits, past = narrow.extend(token.view(1, 1), past)
            rows.append(logits[0])
    assert 0 < (whole - expected).abs().max() < 0.05 * expected.std()
    assert (torch.cat(rows) - expected[0]).abs().max() < 0.1 * expected.std()


def test_the_tokenizer_of_a_file_keeps_special_tokens_whole_and_digits_apart(tiny):
    tokenizer = tiny[0].tokenizer()
    text = smollm2.chat("the year 1984, ü")
    one = tokenizer.encode(text)
    assert one.tokens[0] == "<|im_start|>" and one.tokens.count("<|im_end|>") == 2 and "th" in one.tokens
    assert tokenizer.decode(one.ids, skip_special_tokens=False) == text


def test_an_answer_ends_with_the_turn(tiny):
    tokenizer = tiny[0].tokenizer()
    prompt, written = tokenizer.encode("th").ids, tokenizer.encode("the end<|im_end|>\n<|im_start|>").ids
    assert smollm2.answer(tokenizer, prompt, torch.tensor([prompt + written])) == "the end"
    assert smollm2.answer(tokenizer, prompt, torch.tensor([prompt + written[:3]])) == tokenizer.decode(written[:3])


def test_smollm2_answers(real_weights, capsys):
    real_weights("smollm2")
    names = names_after("smol-attention", "smol-block", "smol-model", "smol-load", "smol-ask")
    said = capsys.readouterr().out
    assert "The capital of France is Paris.\n" in said and "tokens a second with the cache" in said
    assert "GroupedQueryAttention    the reference" in said
    ids = names["tokenizer"].encode(smollm2.chat("x")).ids  # as the tokenizer of the original gives them
    assert ids[:20] == [
        1,
        9690,
        198,
        2683,
        359,
        253,
        5356,
        5646,
        11173,
        3365,
        3511,
        308,
        34519,
        28,
        7018,
        411,
        407,
        19712,
        8182,
        2,
    ]


# The cells


LIVE = {
    "search": "minilm",
    "minilm-map": "minilm",
    "smol-load": "smollm2",
    "smol-ask": "smollm2",
    "gpt2-writes": "openai-community/gpt2",
    "bert-fills": "google-bert/bert-base-uncased",
    "t5-translates": "google-t5/t5-small",
    "vit-sees": "google/vit-base-patch16-224",
}


@pytest.mark.parametrize("building", [True, False])
def test_each_cell_without_its_files_says_in_one_line_what_it_would_show(tmp_path, monkeypatch, capsys, building):
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(hub, "_from_hub", lambda name, files: (None, "no network"))
    monkeypatch.setattr(session, "building", lambda: building)
    for cell, name in LIVE.items():
        names_after(cell)
        said = [line for line in capsys.readouterr().out.splitlines() if not re.match(r"\w+: the reference", line)]
        assert len(said) == 1 and "was not loaded" in said[0] and "this cell shows" in said[0], cell
        assert (f"course.py weights {name}" if "/" not in name else name) in said[0]


def test_each_cell_is_silent_under_grading(monkeypatch, capsys):
    monkeypatch.setattr(session, "grading", lambda: True)
    for module in (weights, hub):
        monkeypatch.setattr(module, "folder", None)
    names_after(*LIVE)
    assert all(re.match(r"\w+: the reference", line) for line in capsys.readouterr().out.splitlines())


def test_the_cells_of_minilm_show_the_section_and_the_maps(real_weights, capsys, tmp_path):
    real_weights("minilm")
    names_after("search", "minilm-map")
    said = capsys.readouterr().out
    assert re.search(r"^  0\.\d\d  02_attention_mechanism +Why divide by square root of d_k\?$", said, re.MULTILINE)
    assert "Attention maps for [CLS] the girl sees the red house . [SEP]: layer" in said


@pytest.mark.parametrize("cell", [cell for cell, name in LIVE.items() if "/" in name])
def test_the_cells_for_the_hub_run_on_a_folder_that_transformers_saved(tmp_path, monkeypatch, capsys, cell):
    transformers = pytest.importorskip("transformers")
    kind, config, specials = {
        "gpt2-writes": ("GPT2LMHeadModel", transformers.GPT2Config(vocab_size=60, n_embd=12, n_head=3, n_layer=1), []),
        "bert-fills": (
            "BertForMaskedLM",
            transformers.BertConfig(
                vocab_size=60, hidden_size=12, num_attention_heads=3, intermediate_size=17, num_hidden_layers=1
            ),
            ["[MASK]"],
        ),
        "t5-translates": (
            "T5ForConditionalGeneration",
            transformers.T5Config(vocab_size=60, d_model=12, num_heads=3, d_kv=5, d_ff=17, num_layers=1),
            ["<pad>", "</s>"],
        ),
        "vit-sees": (
            "ViTForImageClassification",
            transformers.ViTConfig(
                hidden_size=12, num_attention_heads=2, intermediate_size=17, num_hidden_layers=1, num_labels=6
            ),
            [],
        ),
    }[cell]
    folder = tmp_path / LIVE[cell].split("/")[-1]
    getattr(transformers, kind)(config).save_pretrained(folder)
    words = [*specials, *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,.:"][:60]
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="a"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.add_special_tokens(specials)
    made.save(str(folder / "tokenizer.json"))
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path))
    names_after(cell)
    said = [line for line in capsys.readouterr().out.splitlines() if not re.match(r"\w+: the reference", line)]
    assert len(said) == {"gpt2-writes": 1, "bert-fills": 5, "t5-translates": 1, "vit-sees": 5}[cell]


# What is stored


def test_what_is_stored_says_what_the_chapter_says_of_it(capsys):
    made = stored.results()
    assert made["minilm"]["difference"] < 1e-4
    assert [hits[0][1] for hits in made["minilm"]["hits"].values()] == ["02_attention_mechanism", "01_attention_problem"]
    assert (
        made["smollm2"]["answer"] == "The capital of France is Paris." and made["smollm2"]["cached"] > made["smollm2"]["uncached"]
    )
    stored.print_search()
    stored.print_answer()
    stored.attention_picture()
    said = capsys.readouterr().out
    assert said.count(f"stored by `{made['command']}`") == 2 and "stored: layer" in said and "your guess" not in said
    stored.print_search(3)
    assert "your guess for the last question: chapter 3" in capsys.readouterr().out
    stored.attention_picture(0.4)
    assert "token before: 1.00 (you: 0.40)" in capsys.readouterr().out


def test_the_notebook_s_model_is_the_same_on_a_learner_s_parts(tiny, monkeypatch):
    file, model = tiny
    styles = [set(known_answers.right_answers(where(part), part)) for part in smollm2.PARTS[:8]]
    assert min(map(len, styles)) >= 4
    for number in range(4):  # the solution, then answers in other styles
        own = {part: list(known_answers.right_answers(where(part), part).values())[number].answer for part in smollm2.PARTS[:8]}
        monkeypatch.setattr(library, "_passed", own)
        theirs = names_after("smol-attention", "smol-block", "smol-model")["SmolLM2"](**file.sizes()).eval()
        theirs.load_state_dict(file.state_dict())
        tokens = torch.arange(3, 20).view(1, -1)
        with torch.no_grad():
            assert (theirs(tokens) - model(tokens)).abs().max() < 1e-4, number
            past = theirs.extend(tokens[:, :9])[1]
            assert (theirs.extend(tokens[:, 9:], past)[0] - model(tokens)[:, 9:]).abs().max() < 1e-4, number


def where(part):
    """The chapter of a component."""
    return next(chapter.id for chapter in load().chapters for exercise in chapter.exercises if exercise.id == part)
