"""Draw frames of an identity that performs. One pass of OpenCV's software rasterizer, no GPU, no display.

A frame costs: a blend of movements, vertex normals, light per vertex, one raster pass of (u, v, light), two texture
look-ups (color and shading of wrinkles), lens blur and noise.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mdhr.data.faces.cropping import FILL
from mdhr.synthetic.head import EXTRAS, HeadModel
from mdhr.synthetic.identity import FACE_HEIGHT, Identity
from mdhr.synthetic.performance import Performance
from mdhr.synthetic.self_shadowing import harmonics

Floats = NDArray[np.floating]

DISTANCE = 0.6
"""Metres from the camera at which the face fills the frame as FILL says."""
LIFT = 0.007
"""Metres by which the middle of brow and chin lies below the middle of the frame."""
PIVOT = np.asarray([0.0, 0.0, -0.015], np.float32)
"""The point the head turns about, in the framed meters of an identity."""
NEAR, FAR = 0.1, 10.0
BEHIND = -0.075
"""Depth on the template behind which triangles are dropped."""
SPECULAR = 0.022
WRAP = 0.15
"""How far light creeps around the terminator of skin."""
KEY = 1.35
EDGE = 0.02
"""Metres beyond the frame's upper and lower edge where triangles are still drawn: more than a triangle's size."""
LIGHT_LIMIT = 4.0
"""Light that the rasterizer's 0 to 1 stands for."""
WARMTH = np.asarray([0.030, 0.010, 0.005], np.float32)
"""Light that skin scatters into its own shadows."""


def rotation_matrix(degrees: Floats) -> Floats:
    """Rotation (3, 3) of yaw, pitch, roll; see :class:`Performance` for their signs."""
    yaw, pitch, roll = np.radians(degrees.astype(np.float64))
    cos, sin = np.cos, np.sin
    turn = np.array([[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, cos(pitch), sin(pitch)], [0, -sin(pitch), cos(pitch)]])
    tilt = np.array([[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]])
    return (tilt @ nod @ turn).astype(np.float32)


