"""Recording from a webcam."""

import time
from datetime import datetime
from pathlib import Path

import cv2

from mdhr.data.video.encoding import write_video
from mdhr.errors import InputError


def record_webcam(number: int, folder: Path, *, seconds: float) -> Path:
    """Record a camera into a new file in ``folder``, named after camera and time, and return its path.

    Raises ``InputError`` if the camera does not exist or returns no frame.
    """
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # OpenCV logs several lines about an absent camera
    camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise InputError(f"camera {number} does not exist. Connect a camera, or pass the path of a video.")
        path = folder / f"camera{number}_{datetime.now():%Y-%m-%d_%H-%M-%S}.mp4"
        start = time.monotonic()
        with write_video(path) as add:
            while (elapsed := time.monotonic() - start) < seconds:
                success, frame = camera.read()
                if not success:
                    raise InputError(
                        f"camera {number} returned no frame after {elapsed:.1f} s. Close other programs that use it."
                    )
                height, width = (side // 2 * 2 for side in frame.shape[:2])
                add(elapsed, cv2.cvtColor(frame[:height, :width], cv2.COLOR_BGR2RGB))
        return path
    finally:
        camera.release()
        logging.setLogLevel(level)
