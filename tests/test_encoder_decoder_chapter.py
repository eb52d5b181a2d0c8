"""Chapter 07's training, measures, explorer and command line: what the notebook says of them holds."""

import subprocess
import sys

import pytest
import torch

from utils import reference, session
from utils.chapters.encoder_decoder import experiment as task
from utils.chapters.encoder_decoder import explorer, files, measures, pictures, translate
from utils.data import translation
from utils.data.translation import BOS, EOS, PAD
from utils.pictures import image

PAIRS = [("the small red house", "la casa roja pequeña"), ("i see the girl 's map", "veo el mapa de la niña")]


@pytest.fixture(scope="module")
def learned():
    """A small model that knows two sentences by heart: enough for all that is looked at here."""
    model = task.build(reference.Transformer, seed=0)
    batch = tuple(tokens.to(session.device()) for tokens in translation.tensors(PAIRS))
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(80):
        optimiser.zero_grad()
        task.teacher_forced_loss(model, batch).backward()
        optimiser.step()
    return model.eval()


# Training


def test_starting_weights_do_not_depend_on_the_order_in_which_parts_are_made():
    class Reordered(reference.Transformer):
        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            self.source_embedding = self._modules.pop("source_embedding")

    first, second = (dict(task.build(kind, seed=3).named_parameters()) for kind in (reference.Transformer, Reordered))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_batches_hold_every_pair_once_an_epoch_and_sentences_of_like_length():
    pairs = translation.training_pairs(640, greetings=0.0)
    batch, generator = task.batches(pairs), torch.Generator().manual_seed(0)
    rows = [batch(step, generator) for step in range(-(-len(pairs) // task.BATCH))]
    english = translation.vocabularies()[0]
    seen = sorted(english.decode(row.tolist()) for source, _ in rows for row in source)
    assert seen == sorted(pair[0] for pair in pairs)
    padding = sum(source.eq(PAD).sum().item() for source, _ in rows) / sum(source.numel() for source, _ in rows)
    assert padding < 0.25


def test_training_lowers_the_loss_and_is_the_same_for_a_seed():
    losses = [task.fit(task.build(reference.Transformer, seed=1), seed=1, steps=12) for _ in range(2)]
    assert losses[0] == losses[1] and losses[0][-1] < losses[0][0]


@pytest.mark.slow
def test_the_translator_reaches_what_the_chapter_promises():
    model = task.build(reference.Transformer, seed=0)
    task.fit(model, seed=0)
    pairs = translation.held_out_pairs()
    exact, bleu = measures.score(measures.translations(model, [english for english, _ in pairs], reference.greedy_decode), pairs)
    assert exact >= 0.99 and bleu > 98 and measures.translate(model, "Hello world!") == "hola mundo"


def test_stored_runs_are_three_seeds_and_say_what_the_chapter_says_of_them():
    runs = measures.stored_runs()
    for name in ("full", "short", "own_words", "no_positions", "no_look_ahead"):
        assert [run["seed"] for run in runs[name]] == [0, 1, 2]
    for full, without, peeking in zip(runs["full"], runs["no_positions"], runs["no_look_ahead"], strict=True):
        assert full["exact"] >= 0.99 and full["hello world"] == "hola mundo" and full["steps"] == task.STEPS
        assert without["exact"] < full["exact"] - 0.05 and peeking["exact"] < 0.05
    assert all(own["exact"] < short["exact"] for own, short in zip(runs["own_words"], runs["short"], strict=True))


# Open tasks


@pytest.mark.parametrize(("loss", "words"), [
    (task.teacher_forced_loss, "as it should be"),
    (lambda model, batch: reference.label_smoothed_loss(model(*batch), batch[1], PAD), "reads the targets as they are"),
    (lambda model, batch: None, "needs a tensor"),
    (lambda model, batch: torch.zeros(()), "needs a tensor"),
    (lambda model, batch: 1 / 0, "ZeroDivisionError"),
])  # fmt: skip
def test_the_learners_loss_is_used_where_it_is_right_and_its_fault_is_said(loss, words, capsys):
    chosen = task.try_loss(loss, task.build(reference.Transformer))
    assert words in capsys.readouterr().out
    assert chosen is (loss if words == "as it should be" else task.teacher_forced_loss)


def test_an_empty_loss_is_said_and_the_courses_own_is_taken(capsys):
    def empty(model, batch):
        raise NotImplementedError

    assert task.try_loss(empty, task.build(reference.Transformer)) is task.teacher_forced_loss
    assert "nothing is here yet" in capsys.readouterr().out


class Unwritten(reference.Transformer):
    """The stub of the open task."""

    def decode(self, target_in, memory, source):
        raise NotImplementedError


def test_a_model_that_cheats_is_told_from_one_that_does_not(capsys):
    cheat = task.altered(reference.Transformer, look_ahead=False)
    assert task.try_peeking(cheat, reference.Transformer) is cheat
    assert task.try_peeking(reference.Transformer, reference.Transformer) is not reference.Transformer
    neither = task.altered(reference.Transformer, positions=False, look_ahead=False)
    assert task.try_peeking(neither, reference.Transformer) is not neither
    assert task.try_peeking(Unwritten, reference.Transformer) is not Unwritten
    out = capsys.readouterr().out
    assert "Yours is trained" in out and "still masked" in out and "something else has changed" in out
    assert "Peeking: nothing is here yet. The course's own is trained." in out


def test_without_positions_the_order_of_the_source_changes_nothing():
    source, target = torch.randint(3, 90, (2, 7)), torch.randint(3, 90, (2, 5))
    for kind, same in ((task.altered(reference.Transformer, positions=False), True), (reference.Transformer, False)):
        model = task.build(kind).cpu().eval()
        assert torch.allclose(model(source, target), model(source.flip(1), target), atol=1e-5) is same


def test_altered_with_nothing_left_out_is_the_model():
    source, target = torch.randint(0, 90, (3, 7)), torch.randint(3, 90, (3, 5))
    model, same = (task.build(kind).cpu().eval() for kind in (reference.Transformer, task.altered(reference.Transformer)))
    torch.testing.assert_close(model(source, target), same(source, target))


# Measures


def test_exact_match_and_bleu_of_hand_made_translations():
    pairs = [("a", "la casa roja de la niña"), ("b", "el libro")]
    assert measures.score(["la casa roja de la niña", "el libro"], pairs) == (1.0, pytest.approx(100.0))
    exact, bleu = measures.score(["la casa rojo de la niña", "el libro"], pairs)
    assert exact == 0.5 and 20 < bleu < 90


def test_alignment_counts_words_with_one_counterpart_and_the_control_is_their_place():
    english, spanish = "the small red house", "la casa roja pequeña"
    assert list(measures._places(english, spanish)) == [(1, 3), (2, 2), (3, 1)]
    assert measures.same_place([(english, spanish)]) == pytest.approx(1 / 3)


def test_a_learned_model_looks_at_what_it_translates(learned):
    source, said, probabilities, weights = measures.look(learned, PAIRS[0][0])
    assert source == PAIRS[0][0].split() and said == [*PAIRS[0][1].split(), "<eos>"]
    layers, heads = task.SIZES["num_layers"], task.SIZES["num_heads"]
    assert weights.shape == (layers, heads, len(said), len(source)) and torch.allclose(weights.sum(-1), torch.ones(()))
    assert probabilities.argmax(-1).tolist() == [*translation.vocabularies()[1].encode(PAIRS[0][1]), EOS]
    assert not any(block.cross_attention._forward_hooks for block in learned.decoder)
    shares = measures.aligned(learned, PAIRS)
    assert shares.shape == (layers, heads) and 0 <= shares.min() <= shares.max() <= 1


def test_a_wrong_word_before_costs_right_words_after(learned):
    assert measures.next_words_right(learned, PAIRS) == 1.0
    assert measures.next_words_right(learned, PAIRS, disturbed=True) <= 1.0


# The explorer


def test_a_sentence_is_answered_with_its_translation_or_with_what_is_wrong(learned):
    found, words = explorer.answer(learned, "The small red house.")
    assert words == PAIRS[0][1] and found.said[-1] == "<eos>"
    found, words = explorer.answer(learned, "the dragon")
    assert found is None and "'dragon' is not among" in words
    assert explorer.answer(learned, " . ") == (None, "Type an English sentence.")


def test_the_picture_says_in_words_what_it_shows(learned):
    found = measures.Translation.of(learned, PAIRS[0][0])
    row = found.weights()[1]
    drawn = explorer.translation_picture(learned, explorer.TranslationSetting(PAIRS[0][0], 2))
    assert "after la the likeliest word is casa with probability" in drawn.alt
    assert f"largest weight {row.max():.2f} on {found.source[int(row.argmax())]}" in drawn.alt
    assert "word 2 is chosen" in drawn.framed() and PAIRS[0][1] in drawn.framed()


def test_a_step_behind_the_last_is_the_last_and_an_unknown_word_is_said(learned):
    last, behind = (explorer.translation_picture(learned, explorer.TranslationSetting(PAIRS[0][0], n)) for n in (5, 99))
    assert last.framed() == behind.framed() and "<eos>" in last.alt
    assert "'dragon' is not among" in explorer.translation_picture(learned, explorer.TranslationSetting("the dragon")).alt


def test_where_no_widgets_run_the_explorer_says_so(learned, capsys):
    assert explorer.translation_explorer(learned) is None
    assert "JupyterLab" in capsys.readouterr().out


def test_the_live_picture_follows_the_sentence_and_the_step(learned, monkeypatch):
    monkeypatch.setattr(session, "widgets_work", lambda: True)
    controls, screen = explorer.translation_explorer(learned, PAIRS[0][0]).children
    sentence, step = controls.children
    assert (step.value, step.max) == (5, 5)
    first = screen.value
    step.value = 2
    assert screen.value == image(explorer.translation_picture(learned, explorer.TranslationSetting(PAIRS[0][0], 2))) != first
    sentence.value = "the <b>dragon"
    assert "is not among" in screen.value and "<b>dragon" not in screen.value and step.max == 1
    sentence.value = PAIRS[1][0]
    assert "veo el mapa" in screen.value and step.value == step.max == 7


def test_the_plots_say_in_words_what_they_show(learned, capsys):
    pictures.architecture(learned, 6, 7)
    pictures.maps_picture(learned, [PAIRS[0][0]], {"casa": "house", "roja": None})
    pictures.heads_picture(learned, PAIRS[0][0])
    pictures.scores_picture({"one": [0.5, 0.7]}, {"one": None})
    pictures.loss_picture({"loss": [float(n) for n in range(30)]}, 2.0)
    pictures.rate_picture({"warmup=2": [1.0, 2.0, 1.5]})
    said = capsys.readouterr().out
    for words in ("memory (1, 6, 64)", "casa on ", "block", "one: 0.500, 0.700", "from 0.00 to 29.00", "peak 2.0000 at step 2"):
        assert words in said


# Weights and the command line


def test_saved_weights_come_back_with_sizes_and_vocabularies(learned, tmp_path):
    files.save(learned, tmp_path / "w.safetensors")
    model, english, spanish = translate.load(reference.Transformer, tmp_path / "w.safetensors")
    assert (english.words, spanish.words) == tuple(v.words for v in translation.vocabularies())
    assert all(torch.equal(a.cpu(), b) for a, b in zip(learned.state_dict().values(), model.state_dict().values(), strict=True))


LIBRARY = '''
from utils.reference import Transformer as _Theirs, greedy_decode as _greedy


class Transformer(_Theirs):
    """Stands for the learner's."""


def greedy_decode(model, source, bos_id, eos_id, max_len):
    assert type(model) is Transformer
    return _greedy(model, source, bos_id, eos_id, max_len)
'''


def command(folder, *arguments):
    code = [sys.executable, "-m", "utils.chapters.encoder_decoder.translate", *arguments]
    return subprocess.run(code, cwd=folder, capture_output=True, text=True, env=None)


def test_the_command_line_translates_with_the_learners_own_library(learned, tmp_path, root, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(root))
    (tmp_path / "my_transformer").mkdir()
    (tmp_path / "my_transformer" / "__init__.py").write_text("")
    (tmp_path / "my_transformer" / "encoder_decoder.py").write_text(LIBRARY)
    weights = str(tmp_path / "my_transformer" / "translator.safetensors")
    files.save(learned, weights)
    done = command(root, weights, "The small red house!")
    assert (done.returncode, done.stdout.strip()) == (0, PAIRS[0][1]), done.stderr
    assert "Transformer: yours, from my_transformer/" in done.stderr
    unknown = command(tmp_path, weights, "the dragon")
    assert unknown.returncode == 1 and "'dragon' is not among" in unknown.stderr and "Traceback" not in unknown.stderr


def test_without_a_library_the_reference_is_taken_and_a_file_that_is_none_is_said(learned, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.save(learned, tmp_path / "w.safetensors")
    assert translate.main([str(tmp_path / "w.safetensors"), PAIRS[0][0]]) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == PAIRS[0][1] and "the reference" in captured.err
    (tmp_path / "none.safetensors").write_bytes(b"nothing")
    assert translate.main([str(tmp_path / "none.safetensors"), PAIRS[0][0]]) == 2
    assert "cannot be loaded" in capsys.readouterr().err


# Greedy decoding and beam search


def test_greedy_and_beam_search_of_the_reference_agree_where_one_hypothesis_is_kept(learned):
    source = translation.tensors(PAIRS[:1])[0].to(session.device())
    (best, _), *rest = reference.beam_search(learned, source, BOS, EOS, 9, beam_size=1)
    assert not rest and best == reference.greedy_decode(learned, source, BOS, EOS, 9)[0].tolist()


def test_an_empty_translation_is_called_nothing(capsys):
    measures.mistakes(["", PAIRS[1][1]], PAIRS)
    said = capsys.readouterr().out
    assert "1 of 2 are wrong" in said and "said   (nothing)" in said and PAIRS[1][1] not in said
