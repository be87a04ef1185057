"""The batch that travels from data to network: the one thing both sides know.

Shape letters used in the whole project:

B clips, T frames, C channels, H W space, N action units, R region groups, D node width, P = H'W' positions
of the backbone's last map.
"""

from typing import NamedTuple

from torch import Tensor


class ClipBatch(NamedTuple):
    """T consecutive frames of one video, or B such clips stacked.

    Shapes with the leading B of a batch; a single clip lacks it.
    """

    frames: Tensor | None
    """``B T 3 H W``: uint8 RGB from the data set, ImageNet-normalized float for the network. None if ``features`` is
    set."""
    au: Tensor
    """``B T N`` int8 occurrence: 0, 1, or -1 where missing or padding."""
    region: Tensor
    """``B T R`` int64 pattern number of every region group, -1 where any of its action units is missing."""
    video: Tensor
    """``B`` int64 position of the video in the data set's list of videos."""
    frame: Tensor
    """``B T`` int64 frame number in its video, -1 for padding."""
    features: Tensor | None = None
    """``B T S`` float16: stored feature maps of a frozen backbone, S values per frame (``Backbone.pack``)."""
