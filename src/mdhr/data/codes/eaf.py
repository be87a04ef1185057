"""ELAN files: one tier per action unit, or tiers whose annotations are codes."""

from pathlib import Path

import pympi

from mdhr.data.codes.events import CodedEvents, Event
from mdhr.errors import InputError
from mdhr.files.regular_file import read_regular


def read_eaf(path: Path) -> CodedEvents:
    """Return the annotations of all tiers. Raises ``InputError`` if the file is not an ELAN file."""
    read_regular(path)  # rejects pipes and very large files
    try:
        eaf = pympi.Eaf(str(path), suppress_version_warning=True)
        names = list(eaf.get_tier_names())
        events = [
            Event(name, start / 1000, end / 1000, (row[0] or "").strip())
            for name in names
            for start, end, *row in eaf.get_annotation_data_for_tier(name)
        ]
    except Exception as error:  # pympi raises errors of many types for broken files
        raise InputError("is not an ELAN file, or is damaged; save it again in ELAN") from error
    names = [name for name in names if name != "default" or any(event.name == name for event in events)]
    return CodedEvents(events, names, lists_all=True)
