"""Registers the components of the reference and tells watchers when one of them is entered and left.

A watcher is an object with `enter(name)` and `leave(name)`, put into `watchers` for as long as it wants to know.
"""

import functools
import inspect

watchers = []

ORDER = (
    "rnn_forward", "gradient_norms", "causal_average",
    "softmax", "attention_scores", "attention", "blockwise_attention",
    "create_look_ahead_mask", "create_padding_mask", "SelfAttention",
    "split_heads", "merge_heads", "MultiHeadAttention", "GroupedQueryAttention",
    "LayerNorm", "FeedForward", "EncoderBlock", "DecoderBlock", "RMSNorm", "SwiGLU",
    "sinusoidal_encoding", "LearnedPositionalEmbedding", "shift_matrix", "apply_rotary", "alibi_bias",
    "shift_right", "Transformer", "label_smoothed_loss", "noam_learning_rate", "greedy_decode", "beam_search",
    "mask_tokens", "Bert", "next_token_loss", "Gpt", "sample_token", "generate", "span_corruption",
    "relative_position_bucket", "T5", "patchify", "ViT", "box_iou",
)  # fmt: skip
"""The components of the whole course in the contract's order."""


class _InOrder(dict):
    """The registered components; iteration follows `ORDER` whatever was registered first."""

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        for known in ORDER:
            if known in self:
                super().__setitem__(known, super().pop(known))


COMPONENTS = _InOrder()
"""Name -> function or class, in the contract's order."""


def component(name, methods=("forward",)):
    """Decorates a function or an `nn.Module` class: registers it and reports its calls to the watchers.

    Of a class the `methods` are watched; its name and its `state_dict` stay as they are.
    """

    def register(built):
        if inspect.isclass(built):
            for method in methods:
                setattr(built, method, _reporting(name, vars(built)[method]))
        else:
            built = _reporting(name, built)
        COMPONENTS[name] = built
        return built

    return register


def _reporting(name, function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if not watchers:
            return function(*args, **kwargs)
        told = list(watchers)
        for watcher in told:
            watcher.enter(name)
        try:
            return function(*args, **kwargs)
        finally:
            for watcher in told:
                watcher.leave(name)

    wrapper.__signature__ = inspect.signature(function)
    del wrapper.__wrapped__  # no way round the report
    return wrapper
