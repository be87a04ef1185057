"""Praat TextGrid files, in the long and the short text format."""

import re
from collections.abc import Iterator, Mapping, Sequence
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


def textgrid_text(tiers: Mapping[str, Sequence[tuple[float, float, str]]], *, duration: float) -> str:
    """Return a TextGrid in the long format, whose intervals cover the video without gaps.

    Args:
        tiers: by name, start and end in seconds and label of disjoint intervals in the order of time.
        duration: of the video in seconds.
    """
    bounds = f"xmin = 0\n{{indent}}xmax = {duration!r}\n"
    lines = ['File type = "ooTextFile"\nObject class = "TextGrid"\n\n', bounds.format(indent="")]
    lines.append(f"tiers? <exists>\nsize = {len(tiers)}\nitem []:\n")
    for index, (name, intervals) in enumerate(tiers.items(), start=1):
        parts = _without_gaps(intervals, duration)
        lines.append(f'    item [{index}]:\n        class = "IntervalTier"\n        name = "{name}"\n')
        lines.append(f"        {bounds.format(indent=8 * ' ')}        intervals: size = {len(parts)}\n")
        for number, (start, end, label) in enumerate(parts, start=1):
            lines.append(f"        intervals [{number}]:\n            xmin = {start!r}\n            xmax = {end!r}\n")
            lines.append(f'            text = "{label}"\n')
    return "".join(lines)


def _without_gaps(intervals: Sequence[tuple[float, float, str]], duration: float) -> list[tuple[float, float, str]]:
    """Return the intervals with unlabeled ones between them."""
    parts, position = [], 0.0
    for start, end, label in intervals:
        if start > position:
            parts.append((position, start, ""))
        parts.append((start, end, label))
        position = end
    if position < duration or not parts:
        parts.append((position, duration, ""))
    return parts


def _text(tokens: Iterator[re.Match[str]]) -> str:
    text = next(tokens)["text"]
    if text is None:
        raise TypeError
    return str(text).replace('""', '"')


def _number(tokens: Iterator[re.Match[str]]) -> float:
    return float(next(tokens)["number"])  # TypeError if the token is not a number
