"""Chapter 06's tasks, its decoder and its explorer: what the notebook says of them holds."""

import pytest
import torch
from torch.nn import functional as F

from utils import reference, session
from utils.chapters.positional_encoding import experiment as tasks
from utils.chapters.positional_encoding import explorer, plugged, three_seeds

CLOCKS = reference.sinusoidal_encoding, reference.shift_matrix


def decoder(scheme, task="recall", **options):
    torch.manual_seed(0)
    return tasks.Decoder(scheme, reference, tasks.TOKENS[task], tasks.LAYERS[task], **options)


def trained(scheme, task, steps, **options):
    return tasks.train(scheme, task, reference, steps, **options)[0]


@pytest.fixture(scope="module")
def recalls():
    return {scheme: tasks.accuracy_by_position(trained(scheme, "recall", 300), "recall") for scheme in tasks.SCHEMES}


def test_recall_asks_for_the_token_five_steps_back_and_for_nothing_before():
    tokens, targets = tasks.sequences("recall", 3, 11, torch.Generator().manual_seed(1))
    assert torch.equal(targets[:, tasks.BACK :], tokens[:, : -tasks.BACK])
    assert (targets[:, : tasks.BACK] == -1).all()


def test_a_periodic_sequence_repeats_a_pattern_and_asks_for_the_next_token():
    tokens, targets = tasks.sequences("periodic copy", 200, 40, torch.Generator().manual_seed(1))
    assert torch.equal(targets[:, :-1], tokens[:, 1:])
    for row in tokens:
        assert any(torch.equal(row[period:], row[:-period]) for period in tasks.PERIODS)


def test_the_mark_is_asked_for_at_every_later_place_and_named_by_no_other_token():
    tokens, targets = tasks.sequences("mark", 200, 40, torch.Generator().manual_seed(1))
    marked = tokens >= tasks.TOKENS["mark"]
    assert (marked.sum(1) == 1).all() and not marked[:, tasks.MARKED :].any()
    place = marked.int().argmax(1, keepdim=True)
    later = torch.arange(40) > place
    right = (tokens.gather(1, place) - tasks.TOKENS["mark"]).expand(-1, 40)
    assert torch.equal(targets, torch.where(later, right, -1))


def test_through_a_window_each_place_sees_the_last_tokens_alone():
    model, tokens = decoder("rotary"), torch.randint(16, (1, 12), generator=torch.Generator().manual_seed(1))
    model.window = 4
    changed = torch.cat([(tokens[:, :5] + 1) % 16, tokens[:, 5:]], dim=1)
    same = (model(tokens) - model(changed)).abs().amax(-1)[0] < 1e-5
    assert same.tolist() == [False] * 8 + [True] * 4


def test_the_window_recalls_at_any_length_and_loses_a_mark_that_is_out_of_sight():
    recall, mark = trained("rotary", "recall", 300), trained("rotary", "mark", 300)
    whole = tasks.accuracy_by_position(mark, "mark")[64:].mean()
    recall.window = mark.window = tasks.TRAINED
    assert tasks.accuracy_by_position(recall, "recall")[64:].mean() > 0.97
    assert whole > 0.97 and tasks.accuracy_by_position(mark, "mark")[64:].mean() < 0.15


def test_what_is_stored_of_three_seeds_covers_every_task_and_scheme(capsys):
    run = three_seeds.stored()
    assert list(run["tasks"]) == list(tasks.STEPS)
    assert all(set(schemes) == {*tasks.SCHEMES, tasks.WINDOW} for schemes in run["tasks"].values())
    rows = [row for schemes in (*run["tasks"].values(), run["without positions"]) for row in schemes.values()]
    assert all(len(seeds) == 3 and all(len(shares) == len(tasks.GROUPS) for shares in seeds) for seeds in rows)
    three_seeds.print_schemes()
    three_seeds.print_depths()
    assert run["command"] in capsys.readouterr().out


@pytest.mark.parametrize("scheme", tasks.SCHEMES)
def test_a_decoder_sees_nothing_of_what_follows(scheme):
    model, tokens = decoder(scheme), torch.randint(16, (2, 13), generator=torch.Generator().manual_seed(1))
    changed = torch.cat([tokens[:, :7], (tokens[:, 7:] + 1) % 16], dim=1)
    assert torch.allclose(model(tokens)[:, :7], model(changed)[:, :7], atol=1e-5)
    assert not torch.allclose(model(tokens)[:, 7:], model(changed)[:, 7:], atol=1e-2)


