"""Tests of the HTML report."""

import base64
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from omegaconf import DictConfig

from mdhr.errors import InputError
from mdhr.reporting.html_report.page_writer import write_page
from mdhr.training.run_folder import result_affecting_config, write_settings
from mdhr.training.run_record import write_record

F1 = {(1, 1): 0.50, (1, 2): 0.60, (2, 1): 0.70, (2, 2): 0.82}  # by seed and fold
"""Means over folds are 0.55 and 0.76: 0.655 +- 0.148."""
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Parsed page: text, addresses, anchors and images; asserts that elements are closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text, self.addresses, self.anchors, self.open, self.tags = "", [], set(), [], set()
        self.pictures: list[bytes] = []
        self.feed(path.read_text())
        assert not self.open
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [(tag, str(values[key])) for key in ("href", "src", "srcset", "action") if key in values]
        if "id" in values:
            assert values["id"] not in self.anchors
            self.anchors.add(values["id"])
        if tag == "img":
            assert values["alt"]
            head, _, content = str(values["src"]).partition(",")
            assert head == "data:image/png;base64"
            self.pictures.append(base64.b64decode(content))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory, compose_smoke: Callable[..., DictConfig]) -> Path:
    """Folders ``runs`` and ``experiments`` with complete, incomplete and broken content."""
    tmp_path = tmp_path_factory.mktemp("disk")
    settings = result_affecting_config(compose_smoke(tmp_path))
    for (seed, fold), f1 in F1.items():
        folder = tmp_path / f"runs/study/synthetic-honest/mdhr-fold{fold}-seed{seed}"
        write_settings(folder, {**settings, "seed": seed, "data": {**settings["data"], "fold": fold}})
        write_record(folder, {
            "name": "mdhr", "choices": {"network": "mdhr"}, "data": "synthetic", "au_set": "BP4D",
            "protocol": "honest", "fold": fold, "seed": seed, "threshold": 0.5,
            "git_commit": "0123456789abcdef", "command": f"mdhr train seed={seed} a='<b>'",
            "f1_mean": f1, "auc_mean": 0.9, "baseline_f1_mean": 0.4, "f1": {"AU1": f1}, "seconds": {"train": 1.0},
        })  # fmt: skip
    write_settings(tmp_path / "runs/incomplete", settings)
    write_settings(tmp_path / "runs/broken", settings)
    (tmp_path / "runs/broken/metrics.json").write_text('{"name": "bro')
    _picture(tmp_path / "runs/study/synthetic-honest/mdhr-fold1-seed1/timeline.png", 1)
    table = tmp_path / "experiments/table-3/synthetic"
    table.mkdir(parents=True)
    pd.DataFrame({"k": [1, 2], "f1": [0.61239, np.nan]}).to_csv(table / "table.csv", index=False)
    (table / "table.md").write_text("# k on faces\n\n| k | F1 |\n|---|---:|\n| 1 | 61.2 |\n\n- INCOMPLETE: k = 2\n")
    (table / "table.tex").write_text("% by hand")
    _picture(table / "curve.png", 2)
    (tmp_path / "experiments/other").mkdir()
    (tmp_path / "experiments/other/cut.csv").write_text("")
    _picture(tmp_path / "experiments/other/image.png", 3)
    (tmp_path / "experiments/other/README.md").write_text(
        "# Something else\n\n![an image](image.png) ![gone](gone.png)\n\n[there](https://example.org/a?b=c) "
        "[k](../table-3/README.md) [docs](../../docs/data.md) [timm](https://github.com/timm) <script>alert(1)</script>\n"
    )
    return tmp_path


def _picture(path: Path, seed: int) -> None:
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8))


def _report(disk: Path) -> Page:
    return Page(write_page(disk / "report", runs=disk / "runs", experiments=disk / "experiments"))


@pytest.fixture(scope="module")
def page(disk: Path) -> Page:
    """The report of ``disk``."""
    return _report(disk)


