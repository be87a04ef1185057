"""Reader of the lists and images that the released code uses.

::

    <root>/list/BP4D_{train,test}_img_path_fold1.txt     F001/T1/2440.jpg      (DISFA: _path_, SN001/SN001_0.png)
    <root>/list/BP4D_{train,test}_label_fold1.txt        0 1 0 ... one number per action unit, in the order of the set
    <root>/list/BP4D_{train_,}weight_fold1.txt           class weights, optional; compared with the labels
    <root>/img/F001/T1/2440.jpg                          number padded or not

Files may start with a byte order mark and use any line ends. Paths may start with ``./`` or the image folder, contain
spaces, and use backslashes. Numbers may be separated by commas.
"""

import io
import os
import re
import warnings
from pathlib import Path, PureWindowsPath

import numpy as np
import pandas as pd

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.config.ranges import Fold, FrameRate, FrameSize, Name
from mdhr.data.prepared.manifest import KEY, Manifest, check_table, clean_labels
from mdhr.errors import InputError, shown
from mdhr.files.csv_files import check_columns
from mdhr.files.search import IMAGE_SUFFIXES, numbered_images
from mdhr.files.text_lines import read_lines

ONE_VIDEO = "video"
"""Name of the task in data sets with one video per subject."""
_PATH = r"^(?P<subject>[^/:,]+)/(?:(?P<task>[^:,]+)/)?[^/:,]*?(?P<frame>\d+)\.\w+$"
_MORE_THAN_A_PATH = re.compile(rf"\.(?:{'|'.join(suffix[1:] for suffix in IMAGE_SUFFIXES)})[\s,]", re.IGNORECASE)


def read_released_lists(
    root: Name | Path,
    *,
    au_set: ActionUnitSet,
    fold: Fold,
    size: FrameSize,
    fps: FrameRate,
    list_folder: Name | Path = "list",
    image_folder: Name | Path | None = "img",
) -> Manifest:
    """Return the manifest of the training and test lists of one fold.

    Args:
        size: width and height in pixels to which frames are resized when they are read.
        fps: frame rate, for reports.
        list_folder, image_folder: relative to ``root`` or absolute. Images are matched to frames by number. If
            ``image_folder`` is None, images are not searched.

    Raises ``InputError`` if a list is absent or invalid, paths and labels differ in number, a subject is in both lists,
    a label is not 0, 1, -1 or 9, or an image is missing. Warns about class weights of another fold.
    """
    root = Path(root)
    lists = root / list_folder
    images = None if image_folder is None else root / image_folder
    parts = {split: _read_split(lists, images, au_set, split, fold) for split in ("train", "test")}
    shared = sorted(set(parts["train"]["subject"]) & set(parts["test"]["subject"]))
    if shared:
        raise InputError(
            f"{lists}: subject {shared[0]} is in the training and the test list of fold {fold}. The first folder of a "
            "listed path must be the subject."
        )
    for name in ("train_weight", "weight"):
        check_weights(lists / f"{au_set.name}_{name}_fold{fold}.txt", parts["train"], au_set)
    table = pd.concat(parts.values(), ignore_index=True)
    table = check_table(_without_repeats(table, au_set, lists), au_set, where=str(lists))
    table = table.sort_values(KEY, ignore_index=True)
    _warn_about_gaps(table, lists)
    if images is not None:
        table["path"] = find_images(images, table["path"])
    return Manifest(
        root=root if images is None else images,
        name=au_set.name,
        au_set=au_set,
        fps=fps,
        size=size,
        folds={fold: tuple(parts["test"]["subject"].unique())},
        table=table,
    )


def released_folds(
    root: str | Path, *, au_set: ActionUnitSet, list_folder: str | Path = "list", **_: object
) -> tuple[int, ...]:
    """Return the numbers of the folds with a list of test labels; other arguments of the source are ignored.

    Raises ``InputError`` if there is none.
    """
    lists, prefix = Path(root) / list_folder, f"{au_set.name}_test_label_fold"
    numbers = (path.stem.removeprefix(prefix) for path in lists.glob(f"{prefix}*.txt"))
    folds = tuple(sorted(int(number) for number in numbers if number.isdecimal()))
    if not folds:
        raise InputError(f"list {lists / prefix}1.txt does not exist. Correct data.root.")
    return folds


def check_weights(path: Path, train: pd.DataFrame, au_set: ActionUnitSet) -> None:
    """Warn if a file of class weights exists and does not match the training labels.

    The file is not used. A mismatch indicates that lists of different folds are mixed.
    """
    if not path.is_file():
        return
    text = " ".join(read_lines(path)).replace(",", " ")
    try:
        given = np.array(text.split(), dtype=np.float64)
    except ValueError as error:
        warnings.warn(f"{path}: {error}; the file is not used", stacklevel=2)
        return
    au = train[list(au_set.columns)].to_numpy()
    inverse_rate = (au != MISSING).sum(0) / np.maximum((au == 1).sum(0), 1)
    expected = len(au_set.aus) * inverse_rate / inverse_rate.sum()
    if given.shape != expected.shape:
        warnings.warn(
            f"{path}: {given.size} class weights for {expected.size} action units; the file is not used", stacklevel=2
        )
        return
    worst = int(np.abs(given - expected).argmax())
    if abs(given[worst] - expected[worst]) > 1e-5:
        warnings.warn(
            f"{path}: the class weights do not match the training labels ({au_set.columns[worst]}: "
            f"{given[worst]:.6f}, expected {expected[worst]:.6f}) and may belong to another fold; the file is not used",
            stacklevel=2,
        )


