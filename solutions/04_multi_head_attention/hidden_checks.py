"""Seeds and sizes of chapter 04 that learners do not see; the laws are the same."""

CASES = {
    "split_heads": [
        {"seed": 4101, "batch": 5, "seq": 2, "num_heads": 7, "d_head": 3},
        {"seed": 4102, "batch": 4, "seq": 13, "num_heads": 2, "d_head": 11},
    ],
    "merge_heads": [
        {"seed": 4201, "batch": 5, "seq": 3, "num_heads": 2, "d_head": 7},
        {"seed": 4202, "batch": 4, "seq": 11, "num_heads": 5, "d_head": 3},
    ],
    "MultiHeadAttention": [
        {"seed": 4301, "batch": 3, "q_len": 2, "k_len": 5, "num_heads": 7, "d_head": 11},
        {"seed": 4302, "batch": 5, "q_len": 7, "k_len": 3, "num_heads": 2, "d_head": 13},
    ],
    "GroupedQueryAttention": [
        {"seed": 4401, "batch": 5, "q_len": 2, "k_len": 7, "num_kv_heads": 3, "shared": 2, "d_head": 11},
        {"seed": 4402, "batch": 3, "q_len": 11, "k_len": 5, "num_kv_heads": 2, "shared": 3, "d_head": 7},
    ],
}
