"""The page of :mod:`mdhr.inference.app.server`: what is on it, and what happens when something is pressed or moved."""

import traceback
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from mdhr.errors import InputError
from mdhr.inference.app.html import moment_html, note_html, timelines_html
from mdhr.inference.app.session import Background, Session, describe_model, find_models, score_video
from mdhr.inference.model_loading import load_model
from mdhr.inference.output_files import write_table
from mdhr.inference.predictor import Predictor

NO_MODEL = "There is no model yet: make demo trains one in some minutes. Then load this page again."
JUMP = """
const jump = event => {
  const plot = event.buttons & 1 && event.target.closest('.plot');
  if (!plot) return;
  const {left, width} = plot.getBoundingClientRect(), slider = document.querySelector('.frame input[type=range]');
  slider.value = +slider.min + Math.floor((event.clientX - left) / width * (slider.max - slider.min + 1));
  slider.dispatchEvent(new Event('input', {bubbles: true}));
};
element.addEventListener('pointerdown', jump);
element.addEventListener('pointermove', jump);
"""
"""Pressing or dragging in the timelines moves the frame slider there."""
HOUR = 3600
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
QUICK: dict[str, Any] = {**QUIET, "trigger_mode": "always_last", "queue": False}
"""How an event is handled that needs no network: at once, and while many come the last one counts."""


def build_page(places: Sequence[Path], *, sample: Path, files: Path) -> gr.Blocks:
    """The page; what it is asked for it does with the functions of ``mdhr.inference.app.session`` and ``mdhr.inference.app.html``.

    Parameters
    ----------
    places: folders with models in or below them, looked for whenever the page is loaded.
    sample: a clip to try, offered where it exists.
    files: folder for the tables to download.
    """
    with gr.Blocks(title="Facial action units", analytics_enabled=False, delete_cache=(HOUR, 24 * HOUR)) as page:
        session = gr.State(None)
        folder = gr.State(None)
        gr.HTML(
            "<h1>Facial action units in a video</h1><p>Everything happens on this machine: the video, the faces and "
            "the scores stay here.</p>",
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
                with gr.Column(visible=False) as choices:
                    track = gr.Radio(label="Person", choices=[], visible=False, interactive=True)
                    threshold = gr.Slider(0, 1, 0.5, step=0.01, label="Active from a score of", buttons=[])
                    download = gr.DownloadButton("Download all scores (CSV)", size="sm")
            with gr.Column(scale=1, min_width=300):
                empty = gr.HTML('<div class="empty">The face, its action units and their timelines appear here.</div>')
                with gr.Column(visible=False) as results:
                    moment = gr.HTML()
                    frame = gr.Slider(0, 1, 0, step=1, label="Frame", buttons=[], elem_classes="frame")
                    timelines = gr.HTML(js_on_load=JUMP)

        def look_for_models() -> dict[Any, Any]:
            found = [str(path) for path in find_models([place for place in places if place.is_dir()])]
            if not found:
                return {model: gr.update(choices=[]), status: note_html(NO_MODEL, "wrong")}
            return {
                model: gr.update(choices=found, value=found[0]),
                start: gr.update(interactive=True),
                status: "",
                trained_on: origin_html(found[0]),
            }

        def analyze(path: str | None, chosen: str) -> Iterator[dict[Any, Any]]:
            if path is None:
                yield {status: note_html("Choose a video first.", "wrong")}
                return
            hidden = {results: gr.update(visible=False), choices: gr.update(visible=False)}
            yield {**hidden, session: None, empty: gr.update(visible=True), start: gr.update(interactive=False)}
            work = Background(
                lambda tell: score_video(Predictor(load_model(chosen), batch_size=2), Path(path), progress=tell)
            )
            for share, what in work:
                yield {status: work_html(share, what)}
            ready = {start: gr.update(interactive=True)}
            try:
                scored = work.result()
            except Exception as error:  # one line here, whatever it is
                if not isinstance(error, InputError):
                    traceback.print_exception(error)
                yield {**ready, status: note_html(str(error).replace(path, Path(path).name), "wrong")}
                return
            place = Path(mkdtemp(dir=files))
            yield {
                **ready,
                status: note_html(scored.summary),
                session: scored,
                folder: place,
                track: people(scored),
                threshold: scored.threshold,
                **shown(scored, 0, scored.threshold),
                download: csv(scored, place, scored.threshold),
                empty: gr.update(visible=False),
                results: gr.update(visible=True),
                choices: gr.update(visible=True),
            }

        def shown(scored: Session, number: int, limit: float) -> dict[Any, Any]:
            """A track from its middle on."""
            last = len(scored.scores[number]) - 1
            return {
                frame: gr.update(
                    minimum=scored.found.tracks[number].first,
                    maximum=scored.found.tracks[number].first + last,
                    value=scored.found.tracks[number].first + last // 2,
                ),
                moment: moment_html(scored, number, last // 2, limit),
                timelines: timelines_html(scored, number, limit),
            }

        def scrub(scored: Session, number: int, at: float, limit: float) -> str:
            track = scored.found.tracks[number or 0]
            position = min(max(int(at) - track.first, 0), len(track.time) - 1)
            return moment_html(scored, number or 0, position, limit)

        def limit_moved(scored: Session, number: int, at: float, limit: float) -> tuple[str, str]:
            return scrub(scored, number, at, limit), timelines_html(scored, number or 0, limit)

        page.load(look_for_models, None, [model, start, status, trained_on], **QUIET)
        use_sample.click(lambda: str(sample), None, video, **QUIET)
        model.input(origin_html, model, trained_on, **QUICK)
        outputs = [status, session, folder, track, threshold, frame, moment, timelines, download]
        start.click(analyze, [video, model], [*outputs, start, empty, results, choices], **QUIET)
        track.input(shown, [session, track, threshold], [frame, moment, timelines], **QUICK)
        frame.input(scrub, [session, track, frame, threshold], moment, **QUICK)
        threshold.input(limit_moved, [session, track, frame, threshold], [moment, timelines], **QUICK)
        threshold.release(csv, [session, folder, threshold], download, **QUICK)
    return page


def theme() -> gr.themes.Base:
    """Fonts of the machine, and text that is dark enough to read."""
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


def people(session: Session) -> Any:
    """The choice of a track; there is none where there is one."""
    names = [
        (f"{number + 1}: {session.seconds(number)[0]:.1f} to {session.seconds(number)[-1]:.1f} s", number)
        for number in range(len(session.scores))
    ]
    return gr.update(choices=names, value=0, visible=len(names) > 1)


def csv(session: Session, folder: Path, threshold: float) -> str:
    """Write the table with that threshold; its path."""
    path = folder / f"{Path(session.name).stem}_scores.csv"
    write_table(path, session.table(threshold))
    return str(path)


def origin_html(chosen: str) -> str:
    """What the model was trained on, or what is wrong with it."""
    try:
        return note_html(f"Trained on {describe_model(Path(chosen)).trained_on}.")
    except InputError as error:
        return note_html(str(error), "wrong")


def work_html(share: float, what: str) -> str:
    """A bar, and what is being done."""
    return f'<div class="work"><div><i style="width:{share:.1%}"></i></div>{escape(what)}</div>'
