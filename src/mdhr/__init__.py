"""MDHR: multi-scale dynamic and hierarchical relationship modeling for facial action units.

``mdhr.load("runs/demo")("clip.mp4")`` is a table of the action units in a video, see docs/predict.md.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mdhr.inference.predictor import Predictor


def load(path: str | Path, *, device: str = "auto", trusted: bool = False, **settings: Any) -> "Predictor":
    """A trained model, ready to score videos.

    Parameters
    ----------
    path, device, trusted: see :func:`mdhr.inference.model_loading.load_model`.
    settings: of :class:`mdhr.inference.predictor.Predictor`: detector, overlap, thresholds, batch_size.

    Raises ``InputError`` where there is no such model, or for a wrong setting.
    """
    from mdhr.inference.model_loading import load_model
    from mdhr.inference.predictor import Predictor

    return Predictor(load_model(path, device=device, trusted=trusted), **settings)
