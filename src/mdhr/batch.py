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

    frames: Tensor
    """``B T 3 H W``: uint8 RGB from the data set, ImageNet-normalized float when it reaches the network.
    Or ``B T S 1 1`` float16: maps that a frozen backbone has packed."""
    au: Tensor
    """``B T N`` int8 occurrence: 0, 1, or -1 where missing or padding."""
    region: Tensor
    """``B T R`` int64 pattern number of every region group, -1 where any of its action units is missing."""
    video: Tensor
    """``B`` int64 position of the video in the data set's list of videos."""
    frame: Tensor
    """``B T`` int64 frame number in its video, -1 for padding."""
