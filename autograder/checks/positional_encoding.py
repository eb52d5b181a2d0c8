"""Chapter 06: sinusoidal_encoding, LearnedPositionalEmbedding, shift_matrix, apply_rotary, alibi_bias."""

from autograder.checks import alibi, learned_positions, rotary, shifts, sinusoids

__all__ = ["alibi", "learned_positions", "rotary", "shifts", "sinusoids"]
