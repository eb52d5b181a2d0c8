"""Chapter 05's measurements, drawings and explorer: what the notebook says of them holds."""

import pytest
import torch

from autograder.builder.script import read_cells
from utils import drawings, manifest, plots, reference, session
from utils.chapters.transformer_architecture import experiment as task
from utils.chapters.transformer_architecture import explorer, pictures, sweep


@pytest.fixture(autouse=True)
def the_reference(monkeypatch):
    """`my` is the reference, as under grading."""
    monkeypatch.setattr(task, "my", reference)


@pytest.fixture
def shown(monkeypatch):
    """The texts of the pictures that are shown; each picture is drawn in full."""
    texts = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: texts.append((text, len(plots.png(getattr(drawn, "figure", drawn))))))
    return texts


# The task and the starts


def test_the_answer_to_a_row_is_the_same_letters_in_order():
    letters, ordered = task.rows(200, torch.Generator().manual_seed(1))
    assert [sorted(row) for row in letters.tolist()] == ordered.tolist()
    assert set(letters.unique().tolist()) == set(range(task.VALUES))


def test_starting_weights_do_not_depend_on_the_order_in_which_parts_are_made():
    class Reordered(task.Parts):
        def __init__(self):
            super().__init__(True, True)
            self.attention = self._modules.pop("attention")

    first, second = task.of_parts("residual and norm", 1), task.Sorter([Reordered()])
    for model in (first, second):
        task.begin(model, seed=3)
    other = dict(second.named_parameters())
    assert all(torch.equal(weight, other[name]) for name, weight in first.named_parameters())


def test_the_smaller_start_is_smaller_and_norms_start_with_ones():
    sizes = []
    for small in (False, True):
        model = task.begin(task.of_parts("residual and norm", 1), 0, small)
        sizes.append(model.blocks[0].attention.w_q.weight.std().item())
        assert model.blocks[0].norms[0].weight.eq(1).all() and model.blocks[0].feed_forward.linear1.bias.eq(0).all()
    assert 0.4 < sizes[1] / sizes[0] < 0.7


# What the sum and the norm are for


def test_without_norms_the_signal_fades_without_sums_and_grows_with_them():
    for seed in task.SEEDS:
        fading, _ = explorer.measure(explorer.StackSetting("neither", seed=seed))
        growing, _ = explorer.measure(explorer.StackSetting("residual only", seed=seed))
        assert fading[-1] < fading[0] / 100 and growing[-1] > 30 * growing[0]


def test_gradients_vanish_explode_or_keep_their_size_as_the_chapter_says():
    found = task.gradients((2, 24))
    large, small = found["Xavier start"], found["smaller start"]
    assert all(0.1 < norm < 3 for norm in large["neither"][0])
    assert all(norm < 1e-4 for norm in large["neither"][1]) and all(norm < 1e-15 for norm in small["neither"][1])
    assert all(norm > 1e6 for norm in large["residual only"][1]) and all(norm < 100 for norm in small["residual only"][1])
    for way in ("norm only", "residual and norm"):
        for two, many in zip(*large[way], strict=True):
            assert 0.05 < many / two < 20


@pytest.mark.parametrize(("way", "small", "low", "high"), [
    ("neither", False, 1.8, 2.2),
    ("norm only", False, 1.8, 2.2),
    ("residual only", False, 4.0, float("inf")),
    ("residual only", True, 0.0, 1.0),
    ("residual and norm", False, 0.0, 1.6),
])  # fmt: skip
def test_six_blocks_learn_with_sums_and_norms_or_with_a_smaller_start(way, small, low, high):
    ends = []
    for seed in task.SEEDS:
        model = task.begin(task.of_parts(way, 6), seed, small)
        ends.append(task.last(task.fit(model, seed, 70)))
    assert all(low < end < high for end in ends), ends


# The order of norm and sum


def test_ten_blocks_learn_in_pre_norm_and_not_in_post_norm_without_warm_up():
    seed = 1
    ends = {
        name: task.last(task.fit(task.begin(task.of_blocks(norm_first, 10), seed), seed, 60, warm_up=warm_up))
        for name, norm_first, warm_up in (("post", False, 0), ("warm", False, 40), ("pre", True, 0))
    }
    assert ends["pre"] < 0.8 < 1.7 < ends["warm"] < 2.02 < ends["post"]


