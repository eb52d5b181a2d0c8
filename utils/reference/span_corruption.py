"""T5's spans, position by position."""

from collections.abc import Sequence


def span_corruption(
    tokens: list[int], spans: Sequence[tuple[int, int]], sentinel_ids: Sequence[int], eos_id: int
) -> tuple[list[int], list[int]]:
    """Inputs and targets of T5's pre-training (Raffel et al. 2020).

    `spans` are pairs (start, length), sorted and disjoint. Each becomes the next of `sentinel_ids` in the inputs; the targets
    are each sentinel with its span, then eos.
    """
    owner = {start + i: number for number, (start, length) in enumerate(spans) for i in range(length)}
    inputs: list[int] = []
    targets: list[int] = []
    for place, token in enumerate(tokens):
        number = owner.get(place)
        if number is None:
            inputs.append(token)
            continue
        if place == spans[number][0]:
            inputs.append(sentinel_ids[number])
            targets.append(sentinel_ids[number])
        targets.append(token)
    return inputs, [*targets, eos_id]
