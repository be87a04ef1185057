"""Server of the local web page: ``mdhr app``, see docs/app.md."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mdhr.errors import InputError
from mdhr.inference.model_loading import SHIPPED_MODEL

DEFAULT_FOLDERS = (SHIPPED_MODEL, Path("runs"))
SAMPLE_VIDEO = Path("data/sample_video/carphone_pristine.mp4")
CSS_FILE = Path(__file__).with_name("page.css")
CONTENT_SECURITY_POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: "
    'blob:">'
)
"""Forbids the browser to contact other servers."""


@contextmanager
def serve(folders: Sequence[Path], *, port: int | None = None, open_browser: bool = False) -> Iterator[str]:
    """Serve the page on 127.0.0.1, to itself only, and provide its address; uploaded and created files are deleted at the end.

    Args:
        folders: folders with models in or below them.
        port: by default the first free port from 7860.
        open_browser: whether to open the page.

    Raises ``InputError`` if gradio is not installed, a folder does not exist or the port is in use.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    with tempfile.TemporaryDirectory(prefix="mdhr-app-") as files:
        os.environ["GRADIO_TEMP_DIR"] = files
        try:
            import gradio  # noqa: F401
        except ImportError as error:
            raise InputError("the page needs gradio, which is not installed: pip install -e '.[app]'") from error
        from starlette.middleware import Middleware

        from mdhr.inference.app.local_requests import LocalRequestsOnly
        from mdhr.inference.app.model_list import find_models
        from mdhr.inference.app.page import build_page, theme

        find_models(
            [folder for folder in folders if folder not in DEFAULT_FOLDERS]
        )  # raises if a folder does not exist
        page = build_page(folders, sample=SAMPLE_VIDEO, files=Path(files))
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
                app_kwargs={"middleware": [Middleware(LocalRequestsOnly)]},
                footer_links=[],
                theme=theme(),
                css_paths=CSS_FILE,
                head=CONTENT_SECURITY_POLICY,
            )
        except OSError as error:
            ports = f"port {port} is" if port else "ports 7860 to 7959 are"
            raise InputError(f"{ports} in use. Pass another --port.") from error
        try:
            yield address
        finally:
            page.close(verbose=False)
