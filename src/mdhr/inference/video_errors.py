"""Errors of single videos, which do not stop the prediction of the others."""

import errno
import traceback
from pathlib import Path

from mdhr.errors import InputError, OutputError

MAX_LENGTH = 300
"""Characters of an error message of another package."""


def error_line(video: Path, error: Exception) -> str:
    """Return one line that describes why a video could not be scored."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"cannot score {video}: {error.strerror}"
    message = " ".join(str(error).split())[:MAX_LENGTH]
    return f"cannot score {video}: {type(error).__name__}{f': {message}' if message else ''}"


def as_input_error(video: Path, error: Exception) -> InputError:
    """Return an error that another process can receive: the line of :func:`error_line` and the traceback as a note."""
    described = InputError(error_line(video, error))
    described.add_note(format_traceback(error))
    return described


def format_traceback(error: Exception) -> str:
    """Return the traceback of an error with its causes and notes."""
    return "".join(traceback.format_exception(error)).rstrip()


def concerns_all_videos(error: Exception) -> bool:
    """Return whether results cannot be written at all, for example because the disk is full."""
    return isinstance(error, OutputError) and getattr(error.__cause__, "errno", None) != errno.ENAMETOOLONG
