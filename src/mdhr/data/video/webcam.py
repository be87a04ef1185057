"""Records from a camera, to be scored as any other video."""

import time
from datetime import datetime
from pathlib import Path

import cv2

from mdhr.data.video.encoding import write_video
from mdhr.errors import InputError


def record_webcam(number: int, folder: Path, *, seconds: float) -> Path:
    """Record for so long into ``folder``; the file is named after the camera and the time.

    Raises ``InputError`` if there is no such camera or it gives no picture.
    """
    logging = cv2.utils.logging
    before = logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # it has much to say of an absent camera
    camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise InputError(f"there is no camera {number} here: plug one in, or give the path of a video")
        path = folder / f"camera{number}_{datetime.now():%Y-%m-%d_%H-%M-%S}.mp4"
        begin = time.monotonic()
        with write_video(path) as add:
            while (now := time.monotonic() - begin) < seconds:
                there, picture = camera.read()
                if not there:
                    raise InputError(f"camera {number} gave no picture after {now:.1f} s: is another program using it?")
                height, width = (side // 2 * 2 for side in picture.shape[:2])
                add(now, cv2.cvtColor(picture[:height, :width], cv2.COLOR_BGR2RGB))
        return path
    finally:
        camera.release()
        logging.setLogLevel(before)
