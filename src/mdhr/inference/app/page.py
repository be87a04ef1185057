"""Layout and events of the page that :mod:`mdhr.inference.app.server` serves."""

import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from mdhr.errors import InputError
from mdhr.inference.app.background import BackgroundTask
from mdhr.inference.app.model_list import describe_model, find_models
from mdhr.inference.app.result_html import frame_html, note_html, progress_html, timelines_html
from mdhr.inference.app.scored_video import ScoredVideo, score_video
from mdhr.inference.model_loading import SHIPPED_MODEL, load_model
from mdhr.inference.output_files import write_table
from mdhr.inference.predictor import Predictor

NO_MODEL = "No model found. Train one with make demo (a few minutes), then reload this page."
SEEK_SCRIPT = """
const seek = event => {
  const plot = event.buttons & 1 && event.target.closest('.plot');
  if (!plot) return;
  const {left, width} = plot.getBoundingClientRect(), slider = document.querySelector('.frame input[type=range]');
  slider.value = +slider.min + Math.floor((event.clientX - left) / width * (slider.max - slider.min + 1));
  slider.dispatchEvent(new Event('input', {bubbles: true}));
};
element.addEventListener('pointerdown', seek);
element.addEventListener('pointermove', seek);
"""
"""Moves the frame slider when the pointer is pressed or dragged in a timeline."""
HOUR = 3600
PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
IMMEDIATE: dict[str, Any] = {**PRIVATE, "trigger_mode": "always_last", "queue": False}
"""Options of events that do not run the network; of several pending events, only the last is handled."""


def build_page(folders: Sequence[Path], *, sample: Path, files: Path) -> gr.Blocks:
    """Return the page.

    Args:
        folders: folders with models in or below them, searched whenever the page is loaded.
        sample: sample clip, offered if the file exists.
        files: folder for the tables to download.
    """
    with gr.Blocks(title="Facial action units", analytics_enabled=False, delete_cache=(HOUR, 24 * HOUR)) as page:
        state = gr.State(None)
        table_folder = gr.State(None)
        gr.HTML(
            "<h1>Facial action units in a video</h1><p>The video, the faces and the scores stay on this machine.</p>",
            elem_classes="headline",
        )
        with gr.Row(elem_classes="halves"):
            with gr.Column(scale=0, min_width=290, elem_classes="side"):
                video = gr.Video(label="Video", sources=["upload"], height=190, buttons=[])
                use_sample = gr.Button("Use the sample clip", size="sm", visible=sample.is_file())
                model = gr.Dropdown(label="Model", choices=[], interactive=True)
                trained_on = gr.HTML()
                start = gr.Button("Find action units", variant="primary", interactive=False)
                status = gr.HTML()
                with gr.Column(visible=False) as controls:
                    track = gr.Radio(label="Person", choices=[], visible=False, interactive=True)
                    threshold = gr.Slider(0, 1, 0.5, step=0.01, label="Threshold", buttons=[])
                    download = gr.DownloadButton("Download all scores (CSV)", size="sm")
            with gr.Column(scale=1, min_width=300):
                empty = gr.HTML('<div class="empty">The face, its action units and their timelines appear here.</div>')
                with gr.Column(visible=False) as results:
                    frame_view = gr.HTML()
                    frame = gr.Slider(0, 1, 0, step=1, label="Frame", buttons=[], elem_classes="frame")
                    timelines = gr.HTML(js_on_load=SEEK_SCRIPT)

        def list_models() -> dict[Any, Any]:
            found = find_models([folder for folder in folders if folder.is_dir()])
            models = [("shipped with mdhr" if path == SHIPPED_MODEL else str(path), str(path)) for path in found]
            if not models:
                return {model: gr.update(choices=[]), status: note_html(NO_MODEL, "error")}
            return {
                model: gr.update(choices=models, value=models[0][1]),
                start: gr.update(interactive=True),
                status: "",
                trained_on: training_data_html(models[0][1]),
            }

        def analyze(path: str | None, model_path: str) -> Iterator[dict[Any, Any]]:
            if path is None:
                yield {status: note_html("Select a video first.", "error")}
                return
            hidden = {results: gr.update(visible=False), controls: gr.update(visible=False)}
            yield {**hidden, state: None, empty: gr.update(visible=True), start: gr.update(interactive=False)}
            task = BackgroundTask(
                lambda report: score_video(Predictor(load_model(model_path), batch_size=2), Path(path), progress=report)
            )
            for share, text in task:
                yield {status: progress_html(share, text)}
            ready = {start: gr.update(interactive=True)}
            try:
                scored = task.result()
            except Exception as error:  # every error is shown on the page; unexpected ones are also logged
                if not isinstance(error, InputError):
                    traceback.print_exception(error)
                yield {**ready, status: note_html(str(error).replace(path, Path(path).name), "error")}
                return
            folder = Path(mkdtemp(dir=files))
            yield {
                **ready,
                status: note_html(scored.summary),
                state: scored,
                table_folder: folder,
                track: track_choices(scored),
                threshold: scored.threshold,
                **show_track(scored, 0, scored.threshold),
                download: write_csv(scored, folder, scored.threshold),
                empty: gr.update(visible=False),
                results: gr.update(visible=True),
                controls: gr.update(visible=True),
            }

        def show_track(scored: ScoredVideo, index: int, limit: float) -> dict[Any, Any]:
            """Show a track at its middle frame."""
            first, length = scored.faces.tracks[index].first, len(scored.scores[index])
            middle = (length - 1) // 2
            return {
                frame: gr.update(minimum=first, maximum=first + length - 1, value=first + middle),
                frame_view: frame_html(scored, index, middle, limit),
                timelines: timelines_html(scored, index, limit),
            }

        def show_frame(scored: ScoredVideo, index: int | None, number: float, limit: float) -> str:
            shown = scored.faces.tracks[index or 0]
            position = min(max(int(number) - shown.first, 0), len(shown.time) - 1)
            return frame_html(scored, index or 0, position, limit)

        def apply_threshold(scored: ScoredVideo, index: int | None, number: float, limit: float) -> tuple[str, str]:
            return show_frame(scored, index, number, limit), timelines_html(scored, index or 0, limit)

        page.load(list_models, None, [model, start, status, trained_on], **PRIVATE)
        use_sample.click(lambda: str(sample), None, video, **PRIVATE)
        model.input(training_data_html, model, trained_on, **IMMEDIATE)
        outputs = [status, state, table_folder, track, threshold, frame, frame_view, timelines, download]
        start.click(analyze, [video, model], [*outputs, start, empty, results, controls], **PRIVATE)
        track.input(show_track, [state, track, threshold], [frame, frame_view, timelines], **IMMEDIATE)
        frame.input(show_frame, [state, track, frame, threshold], frame_view, **IMMEDIATE)
        threshold.input(apply_threshold, [state, track, frame, threshold], [frame_view, timelines], **IMMEDIATE)
        threshold.release(write_csv, [state, table_folder, threshold], download, **IMMEDIATE)
    return page


