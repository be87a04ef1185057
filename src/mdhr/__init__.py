"""MDHR: multi-scale dynamic and hierarchical relationship modeling for facial action unit detection (CVPR 2024).

Example:
    >>> import mdhr
    >>> table = mdhr.load("runs/demo")("clip.mp4")  # one row per frame and face
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mdhr.inference.predictor import Predictor


def load(
    path: str | Path | None = None,
    *,
    device: str = "auto",
    precision: str = "auto",
    compiled: bool = False,
    trusted: bool = False,
    **settings: Any,
) -> "Predictor":
    """Load a trained model that predicts the action units in videos.

    The predictor is called with the path of a video file or a folder of images and returns a score table as a pandas
    DataFrame; see :meth:`mdhr.inference.predictor.Predictor.predict`.

    Args:
        path: run folder such as ``runs/demo``, checkpoint in it, exported folder, or file in one; None selects the model
            that is part of the package.
        device: PyTorch device; ``auto`` is the accelerator if there is one, else the CPU.
        precision: ``32-true``, ``bf16-mixed``, or ``auto`` for bfloat16 where the device computes in it.
        compiled: compile the network with ``torch.compile``, which pays off for hours of video.
        trusted: allow ``model.pt2``, which may run any code; only for a file you created yourself.
        settings: arguments of :class:`mdhr.inference.predictor.Predictor`: ``detector``, ``overlap``, ``thresholds``,
            ``batch_size``.

    Raises ``InputError`` if there is no such model or a setting is out of range.

    Example:
        >>> predictor = mdhr.load(thresholds={"AU12": 0.4})
        >>> predictor("clip.mp4")[["frame", "track", "score_AU12", "AU12"]]
    """
    from mdhr.inference.model_loading import SHIPPED_MODEL, load_model
    from mdhr.inference.predictor import Predictor

    model = load_model(path or SHIPPED_MODEL, device=device, precision=precision, compiled=compiled, trusted=trusted)
    return Predictor(model, **settings)
