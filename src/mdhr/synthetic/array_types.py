"""Array type aliases of the renderer."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
Image = NDArray[np.uint8]
"""``(H, W, 3)`` RGB."""
