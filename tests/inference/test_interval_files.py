"""Interval files: read back with pympi and pandas, and compared with the active frames."""

import itertools
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from pympi import Elan

from mdhr.action_units import DISFA
from mdhr.data.codes.reading import read_codes
from mdhr.data.codes.settings import CodeSettings
from mdhr.data.video.encoding import write_video
from mdhr.inference.interval_files import (
    INTERVAL_WRITERS,
    CodedVideo,
    write_boris,
    write_eaf,
    write_interval_table,
    write_textgrid,
)
from mdhr.inference.intervals import active_intervals
from mdhr.inference.predictor import Prediction, Predictor
from tests.support.stub_model import Marked, Painted, StubModel, paint_frames

ON, OFF = 150, 100
"""Red values above and below the threshold, similar enough for one track."""
CHILDREN = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT"]
"""Order of the elements in EAFv3.0.xsd."""


def predict(folder: Path, faces: list[list[Painted]], rate: float = 30.0) -> tuple[Path, Prediction]:
    video = folder / "vidéo 1.mp4"
    with write_video(video) as add:
        for i, frame in enumerate(paint_frames(faces)):
            add(i / rate, frame)
    return video, Predictor(StubModel(), detector=Marked(), overlap=0).predict(video)


def one_face(folder: Path) -> tuple[Path, Prediction]:
    red = [OFF] * 4 + [ON] * 9 + [OFF] * 5 + [ON] * 6
    return predict(folder, [[(40, 20, 48, value)] for value in red])


def two_faces(folder: Path) -> tuple[Path, Prediction]:
    return predict(folder, [[(10, 20, 48, ON if i < 9 else OFF), (100, 20, 48, OFF)] for i in range(20)])


def no_face(folder: Path) -> tuple[Path, Prediction]:
    return predict(folder, [[] for _ in range(10)])


def frames_of(starts_and_ends: list[tuple[float, float]], time: np.ndarray) -> set[int]:
    return {i for i, t in enumerate(time) for start, end in starts_and_ends if start <= t < end}


@pytest.mark.parametrize("example", [one_face, two_faces, no_face])
def test_an_eaf_reads_back_to_the_active_frames(tmp_path: Path, example) -> None:
    video, prediction = example(tmp_path)
    coded = CodedVideo(video, prediction)
    write_eaf(tmp_path / "out.eaf", coded)
    eaf = Elan.Eaf(tmp_path / "out.eaf")
    tracks = sorted(prediction.table["track"].dropna().unique()) or [1]
    assert len(eaf.get_tier_names()) == 8 * len(tracks)
    num_intervals = 0
    for track in tracks:
        rows = prediction.table[prediction.table["track"] == track]
        for column in ("AU1", "AU2", "AU12", "AU26"):
            tier = column if len(tracks) == 1 else f"{column}@track{track}"
            annotations = eaf.get_annotation_data_for_tier(tier)
            num_intervals += len(annotations)
            read = frames_of([(start / 1000, end / 1000) for start, end, _ in annotations], prediction.faces.time)
            assert read == set(rows.loc[rows[column] == 1, "frame"])
            for start, end, value in annotations:
                inside = rows[(rows["time_seconds"] >= start / 1000) & (rows["time_seconds"] < end / 1000)]
                assert float(value) == pytest.approx(inside[f"score_{column}"].mean(), abs=0.006)
    assert (num_intervals > 0) == (example is not no_face)


@pytest.mark.parametrize("example", [one_face, two_faces, no_face])
def test_an_eaf_has_the_structure_of_the_schema(tmp_path: Path, example) -> None:
    video, prediction = example(tmp_path)
    (tmp_path / "results").mkdir()
    write_eaf(tmp_path / "results" / "out.eaf", CodedVideo(video, prediction))
    root = ElementTree.parse(tmp_path / "results" / "out.eaf").getroot()
    names = [child.tag for child in root]
    assert list(dict.fromkeys(names)) == CHILDREN
    assert names == sorted(names, key=CHILDREN.index)
    assert root.attrib["FORMAT"] == "3.0"
    assert re.fullmatch(r"[-\d]+T[\d:]+\+00:00", root.attrib["DATE"])
    slots = [int(slot.attrib["TIME_VALUE"]) for slot in root.iter("TIME_SLOT")]
    ids = [slot.attrib["TIME_SLOT_ID"] for slot in root.iter("TIME_SLOT")]
    annotations = list(root.iter("ALIGNABLE_ANNOTATION"))
    ids += [annotation.attrib["ANNOTATION_ID"] for annotation in annotations]
    assert slots == sorted(slots)
    assert len(set(ids)) == len(ids)
    references = [annotation.attrib[f"TIME_SLOT_REF{i}"] for annotation in annotations for i in (1, 2)]
    assert sorted(references) == sorted(ids[: len(slots)])
    assert {tier.attrib["LINGUISTIC_TYPE_REF"] for tier in root.iter("TIER")} == {"default-lt"}
    assert len({tier.attrib["TIER_ID"] for tier in root.iter("TIER")}) == len(list(root.iter("TIER")))
    (media,) = root.iter("MEDIA_DESCRIPTOR")
    assert media.attrib == {
        "MEDIA_URL": f"file://{video.resolve()}",
        "RELATIVE_MEDIA_URL": "../vidéo 1.mp4",
        "MIME_TYPE": "video/mp4",
    }


