"""Reader of coded videos: pairing, subjects, folds, and one line for every kind of wrong input."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pympi
import pytest

from mdhr.action_units import action_unit_set
from mdhr.data.releases.coded_videos import CodedVideosRelease
from mdhr.data.releases.label_table import label_table
from mdhr.data.releases.release_checks import check_release
from mdhr.data.video.encoding import write_video
from mdhr.errors import InputError
from tests.support.code_files import WRITERS, known_labels, runs_of

AU_SET = action_unit_set("own", [1, 12, 45])
NUM_FRAMES, FPS = 40, 25.0
FORMATS = ("csv", "eaf", "boris events", "textgrid long")


def add_video(path: Path, *, num_frames: int = NUM_FRAMES, fps: float = FPS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_video(path) as add:
        for frame in range(num_frames):
            add(frame / fps, np.full((32, 32, 3), 5 * frame % 255, np.uint8))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    add_video(path)
    return path.read_bytes()


@pytest.fixture
def tree(tmp_path: Path, video: bytes) -> dict[str, pd.DataFrame]:
    """Four subjects with one video each; the labels by subject."""
    labels = {}
    for index, name in enumerate(FORMATS):
        subject = f"S0{index}"
        (tmp_path / "videos" / subject).mkdir(parents=True)
        (tmp_path / "videos" / subject / f"{subject}_talk.mp4").write_bytes(video)
        labels[subject] = known_labels(AU_SET.columns, num_frames=NUM_FRAMES, seed=index)
        (tmp_path / "codes").mkdir(exist_ok=True)
        WRITERS[name](tmp_path / "codes" / f"{subject}_TALK_codes", labels[subject], FPS)
    return labels


def release(root: Path, **settings: object) -> CodedVideosRelease:
    chosen = {"code_suffix": "_codes", **settings}
    return CodedVideosRelease(root=root / "videos", labels=str(root / "codes"), au_set=AU_SET, **chosen)


def errors(root: Path, **settings: object) -> list[str]:
    problems = check_release(release(root, **settings).read())
    return [f"{problem.where}: {problem.what}" for problem in problems if problem.level == "error"]


def check_labels(root: Path, labels: dict[str, pd.DataFrame], **settings: object) -> None:
    table = label_table(release(root, **settings).read())
    for subject, expected in labels.items():
        found = table[table["subject"] == subject].reset_index(drop=True)[expected.columns]
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_labels_of_all_videos_are_those_that_were_written(tmp_path: Path, tree: dict[str, pd.DataFrame]) -> None:
    assert errors(tmp_path) == []
    check_labels(tmp_path, tree)
    contents = release(tmp_path).read()
    assert contents.fps == FPS
    assert sorted(subject for members in contents.folds.values() for subject in members) == list(tree)


def test_subjects_from_expression_and_column(tmp_path: Path, tree: dict[str, pd.DataFrame], video: bytes) -> None:
    contents = release(tmp_path, subject=r"regex:S(?P<subject>\d+)_").read()
    assert [video.subject for video in contents.videos] == ["00", "01", "02", "03"]
    for path in (tmp_path / "codes").glob("*"):
        path.unlink()
    for subject, labels in tree.items():
        labels.assign(Subject=f"P-{subject}").to_csv(tmp_path / f"codes/{subject}_talk.csv", index=False)
    contents = release(tmp_path, subject="column").read()
    assert [video.subject for video in contents.videos] == ["P-S00", "P-S01", "P-S02", "P-S03"]


def test_image_folders_and_equal_names_in_subject_folders(tmp_path: Path) -> None:
    labels = {}
    for index in range(3):
        folder = tmp_path / f"videos/S{index}/talk"
        folder.mkdir(parents=True)
        for frame in range(12):
            cv2.imwrite(str(folder / f"img_{frame + 7:04d}.png"), np.full((16, 16, 3), 9 * frame, np.uint8))
        labels[f"S{index}"] = known_labels(AU_SET.columns, num_frames=12, seed=index)
        (tmp_path / f"codes/S{index}").mkdir(parents=True)
        WRITERS["eaf"](tmp_path / f"codes/S{index}/talk", labels[f"S{index}"], 30)
    assert errors(tmp_path, fps=30.0) == []
    check_labels(tmp_path, labels, fps=30.0)


def test_codes_at_another_rate_are_resampled(tmp_path: Path, tree: dict[str, pd.DataFrame]) -> None:
    doubled = tree["S00"].loc[np.repeat(np.arange(NUM_FRAMES), 2)].assign(frame=np.arange(2 * NUM_FRAMES))
    for path in (tmp_path / "codes").glob("*"):
        path.unlink()
    for subject in tree:
        doubled.to_csv(tmp_path / f"codes/{subject}_talk.csv", index=False)
    assert "frame-rate mismatch: codes at 50 fps, video at 25 fps" in errors(tmp_path)[0]
    assert errors(tmp_path, coding_fps=50.0) == []
    check_labels(tmp_path, dict.fromkeys(tree, tree["S00"]), coding_fps=50.0)


def test_point_events_are_widened(tmp_path: Path, tree: dict[str, pd.DataFrame]) -> None:
    path = tmp_path / "codes/S02_TALK_codes.tsv"
    path.write_text(path.read_text().rstrip() + "\n1.02\t\t\t25\t\tblink\t\tPOINT\n")
    mapping = {"AU45": None, "blink": 45}
    for width, frames in ((0.0, [25]), (0.2, [23, 24, 25, 26, 27])):
        table = label_table(release(tmp_path, mapping=mapping, absent="inactive", point_seconds=width).read())
        assert table.loc[(table["subject"] == "S02") & (table["AU45"] == 1), "frame"].tolist() == frames


CSV, EAF, BORIS, GRID = (
    f"codes/S0{index}_TALK_codes{suffix}" for index, suffix in enumerate((".csv", ".eaf", ".tsv", ".TextGrid"))
)


def edited_table(edit: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        edit(pd.read_csv(root / CSV)).to_csv(root / CSV, index=False)

    return change


def edited_tiers(edit: Callable[[pympi.Eaf], object]) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        eaf = pympi.Eaf(str(root / EAF))
        edit(eaf)
        eaf.to_file(str(root / EAF))

    return change


def written(path: str, text: str) -> Callable[[Path], None]:
    return lambda root: (root / path).write_text(text) and None


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: (root / path).write_text((root / path).read_text().replace(old, new, 1)) and None


def coded_at_30(root: Path) -> None:
    labels = known_labels(AU_SET.columns, num_frames=48)
    labels.to_csv(root / CSV, index=False)


def overlapping(root: Path) -> None:
    eaf = pympi.Eaf(str(root / EAF))
    eaf.add_tier("au 12")
    start, end = runs_of(known_labels(AU_SET.columns, num_frames=NUM_FRAMES, seed=1), FPS)["AU12"][0]
    eaf.add_annotation("au 12", round(1000 * start), round(1000 * end), "")
    eaf.to_file(str(root / EAF))


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "video without codes": (lambda root: (root / CSV).unlink(), "S00/S00_talk.mp4: video without codes"),
    "codes without video": (lambda root: (root / "videos/S00/S00_talk.mp4").unlink(), "codes without a video"),
    "codes beyond the end": (edited_table(lambda t: t.assign(frame=t["frame"] + 17)), "codes beyond the end"),
    "interval beyond the end": (
        edited_tiers(lambda eaf: eaf.add_annotation("AU12", 1700, 2500, "")),
        "codes beyond the end of the video: AU12 at 1.70 to 2.50 s, the video ends at 1.60 s",
    ),
    "overlapping intervals": (overlapping, "intervals of AU12 overlap"),
    "coding at 30 fps": (coded_at_30, "frame-rate mismatch: codes at 30 fps, video at 25 fps"),
    "rate of BORIS": (
        lambda root: (root / BORIS).write_text((root / BORIS).read_text().replace("\t25\t", "\t30\t")),
        "frame-rate mismatch: codes at 30 fps, video at 25 fps",
    ),
    "missing tier": (edited_tiers(lambda eaf: eaf.remove_tier("AU12")), "missing tier for AU12"),
    "missing column": (edited_table(lambda t: t.drop(columns="AU45")), "missing column for AU45"),
    "unknown tier": (edited_tiers(lambda eaf: eaf.add_tier("AU99")), "'AU99' is not an action unit"),
    "unknown column": (edited_table(lambda t: t.assign(AU77=0)), "'AU77' is not an action unit"),
    "unknown behavior": (
        lambda root: (root / BORIS).write_text(f"{(root / BORIS).read_text().rstrip()}\n1\t\t\t25\t\tgrin\t\tPOINT\n"),
        "'grin' is not an action unit",
    ),
    "no stop": (
        lambda root: (root / BORIS).write_text((root / BORIS).read_text().rpartition("STOP")[0] + "POINT\n"),
        "but does not stop",
    ),
    "no start": (replaced(BORIS, "START", "POINT"), "but does not start"),
    "intensity without threshold": (
        edited_table(lambda t: t.assign(AU12=3)),
        "intensity '3' of AU12 in frame 0 without a threshold",
    ),
    "invalid cell": (edited_table(lambda t: t.assign(AU12="yes")), "'yes' of AU12 in frame 0 is not 0, 1"),
    "frame twice": (edited_table(lambda t: t.assign(frame=t["frame"].replace(5, 4))), "frame 4 has more than one line"),
    "no frame column": (edited_table(lambda t: t.drop(columns="frame")), "no column frame, time or seconds"),
    "frame is no number": (edited_table(lambda t: t.assign(frame="x")), "'x' in column frame is not an integer"),
    "two columns": (edited_table(lambda t: t.assign(au012=0)), "two columns for AU12"),
    "broken eaf": (written(EAF, "<ANNOTATION_DOCUMENT>"), "is not an ELAN file"),
    "broken TextGrid": (written(GRID, 'File type = "ooTextFile"\n'), "is not a complete TextGrid"),
    "broken video": (written("videos/S00/S00_talk.mp4", "no video"), "cannot read video"),
    "empty table": (written(CSV, ""), "the file is empty"),
    "two code files": (lambda root: written("codes/S01_talk.csv", "frame,AU1\n")(root), "2 code files: "),
    "video in no subject folder": (
        lambda root: (root / "videos/S00/S00_talk.mp4").rename(root / "videos/S00_talk.mp4"),
        "lies in no subject folder",
    ),
    "subjects differ in case": (
        lambda root: (root / "videos/S01").rename(root / "videos/s00"),
        "subjects differ in case only",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_line(tmp_path: Path, tree: dict[str, pd.DataFrame], name: str) -> None:
    change, expected = WRONG[name]
    change(tmp_path)
    found = [error for error in errors(tmp_path) if expected in error]
    assert len(found) == 1
    assert "\n" not in found[0]
    assert str(tmp_path / "videos") not in found[0]


def test_fewer_subjects_than_folds_and_inactive_action_units(tmp_path: Path, tree: dict[str, pd.DataFrame]) -> None:
    assert "folds.num_folds=5" in errors(tmp_path, folds={"num_folds": 5})[0]
    wide = CodedVideosRelease(
        root=tmp_path / "videos",
        labels=str(tmp_path / "codes"),
        code_suffix="_codes",
        au_set=action_unit_set("wide", [1, 12, 45, 25]),
        absent="inactive",
    )
    assert [problem.what for problem in wide.read().problems] == [
        "one video only per subject: if two of these are the same person, that person is in two folds",
        "AU25 is active in no frame of all videos",
    ]


def test_subjects_with_one_video_are_one_note(tmp_path: Path, tree: dict[str, pd.DataFrame], video: bytes) -> None:
    def notes() -> list[tuple[str, int]]:
        problems = release(tmp_path).read().problems
        return [(problem.where, problem.count) for problem in problems if "one video only" in problem.what]

    assert notes() == [("S00, S01, S02, ...", 4)]
    for subject in ("S00", "S01", "S02"):
        (tmp_path / f"videos/{subject}/{subject}_walk.mp4").write_bytes(video)
        tree[subject].to_csv(tmp_path / f"codes/{subject}_WALK_codes.csv", index=False)
    assert notes() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subject": "file"}, r"data\.release\.subject=file: expected folder, column or regex"),
        ({"subject": "regex:("}, r"data\.release\.subject='\('.*is not a regular expression"),
        ({"mapping": {"smile": "AU99"}}, r"data\.release\.mapping: smile: 'AU99' is not a facial action unit"),
        ({"mapping": "absent.yaml"}, r"absent\.yaml cannot be read"),
    ],
)
def test_wrong_settings(
    tmp_path: Path, tree: dict[str, pd.DataFrame], settings: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        release(tmp_path, **settings).read()
    with pytest.raises(InputError, match="does not exist"):
        CodedVideosRelease(root=tmp_path / "videos", labels="nowhere", au_set=AU_SET).read()
