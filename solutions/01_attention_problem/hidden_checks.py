"""Seeds and sizes that learners do not see; the laws are those of the visible checks.

Precision is a law of its own, which tries float32 and float64 in every case: elsewhere an answer loses nothing to float64.
"""

CASES = {
    "rnn_forward": [
        {"seed": 1011, "batch": 5, "seq": 11, "d_in": 2, "d_hidden": 7},
        {"seed": 1012, "batch": 2, "seq": 13, "d_in": 11, "d_hidden": 3},
        {"seed": 1013, "batch": 1, "seq": 3, "d_in": 5, "d_hidden": 5},
        {"seed": 1014, "batch": 3, "seq": 2, "d_in": 1, "d_hidden": 2},
    ],
    "gradient_norms": [
        {"seed": 1021, "batch": 3, "seq": 11, "d_in": 5, "d_out": 2},
        {"seed": 1022, "batch": 5, "seq": 7, "d_in": 2, "d_out": 11},
        {"seed": 1023, "batch": 1, "seq": 5, "d_in": 3, "d_out": 7},
        {"seed": 1024, "batch": 2, "seq": 3, "d_in": 1, "d_out": 1},
    ],
    "causal_average": [
        {"seed": 1031, "batch": 3, "seq": 13, "d": 2},
        {"seed": 1032, "batch": 7, "seq": 11, "d": 5},
        {"seed": 1033, "batch": 2, "seq": 17, "d": 3},
    ],
    "causal_average.all_at_once": [{"seed": 1035, "batch": 1, "short": 3, "long": 301, "d": 2}],
}
