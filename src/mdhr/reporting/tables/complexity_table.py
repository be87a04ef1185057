"""Table 5: how large every network is and what a frame costs, under every convention that is in use.

Nothing is trained and no data is read: networks are composed from ``conf/``, counted where tensors have no numbers,
and measured with random weights.
"""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import nn

from mdhr.action_units import ACTION_UNIT_SETS
from mdhr.config.composition import compose_config
from mdhr.files.atomic import write_text
from mdhr.files.text_tables import latex_tables, markdown_page
from mdhr.reporting.paper_results import paper_results
from mdhr.reporting.tables.cpu_measurement import measure_cpu, processor
from mdhr.reporting.tables.operation_count import count_operations
from mdhr.training.run_record import git_commit

NUM_FRAMES = 16


@dataclass(frozen=True)
class NetworkVariant:
    """A row of the table: a network as the configuration has it."""

    name: str
    overrides: tuple[str, ...]


BACKBONES = {
    "ResNet-50": ("backbone=resnet50", "data.crop_size=224"),
    "Swin-B": ("backbone=swin_base", "data.crop_size=224"),
    "small ResNet": ("experiment=demo",),
}
NETWORKS = {"MDHR": "mdhr", "ME-GraphAU stage 1": "me_graphau_stage1", "ME-GraphAU stage 2": "me_graphau_stage2"}

NETWORK_VARIANTS = tuple(
    NetworkVariant(f"{network} ({backbone})", (*overrides, f"network={choice}"))
    for backbone, overrides in BACKBONES.items()
    for network, choice in NETWORKS.items()
)

WHAT_THE_PAPER_COUNTS = {
    "ME-GraphAU": "stage 2 with Swin-B for DISFA, both numbers; multiplications and additions count one each",
    "MDHR (ResNet50)": "parameters of the model for DISFA, multiply-adds of the model for BP4D",
    "MDHR (Swin-base)": "parameters of the model for DISFA, multiply-adds of the model for BP4D",
}
"""What a row of the paper turns out to be; all of them count layers alone."""


def compose_variant(model: NetworkVariant, au_set: str) -> DictConfig:
    """The configuration of a model, without the weights it would start from."""
    nothing = ("backbone.pretrained=false", "backbone.weights=null")
    return compose_config("train", [*model.overrides, f"data.au_set.name={au_set}", *nothing])


def build_network(model: NetworkVariant, au_set: str) -> nn.Module:
    """The network with random weights."""
    return instantiate(compose_variant(model, au_set).network, _convert_="all")


def complexity_table(models: tuple[NetworkVariant, ...] = NETWORK_VARIANTS) -> pd.DataFrame:
    """One row a model and action unit set: ``model``, ``au_set``, ``pixels``, ``parameters``, ``multiply_adds``,
    ``flops`` (a frame), ``layer_parameters``, ``layer_multiply_adds`` (see :class:`mdhr.reporting.tables.operation_count.OperationCount`).
    """
    rows = []
    for model in models:
        for au_set in ACTION_UNIT_SETS:
            size = compose_variant(model, au_set).data.crop_size
            found = count_operations(partial(build_network, model, au_set), num_frames=NUM_FRAMES, size=size)
            rows.append(
                {
                    "model": model.name,
                    "au_set": au_set,
                    "pixels": size,
                    "parameters": found.parameters,
                    "multiply_adds": found.multiply_adds_per_frame,
                    "flops": found.flops_per_frame,
                    "layer_parameters": found.layer_parameters,
                    "layer_multiply_adds": found.layer_multiply_adds_per_frame,
                }
            )
    return pd.DataFrame(rows)


def measure_costs(models: tuple[NetworkVariant, ...] = NETWORK_VARIANTS, *, threads: int, repeats: int) -> pd.DataFrame:
    """``model``, ``au_set`` and what :class:`mdhr.reporting.tables.cpu_measurement.CpuMeasurement` holds: one process a row, one at a time."""
    rows = []
    for model in models:
        for au_set in ACTION_UNIT_SETS:
            size = compose_variant(model, au_set).data.crop_size
            build = partial(build_network, model, au_set)
            cost = measure_cpu(build, num_frames=NUM_FRAMES, size=size, threads=threads, repeats=repeats)
            rows.append({"model": model.name, "au_set": au_set, **asdict(cost)})
    return pd.DataFrame(rows)


