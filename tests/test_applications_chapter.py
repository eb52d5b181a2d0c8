"""Chapter 08's trainings, tasks, pictures and explorer: what the notebook says of them holds."""

import math

import pytest
import torch
from torch import nn

from utils import plots, reference
from utils.chapters.applications import blanks, digits, explorer, fitting, labels, pictures, prose
from utils.chapters.applications import text_to_text as tasks
from utils.data import articles
from utils.data.translation import BOS, EOS, PAD
from utils.pictures import image

CLASSES = (reference.Bert, reference.Gpt, reference.T5, reference.ViT)


@pytest.fixture
def told(monkeypatch):
    """The texts of the pictures that were shown."""
    shown = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: shown.append((plots.png(drawn.figure.figure), text)))
    return shown


# Training


def test_a_fit_is_the_same_for_a_seed_lowers_the_loss_and_ends_in_eval_mode():
    losses = []
    for _ in range(2):
        model = digits.build(reference.ViT, seed=1)
        losses.append(digits.train(model, seed=1, steps=25))
        assert not any(part.training for part in model.modules())
    assert losses[0] == losses[1] and losses[0][-1] < losses[0][0]


def test_the_weights_of_the_last_steps_are_averaged():
    model, seen = nn.Linear(1, 1), []

    def loss(model, batch):
        seen.append(model.weight.item())
        return ((model(torch.ones(1)) - 5) ** 2).sum()

    fitting.fit(model, lambda step, generator: None, loss, steps=40, lr=0.1, warmup=1, averaged=0.5)
    assert seen[20] < model.weight.item() < max(seen) + 0.1


def test_starting_weights_do_not_depend_on_the_order_in_which_parts_are_made():
    class Reordered(reference.Bert):
        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            self.blocks = self._modules.pop("blocks")

    first, second = (dict(blanks.build(kind, seed=3).named_parameters()) for kind in (reference.Bert, Reordered))
    assert all(torch.equal(first[name], second[name]) for name in first)


# BERT


def test_a_pair_is_read_as_bert_reads_it():
    tokens, segments = blanks.read("anna lives in rome .", "the soup was [MASK] .")
    words = [blanks.words()[i] for i in tokens]
    assert words == "[CLS] anna lives in rome . [SEP] the soup was [MASK] . [SEP]".split()
    assert segments == [0] * 7 + [1] * 6


def test_no_blank_is_made_of_padding_and_labels_are_the_words_that_stood_there():
    inputs, segments, wanted = blanks.batches(reference.mask_tokens)(0, torch.Generator().manual_seed(0))
    assert inputs.shape == segments.shape == wanted.shape and bool((wanted[inputs == blanks.PAD] == -100).all())
    assert not bool(torch.isin(wanted, torch.arange(len(blanks.SPECIAL))).any())


def test_the_head_scores_words_and_an_untrained_model_knows_nothing():
    model = blanks.build(reference.Bert)
    value = blanks.loss(model, blanks.batches(reference.mask_tokens)(0, torch.Generator().manual_seed(0)))
    assert abs(value.item() - math.log(len(blanks.words()))) < 0.5
    assert blanks.blank_logits(model, "anna has a [MASK] [MASK] .").shape == (2, len(blanks.words()))


@pytest.mark.parametrize(("function", "words"), [
    (blanks.best_words, "as it should be"),
    (lambda logits, top: blanks.best_words(-logits, top), "expected the words"),
    (lambda logits, top: [(word, 1.0) for word, _ in blanks.best_words(logits, top)], "the probability is"),
    (lambda logits, top: None, "TypeError"),
    (lambda logits, top: blanks.best_words(logits, top)[:2], "expected the words"),
])  # fmt: skip
def test_the_learners_best_words_are_used_where_they_are_right(function, words, capsys):
    chosen = blanks.try_best_words(function)
    assert words in capsys.readouterr().out
    assert chosen is (function if words == "as it should be" else blanks.best_words)


def test_a_task_has_the_labels_that_it_says():
    for name, task in labels.TASKS.items():
        (tokens, segments), wanted = labels.examples(task, 5, seed=3)
        assert len(tokens) == len(segments) == len(wanted) == 5
        if name == "questions":
            assert all(int(segments[i, place]) == 1 for i, place in enumerate(wanted.tolist()))
        if name == "entities":
            assert wanted.shape == tokens.shape and set(wanted.unique().tolist()) <= {-100, 0, 1, 2, 3}


