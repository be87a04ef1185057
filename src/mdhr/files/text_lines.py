"""Lines of text files that people wrote with any editor."""

import codecs
import re
from pathlib import Path

from mdhr.errors import InputError
from mdhr.files.regular_file import read_regular


def read_lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 or UTF-16 text file, without byte order mark, line ends and surrounding spaces.

    UTF-16 requires a byte order mark, which Windows writes.

    Raises ``InputError`` if the file cannot be read or is not text.
    """
    content = read_regular(path)
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path} cannot be read: line {line} is not UTF-8; save the file as UTF-8") from error
    if "\0" in text:
        raise InputError(f"{path} cannot be read: it is not a text file in UTF-8")
    text = text.lstrip("\ufeff")  # some programs add a second byte order mark
    return [line.strip() for line in re.split(r"\r\n|\r|\n", text)]  # splitlines() also splits inside of names