def test_without_the_look_ahead_mask_it_sees_what_follows():
    model, tokens = decoder("rotary", look_ahead_mask=False), torch.arange(12)[None]
    assert not torch.allclose(model(tokens)[:, 0], model(tokens.flip(1).roll(1, 1))[:, 0], atol=1e-3)


def test_rows_of_the_learned_table_beyond_the_trained_length_keep_their_start():
    torch.manual_seed(0)
    start = tasks.Decoder("learned", reference, tasks.TOKENS["recall"], 1).positions.table.detach().clone()
    table = trained("learned", "recall", 20).positions.table.detach()
    assert torch.equal(table[tasks.TRAINED :], start[tasks.TRAINED :])
    assert not torch.isclose(table[: tasks.TRAINED], start[: tasks.TRAINED]).all(-1).any()


def test_recall_inside_needs_positions_and_one_layer_of_alibi_does_not_do(recalls):
    inside = {scheme: by_place[16 : tasks.TRAINED].mean().item() for scheme, by_place in recalls.items()}
    assert min(inside[scheme] for scheme in ("sinusoidal", "learned", "rotary")) > 0.99
    assert max(inside["none"], inside["ALiBi"]) < 0.3


def test_beyond_the_trained_length_learned_fails_at_once_and_rotary_and_sinusoidal_later(recalls):
    next_places = {scheme: by_place[32:40].mean().item() for scheme, by_place in recalls.items()}
    assert next_places["learned"] < 0.2 < 0.3 < next_places["sinusoidal"] < next_places["rotary"]
    assert all(by_place[96:].mean() < 0.3 for by_place in recalls.values())


def test_alibi_copies_as_well_at_the_fourfold_length_and_sinusoidal_does_not():
    places = {scheme: tasks.accuracy_by_position(trained(scheme, "periodic copy", 400), "periodic copy")
              for scheme in ("ALiBi", "sinusoidal")}  # fmt: skip
    assert places["ALiBi"][16:32].mean() > 0.93 and places["ALiBi"][96:].mean() > 0.93
    assert places["sinusoidal"][16:32].mean() > 0.9 and places["sinusoidal"][96:].mean() < 0.8


def test_only_with_positions_can_a_model_without_the_mask_cheat():
    ends = {}
    for scheme in ("none", "rotary"):
        model, losses = tasks.train(scheme, "periodic copy", reference, 300, look_ahead_mask=False)
        ends[scheme] = sum(losses[-20:]) / 20
        assert tasks.continued(model) < 0.7
    assert ends["rotary"] < 0.2 < 0.8 < ends["none"]


def test_groups_of_places_are_averaged():
    centres, means = tasks.mean_over(torch.arange(16.0), first=16)
    assert centres == [19.5, 27.5] and means == [3.5, 11.5]


def test_the_angle_between_the_hands_depends_on_the_offset_alone() -> None:
    angles = []
    for position in (0, 5, 60):
        before, after = map(torch.tensor, explorer.hands(*CLOCKS, explorer.ClockSetting(position, 3)))
        angles.append((before.unflatten(0, (-1, 2)) * after.unflatten(0, (-1, 2))).sum(-1))
        assert torch.allclose(after, reference.sinusoidal_encoding(64, explorer.D_MODEL)[position + 3], atol=1e-5)
    assert torch.allclose(torch.stack(angles), angles[0].expand(3, -1), atol=1e-5)


def test_the_picture_says_in_words_what_it_shows() -> None:
    drawn = explorer.clock_picture(*CLOCKS, explorer.ClockSetting(position=5, offset=3))
    assert "position 5, moved by 3" in drawn.alt and "(-0.96, 0.28)" in drawn.alt
    assert drawn.framed().count("<circle") == 4 and drawn.framed().count("(-0.96, 0.28)") == 1


