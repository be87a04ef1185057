"""What a face does in a clip: everything that varies from frame to frame, and nothing of whose face it is."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mdhr.synthetic.face_units import AUS, SIDES

Floats = NDArray[np.float32]

MAX_INTENSITY = 1.5


@dataclass(frozen=True, kw_only=True)
class Performance:
    """A played clip of F frames; float32 arrays with the frame first.

    Attributes:
        intensity: (F, 15, 2) intensity of each unit of ``AUS``, 0 to 1.5; last axis the person's own left and right.
        resting: (15, 2) what the units keep at rest, on the same scale: part of the looks, nobody codes it.
        blink: (F,) 0 open to 1 closed.
        gaze: (F, 2) yaw (positive: towards the image's right) and pitch (positive: up), each -1 to 1.
        cheek_puff: (F,) 0 to 1.
        mouth_shift: (F,) -1 to 1, positive towards the image's right.
        rotation: (F, 3) yaw, pitch, roll of the head in degrees; yaw positive turns the face to the image's right,
            pitch positive up, roll positive anticlockwise in the image.
        shift: (F, 2) shift of the head in meters to the image's right and up.
        distance: (F,) meters from the camera to the head; larger means a smaller face.
        light_direction: (F, 3) towards the light: image's right, up, towards the camera; normalized by the renderer.
        light_color: (F, 3) linear RGB factor of all light, around 1.
        ambient: (F,) share of light from everywhere, about 0.3 to 0.6.
        exposure: (F,) factor on the linear image, around 1.
        blur: (F,) sigma of the lens blur in pixels of a frame 160 px high.
        noise: (F,) sigma of the sensor noise in gray levels of 0 to 255.
        background: (3,) color behind the head, 0 to 1 as displayed.
        background_seed: seed of the background's texture and of the sensor noise.
    """

    intensity: Floats
    resting: Floats
    blink: Floats
    gaze: Floats
    cheek_puff: Floats
    mouth_shift: Floats
    rotation: Floats
    shift: Floats
    distance: Floats
    light_direction: Floats
    light_color: Floats
    ambient: Floats
    exposure: Floats
    blur: Floats
    noise: Floats
    background: Floats
    background_seed: int

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.intensity)

    def shown(self, f: int) -> Floats:
        """``(15, 2)`` what frame ``f`` shows: units move from where they rest, at full strength all are alike."""
        return self.resting + (1 - self.resting / MAX_INTENSITY) * self.intensity[f]

    @classmethod
    def neutral(cls, num_frames: int) -> Self:
        """A face that does nothing: frontal, eyes ahead, soft light from above, the camera's default distance."""
        frames = num_frames

        def steady(*value: float) -> Floats:
            row = np.asarray(value, np.float32)
            return np.repeat(row[None], frames, axis=0) if len(row) > 1 else np.full(frames, row[0], np.float32)

        return cls(
            intensity=np.zeros((frames, len(AUS), len(SIDES)), np.float32),
            resting=np.zeros((len(AUS), len(SIDES)), np.float32),
            blink=steady(0.0),
            gaze=steady(0.0, 0.0),
            cheek_puff=steady(0.0),
            mouth_shift=steady(0.0),
            rotation=steady(0.0, 0.0, 0.0),
            shift=steady(0.0, 0.0),
            distance=steady(0.6),
            light_direction=steady(0.3, 0.5, 0.8),
            light_color=steady(1.0, 1.0, 1.0),
            ambient=steady(0.42),
            exposure=steady(1.0),
            blur=steady(0.0),
            noise=steady(0.0),
            background=np.asarray((0.35, 0.39, 0.43), np.float32),
            background_seed=0,
        )