def test_page_is_self_contained_and_links_resolve(disk: Path, page: Page) -> None:
    assert page.tags.isdisjoint({"script", "iframe", "object", "base"})
    for tag, address in page.addresses:
        assert address.startswith("data:") or (tag == "a" and address[1:] in page.anchors), address
    html = (disk / "report/index.html").read_text()
    assert not re.search(r"url\(|@import|@font-face", html.split("</style>")[0])


def test_every_image_is_embedded_once(disk: Path, page: Page) -> None:
    expected = [path.read_bytes() for path in disk.rglob("*.png")]
    assert len(expected) == 3
    assert sorted(page.pictures) == sorted(expected)


def test_runs_are_grouped_over_folds_and_seeds_with_provenance(page: Page) -> None:
    text = page.text
    assert "65.5 ± 14.8" in text
    for expected_text in (
        "synthetic",
        "honest",
        "mdhr",
        "1, 2",
        "0123456789",
        "mdhr train seed=1 a='<b>'",
        "and 3 more",
    ):
        assert expected_text in text
    assert "the test fold was scored once" in text
    assert "All numbers on this page were measured on rendered faces, not on BP4D or DISFA" in text


def test_tables_are_written_as_csv_markdown_and_latex(disk: Path, page: Page) -> None:
    tables = disk / "report/tables"
    assert pd.read_csv(tables / "runs/runs.csv")["f1_mean"].sum() == pytest.approx(sum(F1.values()))
    assert "| synthetic | honest | mdhr | 2 | 0.01 | 1 | 1 | 0.5 |" in (tables / "runs/runs.md").read_text()
    assert r"\toprule" in (tables / "runs/runs.tex").read_text()
    original = disk / "experiments/table-3/synthetic"
    for name in ("table.csv", "table.md", "table.tex"):
        assert (tables / "table-3/synthetic" / name).read_bytes() == (original / name).read_bytes()
    handed_out = [base64.b64decode(address.partition(",")[2]) for tag, address in page.addresses if tag == "a"]
    for path in tables.rglob("*.*"):
        assert path.read_bytes() in handed_out


def test_readmes_are_rendered_and_external_links_written_out(page: Page) -> None:
    for expected_text in ("k on faces", "61.2", "Something else", "there (https://example.org/a?b=c)",
                 "docs timm (https://github.com/timm)", "[missing image gone.png: gone]", "<script>alert(1)</script>",
                 "0.6124"):  # fmt: skip
        assert expected_text in page.text
    assert ("a", "#table-3") in page.addresses


def test_missing_results_are_listed_with_their_command(page: Page) -> None:
    missing = page.text.rpartition("Missing results")[2]
    for expected_text in ("make table-4", "make table-5", "make figure-1", "INCOMPLETE: k = 2", "runs/incomplete",
                          "runs/broken", "cut.csv cannot be read"):  # fmt: skip
        assert expected_text in missing
    assert "make demo" not in missing


def test_empty_page_names_the_first_command(tmp_path: Path) -> None:
    page = _report(tmp_path)
    assert "make demo" in page.text
    assert "make table-6" in page.text
    assert "rendered faces, not on" not in page.text
    assert [path.name for path in (tmp_path / "report").iterdir() if path.is_file()] == ["index.html"]


def test_earlier_report_is_replaced(tmp_path: Path) -> None:
    table = tmp_path / "experiments/table-3/synthetic/table.csv"
    table.parent.mkdir(parents=True)
    table.write_text("k\n1\n")
    copy = tmp_path / "report/tables/table-3/synthetic/table.csv"
    _report(tmp_path)
    assert copy.is_file()
    table.unlink()
    _report(tmp_path)
    assert not copy.exists()


def test_tables_of_others_are_kept(tmp_path: Path) -> None:
    mine = tmp_path / "report/tables/mine.csv"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(
        InputError, match=r"tables exists and was not written by mdhr report\. Set out to another folder"
    ):
        _report(tmp_path)
    assert mine.is_file()


def test_unwritable_folder_raises(tmp_path: Path) -> None:
    (tmp_path / "report").touch()
    with pytest.raises(InputError, match=r"cannot write to .*report: File exists\. Choose another out\."):
        _report(tmp_path)
