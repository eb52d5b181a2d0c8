"""Seeds and sizes of chapter 08 that learners do not see; the laws are the same."""

CASES: dict[str, list[dict]] = {
    # mask_tokens
    "mask_tokens": [{"seed": 8101, "batch": 307, "seq": 193, "vocab": 31}, {"seed": 8102, "batch": 151, "seq": 401, "vocab": 71}],
    # Bert
    "Bert": [
        {"seed": 8201, "batch": 2, "seq": 3, "vocab": 17, "num_heads": 3, "d_head": 2, "d_ff": 5, "layers": 3, "max_len": 5},
        {"seed": 8202, "batch": 3, "seq": 7, "vocab": 7, "num_heads": 1, "d_head": 7, "d_ff": 11, "layers": 1, "max_len": 7},
    ],
    # next_token_loss
    "next_token_loss": [{"seed": 8401, "batch": 5, "seq": 3, "vocab": 13}, {"seed": 8402, "batch": 1, "seq": 11, "vocab": 3}],
    # Gpt
    "Gpt": [
        {"seed": 8301, "batch": 2, "seq": 3, "vocab": 17, "num_heads": 3, "d_head": 2, "layers": 3, "max_len": 5},
        {"seed": 8302, "batch": 3, "seq": 7, "vocab": 7, "num_heads": 1, "d_head": 7, "layers": 1, "max_len": 7},
    ],
    # sample_token
    "sample_token": [{"seed": 8501, "batch": 2, "vocab": 11}, {"seed": 8502, "batch": 3, "vocab": 6}],
    # generate
    "generate": [{"seed": 8601, "batch": 5, "seq": 3}, {"seed": 8602, "batch": 2, "seq": 11}],
    # span_corruption
    "span_corruption": [{"seed": 8301, "seq": 17, "spans": 4}, {"seed": 8302, "seq": 7, "spans": 1}],
    # relative_position_bucket
    "relative_position_bucket": [
        {"seed": 8401, "num_buckets": 20, "max_distance": 37}, {"seed": 8402, "num_buckets": 64, "max_distance": 300},
    ],
    # T5
    "T5": [
        {
            "seed": 8501, "batch": 2, "source_len": 3, "target_len": 5, "vocab": 17, "d_model": 5, "num_heads": 2, "d_head": 7,
            "layers": 3,
        },
    ],
    # patchify
    "patchify": [
        {"seed": 8601, "batch": 1, "channels": 5, "rows": 3, "columns": 2, "patch_size": 5},
        {"seed": 8602, "batch": 2, "channels": 1, "rows": 2, "columns": 7, "patch_size": 3},
    ],
    # ViT
    "ViT": [
        {
            "seed": 8701, "batch": 2, "grid": 2, "patch_size": 1, "channels": 2, "classes": 3, "num_heads": 1, "d_head": 7,
            "layers": 3,
        },
    ],
    # box_iou
    "box_iou": [{"seed": 8801, "n": 3, "m": 2}, {"seed": 8802, "n": 2, "m": 13}],
}  # fmt: skip