@pytest.mark.skipif(
    "MDHR_EAF_SCHEMA" not in os.environ, reason="set MDHR_EAF_SCHEMA to EAFv3.0.xsd of mpi.nl/tools/elan"
)
@pytest.mark.parametrize("example", [one_face, two_faces, no_face])
def test_an_eaf_validates_against_the_schema(tmp_path: Path, example) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    write_eaf(tmp_path / "out.eaf", CodedVideo(*example(tmp_path)))
    xmlschema.validate(tmp_path / "out.eaf", os.environ["MDHR_EAF_SCHEMA"])


def test_boris_events_are_start_and_stop_pairs_in_the_order_of_time(tmp_path: Path) -> None:
    video, prediction = one_face(tmp_path)
    write_boris(tmp_path / "out_boris.tsv", CodedVideo(video, prediction))
    table = pd.read_csv(tmp_path / "out_boris.tsv", sep="\t")
    assert table["Time"].is_monotonic_increasing
    assert set(table["Subject"]) == {"track1"}
    events = table[table["Behavior"] == "AU1"]
    assert events["Behavior type"].tolist() == ["START", "STOP"] * 2
    assert events["Time"].to_numpy() == pytest.approx([4 / 30, 13 / 30, 18 / 30, 24 / 30], abs=0.001)


@pytest.mark.parametrize("example", [one_face, two_faces, no_face])
def test_the_intervals_of_a_textgrid_cover_every_tier(tmp_path: Path, example) -> None:
    video, prediction = example(tmp_path)
    coded = CodedVideo(video, prediction)
    write_textgrid(tmp_path / "out.TextGrid", coded)
    text = (tmp_path / "out.TextGrid").read_text()
    xmax = re.findall(r"^xmax = (\S+)", text, flags=re.MULTILINE)[0]
    tiers = re.split(r"item \[\d+\]:", text)[1:]
    assert len(tiers) == len(coded.tiers)
    for tier, intervals in zip(tiers, coded.tiers.values(), strict=True):
        parts = re.findall(r'intervals \[\d+\]:\s+xmin = (\S+)\s+xmax = (\S+)\s+text = "(.*)"', tier)
        assert len(parts) == int(re.findall(r"size = (\d+)", tier)[0])
        assert float(parts[0][0]) == 0
        assert parts[-1][1] == xmax
        assert all(left[1] == right[0] for left, right in itertools.pairwise(parts))
        labeled = [(float(start), float(end)) for start, end, label in parts if label]
        assert labeled == [(each.start / 1000, each.end / 1000) for each in intervals]


def test_the_interval_table_has_one_row_per_interval(tmp_path: Path) -> None:
    video, prediction = two_faces(tmp_path)
    write_interval_table(tmp_path / "out.csv", CodedVideo(video, prediction))
    table = pd.read_csv(tmp_path / "out.csv")
    red = table[table["au"] == "AU1"]
    assert red[["track", "first_frame", "last_frame"]].to_numpy().tolist() == [[1, 0, 8]]
    assert red["end_seconds"].item() == 0.3


@pytest.mark.parametrize("table_format", ["eaf", "boris", "textgrid"])
@pytest.mark.parametrize("example", [one_face, no_face])
def test_interval_files_read_back_as_codes(tmp_path: Path, example, table_format: str) -> None:
    video, prediction = example(tmp_path)
    ending, write = INTERVAL_WRITERS[table_format]
    write(tmp_path / f"out{ending}", CodedVideo(video, prediction))
    num_frames = len(prediction.faces.time)
    settings = CodeSettings(absent="inactive")
    codes, problems = read_codes(
        tmp_path / f"out{ending}", au_set=DISFA, fps=30, num_frames=num_frames, settings=settings
    )
    assert not problems
    for column in DISFA.columns:
        expected = (prediction.table[column] == 1).fillna(False).astype(int)
        assert codes[column].tolist() == expected.tolist()


def test_a_frame_without_a_face_ends_an_interval() -> None:
    table = pd.DataFrame(
        {
            "track": pd.array([1, 1, 1, 1, pd.NA, 1], dtype="Int64"),
            "frame": [0, 1, 2, 3, 4, 5],
            "score_AU1": [0.9, 0.7, np.nan, 0.8, np.nan, 0.6],
            "AU1": pd.array([1, 1, pd.NA, 1, pd.NA, 1], dtype="Int8"),
        }
    )
    time = np.array([0.0, 0.04, 0.08, 0.12, 0.2, 0.24])
    found = [(each.start, each.end, round(each.score, 2)) for each in active_intervals(table, time)]
    assert found == [(0, 80, 0.8), (120, 200, 0.8), (240, 280, 0.6)]
