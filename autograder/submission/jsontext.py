"""JSON as text, fast: a class has megabytes of it for each submission."""

import dataclasses
import json
from typing import Any

import orjson

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS


def dumps(value: Any, lines: bool = False) -> str:
    """The text of a nest of dicts and lists, its keys in order; with `lines` as a file for people, else on one line.

    Dates are in ISO's form. What orjson does not take, an integer of more than 64 bits or half a surrogate pair, Python's own
    writer does.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS | (orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE if lines else 0)).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, sort_keys=True, default=_plain, indent=2 if lines else None) + ("\n" if lines else "")


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)
