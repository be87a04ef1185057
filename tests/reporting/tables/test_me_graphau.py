"""Tests of the comparison of ME-GraphAU and MDHR."""

from pathlib import Path

import pandas as pd

from mdhr.reporting.finished_runs import read_runs
from mdhr.reporting.tables.comparison import comparison_table
from mdhr.reporting.tables.comparison_files import write_comparison
from mdhr.reporting.tables.me_graphau import ME_GRAPHAU
from tests.support.fake_runs import fake_run
from tests.support.fake_study import demo_settings, study_run

SKILL = {"mdhr": 0.8, "me_graphau_stage1": 0.6, "me_graphau_stage2": 0.7}


def test_runs_of_networks_without_k_are_found_for_any_initial_checkpoint(tmp_path: Path) -> None:
    for network in SKILL:
        settings = demo_settings(network)
        for seed in (1, 2):
            if network == "me_graphau_stage2":
                for node in (settings["network"], settings["module"]["network"]):
                    node.update({"weights": f"stage1-seed{seed}/best.ckpt", "project_once": True})
            study_run(tmp_path / network, settings, fold=1, seed=seed, f1=0.5, network=network)
    study_run(tmp_path, demo_settings(), k=3, fold=1, seed=1, f1=0.5)
    runs = read_runs(tmp_path)
    assert runs.groupby("network")["k"].agg(lambda k: k.isna().all()).to_dict() == {
        "mdhr": False, "me_graphau_stage1": True, "me_graphau_stage2": True}  # fmt: skip
    table = comparison_table(runs, folds=(1,), comparison=ME_GRAPHAU)
    assert table["runs"].to_dict() == {"MDHR": 2, "ME-GraphAU stage 1": 2, "ME-GraphAU stage 2": 2}


def test_every_stage_is_tested_and_paper_means_are_noted(tmp_path: Path) -> None:
    rows = []
    for network, skill in SKILL.items():
        for fold in (1, 2):
            own = fake_run(tmp_path / f"{network}-{fold}", skill=skill, fold=fold, seed=1)
            k = 5 if network == "mdhr" else float("nan")
            settings = {"data": "synthetic", "protocol": "honest", "network": network, "region_weight": 0.01, "k": k}
            rows.append({**settings, **own})
    page = write_comparison(
        pd.DataFrame(rows), tmp_path / "out", comparison=ME_GRAPHAU, folds=(1, 2), command="make me-graphau"
    ).read_text()
    assert page.startswith("# ME-GraphAU and MDHR, frame-based and clip-based network: synthetic, F1 in %")
    for expected_text in ("ME-GraphAU 65.5 on BP4D", "MDHR (ResNet-50) 64.9 on DISFA", "rendered faces, not real people",
                 "Holm: adjusted over the 3 comparisons", "training is twice as long"):  # fmt: skip
        assert expected_text in page
    assert "INCOMPLETE" not in page
    assert "paper p" not in page
    tests = pd.read_csv(tmp_path / "out/tests.csv").query("unit == 'subjects'").set_index("comparison")
    assert tests.index.tolist() == list(ME_GRAPHAU.tests)
    assert (tests["difference"] > 0).all(), "MDHR has more skill than stage 2, and stage 2 more than stage 1"
