"""Events of a code file, before they become intervals of action units."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mdhr.action_units.facs import ActionUnit, au_column
from mdhr.data.codes.intervals import Interval
from mdhr.data.codes.mapping import parse_codes, parse_intensity
from mdhr.data.codes.settings import CodeSettings
from mdhr.data.problems import Problem
from mdhr.errors import shown


@dataclass(frozen=True)
class Event:
    """One line of a tier or of an event list.

    Attributes:
        name: name of the tier or the behavior.
        start: seconds.
        end: seconds; None for a point event.
        value: text of the annotation, such as an intensity; empty if there is none.
    """

    name: str
    start: float
    end: float | None
    value: str = ""


@dataclass
class CodedEvents:
    """Events of one video.

    Attributes:
        events: all events.
        names: names of all tiers or behaviors, also of those without events.
        lists_all: whether the format lists names without events, so that an absent name is an error.
        fps: frame rate of the video according to the file; None if it contains none.
        problems: problems of single lines.
    """

    events: list[Event]
    names: list[str]
    lists_all: bool
    fps: float | None = None
    problems: list[Problem] = field(default_factory=list)


def intervals_of(
    coded: CodedEvents, *, where: str, settings: CodeSettings
) -> tuple[list[Interval], set[ActionUnit], list[Problem]]:
    """Return the intervals of all action units, the action units that the file codes, and the unknown names.

    If the name of a tier is no action unit but all its values are, such as ``6+12``, the values count.
    """
    values: dict[str, list[str]] = {}
    for event in coded.events:
        values.setdefault(event.name, []).append(event.value)
    by_value = {
        name
        for name in coded.names
        if parse_codes(name, settings.mapping) is None
        and values.get(name)
        and all(parse_codes(value, settings.mapping) is not None for value in values[name])
    }
    coded_aus: set[ActionUnit] = set()
    problems = []
    for name in dict.fromkeys(coded.names):
        codes = parse_codes(name, settings.mapping)
        if codes is None and name not in by_value:
            what = f"{shown(name)!r} is not an action unit"
            fix = "add it to data.release.mapping, with null to ignore it"
            problems.append(Problem(where, what, max(1, len(values.get(name, []))), fix))
        coded_aus |= {au for au, _ in codes or ()}
    intervals = []
    for event in coded.events:
        parts = parse_codes(event.value if event.name in by_value else event.name, settings.mapping) or ()
        for au, level in parts:
            coded_aus.add(au)
            value = _value(level, "" if event.name in by_value else event.value, settings.threshold)
            start, end = _range(event, settings.point_seconds)
            intervals.append(Interval(au, start, end, value, is_point=event.end is None))
    return intervals, coded_aus, problems


def _range(event: Event, point_seconds: float) -> tuple[float, float]:
    if event.end is not None:
        return event.start, event.end
    return max(0.0, event.start - point_seconds / 2), event.start + point_seconds / 2


def _value(level: int | None, text: str, threshold: float | None) -> int:
    """Return 1 for active, 0 for inactive and -1 for unknown."""
    if text.strip() == "9":
        return -1
    level = parse_intensity(text) if level is None else level
    return int(level is None or level >= (threshold or 1))


def pair_starts(
    rows: Iterable[tuple[str, str, float, str]],
    *,
    where: str,
    is_start: Callable[[str], bool],
    is_stop: Callable[[str], bool],
) -> tuple[list[Event], list[Problem]]:
    """Return events from rows ``(name, kind, seconds, value)``, where a state has a row for its start and its stop."""
    events: list[Event] = []
    problems: list[Problem] = []
    begun: dict[str, tuple[float, str]] = {}
    for name, kind, seconds, value in sorted(rows, key=lambda row: (row[2], not is_stop(row[1]))):
        if is_start(kind):
            if name in begun:
                what = f"intervals of {shown(name)} overlap: it starts at {begun[name][0]:.2f} s and again at {seconds:.2f} s"
                problems.append(Problem(where, what, 1, "merge or shorten them"))
            else:
                begun[name] = seconds, value
        elif is_stop(kind):
            if name in begun:
                start, value = begun.pop(name)
                events.append(Event(name, start, seconds, value))
            else:
                problems.append(
                    Problem(where, f"{shown(name)} stops at {seconds:.2f} s but does not start", 1, "add the start")
                )
        else:
            events.append(Event(name, seconds, None, value))
    for name, (start, _) in begun.items():
        problems.append(Problem(where, f"{shown(name)} starts at {start:.2f} s but does not stop", 1, "add the stop"))
    return events, problems


def absent_problem(au: ActionUnit, *, where: str, kind: str) -> Problem:
    """Return the problem that a file does not code an action unit. ``kind`` is column or tier."""
    fix = "add it, map its name with data.release.mapping, or set data.release.absent=inactive"
    return Problem(where, f"missing {kind} for {au_column(au)}", 1, fix)
