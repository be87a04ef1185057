"""Lists of the released code: small trees written here, and the real label lists if available."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.dataset import SequentialClips
from mdhr.data.folds import BP4D_FOLDS, DISFA_FOLDS
from mdhr.data.prepared.manifest import Manifest
from mdhr.data.releases.released_lists import read_released_lists
from mdhr.errors import InputError


def build(root: Path, train: list[str], test: list[str], labels: str = "0 1 0 0 0 1 0 0 0 0 0 1") -> None:
    """Lists of fold 1 for BP4D; images are named as listed, but padded to five digits."""
    (root / "list").mkdir(parents=True)
    for split, paths in (("train", train), ("test", test)):
        (root / f"list/BP4D_{split}_img_path_fold1.txt").write_text("\n".join(paths))
        (root / f"list/BP4D_{split}_label_fold1.txt").write_text("\n".join([labels] * len(paths)))
    for path in {*train, *test}:
        file = root / "img" / Path(path).with_stem(Path(path).stem.zfill(5))
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.full((40, 40, 3), int(Path(path).stem) % 200, np.uint8))


def read(root: Path) -> Manifest:
    return read_released_lists(root, au_set=BP4D, fold=1, size=32, fps=25)


TRAIN = [f"F001/T1/{n}.jpg" for n in (98, 99, 100, 101)] + [f"F002/T1/{n}.jpg" for n in (7, 8)]
TEST = [f"M001/T2/{n}.jpg" for n in (5, 6, 7)]


def test_frames_are_matched_and_ordered_by_number(tmp_path: Path) -> None:
    build(tmp_path, TRAIN[::-1], TEST)
    manifest = read(tmp_path)
    assert manifest.folds == {1: ("M001",)}
    first, *_ = videos = manifest.videos()
    assert [video.name for video in videos] == ["F001/T1", "F002/T1", "M001/T2"]
    assert first.frame.tolist() == [98, 99, 100, 101]
    assert first.paths[0] == str(tmp_path / "img/F001/T1/00098.jpg")
    assert first.au[0].tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]


def test_tree_trains_without_preparing(tmp_path: Path) -> None:
    build(tmp_path, TRAIN, TEST)
    data = FaceVideoData(
        source=lambda au_set: read(tmp_path),
        au_set=BP4D, protocol="honest", fold=1, num_frames=2, crop_size=24, batch_size=2, seed=0,
    )  # fmt: skip
    (batch,) = data.val_dataloader()
    assert batch.frames.shape[1:] == (2, 3, 24, 24)
    assert len(data.train_dataloader().dataset) == 1


def test_exact_name_wins_over_another_padding(tmp_path: Path) -> None:
    build(tmp_path, TRAIN, TEST)
    cv2.imwrite(str(tmp_path / "img/F001/T1/98.jpg"), np.zeros((40, 40, 3), np.uint8))
    assert read(tmp_path).videos()[0].paths[0].endswith("F001/T1/98.jpg")


def test_wrong_trees_are_refused(tmp_path: Path) -> None:
    build(tmp_path / "a", TRAIN, TEST)
    (tmp_path / "a/img/M001/T2/00006.jpg").unlink()
    with pytest.raises(InputError, match=r"no image for M001/T2/6\.jpg \(1 of 9"):
        read(tmp_path / "a")
    build(tmp_path / "b", TRAIN, [*TEST, "F001/T1/200.jpg"])
    with pytest.raises(InputError, match="subject F001 is in the training and the test list"):
        read(tmp_path / "b")
    build(tmp_path / "c", TRAIN, TEST)
    (tmp_path / "c/list/BP4D_test_label_fold1.txt").write_text("0 1 0 0 0 1 0 0 0 0 0 1\n" * 2)
    with pytest.raises(InputError, match=r"has 2 lines, BP4D_test_img_path_fold1\.txt has 3"):
        read(tmp_path / "c")
    build(tmp_path / "d", TRAIN, TEST, labels="0 1 0 0 0 1 0 0")
    with pytest.raises(InputError, match=r"8 labels per line, expected 12 \(BP4D\)"):
        read(tmp_path / "d")
    build(tmp_path / "e", TRAIN, TEST, labels="0 1 4 0 0 1 0 0 0 0 0 1")
    with pytest.raises(InputError, match=r"train_label_fold1\.txt: row 1, column AU4: label 4 .* 6 such"):
        read(tmp_path / "e")
    with pytest.raises(InputError, match=r"list .*train_img_path_fold1\.txt does not exist"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"image folder .*pictures does not exist"):
        read_released_lists(tmp_path / "a", au_set=BP4D, fold=1, size=32, fps=25, image_folder="pictures")
    (tmp_path / "a/list/BP4D_train_img_path_fold1.txt").write_text("F001/T1/a.jpg\n" * 6)
    with pytest.raises(InputError, match=r"line 1: 'F001/T1/a\.jpg' is not"):
        read(tmp_path / "a")


REWRITES = {
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "utf-16 and crlf": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "dot and empty lines": lambda text: text.replace("F0", "./F0").replace("\n", "\n\n").encode(),
    "backslashes": lambda text: text.replace("/", "\\").encode(),
    "commas": lambda text: text.replace(" ", ", ").replace("\n", ",\n").encode(),
    "quotes": lambda text: "\n".join(f'"{line}"' if "/" in line else line for line in text.split("\n")).encode(),
}


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_lists_are_read_as_people_write_them(tmp_path: Path, rewrite: Callable[[str], bytes]) -> None:
    build(tmp_path, TRAIN, TEST)
    expected = read(tmp_path).table
    for file in (tmp_path / "list").iterdir():
        file.write_bytes(rewrite(file.read_text()))
    pd.testing.assert_frame_equal(read(tmp_path).table, expected)


def test_spaces_in_paths_and_absolute_paths_of_the_image_folder_are_read(tmp_path: Path) -> None:
    build(tmp_path, TRAIN, [path.replace("T2", "T 2") for path in TEST])
    expected = read(tmp_path).table
    assert expected["task"].unique().tolist() == ["T1", "T 2"]
    for file in (tmp_path / "list").glob("*path*"):
        file.write_text("\n".join(f"{tmp_path}/img/{line}" for line in file.read_text().splitlines()))
    pd.testing.assert_frame_equal(read(tmp_path).table, expected)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("/data/F001/T1/98.jpg", "is an absolute path outside of the image folder. Correct data.module.source.image_f"),
        ("D:\\BP4D\\F001\\T1\\98.jpg", "is an absolute path outside of the image folder"),
        ("F001/T1/98.jpg 0 1 0 0", "contains more than a path. Write one path per line"),
        ("F001/T1/98.jpg,0,1,0,0", "contains more than a path"),
        ("F001/T1/98.jpg F001/T1/99.jpg", "contains more than a path"),
        ("98.jpg", "is not of the form <subject>/<task>/<number>.jpg"),
    ],
)
def test_other_lines_are_refused_with_the_cause(tmp_path: Path, line: str, reason: str) -> None:
    build(tmp_path, TRAIN, TEST)
    file = tmp_path / "list/BP4D_train_img_path_fold1.txt"
    file.write_text(file.read_text().replace(TRAIN[1], line))
    with pytest.raises(InputError, match=f"fold1.txt: line 2: {re.escape(repr(line))} {re.escape(reason)}"):
        read(tmp_path)


def test_paths_with_a_leading_folder_are_explained(tmp_path: Path) -> None:
    build(tmp_path, [f"img/{path}" for path in TRAIN], [f"img/{path}" for path in TEST])
    with pytest.raises(InputError, match=r"subject img is .* The first folder of a listed path must be the subject"):
        read(tmp_path)


def test_repeats_and_gaps_are_warnings(tmp_path: Path) -> None:
    build(tmp_path, [*TRAIN, TRAIN[0], "F002/T1/11.jpg"], TEST)
    with warnings.catch_warnings(record=True) as record:
        manifest = read(tmp_path)
    messages = " ".join(str(warning.message) for warning in record)
    assert "1 frames are listed more than once" in messages
    assert "2 frames are missing inside 1 videos, most in F002/T1" in messages
    assert manifest.videos()[1].frame.tolist() == [7, 8, 11]


def test_repeat_with_other_labels_is_refused(tmp_path: Path) -> None:
    build(tmp_path, [*TRAIN, TRAIN[0]], TEST)
    file = tmp_path / "list/BP4D_train_label_fold1.txt"
    file.write_text(file.read_text()[:-1] + "0")
    with pytest.raises(InputError, match="frame 98 of F001/T1 exists twice"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["BP4D_train_weight_fold1.txt", "BP4D_weight_fold1.txt"])
def test_class_weights_of_another_fold_are_a_warning(tmp_path: Path, name: str) -> None:
    build(tmp_path, TRAIN, TEST)
    weights = tmp_path / "list" / name
    weights.write_text("1 1 1")
    with pytest.warns(UserWarning, match="3 class weights for 12"):
        read(tmp_path)
    weights.write_text(", ".join(["1.5"] * 12), encoding="utf-8-sig")
    with pytest.warns(UserWarning, match=f"{name}: .* may belong to another fold"):
        read(tmp_path)
    weights.write_text("AU1 AU2")
    with pytest.warns(UserWarning, match="could not convert string to float: 'AU1'.* the file is not used"):
        read(tmp_path)


REAL = [(BP4D, fold) for fold in (1, 2, 3)] + [(DISFA, fold) for fold in (1, 2, 3)]


@pytest.fixture(scope="module")
def real(shared: Path) -> dict[tuple[str, int], Manifest]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no gap, no repeat, no foreign weights
        return {
            (au_set.name, fold): read_released_lists(
                shared / "lists" / au_set.name, au_set=au_set, fold=fold, size=256, fps=25,
                list_folder="", image_folder=None,
            )
            for au_set, fold in REAL
        }  # fmt: skip


def data_module(manifest: Manifest, fold: int, protocol: str = "paper") -> FaceVideoData:
    return FaceVideoData(
        source=lambda au_set: manifest,
        au_set=manifest.au_set, protocol=protocol, fold=fold, num_frames=16, crop_size=224, batch_size=8, seed=0,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fold", "segments", "padded", "clips"), [(1, 2930, 846, 224), (2, 3193, 906, 216), (3, 3221, 905, 216)]
)
def test_real_segments_and_clips(
    real: dict[tuple[str, int], Manifest], fold: int, segments: int, padded: int, clips: int
) -> None:
    data = data_module(real["BP4D", fold], fold)
    dataset = data.test_dataloader().dataset
    assert isinstance(dataset, SequentialClips)
    positions = [dataset.positions(i) for i in range(len(dataset))]
    assert len(dataset) == segments
    assert sum(int(padding.sum()) for _, padding in positions) == padded
    assert sum(int((~padding).sum()) for _, padding in positions) == sum(map(len, data.videos("test")))
    assert len(data.train_dataloader().dataset) == clips
    assert len(list(data.train_dataloader().sampler)) == clips


@pytest.mark.slow
@pytest.mark.parametrize(("au_set", "fold"), REAL)
def test_real_class_weights(
    real: dict[tuple[str, int], Manifest], shared: Path, au_set: ActionUnitSet, fold: int
) -> None:
    losses = pytest.importorskip("mdhr.training.losses")
    given = np.loadtxt(shared / f"lists/{au_set.name}/{au_set.name}_train_weight_fold{fold}.txt")
    weights = losses.class_weights(data_module(real[au_set.name, fold], fold).class_rates())
    np.testing.assert_allclose(np.asarray(weights), given, atol=6e-7, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(("au_set", "fold"), REAL)
def test_real_folds_and_region_patterns(
    real: dict[tuple[str, int], Manifest], shared: Path, au_set: ActionUnitSet, fold: int
) -> None:
    manifest = real[au_set.name, fold]
    folds = {"BP4D": BP4D_FOLDS, "DISFA": DISFA_FOLDS}[au_set.name]
    assert set(manifest.folds[fold]) == set(folds[fold])
    assert set(manifest.table["subject"]) == {subject for subjects in folds.values() for subject in subjects}
    assert len(manifest.table) == {"BP4D": 146_847, "DISFA": 130_814}[au_set.name]
    for split in ("train", "test"):
        file = shared / f"lists/{au_set.name}/{au_set.name}_{split}_label_fold{fold}.txt"
        labels = torch.from_numpy(pd.read_csv(file, sep=" ", header=None).to_numpy(np.int8))
        given = pd.read_csv(str(file).replace("_label_", "_sub_label_"), sep=" ", header=None).to_numpy()
        np.testing.assert_array_equal(au_set.region_pattern(labels).numpy(), given)


@pytest.mark.slow
def test_real_positives(real: dict[tuple[str, int], Manifest]) -> None:
    positives = {
        "BP4D": [31042, 25110, 29755, 67676, 80616, 87270, 82530, 68375, 24869, 50406, 24288, 22229],
        "DISFA": [6506, 5644, 19933, 10327, 5473, 16851, 36247, 11533],
    }
    for au_set in (BP4D, DISFA):
        assert real[au_set.name, 1].table[list(au_set.columns)].sum().tolist() == positives[au_set.name]


@pytest.mark.slow
def test_real_honest_protocol_is_disjoint(real: dict[tuple[str, int], Manifest]) -> None:
    data = data_module(real["BP4D", 1], 1, protocol="honest")
    subjects = [{video.subject for video in data.videos(split)} for split in ("train", "val", "test")]
    assert [len(s) for s in subjects] == [22, 6, 13]
    assert len(set.union(*subjects)) == 41