def paper_table() -> pd.DataFrame:
    """The rows of the paper and what their numbers turn out to be, as text."""
    printed = paper_results()["table5_complexity"]
    rows = [
        {"paper": name, "M params": row["params_m"], "G": row["flops_g"], "is": WHAT_THE_PAPER_COUNTS[name]}
        for name, row in printed.items()
    ]
    return pd.DataFrame(rows).astype(str)


def write_complexity_table(
    out: Path,
    *,
    command: str,
    threads: int = 1,
    repeats: int = 3,
    models: tuple[NetworkVariant, ...] = NETWORK_VARIANTS,
) -> Path:
    """Count, measure, and write ``table.csv``, ``table.md`` and ``table.tex`` into ``out``; returns ``table.md``.

    Parameters
    ----------
    command: what makes it again; the notes name it.
    repeats: clips of 16 frames that each measurement is the median of; 0 measures nothing.
    """
    table = complexity_table(models)
    if repeats:
        table = table.merge(measure_costs(models, threads=threads, repeats=repeats), on=["model", "au_set"])
    title = "Table 5: parameters and cost of a frame"
    shown, paper, notes = _shown(table), paper_table(), _notes(threads, repeats, command)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "table.csv", table.assign(git_commit=git_commit()).to_csv(index=False))
    heading = "## The paper's rows, and what they turn out to be"
    write_text(out / "table.md", markdown_page(shown, heading, paper, title=title, notes=notes))
    write_text(out / "table.tex", latex_tables(shown, paper, title=title, notes=notes))
    return out / "table.md"


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    columns = {
        "model": table["model"],
        "AUs of": table["au_set"],
        "pixels": table["pixels"].astype(str),
        "M params": (table["parameters"] / 1e6).map("{:.3f}".format),
        "GMACs": (table["multiply_adds"] / 1e9).map("{:.3f}".format),
        "GFLOPs = 2 x": (table["flops"] / 1e9).map("{:.3f}".format),
        "M params, layers": (table["layer_parameters"] / 1e6).map("{:.3f}".format),
        "GMACs, layers": (table["layer_multiply_adds"] / 1e9).map("{:.3f}".format),
    }
    if "seconds_per_frame" in table:
        columns |= {
            "CPU s": table["seconds_per_frame"].map("{:.3f}".format),
            "MB work": table["megabytes_per_frame"].map("{:.0f}".format),
            "MB process": table["megabytes"].map("{:,.0f}".format),
        }
    return pd.DataFrame(columns)


def _notes(threads: int, repeats: int, command: str) -> list[str]:
    measurement = (
        f"CPU s, MB work: processor seconds and rise of the peak memory, a frame; {threads} torch thread(s), float32, "
        f"one clip of {NUM_FRAMES} frames, median of {repeats} after one that does not count. MB process: peak of the "
        f"whole process, Python and libraries with it. {processor()}, torch {torch.__version__}"
    )
    return [
        f"GMACs: billions of multiply-adds a frame, in a clip of {NUM_FRAMES}; GFLOPs: multiplications and additions "
        "count one each. Matrix products and convolutions are counted, normalization and activations are not",
        "layers: what a counter sees that looks at linear, convolution and normalization layers: no product of two "
        "activations (attention), no position table of Swin, no vectors of the graph's attention and of the anchors",
        "The paper's rows differ in the model's action unit set and in the convention, so they cannot be compared with "
        "each other; the table above has every network under every convention",
        "Its Swin-B rows are met to the last printed digit only by the count of layers: MDHR 105.94 M (all parameters: "
        "106.01 M), 15.99 G (all products: 16.30 G); ME-GraphAU 2 x 17.98 = 36.0 G (all products: 36.8 G). For "
        "ResNet-50 both counts print alike",
        *([measurement] if repeats else []),
        f"code at {(git_commit() or 'no commit')[:10]}; command: `{command}`",
    ]