class Renderer:
    """Renders square frames of ``size`` pixels; ``zoom`` above 1 crops tighter."""

    def __init__(self, *, head: HeadModel, size: int, zoom: float = 1.0) -> None:
        cv2.setNumThreads(1)
        self.head, self.size = head, size
        self._tangent = tangent = FACE_HEIGHT / FILL / zoom / DISTANCE / 2
        self.field = 2 * float(np.arctan(tangent))
        self.focal = size / 2 / tangent

        x, y, z = head.template[head.triangles].mean(1).T
        keep = (z > np.where(y < -0.08, BEHIND - 0.04, BEHIND)) & (y < 0.10)
        keep &= ~((z < 0) & (np.abs(y) < 0.02) & (np.abs(x) > 0.012) & (np.abs(x) < 0.045))  # sockets behind the eyes
        self.triangles = np.ascontiguousarray(head.triangles[keep])
        self._corners = tuple(np.ascontiguousarray(self.triangles[:, k]) for k in range(3))
        num_triangles, num_vertices = len(self.triangles), len(head.template)
        ones = np.ones(3 * num_triangles, np.float32)
        corner_of = (self.triangles.T.ravel(), np.tile(np.arange(num_triangles), 3))
        self.gather = csr_matrix((ones, corner_of), shape=(num_vertices, num_triangles))

        self.movements = head.movements
        dark = 1 - 0.85 * np.clip(head.masks["inside-mouth"] * 1.3, 0, 1) * (1 - head.masks["lips"])
        # little light reaches the side teeth
        dark[head.teeth] = 0.04 + 0.81 * np.exp(-((head.template[head.teeth, 0] / 0.0135) ** 4))
        eyes = np.concatenate(head.eyes)
        openness = head.openness.copy()
        openness[eyes] = 0.85
        openness[head.teeth] = 0.7
        self.dark, self.ambient_share = dark, dark * (0.15 + 0.85 * openness)
        self.shine = np.full(num_vertices, SPECULAR, np.float32) * (1 + 1.5 * head.masks["lips"]) * dark
        self.shine[eyes] = 0
        visibility = head.visibility.copy()
        visibility[np.concatenate([eyes, head.teeth])] = 0
        visibility[np.concatenate([eyes, head.teeth]), 0] = 0.8 / 0.282095
        self.visibility = visibility
        self.landmark_names = tuple(head.landmarks)
        self._landmarks = np.asarray(list(head.landmarks.values()))
        self._picture = np.zeros((size, size, 3), np.float32)
        self._depth = np.full((size, size), FAR, np.float32)
        self._shading = np.ones((0, 0), np.float32)
        self._settings = cv2.TriangleRasterizeSettings()
        self._settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
        self._settings.setCullingMode(cv2.RASTERIZE_CULLING_CW)

    def weights(self, identity: Identity, performance: Performance, f: int) -> Floats:
        """Weights (W,) of the rows of ``HeadModel.movements``."""
        units = performance.shown(f) * identity.gain[:, None]
        yaw, pitch = performance.gaze[f]
        shift = performance.mouth_shift[f]
        extras = dict.fromkeys(EXTRAS, 0.0) | {
            "blink": performance.blink[f],
            "look_left": max(yaw, 0),
            "look_right": max(-yaw, 0),
            "look_up": max(pitch, 0),
            "look_down": max(-pitch, 0),
            "cheek_puff": performance.cheek_puff[f],
            "mouth_left": max(shift, 0),
            "mouth_right": max(-shift, 0),
        }
        return np.concatenate([units.ravel(), list(extras.values())]).astype(np.float32)

    def vertices(self, identity: Identity, performance: Performance, f: int) -> Floats:
        """Vertices (V, 3) of the moved head before pose, in framed meters."""
        moved = (self.weights(identity, performance, f) * np.float32(identity.scale)) @ self.movements
        return identity.neutral + moved.reshape(-1, 3)

    def _place(self, performance: Performance, f: int) -> tuple[Floats, Floats]:
        """Rotation (3, 3) and translation (3,) from framed meters into the camera's view."""
        rotation = rotation_matrix(performance.rotation[f])
        shift_x, shift_y = performance.shift[f]
        offset = np.asarray([shift_x, shift_y - LIFT, -performance.distance[f]], np.float32)
        return rotation, offset + PIVOT - rotation @ PIVOT

    def landmarks(self, identity: Identity, performance: Performance, f: int) -> Floats:
        """Pixel coordinates (L, 2), x to the right and y down, of ``landmark_names``; integers are pixel centers."""
        rotation, offset = self._place(performance, f)
        points = self.vertices(identity, performance, f)[self._landmarks] @ rotation.T + offset
        view = points[:, :2] / -points[:, 2:] * [self.focal, -self.focal]
        return (view + self.size / 2 - 0.5).astype(np.float32)

    def frame(self, identity: Identity, performance: Performance, f: int) -> NDArray[np.uint8]:
        """Frame f as (size, size, 3) RGB."""
        rotation, offset = self._place(performance, f)
        posed = self.vertices(identity, performance, f) @ rotation.T
        facing, seen = self._facing(posed, offset)
        normal = np.stack([self.gather @ axis for axis in facing])  # 3 V
        normal /= np.sqrt(np.einsum("cv,cv->v", normal, normal)) + 1e-12

        attributes = np.empty_like(posed)
        attributes[:, :2] = self.head.uv
        attributes[:, 2] = self._light(identity, performance, f, rotation, normal) / LIGHT_LIMIT
        picture, depth = self._picture, self._depth
        picture[:] = 0
        depth[:] = FAR
        triangles = self.triangles[seen]
        cv2.triangleRasterize(
            (posed + offset)[None],
            triangles[None],
            attributes,
            picture,
            depth,
            _IDENTITY,
            self.field,
            NEAR,
            FAR,
            self._settings,
        )
        image = self._shade(identity, performance, f, picture)
        cv2.copyTo(background(self.size, performance), (depth >= FAR - 0.01).astype(np.uint8), image)
        return self._develop(image, performance, f)

    def _facing(self, posed: Floats, offset: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Normals (3, T), as long as twice the triangle's area, and which triangles (T,) the camera may see."""
        place = np.ascontiguousarray(posed.T)  # 3 V
        first, second, third = self._corners
        origin = [axis[first] for axis in place]
        a = [axis[second] - start for axis, start in zip(place, origin, strict=True)]
        b = [axis[third] - start for axis, start in zip(place, origin, strict=True)]
        facing = np.stack([a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))])
        x, y, z = (start + shift for start, shift in zip(origin, offset, strict=True))
        towards = facing[0] * x + facing[1] * y + facing[2] * z
        return facing, (towards < 0) & (np.abs(y) < EDGE - self._tangent * z)

    def _light(self, identity: Identity, performance: Performance, f: int, rotation: Floats, normal: Floats) -> Floats:
        """Light (V,) falling on each vertex: ambient, key with soft shadows, shine; normal is (3, V)."""
        towards = performance.light_direction[f] / np.linalg.norm(performance.light_direction[f])
        half = towards + np.asarray([0, 0, 1], np.float32)
        half /= np.linalg.norm(half)
        free = np.clip(0.12 + 0.88 * (self.visibility @ harmonics(rotation.T @ towards)), 0.08, 1)
        key = np.clip((towards @ normal + WRAP) / (1 + WRAP), 0, 1) * self.dark
        shine = np.clip(half @ normal, 0, 1) ** 20 * self.shine / np.float32(identity.brightness)
        ambient = performance.ambient[f]
        sky = ambient * self.ambient_share * (0.75 + 0.25 * normal[1])
        return np.minimum(sky + (KEY - 0.6 * ambient) * free * (key + shine), LIGHT_LIMIT)

    def _shade(self, identity: Identity, performance: Performance, f: int, picture: Floats) -> NDArray[np.uint8]:
        """Displayed colors (S, S, 3) from the raster pass (u, v, light), exposure included.

        The display's gamma is 2, so the root of the light times the displayed color of the texture is the same as
        the root of light times linear color, and the texture may stay in bytes.
        """
        size = len(identity.texture)
        if self._shading.shape[0] != size:
            self._shading = np.ones((size, size), np.float32)
        shading = self._shading
        shading.fill(1)
        shown = performance.shown(f)
        for wrinkle in identity.wrinkles:
            intensity = shown[wrinkle.au, wrinkle.side]
            if intensity > 0.01:
                shading[wrinkle.rows, wrinkle.columns] += intensity * wrinkle.layer
        across, down = (picture[..., k] * np.float32(size) - np.float32(0.5) for k in (0, 1))
        place, fraction = cv2.convertMaps(across, down, cv2.CV_16SC2)
        color = cv2.remap(identity.texture, place, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        shade = cv2.remap(shading, place, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        lit = np.asarray(shade, np.float32) * picture[..., 2]
        exposure = performance.exposure[f]
        tint = performance.light_color[f] * (exposure * LIGHT_LIMIT)
        light = cv2.merge([cv2.sqrt(lit * tint[k] + WARMTH[k] * exposure) for k in range(3)])
        return np.asarray(cv2.multiply(color, light, dtype=cv2.CV_8U), np.uint8)

    def _develop(self, image: NDArray[np.uint8], performance: Performance, f: int) -> NDArray[np.uint8]:
        """Lens blur and sensor noise."""
        sigma = float(performance.blur[f]) * self.size / 160
        if sigma > 0.2:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
        if performance.noise[f] > 0:
            rng = np.random.default_rng([performance.background_seed, f])
            top, left = rng.integers(0, self.size, 2)
            grain = _noise_plate(self.size)[top : top + self.size, left : left + self.size]
            image = np.asarray(cv2.add(image, grain * performance.noise[f], dtype=cv2.CV_8U), np.uint8)
        return image


_IDENTITY = np.eye(4, dtype=np.float32)


@lru_cache(maxsize=2)
def _noise_plate(size: int) -> Floats:
    """Noise (2 size, 2 size, 3) that frames cut their own piece from."""
    return np.random.default_rng(size).standard_normal((2 * size, 2 * size, 3), dtype=np.float32)


def background(size: int, performance: Performance) -> NDArray[np.uint8]:
    """Background (size, size, 3) as displayed: the color with a soft, uneven gradient from the seed."""
    return _background(size, tuple(float(c) for c in performance.background), performance.background_seed)


@lru_cache(maxsize=16)
def _background(size: int, color: tuple[float, float, float], seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng([seed, 104729])
    grain = rng.standard_normal((4, 4, 3), dtype=np.float32) * np.float32(0.04)
    grain += rng.standard_normal((4, 4, 1), dtype=np.float32) * np.float32(0.10)
    soft = cv2.resize(grain, (size, size), interpolation=cv2.INTER_CUBIC)
    return (np.clip(np.asarray(color, np.float32) * (1 + soft), 0, 1) * 255).astype(np.uint8)