def test_a_score_is_one_for_a_model_that_knows_and_f1_counts_both_ways():
    class Knows(nn.Module):
        def forward(self, read):
            known = {
                word: tag for tag, pool in enumerate((articles.PEOPLE, articles.CITIES, articles.COMPANIES), 1) for word in pool
            }
            tags = torch.tensor([[known.get(blanks.words()[i], 0) for i in row] for row in read[0].tolist()])
            return nn.functional.one_hot(tags, 4).float()

    class Greedy(Knows):
        def forward(self, read):
            return super().forward(read) + torch.tensor([-2.0, 0.5, 0.0, 0.0])

    task = labels.TASKS["entities"]
    assert labels.score(Knows(), task, 30) == 1.0
    assert 0.1 < labels.score(Greedy(), task, 30) < 0.9


def test_fine_tuning_leaves_the_pre_trained_model_alone():
    model = blanks.build(reference.Bert)
    before = {name: x.clone() for name, x in model.state_dict().items()}
    labels.tune(model.bert, labels.TASKS["opinion"])
    assert all(torch.equal(before[name], x) for name, x in model.state_dict().items())


# GPT


def test_held_out_paragraphs_are_not_trained_on_and_tokens_give_the_text_back():
    training, held_out = prose.paragraphs()
    assert len(training) > 300 and len(held_out) > 30 and not set(training) & set(held_out)
    tokenizer = prose.train_tokenizer(training)
    assert tokenizer.get_vocab_size() == prose.VOCAB
    for text in (*held_out[:5], "Grüße, 你好"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_both_language_models_have_about_the_same_size_and_learn(monkeypatch):
    gpt, lstm = prose.build(reference.Gpt), prose.lstm()
    sizes = [sum(p.numel() for p in model.parameters()) for model in (gpt, lstm)]
    assert abs(sizes[0] - sizes[1]) < 0.1 * sizes[0]
    tokens = torch.arange(2000) % 7
    for model in (gpt, lstm):
        curve = prose.fit_for(model, tokens, tokens[:640], lr=3e-3, seconds=2.0, looks=2)
        assert curve[-1][1] < 6 and len(curve) == 2 and not model.training


# T5


def test_held_out_texts_are_in_no_training_list_and_all_words_are_known():
    training, held_out = tasks.texts(), tasks.texts(held_out=True)
    for task in tasks.SHARES:
        assert not set(held_out[task]) & set(training[task]) or task == "sentiment"
        tasks.numbers(held_out[task])


def test_blanks_are_made_of_two_spans_that_can_be_put_back():
    source, target = tasks.blanks(reference.span_corruption)(0, torch.Generator().manual_seed(0))
    words = tasks.vocabulary()
    for row, said in zip(source.tolist(), target.tolist(), strict=True):
        texts = [[words.words[i] for i in ids if i not in (PAD, BOS, EOS)] for ids in (row, said)]
        assert all(text.count(name) == 1 for text in texts for name in tasks.SENTINELS[:2])


def test_answers_are_what_the_model_says_greedily():
    model = tasks.build(reference.T5)
    pairs = tasks.texts(held_out=True)["translate"][:4]
    together = tasks.answers(model, [source for source, _ in pairs])
    assert together == [tasks.answers(model, [source])[0] for source, _ in pairs]
    assert isinstance(tasks.loss(model, tasks.padded(tasks.numbers(pairs))).item(), float)


# ViT


def test_rollout_of_even_weights_is_even_and_rows_sum_to_one():
    even = [torch.full((1, 2, 4, 4), 0.25) for _ in range(3)]
    shares = digits.rollout(even)
    torch.testing.assert_close(shares.sum(-1), torch.ones(1, 4))
    torch.testing.assert_close(shares[0, 0], torch.tensor([0.125 + 7 / 32, 7 / 32, 7 / 32, 7 / 32]))


@pytest.mark.parametrize(("function", "words"), [
    (digits.rollout, "as it should be"),
    (lambda weights: digits.rollout(weights[::-1]), "in the other order"),
    (lambda weights: digits.rollout(weights)[0], "expected shape"),
    (lambda weights: weights[0].mean(1), "the shares are others"),
    (lambda weights: 2 * digits.rollout(weights), "rows sum to 2.00"),
    (lambda weights: 1 / 0, "ZeroDivisionError"),
])  # fmt: skip
def test_the_learners_rollout_is_used_where_it_is_right(function, words, capsys):
    chosen = digits.try_rollout(function)
    assert words in capsys.readouterr().out
    assert chosen is (function if words == "as it should be" else digits.rollout)


def test_a_scene_holds_its_digit_in_its_box():
    images, classes, boxes = digits.scene(torch.arange(20), torch.Generator().manual_seed(1))
    assert images.shape == (20, 1, digits.CANVAS, digits.CANVAS) and len(classes) == 20
    for picture, box in zip(images, boxes, strict=True):
        x0, y0, x1, y1 = (box * digits.CANVAS).round().int().tolist()
        assert x1 - x0 == y1 - y0 and x1 - x0 in digits.SIDES
        outside = picture[0].clone()
        outside[y0:y1, x0:x1] = 0
        assert outside.max() <= 0.15 < picture[0, y0:y1, x0:x1].max()


def test_a_detector_gives_a_class_and_a_box_and_is_scored_by_the_learners_iou():
    detector, drawn = digits.detector(reference.ViT), digits.scene(torch.arange(6), torch.Generator().manual_seed(1))
    right, overlap, found = digits.detected(detector, drawn, reference.box_iou)
    assert found.shape == (6, 4) and 0 <= right <= 1 and 0 <= overlap <= 1
    _, perfect, _ = digits.detected(_Perfect(drawn), drawn, reference.box_iou)
    assert perfect == pytest.approx(1.0)


class _Perfect(nn.Module):
    def __init__(self, drawn):
        super().__init__()
        self.drawn = drawn

    def forward(self, images):
        return nn.functional.one_hot(self.drawn[1], 10).float(), self.drawn[2]


# Pictures and explorer


def test_every_picture_has_a_text(told):
    pictures.four_architectures()
    pictures.sequence_in("what a model reads and says", [("text", ["a", "b"]), ("labels", ["–", "b"])], [0, 1])
    pictures.loss_with_guesses({"one": [3.0, 2.0] * 20}, 4.0, 1.0)
    pictures.few_labels({"opinion": {"with pre-training": [0.9, 0.8], "without": [0.6, 0.5]}}, {"opinion": 0.7})
    pictures.held_out_curves({"GPT": [(1.0, 5.0), (2.0, 4.0)]}, 4.5)
    pictures.cache_picture((16, 32), {"with the cache": [0.1, 0.2], "without": [0.2, 0.6]}, 2.0)
    pictures.buckets(torch.arange(-9, 10), {"both": reference.relative_position_bucket(torch.arange(-9, 10))})
    pictures.scores({"translate": 0.97}, {"translate": 0.5}, "right")
    images, _ = digits.held_out()
    pictures.patches(images[0], 2, list(reference.patchify(images[:1], 2)[0]))
    pictures.rollouts(images[:3], torch.rand(3, 16), [1, 2, 3])
    drawn = digits.scene(torch.arange(6), torch.Generator().manual_seed(1))
    pictures.scenes(drawn, drawn[2], digits.detector(reference.ViT), reference.box_iou)
    pictures.reader_maps(blanks.build(reference.Bert), "anna lives in [MASK] .")
    assert len(told) == 12 and all(len(picture) > 2000 and len(text) > 40 for picture, text in told)


def test_a_long_row_of_cells_is_broken_like_a_text(monkeypatch):
    sizes = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: sizes.append(drawn.get_size_inches().tolist()))
    for count in (pictures.ACROSS, 2 * pictures.ACROSS):
        pictures.sequence_in("words", [("text", ["word"] * count), ("labels", ["–"] * count)])
    (wide, low), (still, high) = sizes
    assert still == wide and high > 1.5 * low