def test_the_static_picture_is_one_image_with_a_text(shown: list[dict[str, str]]) -> None:
    explorer.clock_settings(*CLOCKS, [explorer.ClockSetting(), explorer.ClockSetting(position=5)])
    (bundle,) = shown
    assert bundle["text/html"].count("<") == 1
    assert "position 0, moved by 3" in bundle["text/plain"] and "position 5, moved by 3" in bundle["text/plain"]


def test_three_settings_stand_in_two_rows(shown: list[dict[str, str]]) -> None:
    explorer.clock_settings(*CLOCKS, [explorer.ClockSetting(position=position) for position in (0, 5, 60)])
    assert len(shown) == 2 and "position 60" in shown[1]["text/plain"]


def test_where_no_widgets_run_the_explorer_says_so(capsys):
    assert explorer.clock_explorer(*CLOCKS) is None
    assert "JupyterLab" in capsys.readouterr().out


def test_the_hands_follow_the_sliders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "widgets_work", lambda: True)
    controls, screen = explorer.clock_explorer(*CLOCKS).children
    position, offset = controls.children
    position.value, offset.value = 12, -20
    assert "position 12, moved by -20" in screen.value


def test_words_without_positions_are_a_bag():
    torch.manual_seed(0)
    layer, x = reference.SelfAttention(8, 8, 8), torch.randn(1, 3, 8)
    order = torch.tensor([2, 1, 0])
    assert torch.allclose(layer(x[:, order])[0], layer(x)[0][:, order], atol=1e-6)
    places = reference.sinusoidal_encoding(3, 8)
    assert not F.mse_loss(layer(x[:, order] + places)[0].mean(1), layer(x + places)[0].mean(1)) < 1e-4


# Open tasks


def rotary_attention(q, k, v, mask):
    places = torch.arange(q.shape[2])
    return reference.attention(*(reference.apply_rotary(x, places) for x in (q, k)), v, mask)[0]


def alibi_attention(q, k, v):
    bias = reference.alibi_bias(q.shape[1], q.shape[2])
    return torch.softmax(reference.attention_scores(q, k) + bias, dim=-1) @ v


def empty(*_):
    raise NotImplementedError


TRIALS = {"rotary": (plugged.try_rotary, rotary_attention), "ALiBi": (plugged.try_alibi, alibi_attention)}


def slips(scheme):
    q, k, v = plugged._inputs()
    if scheme == "ALiBi":
        return list(plugged.alibi_slips(reference, q, k, v))
    return list(plugged.rotary_slips(reference, q, k, v, torch.ones(plugged.SEQ, plugged.SEQ, dtype=torch.bool).tril()))


@pytest.mark.parametrize("scheme", TRIALS)
def test_a_right_attention_is_taken_and_the_decoder_uses_it(scheme, capsys):
    attempt, written = TRIALS[scheme]
    assert attempt(written, reference) is written and "right" in capsys.readouterr().out
    calls = []

    def counted(*inputs):
        calls.append(inputs)
        return written(*inputs)

    tokens = torch.randint(16, (2, 13), generator=torch.Generator().manual_seed(1))
    assert torch.allclose(decoder(scheme, attend=counted)(tokens), decoder(scheme)(tokens), atol=1e-5)
    assert len(calls) == tasks.LAYERS["recall"]


@pytest.mark.parametrize("scheme", TRIALS)
def test_each_likely_slip_is_named_by_a_sentence_of_its_own(scheme, capsys):
    attempt, _ = TRIALS[scheme]
    assert len({words for words, _ in slips(scheme)}) == len(slips(scheme))
    for words, output in slips(scheme):
        assert attempt(lambda *_, output=output: output, reference) is None
        assert words in capsys.readouterr().out


@pytest.mark.parametrize("scheme", TRIALS)
def test_what_is_missing_or_none_of_the_slips_is_said_and_never_taken(scheme, capsys):
    attempt, written = TRIALS[scheme]
    others = {
        "nothing is here yet": empty,
        "gives a tuple": lambda *given: (written(*given), None),
        "has the shape": lambda *given: written(*given)[..., 0],
        "none of the known slips": lambda *given: 2 * written(*given),
        "ZeroDivisionError": lambda *_: 1 / 0,
    }
    for words, other in others.items():
        assert attempt(other, reference) is None
        said = capsys.readouterr().out
        assert words in said and "The course's own is used" in said
