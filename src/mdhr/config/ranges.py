"""Types of settings with their ranges, for the signatures of constructors.

:mod:`mdhr.config.argument_check` compares settings with them. NaN and infinity are never valid. Upper limits are far
beyond useful values and exclude typing errors that would exhaust memory or processes.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field


def _check_ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError("should be in ascending order")
    return limits


def _check_any_positive(weights: list[float]) -> list[float]:
    if not any(weight > 0 for weight in weights):
        raise ValueError("should contain a weight above 0")
    return weights


PositiveInt = Annotated[int, Field(ge=1, le=1_000_000)]
NumFrames = Annotated[int, Field(ge=1, le=10_000)]
FrameStride = Annotated[int, Field(ge=1, le=1000)]
BatchSize = Annotated[int, Field(ge=1, le=100_000)]
Width = Annotated[int, Field(ge=1, le=16_384)]
CropSize = Annotated[int, Field(ge=32, le=4096, multiple_of=32)]
FrameSize = Annotated[int, Field(ge=32, le=4096)]
FrameNumber = Annotated[int, Field(ge=0, le=1_000_000_000)]
NumWorkers = Annotated[int, Field(ge=0, le=256)]
"""Processes that load data; 0 loads it in the main process."""
NumProcesses = Annotated[int, Field(ge=1, le=256)]
JpegQuality = Annotated[int, Field(ge=1, le=100)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""NumPy and Lightning accept no larger seed."""
Fold = Annotated[int, Field(ge=1, le=10_000)]
"""Number of a test fold. The prepared data set determines which folds exist."""
Protocol = Literal["honest", "paper"]
Precision = Literal["auto", "32-true", "bf16-mixed"]
"""Names of precisions, as in Lightning; see :mod:`mdhr.config.precision`."""

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
VALIDATION_F1 = "validation_f1"
Threshold = Share | Literal["validation_f1"]
"""Smallest score of an occurrence; ``validation_f1`` chooses one per action unit on the validation split."""
OpenShare = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
"""Above 0 and below 1."""
Decay = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
"""Coefficient of a running average, or a drop rate."""
FactorRange = Annotated[tuple[NonNegativeFloat, NonNegativeFloat], AfterValidator(_check_ascending)]
"""Smallest and largest factor."""
ClassWeights = Annotated[list[NonNegativeFloat], AfterValidator(_check_any_positive)]
FrameRate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]

Name = Annotated[str, Field(min_length=1)]
"""Name or path: a text that is not empty."""
