"""Seeds and sizes of chapter 07 that learners do not see; the laws are the same."""

CASES = {
    "shift_right": [{"seed": 7101, "batch": 5, "seq": 3}, {"seed": 7102, "batch": 1, "seq": 11}],
    "Transformer": [
        {
            "seed": 7201, "batch": 3, "source_len": 3, "target_len": 5, "source_vocab": 13, "target_vocab": 7, "num_heads": 3,
            "d_head": 2, "layers": 2, "pad_id": 4,
        },
    ],
    "label_smoothed_loss": [
        {"seed": 7301, "batch": 5, "seq": 3, "vocab": 13},
        {"seed": 7302, "batch": 2, "seq": 11, "vocab": 5},
    ],
    "noam_learning_rate": [
        {"seed": 7401, "step": 3, "d_model": 192, "warmup": 37},
        {"seed": 7402, "step": 2000, "d_model": 29, "warmup": 1001},
    ],
    "greedy_decode": [{"seed": 7501, "batch": 7, "seq": 3}, {"seed": 7502, "batch": 2, "seq": 11}],
    "beam_search": [{"seed": 7601, "seq": 7}, {"seed": 7602, "seq": 1}],
}  # fmt: skip
