"""Seeds and sizes of chapter 05 that learners do not see; the laws are the same."""

CASES = {
    "LayerNorm": [
        {"seed": 5101, "batch": 2, "seq": 7, "d_model": 3},
        {"seed": 5102, "batch": 5, "seq": 1, "d_model": 17},
    ],
    "FeedForward": [
        {"seed": 5201, "batch": 2, "seq": 7, "d_model": 3, "d_ff": 5},
        {"seed": 5202, "batch": 1, "seq": 3, "d_model": 11, "d_ff": 2},
    ],
    "EncoderBlock": [
        {"seed": 5301, "batch": 2, "seq": 3, "num_heads": 5, "d_head": 2, "d_ff": 7},
        {"seed": 5302, "batch": 1, "seq": 11, "num_heads": 2, "d_head": 3, "d_ff": 17},
    ],
    "DecoderBlock": [
        {"seed": 5401, "batch": 2, "seq": 3, "k_len": 5, "num_heads": 5, "d_head": 2, "d_ff": 7},
        {"seed": 5402, "batch": 1, "seq": 5, "k_len": 11, "num_heads": 2, "d_head": 3, "d_ff": 17},
    ],
    "RMSNorm": [{"seed": 5501, "batch": 2, "seq": 7, "d_model": 3}, {"seed": 5502, "batch": 5, "seq": 1, "d_model": 17}],
    "SwiGLU": [{"seed": 5601, "batch": 2, "seq": 7, "d_model": 3, "d_ff": 5},
               {"seed": 5602, "batch": 1, "seq": 3, "d_model": 11, "d_ff": 2}],
}  # fmt: skip
