"""Seeds, sizes and dtypes that learners do not see; the laws are those of the visible checks."""

CASES = {
    "softmax": [
        {"seed": 2011, "rows": 3, "cols": 13, "depth": 7},
        {"seed": 2012, "rows": 7, "cols": 11, "depth": 2},
        {"seed": 2013, "rows": 17, "cols": 5, "depth": 2},
    ],
    "attention_scores": [
        {"seed": 2021, "batch": 3, "q_len": 11, "k_len": 2, "d_k": 5},
        {"seed": 2022, "batch": 5, "q_len": 2, "k_len": 13, "d_k": 3},
        {"seed": 2023, "batch": 2, "q_len": 5, "k_len": 7, "d_k": 17},
    ],
    "attention": [
        {"seed": 2031, "batch": 3, "q_len": 5, "k_len": 11, "d_k": 13, "d_v": 2},
        {"seed": 2032, "batch": 2, "q_len": 13, "k_len": 3, "d_k": 11, "d_v": 7},
        {"seed": 2033, "batch": 5, "q_len": 2, "k_len": 17, "d_k": 3, "d_v": 13},
    ],
    "blockwise_attention": [
        {"seed": 2041, "batch": 3, "q_len": 2, "k_len": 19, "d_k": 7, "d_v": 5, "block_size": 11},
        {"seed": 2042, "batch": 2, "q_len": 11, "k_len": 13, "d_k": 2, "d_v": 3, "block_size": 5},
    ],
    "blockwise_attention.holds_one_block": [
        {"seed": 2043, "batch": 1, "q_len": 5, "k_len": 83, "d_k": 2, "d_v": 1, "block_size": 6},
        {"seed": 2044, "batch": 1, "q_len": 9, "k_len": 47, "d_k": 2, "d_v": 1, "block_size": 1},
    ],
}
