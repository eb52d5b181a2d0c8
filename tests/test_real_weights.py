"""Chapter 08's real weights: MiniLM and SmolLM2 in the course's models, where `course.py weights` has fetched them."""

import pytest
import torch

from utils import reference, session
from utils.chapters.applications import hub, minilm, sections, weights

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


def test_the_question_about_the_root_finds_its_chapter(encoder):
    _, model, tokenizer = encoder
    found = sections.sections()
    vectors = minilm.sentence_vectors(model, tokenizer, [f"{one.heading}. {one.text}" for one in found])
    question = minilm.sentence_vectors(model, tokenizer, ["which chapter explains why we divide by a root?"])[0]
    best = [found[place] for place, _ in minilm.nearest(question, vectors)]
    assert best[0].chapter == "02_attention_mechanism" and best[0].heading.startswith("Why divide by")


def test_attention_of_a_sentence_has_a_row_of_weights_for_each_token_in_each_layer_and_head(encoder):
    _, model, tokenizer = encoder
    tokens, maps = minilm.attention_of(model, tokenizer, "The cat sat.")
    assert tokens == ["[CLS]", "the", "cat", "sat", ".", "[SEP]"] and maps.shape == (6, 12, 6, 6)
    assert torch.allclose(maps.sum(dim=-1), torch.ones(6, 12, 6), atol=1e-5)
