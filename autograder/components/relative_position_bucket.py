"""What is checked of relative_position_bucket."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Failed, Probe, expect

CLOSE = 1e-5  # of max_distance: float32 may fall on either side of a boundary that moves by as much as this


def draw(case: Case, **options: bool) -> Drawn:
    return of(positions(case), num_buckets=case.num_buckets, max_distance=case.max_distance, **options)


def positions(case: Case) -> torch.Tensor:
    """Every distance up to beyond the last boundary, on both sides, and a few that are far off."""
    far = 2 * case.max_distance
    return torch.cat([torch.arange(-far, far + 1), torch.tensor([-100_000, -5 * far, 5 * far, 100_000])])


def of(relative_position: torch.Tensor, **options: int) -> Drawn:
    return Drawn({"relative_position": relative_position}, options)


def given(*distances: int, **options: int) -> Probe:
    return Probe(lambda case: of(torch.tensor([*(-d for d in distances[::-1]), *distances]), **options))


COMPONENT = Component(
    draw,
    cases=Case.table(841, "num_buckets max_distance", (32, 128), (14, 50)),
    parts=("the buckets",),
    probes={
        "both ways, near": given(0, 1, 2, 3, 5, 7),
        "both ways, far": given(10, 13, 20, 40, 60, 100, 200),
        "one way, near": given(0, 1, 2, 3, 5, 7, 11, bidirectional=False),
        "one way, far": given(17, 20, 40, 60, 100, 200, bidirectional=False),
        "other sizes": given(1, 2, 5, 10, 30, 45, num_buckets=20, max_distance=40),
    },
)


def agree(candidate: Candidate, drawn: Drawn) -> None:
    """Every bucket is right, with defaults for the options that are not there. On a boundary either of two buckets is."""
    settings = {"bidirectional": True, "num_buckets": 32, "max_distance": 128} | drawn.options
    most = settings["max_distance"]
    low, high = (candidate.right(drawn.with_options(max_distance=most * (1 + side))) for side in (CLOSE, -CLOSE))
    got, places = candidate.use(drawn), drawn.inputs["relative_position"].tolist()
    wrong = ((got != low) & (got != high)).nonzero().flatten().tolist()
    nearest = sorted(wrong, key=lambda i: abs(places[i]))[:4]
    told = "; ".join(f"at {places[i]} expected {int(high[i])}, got {int(got[i])}" for i in nearest)
    options = ", ".join(f"{name}={value}" for name, value in settings.items())
    told = f"the buckets of {len(wrong)} of {len(got)} relative positions differ, for {options}. The nearest: {told}."
    expect.true(not wrong, told)


@COMPONENT.law(points=0.25)
def near_ones_apart(candidate: Candidate, case: Case) -> None:
    """There are no other buckets than 0 … num_buckets - 1, and near keys have one each

    Half of the buckets of a side hold one distance each. Which bucket has the query's own position, which its neighbour?
    """
    found = candidate.use(draw(case))
    strange = found[(found < 0) | (found >= case.num_buckets)].tolist()
    expect.true(not strange, f"for num_buckets={case.num_buckets} some buckets are {sorted(set(strange))[:4]}.")
    near = torch.arange(case.num_buckets // 4)
    sides = [candidate.use(draw(case).with_inputs(relative_position=x)) for x in (-near, near)]
    apart = [len(side.unique()) == len(near) for side in sides]
    told = f"the relative positions 0, -1, …, {1 - len(near)} have the buckets {sides[0].tolist()}; none has two of them."
    expect.true(any(apart), told)


@COMPONENT.law(points=0.5, needs=near_ones_apart)
def both_ways(candidate: Candidate, case: Case) -> None:
    """Each side has half of the buckets: one for each near distance, then some that widen up to max_distance

    Follow one key behind the query and one ahead of it: which sign has the relative position, and which half is whose?
    """
    agree(candidate, of(positions(case)))
    agree(candidate, draw(case))


@COMPONENT.law(points=0.25, needs=near_ones_apart)
def one_way(candidate: Candidate, case: Case) -> None:
    """With bidirectional=False all buckets are for keys behind the query, and keys ahead count as distance 0

    A decoder never looks ahead. What becomes of the distance of a key that lies there, and how many buckets are left to share?
    """
    drawn = draw(case, bidirectional=False)
    try:
        agree(candidate, draw(case))
    except Failed:  # told above: what is left to ask is which side counts, and how far each distance has its own bucket
        x = drawn.inputs["relative_position"]
        drawn = drawn.with_inputs(relative_position=x[x > -case.num_buckets // 2])
    agree(candidate, drawn)


@COMPONENT.law(points=0.25, needs=near_ones_apart, once=True)
def any_shape_and_device(candidate: Candidate, case: Case) -> None:
    """The buckets are int64 of the shape of the positions, on their device

    Which of your operations makes another kind of number, and which needs a certain number of axes?
    """
    grid = torch.arange(5) - torch.arange(7)[:, None]
    whole = candidate.use(of(grid))
    for view in (lambda x: x[2, 1], torch.flatten, torch.t, lambda x: x[:1, :1], lambda x: x[:, None]):
        drawn, got = of(view(grid)), candidate.raw(of(view(grid)))
        where = f"of positions of shape {tuple(view(grid).shape)}, beside those of shape (7, 5)"
        expect.equal(candidate.use(drawn), view(whole), f"the buckets {where}")
        expect.true(got.dtype is torch.int64, f"the buckets: expected dtype int64, got {expect.name_of(got.dtype)}.")
    for drawn in (of(grid), of(grid, bidirectional=False)):
        mixed = candidate.elsewhere(drawn)
        expect.true(not mixed, f"{mixed}. A new tensor belongs on the device of the inputs.")
