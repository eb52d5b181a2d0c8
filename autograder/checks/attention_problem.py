"""Chapter 01: rnn_forward, gradient_norms, causal_average."""

from autograder.checks import averaging, gradient_reach, recurrence

__all__ = ["averaging", "gradient_reach", "recurrence"]
