"""What is checked of noam_learning_rate."""

from autograder.words import Candidate, Case, Component, Drawn, Failed, Probe, expect, refused


def draw(case: Case, step: int | None = None, d_model: int | None = None) -> Drawn:
    return Drawn({"step": step or case.step, "d_model": d_model or case.d_model, "warmup_steps": case.warmup})


def given(*steps: int) -> Probe:
    return Probe(look=lambda candidate, case: [candidate.raw(draw(Case(seed=7, d_model=64, warmup=100), step)) for step in steps])


COMPONENT = Component(
    draw,
    cases=Case.table(721, "step d_model warmup", (7, 512, 4000), (900, 64, 300)),
    parts=("the rate",),
    probes={"rising": given(1, 10, 99), "the top": given(100), "falling": given(101, 400, 10_000)},
)


def rate(candidate: Candidate, case: Case, step: int, d_model: int | None = None) -> float:
    return candidate.use(draw(case, step, d_model))


def near(got: float, right: float, what: str) -> None:
    if not abs(got - right) <= 1e-6 * abs(right):
        raise Failed(f"{what}: expected {right:.6g}, got {got:.6g}.")


def agrees_at(candidate: Candidate, case: Case, steps: tuple[int, ...], d_models: tuple[int, ...] = ()) -> None:
    for step, d_model in [*((step, case.d_model) for step in steps), *((3 * case.warmup, d_model) for d_model in d_models)]:
        drawn = draw(case, step, d_model)
        near(
            candidate.use(drawn), candidate.right(drawn), f"the rate at step {step} of a warm-up of {case.warmup} for {d_model=}"
        )


@COMPONENT.law(points=0.25)
def falls(candidate: Candidate, case: Case) -> None:
    """Behind the warm-up it falls with the root of the step: at four times the step it is half as large

    Put 4 · step for step into the side of the min that is the smaller one behind the warm-up: what comes out in front?
    """
    far = 3 * case.warmup
    before, after = rate(candidate, case, far), rate(candidate, case, 4 * far)
    expect.true(before > 0, f"the rate at step {far} is {before:.6g}, and a rate is above 0.")
    near(after, before / 2, f"the rate at step {4 * far}, beside {before:.6g} at step {far}")


@COMPONENT.law(points=0.25, needs=falls)
def rises(candidate: Candidate, case: Case) -> None:
    """It rises from the first step to the last one of the warm-up

    Which of the two powers is the smaller one at step 1? Compute both by hand.
    """
    steps = [1, 2, case.warmup // 2, case.warmup]
    rates = [rate(candidate, case, step) for step in steps]
    told = f"at the steps {steps} of a warm-up of {case.warmup} the rates are {', '.join(f'{found:.4g}' for found in rates)}."
    expect.true(rates == sorted(set(rates)), told, proves=None if rates[0] < rates[1] else "no-warmup")


@COMPONENT.law(points=0.5, needs=falls)
def agrees(candidate: Candidate, case: Case) -> None:
    """From the last step of the warm-up on every step has the rate of the paper's formula

    Work out one step by hand. Which numbers does the rate hang on there?
    """
    agrees_at(candidate, case, (case.warmup, case.warmup + 1, 10 * case.warmup, 10**7), (1, 4 * case.d_model))


@COMPONENT.law(points=0.25, needs=rises)
def agrees_in_the_warmup(candidate: Candidate, case: Case) -> None:
    """In the warm-up every step has the rate of the paper's formula

    Work out the first step by hand, then the second: how many times the first is it?
    """
    agrees_at(candidate, case, (1, 2, min(case.step, case.warmup), case.warmup - 1))


@COMPONENT.law(points=0.25, needs=falls, edge=True)
def refuses_steps_below_one(candidate: Candidate, case: Case) -> None:
    """A step below 1 is refused

    Steps count from 1: what would the root of 0 give? The error's message names the argument and its value.
    """
    for step in (0, -3):
        refused(candidate, draw(case).with_inputs(step=step), {"step": step})
