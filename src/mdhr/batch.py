"""Batch of clips: the interface between data and network.

Dimension letters, used in every shape of this project:

====== ==========================================================================
B      clips of a batch
T      frames of a clip
N      action units
R      region groups
D      channels of static and dynamic features and of graph nodes (node width)
C      channels of feature maps; C4 of the last one
H W    height and width
P      positions of the last feature map, P = H W
S      values of the stored feature maps of one frame
F      frames of a video or of a data set
====== ==========================================================================

``BT`` is the product of B and T: the network processes the frames of all clips along one axis where time is not used.
"""

from typing import NamedTuple

from torch import Tensor


class ClipBatch(NamedTuple):
    """Batch of B clips with their labels; a single clip has the same fields without the axis B."""

    frames: Tensor | None
    """``B T 3 H W``: uint8 RGB from the data set, ImageNet-normalized float for the network. None if ``features`` is
    set."""
    au: Tensor
    """``B T N`` int8, occurrence: 0, 1, or -1 if missing or padding."""
    region: Tensor
    """``B T R`` int64, pattern of every region group, -1 if any of its action units is missing."""
    video: Tensor
    """``B`` int64, index of the video in the list of videos of the data set."""
    frame: Tensor
    """``B T`` int64, frame number in the video, -1 for padding."""
    features: Tensor | None = None
    """``B T S`` float16, stored feature maps of a frozen backbone as packed by ``Backbone.pack``."""
    color: Tensor | None = None
    """``B 3`` float32, factors for brightness, contrast and saturation, which are applied to the frames together with the
    normalization. None in validation and test, with ``features``, and once they are applied."""