def find_images(folder: Path, listed: pd.Series) -> list[str]:
    """Return the image file of every listed path ``<video>/<name><number>.<suffix>``, matched by number.

    If several files match, the one with exactly the listed name is used. Raises ``InputError`` with the first missing
    image.
    """
    if not folder.is_dir():
        raise InputError(f"image folder {folder} does not exist. Correct data.root or data.module.source.image_folder.")
    files: dict[str, dict[int, str]] = {}
    found, missing = [], []
    for path in listed:
        video, _, name = path.rpartition("/")
        if video not in files:
            files[video] = _numbered(folder / video)
        number = next(iter(numbered_images([name])[0]), -1)
        match = files[video].get(number)
        if match is None:
            missing.append(path)
        elif match != name and (folder / path).is_file():
            match = name
        found.append(f"{video}/{match}")
    if missing:
        raise InputError(f"{folder}: no image for {missing[0]} ({len(missing)} of {len(listed)} listed frames missing)")
    return found


def _numbered(folder: Path) -> dict[int, str]:
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    return numbered_images(names)[0]


def _read_split(lists: Path, images: Path | None, au_set: ActionUnitSet, split: str, fold: int) -> pd.DataFrame:
    stem = f"{au_set.name}_{split}"
    choices = [lists / f"{stem}_{kind}_fold{fold}.txt" for kind in ("img_path", "path")]
    paths_file = next((file for file in choices if file.is_file()), None)
    labels_file = lists / f"{stem}_label_fold{fold}.txt"
    if paths_file is None or not labels_file.is_file():
        absent = choices[0] if paths_file is None else labels_file
        raise InputError(f"list {absent} does not exist. Correct data.root or data.fold.")
    lines = [(number, line) for number, line in enumerate(read_lines(paths_file), start=1) if line]
    listed = pd.Series([_relative_path(line, images) for _, line in lines], name="path", dtype=str)
    key = listed.str.extract(_PATH)
    invalid = key["frame"].isna() | listed.str.contains(_MORE_THAN_A_PATH)
    if invalid.any():
        number, line = lines[int(invalid.idxmax())]
        raise InputError(f"{paths_file}: line {number}: {shown(line)!r} {_fault(line)}")
    labels = _read_labels(labels_file, au_set)
    if len(labels) != len(listed):
        raise InputError(f"{labels_file} has {len(labels)} lines, {paths_file.name} has {len(listed)}")
    columns = clean_labels(labels, where=str(labels_file))
    return key.assign(task=key["task"].fillna(ONE_VIDEO), frame=key["frame"].astype(np.int64), path=listed, **columns)


def _read_labels(path: Path, au_set: ActionUnitSet) -> pd.DataFrame:
    lines = [line.replace(",", " ") for line in read_lines(path)]
    check_columns(len(lines[0].split()), path)
    text = "\n".join(lines)
    try:
        labels = pd.read_csv(io.StringIO(text), sep=r"\s+", header=None)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path}: {shown(str(error).strip())}") from error
    if labels.shape[1] != len(au_set.aus):
        raise InputError(f"{path}: {labels.shape[1]} labels per line, expected {len(au_set.aus)} ({au_set.name})")
    labels.columns = pd.Index(au_set.columns)
    labels.index += 1  # lines count from 1
    return labels


def _relative_path(line: str, images: Path | None) -> str:
    """Return a listed path relative to the image folder, with slashes; unchanged if it is absolute and elsewhere."""
    path = line.strip("\"',").replace("\\", "/")
    for folder in [] if images is None else [f"{images.as_posix()}/", f"{images.resolve().as_posix()}/"]:
        path = path.removeprefix(folder)
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _fault(line: str) -> str:
    """Return why a line is not a path relative to the image folder."""
    if PureWindowsPath(line.strip("\"'")).anchor:
        return "is an absolute path outside of the image folder. Correct data.module.source.image_folder, or the list."
    if _MORE_THAN_A_PATH.search(line):
        return "contains more than a path. Write one path per line, and labels to the list of labels."
    return "is not of the form <subject>/<task>/<number>.jpg"


def _without_repeats(table: pd.DataFrame, au_set: ActionUnitSet, lists: Path) -> pd.DataFrame:
    """Return the table without rows that repeat a frame with the same labels. ``check_table`` refuses other repeats."""
    repeated = table.duplicated([*KEY, *au_set.columns])
    if repeated.any():
        warnings.warn(f"{lists}: {repeated.sum()} frames are listed more than once; each is used once", stacklevel=2)
    return table[~repeated]


def _warn_about_gaps(table: pd.DataFrame, lists: Path) -> None:
    """Warn about frames missing inside videos. Clips continue across such gaps."""
    gaps = table.groupby(["subject", "task"])["frame"].agg(
        lambda frame: frame.iloc[-1] - frame.iloc[0] + 1 - len(frame)
    )
    if (gaps > 0).any():
        warnings.warn(
            f"{lists}: {gaps.sum()} frames are missing inside {(gaps > 0).sum()} videos, most in "
            f"{'/'.join(gaps.idxmax())}; clips continue across the gaps",
            stacklevel=2,
        )
