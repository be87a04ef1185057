"""Table 5: parameters, multiply-adds and CPU cost of every network.

Networks are composed from ``conf/``, counted on the meta device and measured with random weights. No data is read.
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
    """A row of the table: a network and a backbone of the configuration."""

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

PAPER_ROWS = {
    "ME-GraphAU": "stage 2 with Swin-B for DISFA; multiplications and additions count as one each",
    "MDHR (ResNet50)": "parameters for DISFA, multiply-adds for BP4D",
    "MDHR (Swin-base)": "parameters for DISFA, multiply-adds for BP4D",
}
"""Network and convention that reproduce each row of the paper; all rows count layers only."""


def compose_variant(variant: NetworkVariant, au_set: str) -> DictConfig:
    """Return the configuration of a variant without pretrained weights."""
    no_weights = ("backbone.pretrained=false", "backbone.weights=null")
    return compose_config("train", [*variant.overrides, f"data.au_set.name={au_set}", *no_weights])


def build_network(variant: NetworkVariant, au_set: str) -> nn.Module:
    """Return the network with random weights."""
    return instantiate(compose_variant(variant, au_set).network, _convert_="all")


def complexity_table(variants: tuple[NetworkVariant, ...] = NETWORK_VARIANTS) -> pd.DataFrame:
    """Return one row per variant and action unit set.

    Columns: ``network``, ``au_set``, ``pixels``, ``parameters``, ``multiply_adds`` and ``flops`` per frame,
    ``layer_parameters``, ``layer_multiply_adds``, see :class:`mdhr.reporting.tables.operation_count.OperationCount`.
    """
    rows = []
    for variant in variants:
        for au_set in ACTION_UNIT_SETS:
            size = compose_variant(variant, au_set).data.crop_size
            count = count_operations(partial(build_network, variant, au_set), num_frames=NUM_FRAMES, size=size)
            rows.append(
                {
                    "network": variant.name,
                    "au_set": au_set,
                    "pixels": size,
                    "parameters": count.parameters,
                    "multiply_adds": count.multiply_adds_per_frame,
                    "flops": count.flops_per_frame,
                    "layer_parameters": count.layer_parameters,
                    "layer_multiply_adds": count.layer_multiply_adds_per_frame,
                }
            )
    return pd.DataFrame(rows)


def measure_costs(
    variants: tuple[NetworkVariant, ...] = NETWORK_VARIANTS, *, threads: int, repeats: int
) -> pd.DataFrame:
    """Return ``network``, ``au_set`` and the fields of ``CpuMeasurement``; rows are measured one after the other."""
    rows = []
    for variant in variants:
        for au_set in ACTION_UNIT_SETS:
            size = compose_variant(variant, au_set).data.crop_size
            build = partial(build_network, variant, au_set)
            cost = measure_cpu(build, num_frames=NUM_FRAMES, size=size, threads=threads, repeats=repeats)
            rows.append({"network": variant.name, "au_set": au_set, **asdict(cost)})
    return pd.DataFrame(rows)


def paper_table() -> pd.DataFrame:
    """Return the rows of the paper with the convention that reproduces them, as text."""
    printed = paper_results()["table5_complexity"]
    rows = [
        {"paper": name, "M params": row["params_m"], "G": row["flops_g"], "reproduced by": PAPER_ROWS[name]}
        for name, row in printed.items()
    ]
    return pd.DataFrame(rows).astype(str)


def write_complexity_table(
    out: Path,
    *,
    command: str,
    threads: int = 1,
    repeats: int = 3,
    variants: tuple[NetworkVariant, ...] = NETWORK_VARIANTS,
) -> Path:
    """Count, measure and write ``table.csv``, ``table.md`` and ``table.tex`` into ``out``; return ``table.md``.

    Args:
        command: command that reproduces the files, for the notes.
        threads: number of torch threads.
        repeats: number of measured clips, of which the median is reported; 0 disables the measurement.
    """
    table = complexity_table(variants)
    if repeats:
        table = table.merge(measure_costs(variants, threads=threads, repeats=repeats), on=["network", "au_set"])
    title = "Table 5: parameters and cost per frame"
    shown, paper, notes = _shown(table), paper_table(), _notes(threads, repeats, command)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "table.csv", table.assign(git_commit=git_commit()).to_csv(index=False))
    heading = "## Rows of the paper"
    write_text(out / "table.md", markdown_page(shown, heading, paper, title=title, notes=notes))
    write_text(out / "table.tex", latex_tables(shown, paper, title=title, notes=notes))
    return out / "table.md"


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    columns = {
        "network": table["network"],
        "AU set": table["au_set"],
        "pixels": table["pixels"].astype(str),
        "M params": (table["parameters"] / 1e6).map("{:.3f}".format),
        "GMACs": (table["multiply_adds"] / 1e9).map("{:.3f}".format),
        "GFLOPs": (table["flops"] / 1e9).map("{:.3f}".format),
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
        f"CPU s, MB work: processor seconds and increase of the peak memory per frame; {threads} torch thread(s), float32, "
        f"one clip of {NUM_FRAMES} frames, median of {repeats} after one warm-up. MB process: peak memory of the process, "
        f"including Python and libraries. {processor()}, torch {torch.__version__}"
    )
    return [
        f"GMACs: billions of multiply-adds per frame in a clip of {NUM_FRAMES}; GFLOPs: 2 x GMACs, multiplications and "
        "additions count as one each. Matrix products and convolutions are counted; normalization and activations are not",
        "layers: linear, convolution and normalization layers only, without products of two activations (attention), the "
        "position tables of Swin, the vectors of the graph attention and the anchors of the scores",
        "The rows of the paper differ in action unit set and convention, so they are not comparable with each other. The "
        "table above lists every network under every convention",
        "The paper's Swin-B rows match to the last digit only if layers are counted: MDHR 105.94 M (all parameters: 106.01 "
        "M) and 15.99 G (all products: 16.30 G); ME-GraphAU 2 x 17.98 = 36.0 G (all products: 36.8 G). For ResNet-50 both "
        "counts round to the same digits",
        *([measurement] if repeats else []),
        f"code at {(git_commit() or 'no commit')[:10]}; command: `{command}`",
    ]
