"""Praat TextGrid files, in the long and the short text format."""

import re
from collections.abc import Iterator
from pathlib import Path

from mdhr.data.codes.cells import decode_text
from mdhr.data.codes.events import CodedEvents, Event
from mdhr.errors import InputError
from mdhr.files.regular_file import read_regular

_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|(?P<flag><exists>|<absent>)|(?<!\S)(?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?!\S)'
)
"""Praat reads quoted texts, flags and numbers between spaces, and skips everything else, such as ``xmin =``."""


def read_textgrid(path: Path) -> CodedEvents:
    """Return the labeled intervals and points of all tiers. Raises ``InputError`` if the file is not a TextGrid."""
    text = decode_text(read_regular(path))
    tokens = iter(match for match in _TOKEN.finditer(text))
    try:
        if (_text(tokens), _text(tokens)) != ("ooTextFile", "TextGrid"):
            raise InputError("is not a TextGrid in text format; save it in Praat as a text file")
        _number(tokens), _number(tokens)
        if next(tokens)["flag"] != "<exists>":
            return CodedEvents([], [], lists_all=True)
        names: list[str] = []
        events: list[Event] = []
        for _ in range(int(_number(tokens))):
            kind, name = _text(tokens), _text(tokens)
            names.append(name)
            _number(tokens), _number(tokens)
            for _ in range(int(_number(tokens))):
                start = _number(tokens)
                end = _number(tokens) if kind == "IntervalTier" else None
                if label := _text(tokens).strip():
                    events.append(Event(name, start, end, label))
    except (StopIteration, TypeError) as error:
        raise InputError("is not a complete TextGrid; save it again in Praat") from error
    return CodedEvents(events, names, lists_all=True)


def _text(tokens: Iterator[re.Match[str]]) -> str:
    text = next(tokens)["text"]
    if text is None:
        raise TypeError
    return str(text).replace('""', '"')


def _number(tokens: Iterator[re.Match[str]]) -> float:
    return float(next(tokens)["number"])  # TypeError if the token is not a number
