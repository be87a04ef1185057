"""Event tables of BORIS: tabular events and aggregated events."""

from collections.abc import Sequence

from mdhr.data.codes.cells import column_of, number
from mdhr.data.codes.events import CodedEvents, Event, pair_starts
from mdhr.data.problems import Problem
from mdhr.errors import InputError, shown

_MODIFIERS = ("Modifier #1", "Modifiers", "Modifier 1")


def boris_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the index of the header row of a BORIS table, below its description; None if there is none."""
    for index, row in enumerate(rows[:100]):
        has_times = column_of(row, "Start (s)") is not None or (
            column_of(row, "Time") is not None and column_of(row, "Status", "Behavior type") is not None
        )
        if column_of(row, "Behavior") is not None and has_times:
            return index
    return None


def read_boris(rows: Sequence[Sequence[str]], *, header: int, where: str) -> CodedEvents:
    """Return the events of a BORIS table; raises ``InputError`` if a time is invalid or there are several observations."""
    names, body = rows[header], rows[header + 1 :]
    behavior = column_of(names, "Behavior")
    assert behavior is not None
    observation = column_of(names, "Observation id")
    observations = {row[observation] for row in body} if observation is not None else set()
    if len(observations) > 1:
        raise InputError(f"contains {len(observations)} observations; export one file per observation")
    value = column_of(names, *_MODIFIERS)
    values = [row[value] if value is not None else "" for row in body]
    values = ["" if text.casefold() == "none" else text for text in values]
    fps_column = column_of(names, "FPS", "FPS (frame/s)")
    fps = number(body[0][fps_column]) if body and fps_column is not None else None
    behaviors = list(dict.fromkeys(row[behavior] for row in body))
    start, stop = column_of(names, "Start (s)"), column_of(names, "Stop (s)")
    problems: list[Problem] = []
    if start is not None and stop is not None:
        kind = column_of(names, "Behavior type")
        events = []
        for line, row in enumerate(body, header + 2):
            is_point = kind is not None and row[kind].upper() == "POINT"
            first = seconds_of(row[start], line)
            end = None if is_point else seconds_of(row[stop], line)
            events.append(Event(row[behavior], first, end, values[line - header - 2]))
    else:
        time, kind = column_of(names, "Time"), column_of(names, "Status", "Behavior type")
        assert time is not None
        assert kind is not None
        lines = [
            (row[behavior], row[kind].upper(), seconds_of(row[time], line), values[line - header - 2])
            for line, row in enumerate(body, header + 2)
        ]
        events, problems = pair_starts(
            lines, where=where, is_start=lambda kind: kind == "START", is_stop=lambda kind: kind == "STOP"
        )
    return CodedEvents(events, behaviors, lists_all=False, fps=fps, problems=problems)


def seconds_of(text: str, line: int) -> float:
    """Return a time in seconds; raises ``InputError`` with the line of the table if it is not a number."""
    seconds = number(text)
    if seconds is None:
        raise InputError(f"time {shown(text)!r} in line {line} is not a number of seconds; correct it")
    return seconds
