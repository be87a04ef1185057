"""Checks a prepared data set: description, table and every image, with everything that is wrong told at once."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import yaml
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from mdhr.action_units import MISSING, ActionUnitSet, action_unit_set
from mdhr.data.column_rules import Rule, broken, is_true, is_zero, one_of
from mdhr.data.prepared.manifest import DESCRIPTION, KEY, TABLE, UNKNOWN
from mdhr.data.readable_files import stored_images
from mdhr.data.releases.release import Problem
from mdhr.data.releases.release_checks import check_subjects
from mdhr.files.checksums import content_checksum
from mdhr.files.search import walk

AGAIN = f"delete {DESCRIPTION} and prepare it again"
"""While it is there, the data set counts as whole."""
IMAGES = (".jpg", ".jpeg", ".png", ".bmp")
ENOUGH = 0.5
"""Share of a video's frames below which it is told that the face was seldom found."""

LABEL = Rule(
    holds=one_of((0, 1, MISSING, UNKNOWN)),
    what="label {value} of {column} in frame {frame} is none of 0, 1, -1",
    mend=AGAIN,
)
INTENSITY = Rule(
    holds=lambda cells: pd.to_numeric(cells, errors="coerce").between(MISSING, 5),
    what="{value} of {column} in frame {frame} is not from 0 to 5",
    mend=AGAIN,
)
ONCE = Rule(holds=is_zero, what="frame {frame} has more than one row", mend=AGAIN)
NUMBER = Rule(
    holds=lambda cells: pd.to_numeric(cells, errors="coerce") % 1 == 0,
    what="frame number {value} is no whole number",
    mend=AGAIN,
)
THERE = Rule(holds=is_true, what="no image {image}", mend=AGAIN)
WHOLE = Rule(
    holds=is_true,
    what="{image} is damaged: not the image that was prepared, or none at all",
    mend=f"delete it, {AGAIN}",
)
FOUND = Rule(
    holds=is_true,
    what="face found in {share:.0%} of the frames",
    mend="look at the video; is it the right one?",
    level="note",
)


class _Description(BaseModel):
    """What ``prepared.yaml`` says."""

    name: str
    au_set: Annotated[str, AfterValidator(lambda name: action_unit_set(name).name)]
    fps: float = Field(gt=0)
    size: int = Field(ge=1)
    folds: dict[int, list[str]]
    sha256: str


def check_prepared(
    root: str | Path, au_set: ActionUnitSet | None = None, *, partial: bool = False, num_workers: int | None = None
) -> list[Problem]:
    """Everything that is wrong with a prepared data set; every image is read.

    Parameters
    ----------
    au_set: the action units that are wanted; None is those it was prepared with.
    partial: subjects that a fold names but that are not there are notes instead of errors.
    num_workers: processes that read; None is one a core.
    """
    root = Path(root)
    problems: list[Problem] = []
    description = _read_description(root, problems)
    if description is not None:
        found = action_unit_set(description.au_set)
        if au_set is not None and au_set != found:
            what = f"prepared with the action units of {found.name}, not of {au_set.name}"
            problems.append(Problem(DESCRIPTION, what, mend=f"say data.au_set.name={found.name}, or {AGAIN}"))
        au_set = found
    table = _read_table(root, description, problems)
    if table is None or au_set is None:
        return problems
    missing = [column for column in [*KEY, "path", *au_set.columns] if column not in table]
    if missing:
        problems.append(Problem(TABLE, f"no column {', '.join(missing)}", len(missing), AGAIN))
    if table.empty:
        problems.append(Problem(TABLE, "holds no frame", mend=AGAIN))
    if table.empty or {*KEY, "path"} & set(missing):
        return problems
    # Names, and cells that are neither numbers nor text, become text, which nothing trips over.
    names = ("subject", "task", "path")
    table = table.apply(lambda cells: cells.map(str) if cells.dtype == object or cells.name in names else cells)
    if description is not None:
        problems += check_subjects(description.folds, set(table["subject"]), partial=partial)
    return [*problems, *_check_rows(table, root, au_set, description, num_workers), *_unlisted(table, root)]