def test_small_last_layers_let_ten_post_norm_blocks_learn(monkeypatch):
    script = manifest.load().script("05_transformer_architecture")
    (cell,) = (cell for cell in read_cells(script) if cell.id == "start-gently")
    names = {"torch": torch}
    exec(cell.source, names)
    monkeypatch.setattr(task, "SEEDS", (2,))
    (history,) = task.gently_started(names["start_gently"], depth=10, steps=60)
    assert task.last(history) < 1.0


def test_an_open_task_that_nobody_has_written_is_no_error(capsys):
    def unwritten(*_):
        raise NotImplementedError

    assert task.gently_started(unwritten, depth=1, steps=1) is None
    assert task.compare_counts(unwritten) is False
    assert capsys.readouterr().out.count("unwritten: nothing is here yet. The rest") == 2


def test_an_open_task_that_breaks_off_is_said_and_no_error(capsys):
    def broken(*_):
        return 1 / 0

    assert task.gently_started(broken, depth=1, steps=1) is None
    assert task.compare_counts(broken) is False
    assert task.compare_counts(lambda *_: 5) is False
    said = capsys.readouterr().out
    assert said.count("broken: ZeroDivisionError: division by zero. The rest") == 2 and "<lambda>: TypeError" in said


def test_the_stored_sweep_has_every_setting_once():
    settings = [(row["lr"], row["depth"], row["norm_first"], row["warm_up"]) for row in sweep.stored()]
    wanted = [
        (lr, depth, norm_first, warm_up)
        for lr in sweep.RATES
        for depth in sweep.DEPTHS
        for norm_first in (False, True)
        for warm_up in (0, sweep.WARM_UP)
    ]
    assert settings == wanted and all(len(row["losses"]) == len(task.SEEDS) for row in sweep.stored())


def test_the_stored_sweep_says_what_the_chapter_says_of_it():
    rows = {(row["lr"], row["depth"], row["norm_first"], row["warm_up"] > 0): row["losses"] for row in sweep.stored()}
    assert all(max(losses) < 0.7 for (_, _, norm_first, _), losses in rows.items() if norm_first)
    assert all(max(losses) < 0.7 for (_, depth, *_), losses in rows.items() if depth <= 4)
    assert max(rows[3e-3, 8, False, False]) > 1.5 and max(rows[3e-3, 8, False, True]) < 0.5
    assert all(min(losses) > 1.5 for (_, depth, norm_first, _), losses in rows.items() if depth == 16 and not norm_first)


def test_a_stored_setting_comes_out_again():
    row = sweep.stored()[0]
    assert row["depth"] == 2 and sweep._last(row["norm_first"], 2, 0, row["lr"], 0) == pytest.approx(row["losses"][0], abs=0.02)


# Parameters and multiplications


def formula(seq, d_model, d_ff):
    return {
        "projections": 4 * seq * d_model**2,
        "scores and mixture": 2 * seq**2 * d_model,
        "feed-forward": 2 * seq * d_model * d_ff,
    }


def test_a_third_of_the_parameters_is_in_the_attention():
    held = task.parameters(reference.EncoderBlock(512, 8, 2048))
    assert set(held) == {"self_attention", "feed_forward", "norm1", "norm2"}
    assert held["self_attention"] / sum(held.values()) == pytest.approx(1 / 3, abs=0.005)


def test_the_formula_of_the_open_task_is_what_pytorch_counts(capsys):
    assert task.compare_counts(formula)
    assert "Every number agrees." in capsys.readouterr().out


def test_a_wrong_formula_is_told_in_which_rows_it_differs(capsys):
    assert not task.compare_counts(lambda *sizes: formula(*sizes) | {"projections": 0})
    assert capsys.readouterr().out.count("differs") == len(task.SIZES)


def test_scores_and_mixture_catch_up_at_four_times_the_model():
    counted = task.multiplications(reference.EncoderBlock(512, 8, 2048), 2048)
    assert counted["scores and mixture"] == counted["feed-forward"]


# Pictures


@pytest.mark.parametrize("norm_first", [False, True])
def test_the_flow_names_the_parts_in_the_order_of_the_calls(norm_first, shown):
    seen = task.shapes(reference.EncoderBlock(32, 4, 128, norm_first=norm_first), torch.randn(2, 7, 32))
    names = [name for name, *_ in seen]
    feed = ["feed_forward.linear1", "feed_forward.linear2"]
    assert names == (["norm1", "self_attention", "norm2", *feed] if norm_first else ["self_attention", "norm1", *feed, "norm2"])
    assert dict((name, made) for name, _, made in seen)["feed_forward.linear1"] == (2, 7, 128)
    pictures.flow(seen, "a block")
    assert "feed_forward.linear2 takes (2, 7, 128) and gives (2, 7, 32)" in shown[0][0]


