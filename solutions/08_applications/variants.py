"""Right answers in other styles, which must all earn full points and no name."""

from autograder.framework.known_answers import edits

# mask_tokens

# Bert

# next_token_loss

# Gpt

# sample_token

# generate

# span_corruption

# relative_position_bucket

# T5

# patchify

# ViT

# box_iou
