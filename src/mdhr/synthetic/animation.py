"""Animation parameters of a clip: everything that varies from frame to frame, independent of identity."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.face_units import AUS, SIDES
from mdhr.synthetic.looks import Looks

MAX_INTENSITY = 1.5


@dataclass(frozen=True, kw_only=True)
class FaceAnimation:
    """Animation of a face over F frames with the U action units of ``AUS``. Arrays are float32.

    Attributes:
        intensity: ``(F, U, 2)`` intensity of each action unit in 0 to 1.5; last axis: the subject's left, right.
        resting: ``(U, 2)`` intensity of each action unit at rest. It is part of the identity and not labeled.
        blink: ``(F,)`` 0 (open) to 1 (closed).
        gaze: ``(F, 2)`` yaw (positive: image right) and pitch (positive: up), each in -1 to 1.
        cheek_puff: ``(F,)`` 0 to 1.
        mouth_shift: ``(F,)`` -1 to 1, positive to the image right.
        rotation: ``(F, 3)`` yaw, pitch, roll of the head in degrees; positive yaw turns the face to the image right,
            positive pitch up, and positive roll counterclockwise in the image.
        shift: ``(F, 2)`` shift of the head in meters to the image right and up.
        distance: ``(F,)`` distance of the camera in meters.
        light_direction: ``(F, 3)`` direction to the light: image right, up, to the camera. The renderer normalizes it.
        light_color: ``(F, 3)`` linear RGB factor of all light, around 1.
        ambient: ``(F,)`` share of ambient light, about 0.3 to 0.6.
        exposure: ``(F,)`` factor of the linear image, around 1.
        blur: ``(F,)`` standard deviation of the lens blur in pixels of a frame of 160 px.
        noise: ``(F,)`` standard deviation of the sensor noise in gray levels (0 to 255).
        background: ``(3,)`` display-referred background color in 0 to 1.
        background_seed: seed of the background gradient and the sensor noise.
        mouth: ``(F, M)`` weights of ``MOUTH_MOVEMENTS`` of the general style; None in the bench style.
        looks: accessories, occlusions, and camera effects of the general style; None in the bench style.
    """

    intensity: FloatArray
    resting: FloatArray
    blink: FloatArray
    gaze: FloatArray
    cheek_puff: FloatArray
    mouth_shift: FloatArray
    rotation: FloatArray
    shift: FloatArray
    distance: FloatArray
    light_direction: FloatArray
    light_color: FloatArray
    ambient: FloatArray
    exposure: FloatArray
    blur: FloatArray
    noise: FloatArray
    background: FloatArray
    background_seed: int
    mouth: FloatArray | None = None
    looks: Looks | None = None

    @property
    def num_frames(self) -> int:
        """Number of frames F."""
        return len(self.intensity)

    def rendered_intensity(self, f: int) -> FloatArray:
        """Return the intensity ``(U, 2)`` rendered in frame ``f``, from the resting to the maximum intensity."""
        return self.resting + (1 - self.resting / MAX_INTENSITY) * self.intensity[f]

    @classmethod
    def neutral(cls, num_frames: int) -> Self:
        """Return a motionless frontal face at the default camera distance, in soft light from above."""

        def constant(*value: float) -> FloatArray:
            row = np.asarray(value, np.float32)
            return np.repeat(row[None], num_frames, axis=0) if len(row) > 1 else np.full(num_frames, row[0], np.float32)

        return cls(
            intensity=np.zeros((num_frames, len(AUS), len(SIDES)), np.float32),
            resting=np.zeros((len(AUS), len(SIDES)), np.float32),
            blink=constant(0.0),
            gaze=constant(0.0, 0.0),
            cheek_puff=constant(0.0),
            mouth_shift=constant(0.0),
            rotation=constant(0.0, 0.0, 0.0),
            shift=constant(0.0, 0.0),
            distance=constant(0.6),
            light_direction=constant(0.3, 0.5, 0.8),
            light_color=constant(1.0, 1.0, 1.0),
            ambient=constant(0.42),
            exposure=constant(1.0),
            blur=constant(0.0),
            noise=constant(0.0),
            background=np.asarray((0.35, 0.39, 0.43), np.float32),
            background_seed=0,
        )