def _read_description(root: Path, problems: list[Problem]) -> _Description | None:
    try:
        content = yaml.safe_load((root / DESCRIPTION).read_text())
        return _Description.model_validate(content)
    except FileNotFoundError:
        problems.append(Problem(DESCRIPTION, "is not there: not prepared, or not to its end", mend="go on preparing"))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(DESCRIPTION, f"cannot be read: {getattr(error, 'strerror', error)}", mend=AGAIN))
    except yaml.YAMLError:
        problems.append(Problem(DESCRIPTION, "is no YAML", mend=AGAIN))
    except ValidationError as error:
        for problem in error.errors():
            entry = ".".join(map(str, problem["loc"])) or "content"
            problems.append(Problem(DESCRIPTION, f"{entry}: {problem['msg']}", mend=AGAIN))
    return None


def _read_table(root: Path, description: _Description | None, problems: list[Problem]) -> pd.DataFrame | None:
    try:
        content = (root / TABLE).read_bytes()
        if description is not None and content_checksum(content) != description.sha256:
            problems.append(Problem(TABLE, f"is not the table that {DESCRIPTION} was written with", mend=AGAIN))
        return pd.read_parquet(root / TABLE).reset_index(drop=True)
    except FileNotFoundError:
        problems.append(Problem(TABLE, "is not there", mend=AGAIN))
    except OSError as error:
        problems.append(Problem(TABLE, f"cannot be read: {error.strerror or error}", mend=AGAIN))
    except Exception as error:  # whatever a parquet reader says of a file that is none
        problems.append(Problem(TABLE, f"is no parquet table: {str(error).splitlines()[0]}", mend=AGAIN))
    return None


def _check_rows(
    table: pd.DataFrame, root: Path, au_set: ActionUnitSet, description: _Description | None, num_workers: int | None
) -> list[Problem]:
    images = stored_images(table, root, num_workers=num_workers)
    table = table.assign(
        video=table["subject"] + "/" + table["task"],
        repeats=table.duplicated(KEY),
        image=table["path"].str.rpartition("/")[2],
        **images,
    )
    rules: dict[str, Rule] = {
        "frame": NUMBER,
        "repeats": ONCE,
        **dict.fromkeys(au_set.columns, LABEL),
        **dict.fromkeys([column for column in table if str(column).startswith("intensity_")], INTENSITY),
        "there": THERE,
        "whole": WHOLE,
    }
    if description is not None:
        rules["size"] = _size_rule(description.size)
    return [*broken(table, rules), *_check_faces(table)]


def _size_rule(size: int) -> Rule:
    expected = f"{size} x {size}"
    return Rule(
        holds=lambda sizes: sizes.isin([expected, ""]),
        what="{image} has {value} px, not " + expected,
        mend=f"delete it, {AGAIN}",
    )


def _check_faces(table: pd.DataFrame) -> list[Problem]:
    """Videos in which a face was seldom or never found; how often, is said."""
    if "face_found" not in table:
        return []
    found = one_of((1,))(table["face_found"]).groupby(table["video"]).mean()
    videos = pd.DataFrame({"video": found.index, "share": found.to_numpy(), "often": (found >= ENOUGH).to_numpy()})
    return broken(videos, {"often": FOUND})


def _unlisted(table: pd.DataFrame, root: Path) -> list[Problem]:
    """Images that the table does not know; nothing reads them."""
    listed = set(table["path"])
    problems = []
    for folder, names in walk(root / "frames"):
        place = f"frames/{folder}" if folder != "." else "frames"
        extra = [name for name in names if name.lower().endswith(IMAGES) and f"{place}/{name}" not in listed]
        if extra:
            what = f"images that the table does not know, first {extra[0]}"
            problems.append(Problem(place, what, len(extra), "delete them, nothing reads them", "note"))
    return problems
