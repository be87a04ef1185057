"""Commands as text for a shell."""

import shlex

import pytest

from mdhr.config.shell_command import shell_command


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("seed=1", "seed=1"),
        ("", "''"),
        ("run_dir=my runs", "'run_dir=my runs'"),
        ("data.module.train_suffix=''", "\"data.module.train_suffix=''\""),
        ("name='$HOME'", "'name='\"'\"'$HOME'\"'\"''"),
    ],
)
def test_words_are_quoted_readably_and_split_again(word: str, quoted: str) -> None:
    assert shell_command(["mdhr", word]) == f"mdhr {quoted}"
    assert shlex.split(shell_command(["mdhr", word])) == ["mdhr", word]
