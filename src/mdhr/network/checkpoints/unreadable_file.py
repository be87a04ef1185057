"""Reasons why a file cannot be read as a checkpoint, and what to do about them.

Nothing is unpickled: pickles are disassembled.
"""

import io
import json
import pickletools
import shlex
import zipfile
from contextlib import suppress
from pathlib import Path

from mdhr.errors import listed, shown
from mdhr.files.git_lfs import is_git_lfs_pointer

_AGAIN = "Copy or download it again."
_LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""First pickle of files that ``torch.save`` wrote before PyTorch 1.6; the fourth one contains the objects."""
_ZIP_START = b"PK\x03\x04"
_NUM_PROBED_BYTES = 512
_MAX_PICKLE_BYTES = 64 * 2**20


def describe_start(path: Path) -> str:
    """Return why a file cannot be a checkpoint, judging by its first bytes; empty if it may be one."""
    start = _first_bytes(path)
    if not start:
        return f"is empty (0 bytes). {_AGAIN}"
    if is_git_lfs_pointer(path):
        return "is a Git LFS pointer, not the file itself. Run git lfs pull, or download the file."
    if start.lstrip().startswith(b"<"):
        return "is a web page, not a checkpoint. Download the file itself."
    if _is_text(start):
        return "is a text file, not a checkpoint. Pass the file of weights."
    return ""


def describe_unreadable(path: Path) -> str:
    """Return why ``torch.load`` with ``weights_only=True``, or safetensors, cannot read a file."""
    start = _first_bytes(path)
    if is_safetensors(path):
        return f"is a damaged or truncated safetensors file. {_AGAIN}"
    if start.startswith(_ZIP_START):
        try:
            return _describe_zip(path)
        except (zipfile.BadZipFile, EOFError):  # a wrong checksum of an entry
            return f"is damaged. {_AGAIN}"
    if not start.startswith(b"\x80"):
        return "is neither a file of torch.save nor a safetensors file. Pass the file of weights."
    is_legacy = start.startswith(_LEGACY_START)
    with path.open("rb") as stream:
        names = _pickled_names(stream, num_pickles=4 if is_legacy else 1)
    if is_legacy:
        return _describe_objects(path, names) if names else f"is damaged or truncated. {_AGAIN}"
    return "is a pickle, but not of torch.save. " + _extraction(path, 'pickle.load(open({}, "rb"))')


def is_safetensors(path: Path) -> bool:
    """Return whether a file begins like a safetensors file: 8 bytes of header size, then a JSON object."""
    start = _first_bytes(path)
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000


def _describe_zip(path: Path) -> str:
    if not zipfile.is_zipfile(path):
        return f"is truncated. {_AGAIN}"
    with zipfile.ZipFile(path) as archive:
        files = archive.namelist()
        if any(name.endswith("/constants.pkl") for name in files):
            return f"is a TorchScript model. {_extraction(path, 'torch.jit.load({})')}"
        pickled = next((name for name in files if name.endswith("/data.pkl")), None)
        if pickled is None:
            first = f" (first file: {shown(files[0])})" if files else ""
            return (
                f"is a zip archive without a checkpoint of torch.save{first}. Extract it and pass the file of weights."
            )
        if archive.getinfo(pickled).file_size > _MAX_PICKLE_BYTES:  # a small archive may expand to any size
            return f"contains a pickle of more than {_MAX_PICKLE_BYTES >> 20} MiB, which no checkpoint has. {_AGAIN}"
        names = _pickled_names(io.BufferedReader(io.BytesIO(archive.read(pickled))))
    return _describe_objects(path, names) if names else f"is damaged. {_AGAIN}"


def _describe_objects(path: Path, names: list[str]) -> str:
    extraction = _extraction(path, "torch.load({}, weights_only=False)")
    return f"contains objects other than tensors: {listed(names)}. {extraction}"


def _extraction(path: Path, load: str) -> str:
    """Return how to extract the weights of a file that may run code, given the expression that loads it."""
    code = (
        f"import {'pickle, ' if load.startswith('pickle') else ''}torch; c = {load.format(json.dumps(str(path)))}; "
        'c = next((c[k] for k in ("state_dict", "model", "net") if k in c), c) if isinstance(c, dict) else c; '
        'torch.save(getattr(c, "state_dict", lambda: c)(), "weights.pth")'
    )
    return f"Loading them may run code. If you trust the file, extract its weights: python -c {shlex.quote(code)}"


def _pickled_names(stream: io.BufferedReader, *, num_pickles: int = 1) -> list[str]:
    """Return the classes and functions that the last of several consecutive pickles refers to, except those of tensors.

    Stops without an error where the pickle ends early.
    """
    names: dict[str, None] = {}
    with suppress(ValueError):
        for _ in range(num_pickles):
            names, strings, memo = {}, [""], list[str]()
            for opcode, argument, _ in pickletools.genops(stream):
                if opcode.name == "GLOBAL":
                    names[str(argument).replace(" ", ".")] = None
                elif opcode.name == "STACK_GLOBAL":
                    names[".".join(strings[-2:])] = None
                elif opcode.name == "MEMOIZE":
                    memo.append(strings[-1])
                elif opcode.name in ("BINGET", "LONG_BINGET") and isinstance(argument, int):
                    strings += memo[argument : argument + 1]
                elif isinstance(argument, str):
                    strings.append(argument)
    return [name for name in names if not _is_tensor_part(name)]


def _is_tensor_part(name: str) -> bool:
    """Return whether a name occurs in pickled tensors: ``torch.FloatStorage``, ``torch._utils._rebuild_tensor_v2``."""
    is_private_or_top_level = name.startswith("torch._") or (name.startswith("torch.") and name.count(".") == 1)
    return is_private_or_top_level or name in ("collections.OrderedDict", "builtins.set", "__builtin__.set")


def _is_text(start: bytes) -> bool:
    text = start.decode("utf-8", errors="ignore")
    return len(text.encode()) >= len(start) - 3 and all(c.isprintable() or c.isspace() for c in text)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_NUM_PROBED_BYTES)
