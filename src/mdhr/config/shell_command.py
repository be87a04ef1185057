"""Commands as text that can be pasted into a shell."""

import re
import shlex
from collections.abc import Iterable

_SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'["$`\\!]')


def shell_command(words: Iterable[str]) -> str:
    """Return a command line that a shell splits into ``words``.

    Unlike :func:`shlex.join`, it quotes words with single quotes, such as ``data.name='a b'``, with double quotes if
    possible, because escaped single quotes are hard to read.
    """
    return " ".join(f'"{word}"' if _is_plain_with_quote(word) else shlex.quote(word) for word in words)


def _is_plain_with_quote(word: str) -> bool:
    return "'" in word and not _SPECIAL_IN_DOUBLE_QUOTES.search(word)
