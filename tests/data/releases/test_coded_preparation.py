"""`mdhr prepare data=coded_videos`: prepared labels, table of errors and exit status."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdhr.data.prepared.manifest import read_manifest
from mdhr.data.video.encoding import write_video
from tests.support.code_files import WRITERS, known_labels

COLUMNS = ("AU1", "AU12", "L14")


def test_prepared_labels_and_exit_status(
    tmp_path: Path, exit_status: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = []
    for index, name in enumerate(("eaf", "noldus", "xlsx")):
        folder = tmp_path / f"videos/S{index}"
        folder.mkdir(parents=True)
        (tmp_path / "codes").mkdir(exist_ok=True)
        with write_video(folder / f"v{index}.mp4") as add:
            for frame in range(8):
                add(frame / 25, np.full((32, 32, 3), 9 * frame, np.uint8))
        labels.append(known_labels(COLUMNS, num_frames=8, seed=index))
        WRITERS[name](tmp_path / f"codes/v{index}", labels[-1], 25)
    settings = ["data=coded_videos", "data.root=videos/", "data.labels=codes/", "data.prepared=out"]
    settings += ["data/detector=none", "data.au_set.name=own", "data.au_set.aus=[1,12,L14]"]
    settings += ["data.prepare.size=32", "data.prepare.num_workers=1"]
    assert exit_status("prepare", *settings) == 0
    manifest = read_manifest(tmp_path / "out")
    found = manifest.table[["frame", *COLUMNS]]
    pd.testing.assert_frame_equal(found, pd.concat(labels, ignore_index=True), check_dtype=False)
    assert sorted(manifest.folds) == [1, 2, 3]
    (tmp_path / "codes/v1.txt").unlink()
    capsys.readouterr()
    for arguments in ([], ["--dry-run"]):
        assert exit_status("prepare", *settings, "data.prepared=other", *arguments) == 1
        assert "video without" in capsys.readouterr().out
    assert not (tmp_path / "other").exists()