def test_every_drawing_and_plot_can_be_drawn_and_says_what_it_shows(shown):
    pictures.encoder_blocks(2, 7, 32)
    pictures.decoder_blocks(2, 7, 5, 32)
    pictures.gradients((2, 4), {"Xavier start": {"neither": [[0.5, 0.4], [1e-3, 1e-4]]}}, guess=0.1)
    pictures.runs({"pre-norm": [[2.0] * 20, [1.0] * 20]}, chance=2.08)
    pictures.sweep(sweep.stored())
    pictures.shares([64, 128], {"projections": [1, 2], "feed-forward": [2, 4]}, {"self_attention": 1, "feed_forward": 2}, 0.5)
    texts = [text for text, size in shown if size > 1000]
    assert len(texts) == 6
    for text, part in zip(
        texts, ("(2, 7, 32)", "memory", "1e-04 to 1e-03", "pre-norm 2.00, 1.00", "16 blocks", "67%"), strict=True
    ):
        assert part in text


def test_a_box_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind='nrom'"):
        drawings.Diagram().box("x", 0, 0, kind="nrom")


def test_an_arrow_takes_the_edges_that_face_each_other():
    drawn = drawings.Diagram().box("a", 0, 0).box("b", 0, 1).box("c", 1, 0).arrow("a", "b").arrow("a", "c").arrow("b", "a")
    up, right, down = (points for points, *_ in drawn._lines)
    assert up[0][0] == up[1][0] and up[0][1] < up[1][1]
    assert right[0][1] == right[1][1] and right[0][0] < right[1][0]
    assert down == up[::-1]


def test_a_look_of_an_arrow_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="bold"):
        drawings.Diagram().box("a", 0, 0).box("b", 0, 1).arrow("a", "b", tone="bold")


def test_a_strong_arrow_lies_above_the_faint_ones_and_a_ground_of_its_own_has_a_frame():
    drawn = drawings.Diagram().box("a", 0, 0, kind="data", ground="#ffeeaa").box("b", 0, 1, kind="data")
    ax = drawn.arrow("a", "b", tone="strong").arrow("a", "b", tone="faint").figure().axes[0]
    widths = [patch.get_linewidth() for patch in ax.patches]
    assert widths[:2] == [drawings.TONES["faint"][1], drawings.TONES["strong"][1]]
    assert len(ax.patches) == 3 and ax.patches[2].get_facecolor() == pytest.approx((1, 0xEE / 255, 0xAA / 255, 1))


def test_words_of_two_lines_are_inside_the_picture():
    one, two = (drawings.Diagram().box("a", 0, 1).text(0, 0, words).figure() for words in ("below", "below\nof it"))
    assert one.get_figheight() < two.get_figheight()


def test_a_residual_arrow_goes_round_the_boxes_between():
    drawn = drawings.Diagram().box("x", 0, 0).box("wide", 0, 1, wide=3.0).box("add", 0, 2, "+", kind="add").skip("x", "add")
    ((points, *_),) = drawn._lines
    assert min(x for x, _ in points) < -1.5 and points[-1][0] < 0


# The explorer


def test_where_no_widgets_run_the_explorer_says_so(capsys):
    assert explorer.stack_explorer() is None
    assert "JupyterLab" in capsys.readouterr().out


def test_the_explorer_follows_its_controls(monkeypatch):
    monkeypatch.setattr(session, "widgets_work", lambda: True)
    controls, screen = explorer.stack_explorer().children
    arrangement, depth, small, seed = controls.children
    seen = [screen.value]
    for control, value in ((arrangement, "pre-norm"), (depth, 3), (small, True), (seed, 4)):
        control.value = value
        seen.append(screen.value)
    assert len(set(seen)) == 5 and all(page.startswith("<img") for page in seen)
    assert "pre-norm, 3 blocks, smaller start, seed 4" in seen[-1]


def test_still_settings_are_one_picture_with_its_numbers(monkeypatch):
    drawn = []
    monkeypatch.setattr(explorer, "show", drawn.extend)
    explorer.stack_settings([explorer.StackSetting("neither", 3), explorer.StackSetting("residual only", 3)])
    assert [drawing.alt.partition(", ")[0] for drawing in drawn] == ["neither", "residual only"]
    assert all("signal from" in drawing.alt and "<circle" in drawing.framed() for drawing in drawn)
