"""Local web page: HTML of a scored video, model list, background task, and a test in a browser."""

import base64
import re
import time
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("gradio", reason="gradio is not installed: pip install -e '.[app]'")
pytest.importorskip("aiohttp", reason="aiohttp, which torch-geometric brings, is not installed")

from mdhr.__main__ import main
from mdhr.data.faces.face_track import FaceTrack, FaceTracks
from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame_images import decode_image
from mdhr.errors import InputError
from mdhr.inference.app import page as layout
from mdhr.inference.app import server as app
from mdhr.inference.app.background import BackgroundTask, ShareProgress
from mdhr.inference.app.model_list import find_models
from mdhr.inference.app.page import NO_MODEL, training_data_html, write_csv
from mdhr.inference.app.result_html import frame_html, note_html, timelines_html
from mdhr.inference.app.scored_video import FaceThumbnails, ScoredVideo, score_video
from mdhr.inference.model_description import write_description
from mdhr.inference.predictor import Predictor
from tests.support.browser import browser_tab
from tests.support.stub_model import DESCRIPTION, Marked, StubModel, paint_frames, write_images

FACES = [
    [(20, 30, 30, 12 * frame if frame > 6 else 24), *([(110, 30, 24, 0)] if frame >= 8 else [])] if frame != 5 else []
    for frame in range(20)
]
"""The first face is missing in frame 5 and gets redder from frame 7 on; the second appears in frame 8."""


