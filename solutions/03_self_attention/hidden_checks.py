"""The cases of chapter 03 that learners do not see: the visible laws on other seeds, sizes and dtypes."""

CASES = {
    "create_look_ahead_mask": [
        {"seed": 3301, "seq_len": 13},
        {"seed": 3302, "seq_len": 2},
        {"seed": 3303, "seq_len": 1},
    ],
    "create_padding_mask": [
        {"seed": 3311, "batch": 5, "seq": 11, "vocab": 17, "pad_id": 2},
        {"seed": 3312, "batch": 1, "seq": 3, "vocab": 7, "pad_id": 0},
        {"seed": 3313, "batch": 3, "seq": 1, "vocab": 5, "pad_id": 4},
    ],
    "SelfAttention": [
        {"seed": 3321, "batch": 3, "seq": 2, "d_model": 13, "d_k": 7, "d_v": 5},
        {"seed": 3322, "dtype": "float64", "batch": 1, "seq": 11, "d_model": 5, "d_k": 3, "d_v": 17},
        {"seed": 3323, "batch": 5, "seq": 1, "d_model": 3, "d_k": 11, "d_v": 2},
    ],
}
