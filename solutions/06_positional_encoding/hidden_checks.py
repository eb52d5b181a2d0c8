"""Sizes, seeds and dtypes of chapter 06 that learners do not see."""

CASES = {
    "sinusoidal_encoding": [
        {"seed": 661, "seq_len": 23, "d_model": 10, "odd": 13, "far": 4},
        {"seed": 662, "seq_len": 2, "d_model": 34, "odd": 9, "far": 6},
    ],
    "LearnedPositionalEmbedding": [
        {"seed": 663, "batch": 5, "max_len": 13, "seq": 11, "d_model": 3},
        {"seed": 664, "batch": 1, "max_len": 17, "seq": 2, "d_model": 7},
    ],
    "shift_matrix": [
        {"seed": 665, "offset": 11, "other": 6, "d_model": 10, "odd": 13},
        {"seed": 666, "offset": 2, "other": 17, "d_model": 26, "odd": 9},
    ],
    "apply_rotary": [
        {"seed": 667, "batch": 3, "seq": 11, "d_head": 14, "odd": 13},
        {"seed": 668, "batch": 2, "seq": 3, "d_head": 22, "odd": 3},
    ],
    "alibi_bias": [
        {"seed": 669, "num_heads": 2, "seq_len": 9},
        {"seed": 670, "num_heads": 32, "seq_len": 3},
    ],
}
