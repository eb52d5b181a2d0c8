"""Wrong answers, by the catalogue id that names the mistake: edits of the solution and of right answers in other styles."""

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
