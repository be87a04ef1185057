"""Check of damaged DISFA releases: intensities and videos."""

import re
import shutil
from pathlib import Path

import pytest

from tests.data.releases.test_release_checks import Damage, cut_off, errors_of
from tests.support.raw_trees import build_disfa


@pytest.fixture(scope="session")
def disfa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("disfa")
    build_disfa(root, subjects=("SN001", "SN002", "SN003"))
    return root


SN001 = Path("ActionUnit_Labels/SN001")
DISFA_DAMAGE: dict[str, Damage] = {
    "intensities": (
        lambda root: (root / SN001 / "SN001_au4.txt").write_text(
            "".join(f"{n},{9 if n in (3, 5) else 0}\n" for n in range(1, 11))
        ),
        str(SN001), "9 of intensity_AU4 in frame 2, counted from 0, is not from 0 to 5", 2,
    ),
    "lines of one unit": (
        lambda root: (root / SN001 / "SN001_au4.txt").write_text("".join(f"{n},0\n" for n in range(1, 9))),
        str(SN001), r"\(empty\) of intensity_AU4 in frame 8", 2,
    ),
    "a line twice": (
        lambda root: [f.write_text(f.read_text() + "7,1\n") for f in (root / SN001).glob("*.txt")],
        str(SN001), "frame 6 has more than one line", 1,
    ),
    "frames from 0": (
        lambda root: [
            f.write_text("".join(f"{n},0\n" for n in range(10))) for f in (root / SN001).glob("*.txt")
        ],
        "SN001/video", "the labels are shifted: frames are numbered 0 to 9, labels -1 to 8", 10,
    ),
    "no file of a unit": (
        lambda root: (root / SN001 / "SN001_au26.txt").unlink(), str(SN001), "no file for AU26", 1
    ),
    "a file with three columns": (
        lambda root: (root / SN001 / "SN001_au4.txt").write_text("1,0,0\n"),
        str(SN001 / "SN001_au4.txt"), "3 columns", 1,
    ),
    "a file that is cut off": (
        lambda root: (root / SN001 / "SN001_au4.txt").write_text("1,0\n2,3\n3"),
        str(SN001 / "SN001_au4.txt"), "line 3 has 1 columns, the first line has 2", 1,
    ),
    **{
        f"a file with {name}": (
            lambda root, mark=mark: (root / SN001 / "SN001_au4.txt").write_text(f"1{mark}0\n2{mark}3\n"),
            str(SN001 / "SN001_au4.txt"), f"its columns are separated by {name}; replace them by commas", 1,
        )
        for mark, name in ((";", "semicolons"), ("\t", "tabs"), (" ", "spaces"))
    },
    "a video that is text": (
        lambda root: (root / "Videos_LeftCamera/LeftVideoSN001_comp.avi").write_text("film"),
        "SN001/video", "labels without images or a readable video", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DISFA_DAMAGE)
def test_damage_of_disfa_is_found_where_it_is(kind: str, disfa: Path, tmp_path: Path) -> None:
    damage, where, what, count = DISFA_DAMAGE[kind]
    root = tmp_path / "release"
    shutil.copytree(disfa, root)
    damage(root)
    errors = errors_of(root, deep=True)
    assert [p.count for p in errors if p.where == where and re.search(what, p.what)] == [count], errors
    assert not [p for p in errors if "SN001" not in p.where]


def test_a_video_that_is_cut_off_lacks_its_last_frames(disfa: Path, tmp_path: Path) -> None:
    shutil.copytree(disfa, tmp_path, dirs_exist_ok=True)
    cut_off(tmp_path / "Videos_LeftCamera/LeftVideoSN001_comp.avi")
    (error,) = errors_of(tmp_path)
    first = int(error.what.split()[-1])
    assert (error.where, error.count) == ("SN001/video", 10 - first)
    assert 0 < first < 10


def test_a_video_that_breaks_off_is_only_found_by_decoding(tmp_path: Path) -> None:
    build_disfa(tmp_path, subjects=("SN001",))
    film = tmp_path / "Videos_LeftCamera/LeftVideoSN001_comp.avi"
    content = film.read_bytes()
    seventh = [match.end() + 4 for match in re.finditer(b"00dc", content)][6]  # behind the name of a chunk its size
    film.write_bytes(content[:seventh] + bytes(400) + content[seventh + 400 :])
    assert errors_of(tmp_path) == []
    (error,) = errors_of(tmp_path, deep=True)
    assert error.where == "SN001/video"
    assert error.count in (4, 5), "frames from the seventh on, and what the decoder still held back"
    assert error.what == f"frame {10 - error.count} is truncated or not an image"
