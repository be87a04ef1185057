"""A page on this machine that finds action units in your own video: ``mdhr app`` (docs/app.md).

Exit status: 2 for a wrong input, 130 for Ctrl-C.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mdhr.errors import InputError

RUNS = Path("runs")
SAMPLE = Path("data/sample_video/carphone_pristine.mp4")
CSS = Path(__file__).with_name("page.css")
ONLY_HERE = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: "
    'blob:">'
)
"""The browser asks nobody else for anything."""


@contextmanager
def serve(places: Sequence[Path], *, port: int | None = None, open_browser: bool = False) -> Iterator[str]:
    """Serve the page on this machine alone and give its address; all files it was given go at the end.

    Parameters
    ----------
    places: folders with models in or below them; port: the first free one from 7860 on, if none is said.

    Raises ``InputError`` where gradio is not installed, a place is no folder or the port is taken.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before it is imported
    with tempfile.TemporaryDirectory(prefix="mdhr-app-") as files:
        os.environ["GRADIO_TEMP_DIR"] = files
        try:
            import gradio  # noqa: F401
        except ImportError as error:
            raise InputError("the page needs gradio, which is not installed: pip install -e '.[app]'") from error
        from mdhr.inference.app.page import build_page, theme
        from mdhr.inference.app.session import find_models

        find_models([place for place in places if place != RUNS])  # is any of them no folder?
        page = build_page(places, sample=SAMPLE, files=Path(files))
        try:
            _, address, _ = page.launch(
                server_name="127.0.0.1",
                server_port=port,
                inbrowser=open_browser,
                share=False,
                prevent_thread_lock=True,
                quiet=True,
                ssr_mode=False,
                pwa=False,
                mcp_server=False,
                enable_monitoring=False,
                footer_links=[],
                theme=theme(),
                css_paths=CSS,
                head=ONLY_HERE,
            )
        except OSError as error:
            raise InputError(f"port {port or '7860 and the next hundred'} is taken: choose another --port") from error
        try:
            yield address
        finally:
            page.close(verbose=False)
