"""`mdhr agreement`: pairing of files, the written table compared with scikit-learn, and one line per wrong input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import cohen_kappa_score

from mdhr.__main__ import main
from mdhr.data.video.encoding import write_video
from mdhr.inference.interval_files import CodedVideo, write_eaf
from mdhr.inference.output_files import write_table
from mdhr.inference.predictor import Predictor
from tests.support.stub_model import Marked, StubModel, paint_frames

AUS = ["AU1", "L12"]


def write_codes(path: Path, seed: int, *, flipped: float = 0.0, num_frames: int = 60) -> np.ndarray:
    """Write a frame table and return its labels."""
    labels = (np.random.default_rng(seed).random((num_frames, 2)) < 0.5).astype(int)
    labels = np.where(np.random.default_rng(seed + 1).random(labels.shape) < flipped, 1 - labels, labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(labels, columns=AUS).rename_axis("frame").reset_index().to_csv(path, index=False)
    return labels


@pytest.fixture
def coders(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write the folders ``a`` and ``b`` with three videos of two subjects and return all labels."""
    names = ["s1/v1", "s1/v2", "s2/v3"]
    a = [write_codes(tmp_path / "a" / f"{name}.csv", 10 * i) for i, name in enumerate(names)]
    b = [write_codes(tmp_path / "b" / f"{name}.csv", 10 * i, flipped=0.2) for i, name in enumerate(names)]
    return np.concatenate(a), np.concatenate(b)


def run(*arguments: object) -> int:
    try:
        return main(["agreement", *map(str, arguments)])
    except SystemExit as error:
        return int(error.code or 0)


