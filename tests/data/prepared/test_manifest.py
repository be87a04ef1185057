"""Manifest: writing, reading and refused tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from mdhr.action_units import BP4D, DISFA
from mdhr.data.prepared.manifest import check_table, read_manifest, write_manifest
from mdhr.errors import InputError


def frames_table(num_frames: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"subject": subject, "task": task, "frame": frame, "path": f"frames/{subject}/{task}/{frame:05d}.jpg"}
        for subject in ("F002", "F001")
        for task in ("T2", "T1")
        for frame in reversed(range(3, 3 + num_frames))
    ]
    labels = pd.DataFrame(rng.integers(0, 2, (len(rows), 12)).astype(np.int8), columns=list(BP4D.columns))
    return pd.concat([pd.DataFrame(rows), labels], axis=1)


def write(root: Path, table: pd.DataFrame) -> None:
    write_manifest(
        root,
        table,
        name="tiny",
        au_set=BP4D,
        fps=25,
        size=64,
        folds={1: ["F001"], 2: ["F002"]},
        settings={"margin": 0.1},
    )


def test_round_trip_keeps_everything_and_orders_videos(tmp_path: Path) -> None:
    table = frames_table().assign(intensity_AU12=0.5)
    write(tmp_path, table)
    manifest = read_manifest(tmp_path, au_set=BP4D)
    pd.testing.assert_frame_equal(manifest.table, table)
    assert (manifest.fps, manifest.size, manifest.folds) == (25.0, 64, {1: ("F001",), 2: ("F002",)})
    assert manifest.settings == {"margin": 0.1}
    videos = manifest.videos()
    assert [video.name for video in videos] == ["F001/T1", "F001/T2", "F002/T1", "F002/T2"]
    for video in videos:
        rows = table[(table.subject == video.subject) & (table.task == video.task)].set_index("frame")
        assert video.frame.tolist() == [3, 4, 5, 6, 7, 8]
        for i, frame in enumerate(video.frame):
            assert video.au[i].tolist() == rows.loc[frame, list(BP4D.columns)].tolist()
            assert video.paths[i] == str(tmp_path / rows.loc[frame, "path"])


def test_action_units_are_found_by_name_not_by_position(tmp_path: Path) -> None:
    table = frames_table()
    shuffled = table[[*table.columns[:4], *reversed(BP4D.columns)]]
    write(tmp_path, shuffled)
    for video, other in zip(read_manifest(tmp_path).videos(), _videos(tmp_path / "b", table), strict=True):
        np.testing.assert_array_equal(video.au, other.au)


def _videos(root: Path, table: pd.DataFrame) -> list:
    write(root, table)
    return read_manifest(root).videos()


def test_nine_is_read_as_missing(tmp_path: Path) -> None:
    table = frames_table()
    table.loc[4, "AU6"] = 9
    write(tmp_path, table)
    assert read_manifest(tmp_path).table.loc[4, "AU6"] == -1


@pytest.mark.parametrize("label", [2, -2, 3.5, float("nan"), "x"])
def test_other_labels_are_refused_with_their_place(label: object) -> None:
    table = frames_table().astype({"AU6": object})
    table.loc[[4, 7], "AU6"] = label
    with pytest.raises(InputError, match=r"here: row 4, column AU6: label .* 2 such labels"):
        check_table(table, BP4D, where="here")


def test_wrong_tables_are_refused() -> None:
    table = frames_table()
    with pytest.raises(InputError, match="no column AU7"):
        check_table(table.drop(columns="AU7"), BP4D, where="here")
    with pytest.raises(InputError, match="frame 8 of F002/T2 exists twice"):
        check_table(pd.concat([table, table[:1]]), BP4D, where="here")
    with pytest.raises(InputError, match="contains no frames"):
        check_table(table[:0], BP4D, where="here")
    with pytest.raises(InputError, match="column frame contains float64, expected integers"):
        check_table(table.assign(frame=0.5), BP4D, where="here")
    with pytest.raises(InputError, match="row 0, column path is empty"):
        check_table(table.assign(path=None), BP4D, where="here")


def test_absent_folder_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make data-synthetic"):
        read_manifest(tmp_path / "nowhere")


def test_other_action_unit_set_names_both(tmp_path: Path) -> None:
    write(tmp_path, frames_table())
    with pytest.raises(InputError, match="action units of BP4D, but those of DISFA are required"):
        read_manifest(tmp_path, au_set=DISFA)


def test_changed_or_absent_table_is_refused(tmp_path: Path) -> None:
    write(tmp_path, frames_table())
    path = tmp_path / "manifest.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="Prepare the data set again"):
        read_manifest(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="Prepare the data set again"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "a: [", "name: x\n"])
def test_damaged_description_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, frames_table())
    (tmp_path / "prepared.yaml").write_text(text)
    with pytest.raises(InputError, match=r"prepared\.yaml"):
        read_manifest(tmp_path)


def test_description_is_plain_yaml(tmp_path: Path) -> None:
    write(tmp_path, frames_table())
    description = yaml.safe_load((tmp_path / "prepared.yaml").read_text())
    assert description["au_set"] == "BP4D"
    assert description["folds"] == {1: ["F001"], 2: ["F002"]}
