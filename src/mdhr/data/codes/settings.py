"""Settings that determine how code files are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mdhr.action_units.facs import ActionUnit


@dataclass(frozen=True, kw_only=True)
class CodeSettings:
    """How code files are read.

    Attributes:
        mapping: action units of tier, behavior and column names in lower case, see
            :func:`mdhr.data.codes.mapping.read_mapping`. Other names are read as AU codes.
        threshold: lowest active intensity, 1 (A) to 5 (E). None: table cells are 0 or 1, and an interval of any
            intensity is active.
        point_seconds: duration of point events, centered; 0 marks the frame that contains the point.
        coding_fps: frame rate of the frame numbers in tables; None is that of the video.
        first_frame: number of the first frame in tables. OpenFace files are numbered from 1 regardless.
        absent: meaning of an action unit without column, tier or behavior. None is ``error``, but ``inactive`` for
            event lists (BORIS, Noldus), which do not list behaviors without events.
    """

    mapping: Mapping[str, tuple[ActionUnit, ...]] = field(default_factory=dict)
    threshold: float | None = None
    point_seconds: float = 0.0
    coding_fps: float | None = None
    first_frame: int = 0
    absent: Literal["error", "inactive", "unknown"] | None = None
