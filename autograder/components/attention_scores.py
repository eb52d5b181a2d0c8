"""What is checked of attention_scores."""

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, masks


def draw(case: Case, lead: tuple[int, ...] | None = None) -> Drawn:
    lead = (case.batch,) if lead is None else lead
    return Drawn({"q": case.normal(*lead, case.q_len, case.d_k), "k": case.normal(*lead, case.k_len, case.d_k)})


def given(*lead: int) -> Probe:
    return Probe(lambda case: draw(case.at(q_len=3, k_len=5, d_k=7), lead))


COMPONENT = Component(
    draw,
    cases=Case.table(211, "batch q_len k_len d_k", (2, 3, 5, 7), (3, 7, 2, 13)),
    parts=("the scores",),
    forbids="attention",
    probes={"two axes": given(), "three axes": given(2), "four axes": given(2, 3)},
)


@COMPONENT.law(points=0.0)
def more_alike_higher_score(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """There is a score for each query and each key, and the better a key fits a query, the higher it is

    Rows are queries, columns are keys. What fits is the dot product: which axis of q meets which axis of k?
    """
    masks.in_order_of_fit(candidate.use(drawn), drawn, "scores")


@COMPONENT.law(points=0.5, needs=more_alike_higher_score)
def agrees(candidate: Candidate, case: Case) -> None:
    """Each score is the dot product of query and key over the root of d_k, with any leading axes

    Compare one entry by hand: multiply query i and key j entry by entry, add up, then scale. Count axes from the end.
    """
    for lead in ((), (case.batch,), (case.batch, 3)):
        agree(candidate, draw(case, lead), f"with leading axes {lead}")


add_common(COMPONENT, more_alike_higher_score)
