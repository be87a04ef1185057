"""The formats that a model is exported in: how each is written, and how it is read to score with.

Every one takes clips ``B T 3 S S`` uint8 and gives scores ``B T N``: normalization is inside, B is free and
T and S are not.
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

from mdhr.errors import InputError
from mdhr.inference.model import Scorer, ScoringNetwork
from mdhr.network.checkpoints.timm_weights import describe_mismatch, first_line
from mdhr.network.network_settings import build_network
from mdhr.network.optimization.batch_norm_folding import folded

CONFIG = "config.yaml"
"""Beside every file: what describes the model."""
LARGEST_PART = 2**31 - 2**24
"""Bytes of weights that still go into the ONNX file itself, whose format ends at 2 GiB."""


class Source:
    """What a file is written of.

    Parameters
    ----------
    network: in evaluation mode, on the CPU.
    example: clips ``B T 3 S S`` uint8, B above 1.
    """

    def __init__(self, network: nn.Module, example: Tensor) -> None:
        self.network = network
        self.example = example

    @cached_property
    def graph(self) -> ExportedProgram:
        """Of what scores clips; B is free. Traced once for all formats, which takes seconds."""
        scorer = eager_scorer(self.network, torch.device("cpu"))
        return torch.export.export(scorer, (self.example,), dynamic_shapes={"frames": {0: Dim("batch")}})


@dataclass(frozen=True)
class Format:
    """One way to store a model."""

    file: str
    """Its name in an exported folder."""
    write: Callable[[Source, Path], None]
    """What to write, and the file."""
    read: Callable[[Path, Mapping[str, Any], torch.device], Scorer]
    """The file, the settings in ``config.yaml``, where to compute."""
    needs: tuple[str, ...] = ()
    """Packages of the extra ``export``."""
    runs_code: bool = False
    """Can a file of this format do anything at all when it is read?"""


def write_safetensors(source: Source, file: Path) -> None:
    """The tensors of a network as training has them."""
    file.write_bytes(safetensors.torch.save({key: x.contiguous() for key, x in source.network.state_dict().items()}))


def stored_network(file: Path, config: Mapping[str, Any]) -> nn.Module:
    """The network of the settings with the tensors of a safetensors file."""
    network = build_network(config, where=file.with_name(CONFIG))
    with _whole(file):
        state = safetensors.torch.load_file(file)
    fill_network(network, state, file)
    return network


def read_safetensors(file: Path, config: Mapping[str, Any], device: torch.device) -> Scorer:
    """Needs this package to run."""
    return eager_scorer(stored_network(file, config), device)


def eager_scorer(network: nn.Module, device: torch.device) -> ScoringNetwork:
    """A network as it is, ready to score."""
    return ScoringNetwork(folded(network)).to(device)


def fill_network(network: nn.Module, state: Mapping[str, Tensor], file: Path) -> None:
    """Give a network its tensors; ``InputError`` that names the file they are from where they do not fit."""
    problem = describe_mismatch(state, network.state_dict())
    if problem:
        raise InputError(f"{file} is of another network than the settings beside it: {problem}")
    network.load_state_dict(state, strict=False)


def write_torch_export(source: Source, file: Path) -> None:
    """The graph and its tensors, for ``torch.export.load``; no code of this package is needed to run it."""
    with _quiet():
        torch.export.save(source.graph, file)


def read_torch_export(file: Path, config: Mapping[str, Any], device: torch.device) -> Scorer:
    """A file that may run any code, see ``Format.runs_code``."""
    with _whole(file), _quiet():
        program = torch.export.load(file)
        if device.type != "cpu":
            program = move_to_device_pass(program, device)
        return program.module()


def write_onnx(source: Source, file: Path) -> None:
    """The graph for onnxruntime and others; tensors beside it where they are beyond what one file may hold."""
    size = sum(x.numel() * x.element_size() for x in source.network.state_dict().values())
    with _quiet():
        torch.onnx.export(
            source.graph,
            (source.example,),
            file,
            dynamo=True,
            external_data=size > LARGEST_PART,
            input_names=["frames"],
            output_names=["scores"],
            dynamic_shapes={"frames": {0: Dim("batch")}},
            verbose=False,
        )


def read_onnx(file: Path, config: Mapping[str, Any], device: torch.device) -> Scorer:
    """Runs where onnxruntime can: on the device where its package has a provider for it, else on the CPU."""
    onnxruntime = required(ONNX, "onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors alone
    wanted = dict.fromkeys(f"{kind}ExecutionProvider" for kind in (device.type.upper(), "CPU"))
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    with _whole(file):
        session = onnxruntime.InferenceSession(str(file), options, providers=providers)
    return lambda clips: torch.from_numpy(session.run(["scores"], {"frames": clips.cpu().numpy()})[0])


SAFETENSORS, TORCH_EXPORT, ONNX = "safetensors", "torch-export", "onnx"
FORMATS = {
    SAFETENSORS: Format("model.safetensors", write_safetensors, read_safetensors),
    ONNX: Format("model.onnx", write_onnx, read_onnx, needs=("onnx", "onnxscript", "onnxruntime")),
    TORCH_EXPORT: Format("model.pt2", write_torch_export, read_torch_export, runs_code=True),
}
"""In the order in which a folder is read: what is safe and whole first."""


def required(name: str, package: str) -> Any:
    """The package that a format needs; ``InputError`` that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(f"format {name} needs the package {package}: pip install -e '.[export]'") from error


@contextmanager
def _whole(file: Path) -> Iterator[None]:
    """What a reader cannot make sense of, in one line."""
    try:
        yield
    except Exception as error:
        raise InputError(f"{file} cannot be read, it may be cut short: {first_line(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Exporters speak of their own insides."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