def predictor() -> Predictor:
    return Predictor(StubModel(), detector=Marked())


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> ScoredVideo:
    return score_video(predictor(), write_images(tmp_path_factory.mktemp("app") / "two", FACES))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a run folder without weights."""
    run = tmp_path / "runs" / "one"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "best.ckpt").touch()
    (run / "settings.yaml").write_text("{}")
    write_description(run, DESCRIPTION)
    return run


def test_frame_contains_scores_and_active_shares(scored: ScoredVideo) -> None:
    scores = scored.scores[0]
    page = frame_html(scored, 0, 7, 0.5)
    cells = re.findall(r"<td>(\d\.\d\d)</td><td>(\d+)%</td>", page)
    assert [float(score) for score, _ in cells] == pytest.approx(scores[7].tolist(), abs=0.006)
    detected = np.delete(scores, 5, axis=0)
    assert [int(share) for _, share in cells] == np.round(100 * (detected >= 0.5).mean(0)).tolist()
    assert page.count('class="active"') == (scores[7] >= 0.5).sum()
    assert "frame 7 · 0.28 s<" in page
    assert "<b>AU12</b> lip corner puller" in page
    assert f"--cursor:{7.5 / 20}" in page


def test_frame_without_a_face_has_no_scores(scored: ScoredVideo) -> None:
    page = frame_html(scored, 0, 5, 0.0)
    assert "no face found" in page
    assert 'class="active"' not in page
    assert '<path class="gap" d="M5 0h1' in timelines_html(scored, 0, 0.5)


def test_thumbnail_is_the_face_of_the_track_in_the_frame(scored: ScoredVideo) -> None:
    def redness(track: int, position: int) -> float:
        jpeg = re.search(r"base64,([^\"]+)", frame_html(scored, track, position, 0.5))[1]
        picture = decode_image(base64.b64decode(jpeg))
        middle = picture.shape[0] // 2
        return float(picture[middle - 5 : middle + 5, middle - 5 : middle + 5, 0].mean())

    assert redness(0, 2) == pytest.approx(24, abs=12)
    assert redness(0, 19) == pytest.approx(228, abs=12)
    assert redness(1, 11) == pytest.approx(0, abs=12)


def test_long_track_has_a_thumbnail_every_few_frames(scored: ScoredVideo, tmp_path: Path) -> None:
    thumbnails = FaceThumbnails(limit=6)
    faces = predictor().predict(write_images(tmp_path / "two", FACES), observer=thumbnails.add).faces
    first, second = (thumbnails.of_track(number) for number in faces.numbers)
    assert (first.step, second.step) == (4, 2)
    assert first.at(18) == first.at(16) == scored.thumbnail(0, 16)


def test_timelines_follow_the_threshold(scored: ScoredVideo) -> None:
    def active(threshold: float) -> np.ndarray:
        """Return the bars as a boolean array ``(N, F)``."""
        rows = re.findall(r'<path class="on" d="([^"]*)"', timelines_html(scored, 0, threshold))
        on = np.zeros((len(rows), 20), dtype=bool)
        for row, path in zip(on, rows, strict=True):
            for first, length in re.findall(r"M(\d+) \d+h(\d+)", path):
                row[int(first) : int(first) + int(length)] = True
        return on

    for threshold in (0.2, 0.6):
        np.testing.assert_array_equal(active(threshold), threshold <= scored.detected_scores(0).T)


def test_long_track_has_a_thousand_columns_with_its_peaks(scored: ScoredVideo) -> None:
    peak = np.zeros((4500, 8), np.float32)
    peak[3000] = 1
    long = FaceTrack.from_detections(0, np.arange(4500) / 25, np.ones((4500, 9)), sigma=0)
    found = FaceTracks(long.time, [long], [0])
    page = timelines_html(ScoredVideo(**{**vars(scored), "faces": found, "scores": [peak]}), 0, 0.5)
    assert 'viewBox="0 0 1000 ' in page
    assert re.findall(r'<path class="on" d="(M\d+ \d+h\d+)', page) == ["M666 112h1"] * 8


def test_table_equals_that_of_mdhr_predict_with_the_same_threshold(scored: ScoredVideo, tmp_path: Path) -> None:
    table = pd.read_csv(write_csv(scored, tmp_path, 0.3))
    expected = Predictor(StubModel(), detector=Marked(), thresholds=0.3)(write_images(tmp_path / "two", FACES))
    assert list(table) == list(expected)
    assert set(table["video"]) == {"two"}
    names = list(scored.au_set.columns)
    pd.testing.assert_frame_equal(table[names].astype("Int8"), expected[names])


def test_thresholds_of_action_units_are_those_of_mdhr_predict_and_move_together(tmp_path: Path) -> None:
    thresholds = {"AU1": 0.4, "AU4": 0.2, "AU12": 0.9}
    video = write_images(tmp_path / "two", FACES)
    chosen = Predictor(StubModel(), detector=Marked(), thresholds=thresholds)
    scored = score_video(chosen, video)
    names = list(scored.au_set.columns)
    assert scored.threshold == 0.5  # the mean of 0.4, 0.2, 0.9 and five times 0.5
    found = scored.table(scored.threshold)[names]
    pd.testing.assert_frame_equal(found, chosen(video)[names])
    assert scored.thresholds(0.7) == pytest.approx((chosen.thresholds + 0.2).clip(0, 1))
    page = timelines_html(scored, 0, scored.threshold)
    assert "threshold<" in page
    assert len(set(re.findall(r'class="limit" d="M0 ([\d.]+)h', page))) == 4


def test_background_task_reports_progress_and_errors(tmp_path: Path) -> None:
    def fail(report: ShareProgress) -> ScoredVideo:
        report(0.5, "half")
        time.sleep(0.4)
        raise InputError("no video")

    work = BackgroundTask(fail)
    assert (0.5, "half") in list(work)
    with pytest.raises(InputError, match="no video"):
        work.result()


def test_closing_the_iteration_cancels_the_task() -> None:
    reports: list[float] = []

    def endless(report: ShareProgress) -> ScoredVideo:
        while True:
            report(len(reports), "on")
            reports.append(0)
            time.sleep(0.01)

    work = BackgroundTask(endless)
    next(waiting := iter(work))
    waiting.close()
    with pytest.raises(CancelledError):
        work.result()


def test_video_without_a_face_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty: no face found in any frame"):
        score_video(predictor(), write_images(tmp_path / "empty", [[]] * 5))


def test_find_models_returns_runs_and_exported_folders(model: Path, tmp_path: Path) -> None:
    for folder, file in (("runs/other/.hydra", "config.yaml"), ("mine", "config.yaml"), ("mine", "model.safetensors")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / file).touch()
    assert find_models([tmp_path]) == [tmp_path / "mine", model]
    assert find_models([model, tmp_path / "runs"]) == [model]
    with pytest.raises(InputError, match=r"folder .*absent does not exist"):
        find_models([tmp_path / "absent"])


def test_training_data_and_description_errors_are_shown(model: Path) -> None:
    assert "Trained on nothing at all." in training_data_html(str(model))
    (model / "model.yaml").write_text("au_set: DISFA")
    assert "a model description must contain exactly" in training_data_html(str(model))
    assert "<b>" not in note_html("<b>bold</b>")


def test_wrong_folder_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["app", "--models", "nowhere"])
    assert capsys.readouterr().err == (
        "folder nowhere does not exist. Pass run folders, exported models, or folders that contain them.\n"
    )


@pytest.mark.slow
def test_page_in_a_browser(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = tmp_path / "clip.mp4"
    with write_video(video) as add:
        for number, frame in enumerate(paint_frames(FACES)):
            add(number / 25, frame)
    with write_video(tmp_path / "empty.mp4") as add:
        for number, frame in enumerate(paint_frames([[]] * 6)):
            add(number / 25, frame)
    monkeypatch.setattr(layout, "load_model", lambda chosen: StubModel())
    monkeypatch.setattr(layout, "Predictor", partial(Predictor, detector=Marked()))
    monkeypatch.chdir(tmp_path)
    hidden = model.rename(tmp_path / "elsewhere")
    caption = "document.querySelector('figcaption')?.innerText"
    start, wrong = "document.querySelector('button.primary')", "document.querySelector('.note.error')?.innerText"
    with browser_tab(tmp_path) as tab, app.serve([Path("runs")]) as address:
        tab.open(address)
        tab.wait(f"{wrong} === {NO_MODEL!r}")
        hidden.rename(model)

        tab.open(address)
        tab.wait(f"{start} && !{start}.disabled && document.querySelector('input[type=file]')")
        tab.wait("document.body.innerText.includes('Trained on nothing at all.')")
        for file in ("empty.mp4", "clip.mp4"):
            tab.choose_file("input[type=file]", tmp_path / file)
            tab.wait("document.querySelector('video')?.src")
            tab.press("button.primary")
            if file == "empty.mp4":
                tab.wait(f"{wrong} === 'empty.mp4: no face found in any frame'")
                tab.run("document.querySelector('button[aria-label=Clear]').click()")
                tab.wait("document.querySelector('input[type=file]')")
        tab.wait(f"{caption} === 'frame 9 · 0.36 s'")

        tab.press(".plot", share=0.11)
        tab.wait(f"{caption} === 'frame 2 · 0.08 s'")
        tab.run("[...document.querySelectorAll('input[type=radio]')].at(-1).click()")
        tab.wait(f"{caption} === 'frame 13 · 0.52 s'")
        tab.run(
            "(() => { const slider = [...document.querySelectorAll('.side input[type=range]')].at(-1); "
            "slider.value = 0.3; slider.dispatchEvent(new Event('input', {bubbles: true})); "
            "slider.dispatchEvent(new PointerEvent('pointerup', {bubbles: true})) })()"
        )
        tab.wait("document.querySelector('.legend').innerText.includes('threshold 0.30')")
        tab.resize(420, 900)
        assert tab.run("document.documentElement.scrollWidth") <= 420

        table = tmp_path / "clip_scores.csv"
        time.sleep(0.5)  # the file follows the slider
        tab.run("[...document.querySelectorAll('.side button')].at(-1).click()")
        while not table.is_file() or not table.stat().st_size:
            time.sleep(0.05)
        rows = pd.read_csv(table)
        assert set(rows["track"].dropna()) == {1, 2}
        pd.testing.assert_series_equal(rows["AU4"] == 1, rows["score_AU4"] >= 0.3, check_names=False)
        assert (rows["score_AU4"].between(0.3, 0.5)).any() or (rows["score_AU1"].between(0.3, 0.5)).any()
        assert {response.split("/")[2] for response in tab.responses if response.startswith("http")} == {
            address.split("/")[2]
        }
        assert tab.errors == []
