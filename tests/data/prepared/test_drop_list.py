"""Drop lists: excluded frames and invalid lists."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mdhr.data.datamodule import FaceVideoData
from mdhr.data.prepared.drop_list import without_dropped
from mdhr.data.prepared.manifest import read_manifest
from mdhr.errors import InputError
from tests.data.conftest import FIRST_FRAME


def test_ranges_and_single_frames_go(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "drop.yaml").write_text(
        f"F001/T1: [{FIRST_FRAME}-{FIRST_FRAME + 2}, {FIRST_FRAME + 5}]\nM001/T2: [30]\n"
    )
    before = read_manifest(tiny)
    after = without_dropped(before, tmp_path / "drop.yaml")
    rows = before.table.set_index(["subject", "task", "frame"]).index
    left = after.table.set_index(["subject", "task", "frame"]).index
    gone = [("F001", "T1", FIRST_FRAME + n) for n in (0, 1, 2, 5)] + [("M001", "T2", 30)]
    assert sorted(set(rows) - set(left)) == sorted(gone)
    assert len(left) == len(rows) - 5


def test_the_data_module_uses_it(make_data: Callable[..., FaceVideoData], tmp_path: Path) -> None:
    (tmp_path / "drop.yaml").write_text(f"F001/T1: [{FIRST_FRAME}-{FIRST_FRAME + 8}]\n")
    names = [video.name for video in make_data(drop_list=str(tmp_path / "drop.yaml")).videos("test")]
    assert names == ["F001/T2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("F009/T1: [3]", r"drop\.yaml: F009/T1: no such video in"),
        ("F001/T1: [3]", r"drop\.yaml: F001/T1: no such frames in"),
        ("F001/T1: [9-3]", "the end of range '9-3' is smaller than its start"),
        ("F001/T1: [some]", "'some' is not a frame number or a range"),
        ("F001/T1", "is not a drop list. Expected lines such as"),
        ("F001/T1: [3", "cannot be read: line 2: did not find"),
    ],
)
def test_invalid_list_is_an_error_of_one_line(tiny: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "drop.yaml").write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        without_dropped(read_manifest(tiny), tmp_path / "drop.yaml")
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match=r"data\.module\.drop_list: .*no\.yaml cannot be read: No such file"):
        without_dropped(read_manifest(tiny), tmp_path / "no.yaml")
