"""Event logs of Noldus The Observer XT, exported as text or Excel."""

from collections.abc import Sequence

from mdhr.data.codes.boris import seconds_of
from mdhr.data.codes.cells import column_of
from mdhr.data.codes.events import CodedEvents, pair_starts
from mdhr.errors import InputError


def noldus_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the index of the header row of an event log; None if there is none."""
    for index, row in enumerate(rows[:100]):
        if column_of(row, "Event_Type") is not None and column_of(row, "Behavior") is not None:
            return index
    return None


def read_noldus(rows: Sequence[Sequence[str]], *, header: int, where: str) -> CodedEvents:
    """Return the events of an event log; raises ``InputError`` without ``Time_Relative_sf`` or with an invalid time."""
    names, body = rows[header], rows[header + 1 :]
    behavior, kind, time = (column_of(names, name) for name in ("Behavior", "Event_Type", "Time_Relative_sf"))
    if time is None or behavior is None or kind is None:
        raise InputError("no column Time_Relative_sf; select it when you export the event log")
    observation = column_of(names, "Observation")
    observations = {row[observation] for row in body} if observation is not None else set()
    if len(observations) > 1:
        raise InputError(f"contains {len(observations)} observations; export one file per observation")
    value = column_of(names, "Modifier_1")
    lines = [
        (row[behavior], row[kind].casefold(), seconds_of(row[time], line), row[value] if value is not None else "")
        for line, row in enumerate(body, header + 2)
        if row[behavior]
    ]
    events, problems = pair_starts(
        lines, where=where, is_start=lambda kind: kind == "state start", is_stop=lambda kind: kind == "state stop"
    )
    return CodedEvents(events, list(dict.fromkeys(line[0] for line in lines)), lists_all=False, problems=problems)
