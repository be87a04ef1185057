"""Reading of YAML from any source: correct values, and one line within a second for everything else."""

import os
from pathlib import Path

import pytest
import yaml

from mdhr.errors import InputError
from mdhr.files.yaml_files import MAX_DEPTH, MAX_NODES, read_yaml


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "file.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def alias_bomb(levels: int) -> str:
    """Return YAML whose last list contains 9 to the power of ``levels`` values."""
    lists = [f"a0: &a0 [{', '.join('123456789')}]"]
    lists += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join([*lists, f"_target_: *a{levels - 1}"])


def test_values_equal_those_of_the_reference_loader(tmp_path: Path) -> None:
    shared = {"lr": 1e-4, "betas": [0.9, 0.999]}
    content = {"a": shared, "b": shared, "name": "gr\u00fc\u00df", "none": None, "flags": [True, False], 1: {"x": -3}}
    text = yaml.safe_dump(content, allow_unicode=True)
    assert "*id001" in text, "the document contains an alias"
    assert read_yaml(write(tmp_path, text)) == content == yaml.safe_load(text)
    assert read_yaml(write(tmp_path, "a: &x {k: 1}\nb: {<<: *x, m: 2}")) == {"a": {"k": 1}, "b": {"k": 1, "m": 2}}


def test_aliases_count_as_copies(tmp_path: Path) -> None:
    assert len(read_yaml(write(tmp_path, alias_bomb(5)))["_target_"]) == 9
    with pytest.raises(InputError, match=f"it contains more than {MAX_NODES:,} values"):
        read_yaml(write(tmp_path, alias_bomb(9)))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[" * 100_000, f"nested more than {MAX_DEPTH} deep"),
        ("- " * 100_000, f"nested more than {MAX_DEPTH} deep"),
        ("a: &a [1, *a]", "the alias \\*a is inside of the node that it refers to"),
        ("a: *b", "undefined alias"),
        ("a: {b: 1", "line 2: "),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: 2020-13-45", "month must be in 1..12"),
        (f"a: {'9' * 5000}", "Exceeds the limit"),
        (b"a: \xff\xfe", "invalid"),
        ("a: \x1b[31m", "control characters are not allowed"),
        ("? {a: 1}\n: 2", "unhashable key"),
        ("- 1\n" * (MAX_NODES + 1), f"more than {MAX_NODES:,} values"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_other_content_is_one_line(tmp_path: Path, content: str | bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        read_yaml(write(tmp_path, content))
    assert str(raised.value).startswith(f"{tmp_path / 'file.yaml'} cannot be read: ")
    assert str(raised.value).isprintable()


def test_pipes_devices_folders_and_absent_files_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for name, problem in (
        ("pipe.yaml", "it is not a regular file"),
        ("zero.yaml", "it is not a regular file"),
        ("", "it is not a regular file"),
        ("none.yaml", "No such file"),
    ):
        with pytest.raises(InputError, match=f"cannot be read: {problem}"):
            read_yaml(tmp_path / name)


def test_files_larger_than_the_limit_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse.yaml").open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(InputError, match="it has more than 64 MiB"):
        read_yaml(tmp_path / "sparse.yaml")
