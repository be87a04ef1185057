"""Renderer of face frames based on OpenCV's software rasterizer. Needs neither a GPU nor a display.

A frame takes a blend of movements, vertex normals, light per vertex, one raster pass of (u, v, light), two texture
lookups (color and wrinkle shading), lens blur, and sensor noise.

Letters: V vertices, K rendered triangles, W movements, L landmarks.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mdhr.data.faces.cropping import FILL
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.array_types import FloatArray, Image
from mdhr.synthetic.camera_effects import add_camera_effects, background_image
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.identity import FACE_HEIGHT, Identity
from mdhr.synthetic.materials import BENCH_TEETH, GENERAL_TEETH, Material
from mdhr.synthetic.movements import BENCH_ROWS, EXTRA_MOVEMENTS, GENERAL_ROWS
from mdhr.synthetic.overlays import draw_overlays, record
from mdhr.synthetic.projection import Projection
from mdhr.synthetic.self_shadowing import CONSTANT_HARMONIC, spherical_harmonics

DISTANCE = 0.6
"""Camera distance in meters at which the face fills the fraction ``FILL`` of the frame."""
LIFT = 0.007
"""Meters by which the middle between brows and chin lies below the middle of the frame."""
PIVOT = np.asarray([0.0, 0.0, -0.015], np.float32)
"""Center of head rotation in the meters of ``Identity.neutral``."""
NEAR, FAR = 0.1, 10.0
WRAP = 0.15
"""Wrap lighting: how far light reaches beyond the terminator, which approximates subsurface scattering."""
KEY_LIGHT = 1.35
FRAME_MARGIN = 0.02
"""Meters above and below the frame where triangles are still drawn. Larger than a triangle."""
LIGHT_LIMIT = 4.0
"""Light that the rasterizer represents by 1."""
SCATTERED_LIGHT = np.asarray([0.030, 0.010, 0.005], np.float32)
"""Light that skin scatters into its own shadows."""
CAMERA_VIEW = np.eye(4, dtype=np.float32)


def rotation_matrix(degrees: FloatArray) -> FloatArray:
    """Return the rotation ``(3, 3)`` of yaw, pitch, and roll. :class:`FaceAnimation` defines their signs."""
    yaw, pitch, roll = np.radians(degrees.astype(np.float64))
    cos, sin = np.cos, np.sin
    turn = np.array([[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, cos(pitch), sin(pitch)], [0, -sin(pitch), cos(pitch)]])
    tilt = np.array([[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]])
    return (tilt @ nod @ turn).astype(np.float32)


class Renderer:
    """Renderer of square frames of ``size`` pixels. A ``zoom`` above 1 crops tighter."""

    def __init__(self, *, head: HeadModel, size: int, zoom: float = 1.0) -> None:
        cv2.setNumThreads(1)
        self.head, self.size = head, size
        self._tangent = tangent = FACE_HEIGHT / FILL / zoom / DISTANCE / 2
        self.field = 2 * float(np.arctan(tangent))
        self.focal = size / 2 / tangent

        mesh = head.mesh
        self.triangles = np.ascontiguousarray(mesh.triangles[head.rendered])
        self._corners = tuple(np.ascontiguousarray(self.triangles[:, k]) for k in range(3))
        num_triangles, num_vertices = len(self.triangles), len(mesh.template)
        ones = np.ones(3 * num_triangles, np.float32)
        corner_of = (self.triangles.T.ravel(), np.tile(np.arange(num_triangles), 3))
        self.gather = csr_matrix((ones, corner_of), shape=(num_vertices, num_triangles))

        self.bench_movements, self.general_movements = head.movements[BENCH_ROWS], head.movements[GENERAL_ROWS]
        self.bench_material = Material.of(head, teeth=BENCH_TEETH)
        self.general_material = Material.of(head, teeth=GENERAL_TEETH)
        eyes = np.concatenate(mesh.eyes)
        visibility = mesh.visibility.copy()
        visibility[np.concatenate([eyes, mesh.teeth])] = 0
        visibility[np.concatenate([eyes, mesh.teeth]), 0] = 0.8 / CONSTANT_HARMONIC
        self.visibility = visibility
        self.landmark_names = tuple(head.landmarks)
        self._landmarks = np.asarray(list(head.landmarks.values()))
        self._raster = np.zeros((size, size, 3), np.float32)
        self._depth = np.full((size, size), FAR, np.float32)
        self._shading = np.ones((0, 0), np.float32)
        self._settings = cv2.TriangleRasterizeSettings()
        self._settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
        self._settings.setCullingMode(cv2.RASTERIZE_CULLING_CW)

    def weights(self, identity: Identity, animation: FaceAnimation, f: int) -> FloatArray:
        """Return the weights of ``BENCH_ROWS`` or, if the animation has mouth movements, of ``GENERAL_ROWS``."""
        units = animation.rendered_intensity(f) * identity.gain[:, None]
        yaw, pitch = animation.gaze[f]
        shift = animation.mouth_shift[f]
        extras = dict.fromkeys(EXTRA_MOVEMENTS, 0.0) | {
            "blink": animation.blink[f],
            "look_left": max(yaw, 0),
            "look_right": max(-yaw, 0),
            "look_up": max(pitch, 0),
            "look_down": max(-pitch, 0),
            "cheek_puff": animation.cheek_puff[f],
            "mouth_left": max(shift, 0),
            "mouth_right": max(-shift, 0),
        }
        mouth = [] if animation.mouth is None else animation.mouth[f]
        return np.concatenate([units.ravel(), list(extras.values()), mouth]).astype(np.float32)

    def vertices(self, identity: Identity, animation: FaceAnimation, f: int) -> FloatArray:
        """Return the vertices ``(V, 3)`` of the animated head before pose, in the meters of ``Identity.neutral``."""
        movements = self.bench_movements if animation.mouth is None else self.general_movements
        displacement = (self.weights(identity, animation, f) * np.float32(identity.scale)) @ movements
        return identity.neutral + displacement.reshape(-1, 3)

    def _pose(self, animation: FaceAnimation, f: int) -> tuple[FloatArray, FloatArray]:
        """Return rotation ``(3, 3)`` and translation ``(3,)`` from the identity's to the camera's coordinates."""
        rotation = rotation_matrix(animation.rotation[f])
        shift_x, shift_y = animation.shift[f]
        offset = np.asarray([shift_x, shift_y - LIFT, -animation.distance[f]], np.float32)
        return rotation, offset + PIVOT - rotation @ PIVOT

    def landmarks(self, identity: Identity, animation: FaceAnimation, f: int) -> FloatArray:
        """Return the pixel coordinates ``(L, 2)`` (right, down) of ``landmark_names``. Integers are pixel centers."""
        rotation, offset = self._pose(animation, f)
        points = self.vertices(identity, animation, f)[self._landmarks] @ rotation.T + offset
        view = points[:, :2] / -points[:, 2:] * [self.focal, -self.focal]
        return (view + self.size / 2 - 0.5).astype(np.float32)

    def frame(self, identity: Identity, animation: FaceAnimation, f: int) -> Image:
        """Return frame ``f`` as ``(size, size, 3)`` RGB."""
        rotation, offset = self._pose(animation, f)
        posed = self.vertices(identity, animation, f) @ rotation.T
        facing, visible = self._facing(posed, offset)
        normal = np.stack([self.gather @ axis for axis in facing])  # 3 V
        normal /= np.sqrt(np.einsum("cv,cv->v", normal, normal)) + 1e-12

        attributes = np.empty_like(posed)
        attributes[:, :2] = self.head.uv
        attributes[:, 2] = self._light(identity, animation, f, rotation, normal) / LIGHT_LIMIT
        raster, depth = self._raster, self._depth
        raster[:] = 0
        depth[:] = FAR
        triangles = self.triangles[visible]
        cv2.triangleRasterize(
            (posed + offset)[None],
            triangles[None],
            attributes,
            raster,
            depth,
            CAMERA_VIEW,
            self.field,
            NEAR,
            FAR,
            self._settings,
        )
        image = self._shade(identity, animation, f, raster)
        cv2.copyTo(background_image(self.size, animation), (depth >= FAR - 0.01).astype(np.uint8), image)
        looks = animation.looks
        if looks is None:
            return add_camera_effects(image, animation, f)
        projection = self._projection(identity, animation, f, rotation, offset)
        image = add_camera_effects(draw_overlays(image, looks, f, projection, identity), animation, f)
        return record(image, looks, f, face_pixels=FACE_HEIGHT * self.focal / DISTANCE)

    def _projection(
        self, identity: Identity, animation: FaceAnimation, f: int, rotation: FloatArray, offset: FloatArray
    ) -> Projection:
        """Return the pose of accessories, lit like a vertex that faces the light."""
        ambient = animation.ambient[f]
        light = ambient + 0.6 * (KEY_LIGHT - 0.6 * ambient)
        return Projection(
            rotation=rotation,
            offset=offset,
            focal=self.focal,
            size=self.size,
            light=np.sqrt(light * animation.exposure[f] * animation.light_color[f]),
            anchors=dict(zip(self.landmark_names, identity.neutral[self._landmarks], strict=True)),
        )

    def _facing(self, posed: FloatArray, offset: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return triangle normals ``(3, K)`` of twice the triangle's area, and a mask ``(K,)`` of visible triangles."""
        place = np.ascontiguousarray(posed.T)  # 3 V
        first, second, third = self._corners
        origin = [axis[first] for axis in place]
        a = [axis[second] - start for axis, start in zip(place, origin, strict=True)]
        b = [axis[third] - start for axis, start in zip(place, origin, strict=True)]
        facing = np.stack([a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))])
        x, y, z = (start + shift for start, shift in zip(origin, offset, strict=True))
        towards = facing[0] * x + facing[1] * y + facing[2] * z
        return facing, (towards < 0) & (np.abs(y) < FRAME_MARGIN - self._tangent * z)

    def _light(
        self, identity: Identity, animation: FaceAnimation, f: int, rotation: FloatArray, normal: FloatArray
    ) -> FloatArray:
        """Return the light ``(V,)`` on vertices with normals ``(3, V)``: ambient, shadowed key light, and specular."""
        material = self.bench_material if animation.mouth is None else self.general_material
        towards = animation.light_direction[f] / np.linalg.norm(animation.light_direction[f])
        half = towards + np.asarray([0, 0, 1], np.float32)
        half /= np.linalg.norm(half)
        unoccluded = np.clip(0.12 + 0.88 * (self.visibility @ spherical_harmonics(rotation.T @ towards)), 0.08, 1)
        key = np.clip((towards @ normal + WRAP) / (1 + WRAP), 0, 1) * material.dark
        specular = np.clip(half @ normal, 0, 1) ** 20 * material.specular / np.float32(identity.brightness)
        ambient = animation.ambient[f]
        sky = ambient * material.ambient_share * (0.75 + 0.25 * normal[1])
        return np.minimum(sky + (KEY_LIGHT - 0.6 * ambient) * unoccluded * (key + specular), LIGHT_LIMIT)

    def _shade(self, identity: Identity, animation: FaceAnimation, f: int, raster: FloatArray) -> Image:
        """Return display-referred colors of the raster pass (u, v, light), including exposure.

        The display gamma is 2. The square root of the light times the display-referred texture color therefore equals
        the square root of light times linear color, and the texture can stay in 8 bits.
        """
        size = len(identity.texture)
        if self._shading.shape[0] != size:
            self._shading = np.ones((size, size), np.float32)
        shading = self._shading
        shading.fill(1)
        intensities = animation.rendered_intensity(f)
        if animation.looks is not None:
            intensities = intensities * animation.looks.worn.wrinkle_gain[:, None]
        for wrinkle in identity.wrinkles:
            intensity = intensities[wrinkle.au, wrinkle.side]
            if intensity > 0.01:
                shading[wrinkle.rows, wrinkle.columns] += intensity * wrinkle.layer
        across, down = (raster[..., k] * np.float32(size) - np.float32(0.5) for k in (0, 1))
        place, fraction = cv2.convertMaps(across, down, cv2.CV_16SC2)
        color = cv2.remap(identity.texture, place, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        shade = cv2.remap(shading, place, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        lit = np.asarray(shade, np.float32) * raster[..., 2]
        exposure = animation.exposure[f]
        tint = animation.light_color[f] * (exposure * LIGHT_LIMIT)
        light = cv2.merge([cv2.sqrt(lit * tint[k] + SCATTERED_LIGHT[k] * exposure) for k in range(3)])
        return np.asarray(cv2.multiply(color, light, dtype=cv2.CV_8U), np.uint8)
