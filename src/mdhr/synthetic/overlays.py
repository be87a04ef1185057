"""Application of the looks of a clip to a rendered frame."""

from mdhr.synthetic.array_types import Image
from mdhr.synthetic.camera_effects import blur_motion, transmit
from mdhr.synthetic.cast_shadow import cast_shadow
from mdhr.synthetic.glasses import draw_glasses
from mdhr.synthetic.identity import Identity
from mdhr.synthetic.looks import Looks
from mdhr.synthetic.loose_hair import draw_loose_hair
from mdhr.synthetic.occluder import draw_occluder
from mdhr.synthetic.projection import Projection


def draw_overlays(image: Image, looks: Looks, f: int, projection: Projection, identity: Identity) -> Image:
    """Return frame ``f`` with hair, glasses, occluder, and shadow in front of the face."""
    appearance, worn = identity.appearance, looks.worn
    if worn.hair is not None and appearance.hair_cover == 1:
        image = draw_loose_hair(image, worn.hair, projection, appearance.hair_color)
    if worn.glasses is not None:
        image = draw_glasses(image, worn.glasses, projection)
    if looks.occluder is not None:
        image = draw_occluder(image, looks.occluder, f, projection, appearance.skin_color)
    if looks.shadow is not None:
        image = cast_shadow(image, looks.shadow, f)
    return image


def record(image: Image, looks: Looks, f: int, *, face_pixels: float) -> Image:
    """Return frame ``f`` as a shaking camera with a low resolution and a codec records it.

    ``face_pixels`` is the distance from brows to chin in the image.
    """
    image = blur_motion(image, looks.shake[f])
    wanted = face_pixels if looks.face_pixels is None else min(face_pixels, looks.face_pixels)
    if wanted < face_pixels or looks.compression_quality is not None:
        size = round(len(image) * wanted / face_pixels)
        image = transmit(image, size=size, quality=looks.compression_quality)
    return image
