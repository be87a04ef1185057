"""State dicts are found in every usual wrapper; other files are refused with the cause and the fix."""

import argparse
import io
import pickle
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from mdhr.errors import InputError
from mdhr.network.checkpoints.tensor_file import read_tensor_file, unwrap_state_dict

STATE = {"head.sc": torch.arange(6.0).view(2, 3), "backbone.conv1.weight": torch.ones(2)}


def prefixed(*prefixes: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{key}": x for prefix, (key, x) in zip(prefixes * len(STATE), STATE.items(), strict=False)}


def same(state: dict[str, torch.Tensor]) -> bool:
    return state.keys() == STATE.keys() and all(torch.equal(x, STATE[key]) for key, x in state.items())


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE, "epoch": 3},
        {"model": STATE, "optimizer": {"state": {}}},
        {"net": STATE, "acc": 0.5},
        {"model": {"state_dict": {"net": STATE}}},
        {"state_dict": None, "model": STATE},
        {"model_ema": STATE, "state_dict": {"head.sc": torch.zeros(1)}},
        {**STATE, "epoch": 3, "name": "resnet50"},
        prefixed("module."),
        prefixed("module.module."),
        prefixed("_orig_mod."),
        prefixed("module._orig_mod.", "_orig_mod.module."),
        prefixed("model.module.net."),
        {"state_dict": prefixed("module.model._orig_mod.")},
    ],
    ids=lambda content: ",".join(content)[:50],
)
def test_state_dicts_are_unwrapped(content: dict[str, Any], tmp_path: Path) -> None:
    torch.save(content, tmp_path / "theirs.pth")
    assert same(unwrap_state_dict(read_tensor_file(tmp_path / "theirs.pth")))


def test_names_that_begin_like_a_wrapper_are_kept() -> None:
    state = {"model.weight": torch.zeros(1), "head.weight": torch.zeros(1), "modules.weight": torch.zeros(1)}
    assert unwrap_state_dict(state).keys() == state.keys()


def test_content_determines_the_format_not_the_suffix(tmp_path: Path) -> None:
    safetensors.torch.save_file(STATE, tmp_path / "weights.pth")
    torch.save(STATE, tmp_path / "weights.safetensors")
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in ("weights.pth", "weights.safetensors", "old.pth"):
        assert same(read_tensor_file(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(3), torch.zeros(3)], r"contains only a list\. Expected a state dict, as saved by torch\.save"),
        (torch.zeros(3, 4), r"contains only one tensor \(3, 4\)\. Expected a state dict"),
        ("weights", "contains only a str"),
        ({}, "contains no tensors, an empty dict"),
        ({"model": {}, "epoch": 3}, "an empty dict"),
        ({"teacher": STATE, "epoch": 3}, "only the keys teacher, epoch"),
        (prefixed("") | prefixed("module."), "names differ only by a prefix"),
    ],
    ids=str,
)
def test_content_other_than_a_state_dict_is_refused(content: Any, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "theirs.pth")
    with pytest.raises(InputError, match=message):
        unwrap_state_dict(read_tensor_file(tmp_path / "theirs.pth"))


def saved(content: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


def zipped(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, b"content")
    return stream.getvalue()


BROKEN = {
    "empty": (b"", "is empty (0 bytes). Copy or download it again."),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", "is a Git LFS pointer"),
    "page": (b"\n<!DOCTYPE html><html><head><title>Drive</title>", "is a web page, not a checkpoint"),
    "text": ("epoch,F1 für AU1\n1,0.5\n".encode(), "is a text file, not a checkpoint"),
    "binary": (bytes(range(200, 256)) * 9, "is neither a file of torch.save nor a safetensors file"),
    "zip": (zipped("fold1/best.pth"), "without a checkpoint of torch.save (first file: fold1/best.pth). Extract it"),
    "cut": (saved(STATE)[:-300], "is truncated. Copy or download it again."),
    "flipped": (saved(STATE).replace(b"ctorch._utils", b"\xfftorch._utils"), "is damaged. Copy or download it again."),
    "cut-old": (saved(STATE, _use_new_zipfile_serialization=False)[:-9], "is damaged or truncated"),
    "cut-older": (saved(STATE, _use_new_zipfile_serialization=False)[:40], "is damaged or truncated"),
    "cut-safetensors": (safetensors.torch.save(STATE)[:-4], "is a damaged or truncated safetensors file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_unreadable_files_are_reported_with_the_cause(name: str, tmp_path: Path) -> None:
    content, message = BROKEN[name]
    (tmp_path / "theirs.pth").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read_tensor_file(tmp_path / "theirs.pth")
    assert str(caught.value).startswith(f"checkpoint '{tmp_path}/theirs.pth' is ")
    assert "\n" not in str(caught.value)


def test_paths_that_are_not_files_are_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"' is a folder\. Pass an existing file\."):
        read_tensor_file(tmp_path)
    with pytest.raises(InputError, match=r"weights file '.*' does not exist"):
        read_tensor_file(tmp_path / "none.pth", kind="weights file")


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)


def scripted(path: Path) -> None:
    torch.jit.trace(Network().layer, torch.zeros(1, 2)).save(str(path))


OBJECTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "settings": (
        lambda path: torch.save({"state_dict": STATE, "args": argparse.Namespace(lr=1), "f1": np.float64(1)}, path),
        "contains objects other than tensors: argparse.Namespace, numpy",
    ),
    "model": (
        lambda path: torch.save({"net": nn.Sequential(nn.Linear(2, 2))}, path),
        "other than tensors: torch.nn.modules.container.Sequential, torch.nn.modules.linear.Linear.",
    ),
    "old model": (
        lambda path: torch.save(nn.Sequential(nn.Linear(2, 2)), path, _use_new_zipfile_serialization=False),
        "other than tensors: torch.nn.modules.container.Sequential, torch.nn.modules.linear.Linear.",
    ),
    "protocol 4": (
        lambda path: torch.save({"model": STATE, "args": argparse.Namespace()}, path, pickle_protocol=4),
        "other than tensors: argparse.Namespace.",
    ),
    "pickle": (lambda path: path.write_bytes(pickle.dumps({"model": STATE})), "is a pickle, but not of torch.save."),
    "TorchScript": (scripted, "is a TorchScript model."),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", OBJECTS)
def test_weights_can_be_extracted_as_the_message_describes(kind: str, tmp_path: Path) -> None:
    write, message = OBJECTS[kind]
    path = tmp_path / "theirs.pth"
    write(path)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read_tensor_file(path)
    line = str(caught.value)
    assert "\n" not in line
    _, _, command = line.partition("If you trust the file, extract its weights: ")
    python, *arguments = shlex.split(command)
    assert python == "python"
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=True, capture_output=True)
    assert len(unwrap_state_dict(read_tensor_file(tmp_path / "weights.pth"))) == 2


def test_other_classes_of_a_pickle_are_not_imported(tmp_path: Path) -> None:
    content = saved({"state_dict": STATE, "network": Network()}, _use_new_zipfile_serialization=False)
    (tmp_path / "theirs.pth").write_bytes(content.replace(Network.__module__.encode(), b"x" * len(Network.__module__)))
    with pytest.raises(InputError, match=r"other than tensors: x+\.Network, torch\.nn\.modules\.linear\.Linear"):
        read_tensor_file(tmp_path / "theirs.pth")
