"""What is checked of GroupedQueryAttention."""

from autograder.shared_laws import heads, modules
from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, refused, sizes_and_device


def draw(case: Case, shared: int | None = None, num_kv_heads: int | None = None) -> Drawn:
    shared, num_kv_heads = shared or case.shared, num_kv_heads or case.num_kv_heads
    num_heads, d_kv = shared * num_kv_heads, num_kv_heads * case.d_head
    d_model = num_heads * case.d_head
    whole, part = (d_model, d_model), (d_model, d_kv)
    state = modules.linear_state(case, w_q=whole, w_k=part, w_v=part, w_o=whole)
    return Drawn(heads.query_key_value(case, d_model), sizes=(d_model, num_heads, num_kv_heads), state=state)


def masked_keys(case: Case) -> Drawn:
    drawn = draw(case.at(batch=2, q_len=4, k_len=5, shared=2, num_kv_heads=1, d_head=2))
    return drawn.with_options(mask=case.mask(2, 1, 5))


COMPONENT = Component(
    draw,
    cases=Case.table(441, "batch q_len k_len num_kv_heads shared d_head", (2, 5, 7, 2, 3, 11), (5, 7, 2, 3, 2, 5)),
    parts=("the output", "the weights"),
    forbids="attention",
    probes=Probe.table(draw, "batch q_len k_len shared num_kv_heads d_head", {
        "plain": (2, 4, 5, 2, 3, 2), "one shared head": (2, 4, 5, 3, 1, 2), "a shared head for each": (2, 4, 5, 1, 3, 2),
    }) | {"masked keys": Probe(masked_keys)},
)  # fmt: skip


@COMPONENT.law(points=0.25)
def looks_and_mixes(candidate: Candidate, case: Case) -> None:
    """Its parameters are `w_q` and `w_o` of d_model, `w_k` and `w_v` of the shared heads; they make rows that sum to one

    How many features do the shared heads need? There are num_heads maps of weights, however few key/value heads they share.
    """
    modules.parameters(candidate, draw(case))
    heads.looks_and_mixes(candidate, draw(case))


@COMPONENT.law(points=0.5, needs=looks_and_mixes)
def agrees(candidate: Candidate, case: Case) -> None:
    """Output and weights agree with PyTorch's grouped attention

    Which query heads share a key/value head? Neighbours: with 4 heads and 2 key/value heads, 0 and 1, then 2 and 3.
    """
    for shared, num_kv_heads in ((case.shared, case.num_kv_heads), (case.shared, 1), (1, case.num_kv_heads)):
        drawn = draw(case, shared, num_kv_heads)
        agree(candidate, drawn, f"of {shared * num_kv_heads} heads on {num_kv_heads} key/value heads")
    sizes_and_device(candidate, case, draw)


@COMPONENT.law(points=0.25, needs=looks_and_mixes, once=True)
def masks_are_right(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Masks of two and of three axes are right, and a query that may attend to nothing gets weights 0 and the bias of `w_o`

    The mask needs an axis of heads in front of q_len, as in MultiHeadAttention.
    """
    heads.masked_has_no_influence(candidate, case, drawn)
    heads.masks_of_every_shape(candidate, case, drawn)
    heads.blind_rows(candidate, case, drawn)


@COMPONENT.law(points=0.25, edge=True)
def refuses_uneven_heads(candidate: Candidate, case: Case) -> None:
    """Heads that cannot be shared evenly are refused by the constructor

    Which two pairs of numbers have to divide, so that all of it fits? What does the reader of the message have to know?
    """
    num_heads, num_kv_heads = case.shared * case.num_kv_heads, case.num_kv_heads
    d_model = num_heads * case.d_head
    for bad in (num_kv_heads + 5, num_heads * 2):
        if num_heads % bad:
            told, sizes = {"num_heads": num_heads, "num_kv_heads": bad}, (d_model, num_heads, bad)
            refused(candidate, Drawn({}, sizes=sizes), told, proves="no-divisibility-check")
    told, sizes = {"d_model": d_model + 1, "num_heads": num_heads}, (d_model + 1, num_heads, num_kv_heads)
    refused(candidate, Drawn({}, sizes=sizes), told, proves="no-divisibility-check")


add_common(COMPONENT, looks_and_mixes, any_size=False)
