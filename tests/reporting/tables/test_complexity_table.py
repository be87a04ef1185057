"""Tests of the complexity table: published counts, conventions of the paper, measurement in a separate process."""

import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from torch import nn

import mdhr.reporting.tables.complexity_table
from mdhr.config.composition import CONF
from mdhr.reporting.paper_results import paper_results
from mdhr.reporting.tables.complexity_table import (
    NETWORK_VARIANTS,
    build_network,
    complexity_table,
    compose_variant,
    write_complexity_table,
)
from mdhr.reporting.tables.cpu_measurement import CpuMeasurement, measure_cpu, peak_megabytes, processor

SMALL = tuple(model for model in NETWORK_VARIANTS if model.name == "MDHR (small ResNet)")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Networks of the paper's table by name and action unit set."""
    names = ("MDHR (ResNet-50)", "MDHR (Swin-B)", "ME-GraphAU stage 2 (Swin-B)")
    return complexity_table(tuple(m for m in NETWORK_VARIANTS if m.name in names)).set_index(["network", "au_set"])


def printed(value: float, like: float) -> float:
    """Return ``value`` rounded to the decimals of ``like``."""
    return round(value, len(str(like).partition(".")[2]))


def test_sizes_equal_the_released_networks(table: pd.DataFrame) -> None:
    assert table.loc[("MDHR (ResNet-50)", "BP4D"), "parameters"] == 93_226_054
    assert table.loc[("MDHR (Swin-B)", "DISFA"), "parameters"] == 106_013_856
    assert table.loc[("MDHR (Swin-B)", "BP4D"), "multiply_adds"] == pytest.approx(16.298e9, rel=1e-3)
    assert (table["flops"] == 2 * table["multiply_adds"]).all()


@pytest.mark.parametrize(
    ("row", "model", "of_cost", "times"),
    [
        ("MDHR (ResNet50)", "MDHR (ResNet-50)", "BP4D", 1),
        ("MDHR (Swin-base)", "MDHR (Swin-B)", "BP4D", 1),
        ("ME-GraphAU", "ME-GraphAU stage 2 (Swin-B)", "DISFA", 2),
    ],
)
def test_paper_rows_are_reproduced_by_counting_layers(
    table: pd.DataFrame, row: str, model: str, of_cost: str, times: int
) -> None:
    paper = paper_results()["table5_complexity"][row]
    parameters = table.loc[(model, "DISFA"), "layer_parameters"] / 1e6
    billions = times * table.loc[(model, of_cost), "layer_multiply_adds"] / 1e9
    assert printed(parameters, paper["params_m"]) == paper["params_m"]
    assert printed(billions, paper["flops_g"]) == paper["flops_g"]


def test_counting_everything_does_not_reproduce_the_swin_row(table: pd.DataFrame) -> None:
    for au_set in ("BP4D", "DISFA"):
        row = table.loc["MDHR (Swin-B)", au_set]
        assert printed(row["parameters"] / 1e6, 105.94) != 105.94
        assert printed(row["multiply_adds"] / 1e9, 15.99) != 15.99


def test_operations_outside_layers_equal_a_manual_count(table: pd.DataFrame) -> None:
    """Swin-B: (2 x 7 - 1)^2 entries per table, heads 4, 8, 16, 32 in 2, 2, 18, 2 blocks; windows of 49, twice per block."""
    row = table.loc["MDHR (Swin-B)", "DISFA"]
    position_tables = 13**2 * (4 * 2 + 8 * 2 + 16 * 18 + 32 * 2)
    assert row["parameters"] - row["layer_parameters"] == position_tables + 8 * 512 + 3 * 512
    blocks = ((2, 56, 128), (2, 28, 256), (18, 14, 512), (2, 7, 1024))
    windows = sum(2 * number * side**2 * 49 * width for number, side, width in blocks)
    assert row["multiply_adds"] - row["layer_multiply_adds"] == windows + 8 * 8 * 512


def test_files_contain_both_conventions_and_the_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cost(
        build: Callable[[], nn.Module], *, num_frames: int, size: int, threads: int, repeats: int
    ) -> CpuMeasurement:
        assert (num_frames, size, threads, repeats) == (16, 128, 1, 1)
        pickle.dumps(build)  # it goes to another process
        return CpuMeasurement(0.25, 12, 1234)

    monkeypatch.setattr(mdhr.reporting.tables.complexity_table, "measure_cpu", cost)
    page = write_complexity_table(tmp_path / "out", command="make table-5", repeats=1, variants=SMALL).read_text()
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"table.csv", "table.md", "table.tex"}
    written = pd.read_csv(tmp_path / "out/table.csv")
    assert written["au_set"].tolist() == ["BP4D", "DISFA"]
    assert written["parameters"][0] == sum(p.numel() for p in build_network(SMALL[0], "BP4D").parameters())
    for expected_text in (
        "| 105.94 | 15.99 |",
        "1 torch thread(s)",
        "`make table-5`",
        "| 128 |",
        "| 0.250 | 12 | 1,234 |",
    ):
        assert expected_text in page


class Worker(nn.Module):
    """Allocates 40 MB; asserts that it runs in another process."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        assert torch.get_num_threads() == 1
        assert os.getpid() != self.home
        return torch.ones(10 * 2**20).sum() + frames.sum()


def build_worker(home: int) -> nn.Module:
    worker = Worker()
    worker.home = home
    return worker


@pytest.mark.slow
def test_cost_is_measured_in_a_separate_process() -> None:
    found = measure_cpu(partial(build_worker, os.getpid()), num_frames=2, size=8, repeats=1)
    assert 0 < found.seconds_per_frame < 60
    assert found.megabytes_per_frame == pytest.approx(20, abs=4)
    assert found.megabytes > 100, "torch alone is that large"


def test_peak_memory_and_processor_are_available() -> None:
    assert peak_megabytes() > 50
    assert processor()


def test_variants_compose_inside_a_hydra_command() -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        outer = GlobalHydra.instance().hydra
        assert compose_variant(SMALL[0], "DISFA").data.au_set.name == "DISFA"
        assert GlobalHydra.instance().hydra is outer