def test_a_map_of_weights_is_drawn_from_0_to_1(monkeypatch):
    limits = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: limits.extend(i.get_clim() for ax in drawn.axes for i in ax.images))
    pictures.reader_maps(blanks.build(reference.Bert), "anna lives in [MASK] .")
    assert len(limits) == 8 and set(limits) == {(0.0, 1.0)}


def test_a_guess_stands_beside_the_positions_of_its_model_and_none_leaves_no_trace(capsys):
    pictures.print_positions(dict.fromkeys(pictures.POSITIONS))
    assert "you:" not in capsys.readouterr().out
    pictures.print_positions({"T5": "rotary"})
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "you:" in line]
    assert line.split() == ["T5", "relative", "you:", "rotary"]


def test_wrapped_lines_fit_on_a_page_and_keep_every_word():
    text = "a word and another one " * 12 + "\nthe end"
    lines = prose.wrapped(text, "   ").splitlines()
    assert max(map(len, lines)) <= 74 and all(line.startswith("   ") for line in lines)
    assert " ".join(lines).split() == text.split() and lines[-1] == "   the end"


def test_the_explorer_shows_what_the_settings_leave():
    tokenizer = prose.train_tokenizer(prose.paragraphs()[0][:80])
    model = reference.Gpt(tokenizer.get_vocab_size(), 16, 2, 1, 64)
    writer = explorer.Writer(model, tokenizer, reference.sample_token, reference.generate)
    chances = writer.probabilities("The value")
    assert chances.sum().item() == pytest.approx(1.0, abs=1e-4)
    for setting, kept in ((explorer.SamplingSetting(temperature=0), 1), (explorer.SamplingSetting(top_k=3), 3)):
        assert int((writer.shares(chances, setting) > 0).sum()) == kept
        drawing = explorer.sampling_picture(writer, setting)
        assert setting.title() in drawing.alt and "data:image/svg+xml" in image(drawing)
    assert explorer.SamplingSetting(top_p=0.5, seed=3).options() == {"temperature": 1.0, "top_p": 0.5}
