"""The cases of chapter 03 that learners do not see: the visible laws on other seeds, sizes and dtypes."""

CASES = {
    "create_look_ahead_mask": [
        {"seed": 3301, "seq_len": 13},
        {"seed": 3302, "seq_len": 3},
    ],
    "create_padding_mask": [
        {"seed": 3311, "batch": 5, "seq": 11, "vocab": 17},
        {"seed": 3312, "batch": 1, "seq": 3, "vocab": 7},
        {"seed": 3313, "batch": 3, "seq": 1, "vocab": 7},
    ],
    "SelfAttention": [
        {"seed": 3321, "batch": 3, "seq": 2, "d_model": 13, "d_k": 7, "d_v": 5},
        {"seed": 3322, "batch": 1, "seq": 11, "d_model": 5, "d_k": 3, "d_v": 17},
        {"seed": 3323, "batch": 5, "seq": 3, "d_model": 3, "d_k": 11, "d_v": 2},
    ],
}
