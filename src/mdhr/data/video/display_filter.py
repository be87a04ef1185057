"""Conversion of decoded frames to what players show: upright, with square pixels, all of one size, without HDR."""

from fractions import Fraction
from math import atan2, degrees
from struct import unpack
from typing import NamedTuple

import av
import av.filter
from av.sidedata.sidedata import SideDataContainer
from av.video.reformatter import ColorTrc

_TRANSPOSE = {
    (False, False): "cclock_flip",
    (True, False): "clock",
    (False, True): "cclock",
    (True, True): "clock_flip",
}
"""Direction of FFmpeg's ``transpose`` by whether the transposed image is mirrored horizontally and vertically."""

HDR = frozenset({ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67})
"""Transfer functions of high dynamic range: PQ and HLG."""
TONE_MAP = "out_transfer=bt709:out_primaries=bt709:out_color_matrix=bt709:out_range=tv"
"""Diffuse white becomes white, brighter parts are clipped."""

Step = tuple[str, str]
"""Name and arguments of a filter."""


class _Layout(NamedTuple):
    """Properties of frames on which a filter graph depends."""

    width: int
    height: int
    pixel_format: str
    colorspace: int
    color_range: int
    transfer: int
    time_base: Fraction | None
    matrix: bytes


class DisplayFilter:
    """Applies the display matrix and the shape of pixels, scales to the size of the first frame, and tone-maps HDR.

    Frames that need no change are returned unchanged.

    Args:
        pixel_aspect: width of a pixel divided by its height.

    Attributes:
        size: width and height of the converted frames; None before the first one.
        resized: whether a later frame had another size or shape.
    """

    def __init__(self, pixel_aspect: Fraction) -> None:
        self.size: tuple[int, int] | None = None
        self.resized = False
        self._pixel_aspect = pixel_aspect
        self._layout: _Layout | None = None
        self._graph: av.filter.Graph | None = None

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame as players show it, normally in the pixel format of the decoder."""
        # frame.side_data would create a reference cycle, which keeps the pixels until the next garbage collection.
        matrix = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]
        layout = _Layout(
            frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range, frame.color_trc,
            frame.time_base,
            b"" if matrix is None else bytes(matrix),  # type: ignore[call-overload]
        )  # fmt: skip
        if layout != self._layout:
            steps = self._steps(layout)
            self._layout, self._graph = layout, _make_graph(layout, steps) if steps else None
        if self._graph is None:
            return frame
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _steps(self, layout: _Layout) -> list[Step]:
        steps = orientation_steps(layout.matrix)
        width, height, aspect = layout.width, layout.height, self._pixel_aspect
        if any(name == "transpose" for name, _ in steps):
            width, height, aspect = height, width, 1 / aspect
        upright = width, height
        square_width = max(1, round(width * aspect))
        if self.size is None:
            self.size = square_width, height
        if (square_width, height) != self.size:
            self.resized = True
            scale = min(self.size[0] / square_width, self.size[1] / height)
            square_width, height = max(1, round(square_width * scale)), max(1, round(height * scale))
        if (square_width, height) != upright:
            steps.append(("scale", f"{square_width}:{height}"))
        if (square_width, height) != self.size:
            steps.append(("pad", f"{self.size[0]}:{self.size[1]}:-1:-1"))
        if layout.transfer in HDR:
            steps += [("scale", TONE_MAP), ("format", "yuv420p")]
        return steps


def orientation_steps(matrix: bytes) -> list[Step]:
    """Return the filters that apply a display matrix: nine integers, as stored by FFmpeg; none if empty.

    The point (x, y) of the image is displayed at ``(a x + c y, b x + d y)``.
    """
    if not matrix:
        return []
    a, b, _, c, d, *_ = unpack("=9i", matrix)
    angle = degrees(atan2(b, a))
    if abs(angle / 90 - round(angle / 90)) > 1 / 90:
        return [("rotate", f"{angle}*PI/180")]
    if abs(b) > abs(a):
        return [("transpose", _TRANSPOSE[c < 0, b < 0])]
    return [("hflip", "")] * (a < 0) + [("vflip", "")] * (d < 0)


def _make_graph(layout: _Layout, steps: list[Step]) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = (
        f"video_size={layout.width}x{layout.height}:pix_fmt={layout.pixel_format}:time_base={layout.time_base}:"
        f"colorspace={layout.colorspace}:range={layout.color_range}"
    )
    nodes = [graph.add(name, arguments) for name, arguments in [("buffer", source), *steps, ("buffersink", "")]]
    graph.link_nodes(*nodes).configure()
    return graph
