"""Check of a prepared data set: description, table and every image."""

from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.data.column_checks import ColumnCheck, check_columns, is_true, is_zero, one_of
from mdhr.data.fold_checks import check_fold_subjects
from mdhr.data.prepared.image_checks import check_images
from mdhr.data.prepared.manifest import DESCRIPTION, KEY, TABLE, UNKNOWN, Description
from mdhr.data.problems import Problem
from mdhr.errors import InputError, shown
from mdhr.files.checksums import file_checksum
from mdhr.files.parquet_files import read_parquet
from mdhr.files.search import walk
from mdhr.files.yaml_files import read_yaml

AGAIN = f"delete {DESCRIPTION} and prepare it again"
"""A data set counts as complete as long as its description exists."""
IMAGES = (".jpg", ".jpeg", ".png", ".bmp")
MIN_FACE_SHARE = 0.5
"""A video with faces in a smaller share of its frames gets a note."""

LABEL = ColumnCheck(
    is_valid=one_of((0, 1, MISSING, UNKNOWN)),
    what="label {value} of {column} in frame {frame} is not 0, 1 or -1",
    fix=AGAIN,
)
INTENSITY = ColumnCheck(
    is_valid=lambda cells: pd.to_numeric(cells, errors="coerce").between(MISSING, 5),
    what="{value} of {column} in frame {frame} is not from 0 to 5",
    fix=AGAIN,
)
SINGLE_ROW = ColumnCheck(is_valid=is_zero, what="frame {frame} has more than one row", fix=AGAIN)
FRAME_NUMBER = ColumnCheck(
    is_valid=lambda cells: pd.to_numeric(cells, errors="coerce") % 1 == 0,
    what="frame number {value} is not an integer",
    fix=AGAIN,
)
EXISTS = ColumnCheck(is_valid=is_true, what="no image {image}", fix=AGAIN)
INTACT = ColumnCheck(
    is_valid=is_true,
    what="{image} is damaged: not the image that was prepared, or not an image",
    fix=f"delete it, {AGAIN}",
)
FACE_FOUND = ColumnCheck(
    is_valid=is_true,
    what="face found in {share:.0%} of the frames",
    fix="inspect the video; it may be the wrong one",
    level="note",
)


def check_prepared(
    root: str | Path, au_set: ActionUnitSet | None = None, *, partial: bool = False, num_workers: int | None = None
) -> list[Problem]:
    """Return all problems of a prepared data set. Reads every image.

    Args:
        au_set: required action units; None accepts those of the data set.
        partial: report absent subjects of folds as notes instead of errors.
        num_workers: processes that read images; None is one per core.
    """
    root = Path(root)
    problems: list[Problem] = []
    description = _read_description(root, problems)
    if description is not None:
        found = description.au_set
        if au_set is not None and au_set.aus != found.aus:
            what = f"prepared with the action units of {found.name}, not of {au_set.name}"
            fix = (
                "set data.au_set to them"
                if isinstance(found.definition, dict)
                else f"set data.au_set.name={found.name}"
            )
            problems.append(Problem(DESCRIPTION, what, fix=f"{fix}, or {AGAIN}"))
        au_set = found
    table = _read_table(root, description, problems)
    if table is None or au_set is None:
        return problems
    missing = [column for column in [*KEY, "path", *au_set.columns] if column not in table]
    if missing:
        problems.append(Problem(TABLE, f"no column {', '.join(missing)}", len(missing), AGAIN))
    if table.empty:
        problems.append(Problem(TABLE, "contains no frames", fix=AGAIN))
    if table.empty or {*KEY, "path"} & set(missing):
        return problems
    # Later steps require text in these columns and no objects such as lists anywhere.
    names = ("subject", "task", "path")
    table = table.apply(lambda cells: cells.map(str) if cells.dtype == object or cells.name in names else cells)
    if description is not None:
        problems += check_fold_subjects(description.folds, set(table["subject"]), partial=partial)
    return [*problems, *_check_rows(table, root, au_set, description, num_workers), *_unlisted_images(table, root)]