def test_table_csv_and_figure_of_two_coders(
    tmp_path: Path, coders: tuple[np.ndarray, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "a", tmp_path / "b", "--fps", 25, "--out", tmp_path / "out") == 0
    table = pd.read_csv(tmp_path / "out" / "agreement.csv")
    a, b = coders
    assert table["au"].tolist() == [*AUS, "mean"]
    assert table["kappa"][:2].tolist() == pytest.approx(
        [cohen_kappa_score(a[:, n], b[:, n]) for n in range(2)], abs=1e-5
    )
    assert "3 videos of 2 subjects" in capsys.readouterr().out
    assert "| L12 | 180 |" in (tmp_path / "out" / "agreement.md").read_text()
    assert Image.open(tmp_path / "out" / "agreement.png").width == 1200


def test_subjects_from_a_regular_expression(
    tmp_path: Path, coders: tuple[np.ndarray, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "a", tmp_path / "b", "--fps", 25, "--subject", r"v\d") == 0
    assert "3 videos of 3 subjects" in capsys.readouterr().out


def test_an_eaf_of_predict_agrees_perfectly_with_its_score_table(tmp_path: Path) -> None:
    reds = [100] * 5 + [150] * 9 + [100] * 6
    with write_video(tmp_path / "v.mp4") as add:
        for i, frame in enumerate(paint_frames([[(40, 20, 48, red)] for red in reds])):
            add(i / 30, frame)
    prediction = Predictor(StubModel(), detector=Marked(), overlap=0).predict(tmp_path / "v.mp4")
    write_eaf(tmp_path / "v.eaf", CodedVideo(tmp_path / "v.mp4", prediction))
    write_table(tmp_path / "v.csv", prediction.table)
    assert run(tmp_path / "v.eaf", tmp_path / "v.csv", "--out", tmp_path / "out") == 0
    table = pd.read_csv(tmp_path / "out" / "agreement.csv").set_index("au")
    assert len(table) == 9
    assert (table["frames"] == 20).all()
    assert (table["ac1"] == 1).all()
    assert table.loc["AU1", ["kappa", "f1", "events_a", "event_precision"]].tolist() == [1, 1, 1, 1]
    assert table.loc["AU1", "rate_a"] == pytest.approx(9 / 20)


@pytest.mark.parametrize("record", ['{"threshold": 0.3}', '{"threshold": 0.5, "thresholds": {"AU1": 0.3}}'])
def test_labels_and_predictions_of_a_run(tmp_path: Path, record: str) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "run").mkdir()
    table = pd.DataFrame({"subject": "s1", "task": ["t1"] * 30 + ["t2"] * 30, "frame": [*range(30)] * 2})
    table = table.assign(score_AU1=rng.random(60), label_AU1=rng.integers(-1, 2, 60))
    table.to_parquet(tmp_path / "run" / "predictions.parquet")
    (tmp_path / "run" / "metrics.json").write_text(record)
    assert run(tmp_path / "run", "--fps", 25, "--out", tmp_path / "out") == 0
    found = pd.read_csv(tmp_path / "out" / "agreement.csv").iloc[0]
    known = table[table["label_AU1"] >= 0]
    assert found["frames"] == len(known)
    assert found["kappa"] == pytest.approx(cohen_kappa_score(known["label_AU1"], known["score_AU1"] >= 0.3), abs=1e-5)


def test_intensities_have_an_icc(tmp_path: Path) -> None:
    for name, cells in (("a", [0, 1, 2, 3, 4, 5]), ("b", [0, 1, 2, 3, 5, 5])):
        pd.DataFrame({"frame": range(6), "AU12": cells}).to_csv(tmp_path / f"{name}.csv", index=False)
    arguments = ["--fps", 25, "--intensity-threshold", 2, "--out", tmp_path / "out"]
    assert run(tmp_path / "a.csv", tmp_path / "b.csv", *arguments) == 0
    found = pd.read_csv(tmp_path / "out" / "agreement.csv").iloc[0]
    assert found["rate_a"] == pytest.approx(4 / 6, abs=1e-5)
    # Between targets: 5 degrees of freedom; error: differences 0, 0, 0, 0, -1, 0 around their mean -1/6.
    ratings = np.array([[0, 0], [1, 1], [2, 2], [3, 3], [4, 5], [5, 5]], dtype=float)
    between = 2 * ratings.mean(1).var(ddof=1)
    error = np.diff(ratings).var(ddof=1) / 2
    assert found["icc"] == pytest.approx((between - error) / (between + error), abs=1e-5)


WRONG = {
    "missing path": (["a", "nowhere"], "nowhere does not exist"),
    "no B": (["a"], "B is missing"),
    "no code files": (["a", "empty", "--fps", "25"], "empty contains no code files"),
    "no common video": (["a", "other", "--fps", "25"], "have no video in common"),
    "no frame rate": (["a", "b"], "Pass --fps"),
    "no common action unit": (["a/s1/v1.csv", "au4.csv", "--fps", "25"], "no action unit is coded in both"),
    "unknown format": (["a/s1/v1.csv", "notes.doc", "--fps", "25"], "notes.doc: unsupported format .doc"),
    "not an ELAN file": (["a/s1/v1.csv", "broken.eaf", "--fps", "25"], "broken.eaf"),
    "invalid expression": (["a", "b", "--fps", "25", "--subject", "("], "is not a regular expression"),
    "expression without match": (["a", "b", "--fps", "25", "--subject", "P(7)"], "does not match"),
    "negative tolerance": (["a", "b", "--fps", "25", "--tolerance", "-1"], "--tolerance"),
    "zero frame rate": (["a", "b", "--fps", "0"], "--fps"),
    "missing mapping": (["a", "b", "--fps", "25", "--mapping", "none.yaml"], "none.yaml"),
}


@pytest.mark.usefixtures("coders")
@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_input_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_codes(tmp_path / "other" / "v9.csv", 1)
    write_codes(tmp_path / "other" / "v8.csv", 1)
    (tmp_path / "au4.csv").write_text("frame,AU4\n0,1\n1,0\n")
    (tmp_path / "notes.doc").write_text("smile")
    (tmp_path / "broken.eaf").write_text("<ANNOTATION_DOCUMENT")
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
