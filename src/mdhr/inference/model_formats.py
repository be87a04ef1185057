"""File formats of exported models: safetensors, ONNX and torch.export, each with a writer and a reader.

In every format a model takes clips ``B T 3 S S`` uint8 and returns scores ``B T N``. Normalization is included, B is
free, T and S are fixed.
"""

import importlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.export.passes import move_to_device_pass

from mdhr.errors import InputError, shown
from mdhr.inference.model import Scorer, ScoringNetwork
from mdhr.inference.onnx_metadata import onnx_metadata
from mdhr.network.checkpoints.timm_weights import describe_mismatch, first_line
from mdhr.network.checkpoints.unreadable_file import describe_start
from mdhr.network.network_settings import build_network
from mdhr.network.optimization.batch_norm_folding import fold_batch_norm

CONFIG_FILE = "config.yaml"
"""Name of the file in an exported folder that describes the model."""
MAX_ONNX_WEIGHTS = 2**31 - 2**24
"""Bytes of weights that fit into one ONNX file, whose limit is 2 GiB; larger weights are stored in a second file."""


class ExportSource:
    """Network to export, with its graph.

    Args:
        network: in evaluation mode, on the CPU.
        config: content of ``config.yaml``.
        example: clips ``B T 3 S S`` uint8, B > 1.
    """

    def __init__(self, network: nn.Module, config: Mapping[str, Any], example: Tensor) -> None:
        self.network = network
        self.config = config
        self.example = example

    @cached_property
    def graph(self) -> ExportedProgram:
        """Graph from clips to scores with a free B; traced once for all formats, which takes seconds."""
        scorer = eager_scorer(self.network, torch.device("cpu"))
        return torch.export.export(scorer, (self.example,), dynamic_shapes={"frames": {0: Dim("batch")}})


@dataclass(frozen=True)
class ModelFormat:
    """One file format."""

    file: str
    """File name in an exported folder."""
    write: Callable[[ExportSource, Path], None]
    """Writes the network to a file."""
    read: Callable[[Path, Mapping[str, Any], torch.device], Scorer]
    """Reads a file, given the content of ``config.yaml`` and the device to compute on."""
    packages: tuple[str, ...] = ()
    """Required packages, from the extra ``export``."""
    runs_code: bool = False
    """Whether reading a file may run code that it contains."""

    @property
    def suffix(self) -> str:
        """Suffix of the file name, such as ``.onnx``."""
        return Path(self.file).suffix


def write_safetensors(source: ExportSource, file: Path) -> None:
    """Write the state dict of the network."""
    file.write_bytes(safetensors.torch.save({key: x.contiguous() for key, x in source.network.state_dict().items()}))


def read_safetensors_network(file: Path, config: Mapping[str, Any]) -> nn.Module:
    """Return the network that ``config`` describes with the weights of a safetensors file."""
    network = build_network(config, where=file.with_name(CONFIG_FILE))
    with _report_unreadable(file):
        state = safetensors.torch.load_file(file)
    fill_network(network, state, file)
    return network


def read_safetensors(file: Path, config: Mapping[str, Any], device: torch.device) -> Scorer:
    """Return the scorer of a safetensors file."""
    return eager_scorer(read_safetensors_network(file, config), device)


def eager_scorer(network: nn.Module, device: torch.device) -> ScoringNetwork:
    """Return the scorer of a PyTorch network, with folded batch normalization."""
    return ScoringNetwork(fold_batch_norm(network)).to(device)


def fill_network(network: nn.Module, state: Mapping[str, Tensor], file: Path) -> None:
    """Load a state dict; raises ``InputError`` that names ``file`` if it does not match the network."""
    problem = describe_mismatch(state, network.state_dict())
    if problem:
        raise InputError(
            f"{file} does not match the network that the settings in its folder describe: {problem}. "
            "Use files of a single run or export only."
        )
    network.load_state_dict(state, strict=False)


def write_torch_export(source: ExportSource, file: Path) -> None:
    """Write the graph and its weights for ``torch.export.load``; reading it does not need this package."""
    with _silenced():
        torch.export.save(source.graph, file)


def read_torch_export(file: Path, config: Mapping[str, Any], device: torch.device) -> Scorer:
    """Return the scorer of a ``torch.export`` file. Reading it may run code; see :attr:`ModelFormat.runs_code`."""
    with _report_unreadable(file), _silenced():
        program = torch.export.load(file)
        if device.type != "cpu":
            program = move_to_device_pass(program, device)
        return program.module()


def write_onnx(source: ExportSource, file: Path) -> None:
    """Write the graph as ONNX, with the description of the model as metadata.

    Weights above :data:`MAX_ONNX_WEIGHTS` go into a second file next to it.
    """
    size = sum(x.numel() * x.element_size() for x in source.network.state_dict().values())
    with _silenced():
        program = torch.onnx.export(
            source.graph,
            (source.example,),
            dynamo=True,
            input_names=["frames"],
            output_names=["scores"],
            dynamic_shapes={"frames": {0: Dim("batch")}},
            verbose=False,
        )
        assert program is not None  # only without dynamo
        program.model.metadata_props.update(onnx_metadata(source.config))
        program.save(file, external_data=size > MAX_ONNX_WEIGHTS)


def read_onnx(file: Path, config: Mapping[str, Any], device: torch.device) -> Scorer:
    """Return the scorer of an ONNX file, on ``device`` if onnxruntime has a provider for it, else on the CPU."""
    session = _onnx_session(file, device)
    return lambda clips: torch.from_numpy(session.run(["scores"], {"frames": clips.cpu().numpy()})[0])


def read_onnx_metadata(file: Path) -> dict[str, str]:
    """Return the metadata of an ONNX file as text by key."""
    return _onnx_session(file, torch.device("cpu")).get_modelmeta().custom_metadata_map


def _onnx_session(file: Path, device: torch.device) -> Any:
    onnxruntime = import_package("onnxruntime", model_format=ONNX)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors only
    wanted = dict.fromkeys(f"{kind}ExecutionProvider" for kind in (device.type.upper(), "CPU"))
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    with _report_unreadable(file):
        return onnxruntime.InferenceSession(str(file), options, providers=providers)


SAFETENSORS, TORCH_EXPORT, ONNX = "safetensors", "torch-export", "onnx"
FORMATS = {
    SAFETENSORS: ModelFormat("model.safetensors", write_safetensors, read_safetensors),
    ONNX: ModelFormat("model.onnx", write_onnx, read_onnx, packages=("onnx", "onnxscript", "onnxruntime")),
    TORCH_EXPORT: ModelFormat("model.pt2", write_torch_export, read_torch_export, runs_code=True),
}
"""Formats by name, in the order in which an exported folder is searched: files that cannot run code first."""


def import_package(package: str, *, model_format: str) -> Any:
    """Return a package that a format needs; raises ``InputError`` with the command that installs it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(f"format {model_format} needs the package {package}: pip install -e '.[export]'") from error


@contextmanager
def _report_unreadable(file: Path) -> Iterator[None]:
    """Raise any error of a reader as ``InputError`` with one line."""
    try:
        yield
    except Exception as error:
        problem = (
            describe_start(file)
            or f"cannot be read, it may be incomplete: {shown(first_line(error))}. Copy or export it again."
        )
        raise InputError(f"{file} {problem}") from error


@contextmanager
def _silenced() -> Iterator[None]:
    """Hide warnings and log lines of the exporters, which concern their internals."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