def _read_description(root: Path, problems: list[Problem]) -> Description | None:
    if not (root / DESCRIPTION).exists():
        what = "does not exist: the data set is not prepared, or not completely"
        problems.append(Problem(DESCRIPTION, what, fix="run `mdhr prepare` again; it resumes"))
        return None
    try:
        return Description.model_validate(read_yaml(root / DESCRIPTION))
    except ValidationError as error:
        for problem in error.errors():
            entry = ".".join(map(shown, problem["loc"])) or "content"
            problems.append(Problem(DESCRIPTION, f"{entry}: {shown(problem['msg'])}", fix=AGAIN))
    except InputError as error:
        problems.append(Problem(DESCRIPTION, str(error).removeprefix(f"{root / DESCRIPTION} "), fix=AGAIN))
    return None


def _read_table(root: Path, description: Description | None, problems: list[Problem]) -> pd.DataFrame | None:
    path = root / TABLE
    if not path.exists():
        problems.append(Problem(TABLE, "does not exist", fix=AGAIN))
        return None
    if description is not None and path.is_file() and file_checksum(path) != description.sha256:
        problems.append(Problem(TABLE, f"does not match the checksum in {DESCRIPTION}", fix=AGAIN))
    try:
        return read_parquet(path).reset_index(drop=True)
    except InputError as error:
        problems.append(Problem(TABLE, str(error).removeprefix(f"{path} "), fix=AGAIN))
        return None


def _check_rows(
    table: pd.DataFrame, root: Path, au_set: ActionUnitSet, description: Description | None, num_workers: int | None
) -> list[Problem]:
    images = check_images(table, root, num_workers=num_workers)
    table = table.assign(
        video=table["subject"] + "/" + table["task"],
        repeats=table.duplicated(KEY),
        image=table["path"].str.rpartition("/")[2],
        **images,
    )
    checks: dict[str, ColumnCheck] = {
        "frame": FRAME_NUMBER,
        "repeats": SINGLE_ROW,
        **dict.fromkeys(au_set.columns, LABEL),
        **dict.fromkeys([column for column in table if str(column).startswith("intensity_")], INTENSITY),
        "exists": EXISTS,
        "intact": INTACT,
    }
    if description is not None:
        checks["size"] = _size_check(description.size)
    return [*check_columns(table, checks), *_check_faces(table)]


def _size_check(size: int) -> ColumnCheck:
    expected = f"{size} x {size}"
    return ColumnCheck(
        is_valid=lambda sizes: sizes.isin([expected, ""]),
        what="{image} has {value} px, not " + expected,
        fix=f"delete it, {AGAIN}",
    )


def _check_faces(table: pd.DataFrame) -> list[Problem]:
    """Return notes for videos with a face in less than ``MIN_FACE_SHARE`` of the frames."""
    if "face_found" not in table:
        return []
    share = one_of((1,))(table["face_found"]).groupby(table["video"]).mean()
    enough = (share >= MIN_FACE_SHARE).to_numpy()
    videos = pd.DataFrame({"video": share.index, "share": share.to_numpy(), "enough": enough})
    return check_columns(videos, {"enough": FACE_FOUND})


def _unlisted_images(table: pd.DataFrame, root: Path) -> list[Problem]:
    """Return notes for images that are not in the table."""
    listed = set(table["path"])
    problems = []
    for folder, names in walk(root / "frames"):
        place = f"frames/{folder}" if folder != "." else "frames"
        extra = [name for name in names if name.lower().endswith(IMAGES) and f"{place}/{name}" not in listed]
        if extra:
            what = f"images that are not in the table, first {extra[0]}"
            problems.append(Problem(place, what, len(extra), "delete them; they are not used", "note"))
    return problems