def track_choices(scored: ScoredVideo) -> Any:
    """Return an update of the track selection, which is hidden if there is a single track."""
    choices = [
        (f"{index + 1}: {scored.seconds(index)[0]:.1f} to {scored.seconds(index)[-1]:.1f} s", index)
        for index in range(len(scored.scores))
    ]
    return gr.update(choices=choices, value=0, visible=len(choices) > 1)


def write_csv(scored: ScoredVideo, folder: Path, threshold: float) -> str:
    """Write the score table with a threshold and return its path."""
    path = folder / f"{Path(scored.name).stem}_scores.csv"
    write_table(path, scored.table(threshold))
    return str(path)


def training_data_html(model: str) -> str:
    """Return the training data of a model, or why its description cannot be read."""
    try:
        return note_html(f"Trained on {describe_model(Path(model)).trained_on}.")
    except InputError as error:
        return note_html(str(error), "error")


def theme() -> gr.themes.Base:
    """Return a theme with system fonts, which need no download, and sufficient contrast."""
    return gr.themes.Default(
        primary_hue="orange",
        neutral_hue="slate",
        font=["system-ui", "Segoe UI", "DejaVu Sans", "sans-serif"],
        font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"],
    ).set(
        body_text_color_subdued="*neutral_500",
        button_primary_background_fill="#bf5000",
        button_primary_background_fill_dark="#bf5000",
        button_primary_background_fill_hover="#a34400",
        button_primary_background_fill_hover_dark="#a34400",
        slider_color="#bf5000",
        slider_color_dark="#bf5000",
        block_padding="8px 12px",
        layout_gap="12px",
    )
