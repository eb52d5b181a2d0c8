"""Seeds and sizes of chapter 08 that learners do not see; the laws are the same."""

CASES: dict[str, list[dict]] = {
    # mask_tokens
    "mask_tokens": [{"seed": 8101, "batch": 307, "seq": 193, "vocab": 31}, {"seed": 8102, "batch": 151, "seq": 401, "vocab": 71}],
    # Bert
    # next_token_loss
    # Gpt
    # sample_token
    # generate
    # span_corruption
    # relative_position_bucket
    # T5
    # patchify
    # ViT
    # box_iou
}  # fmt: skip
