"""Action units of the renderer, as weighted sums of the head model's face units.

A head model has 52 one-sided, ARKit-style face units. FACS defines the action units. The weights were chosen by visual
inspection and verified with an independent face landmarker.
"""

AUS = (1, 2, 4, 6, 7, 9, 10, 12, 14, 15, 17, 23, 24, 25, 26)
"""Action units of the renderer, in the order of ``FaceAnimation.intensity``."""

SIDES = ("Left", "Right")
"""Order of the last axis of ``FaceAnimation.intensity``: the subject's left, then right."""

FACE_UNITS: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 1.0},
    2: {"browOuterUp": 1.0},
    4: {"browDown": 1.0},
    6: {"cheekSquint": 1.0},
    7: {"eyeSquint": 1.0},
    9: {"noseSneer": 1.0},
    10: {"mouthUpperUp": 1.0},
    12: {"mouthSmile": 0.8},
    14: {"mouthDimple": 1.0},
    15: {"mouthFrown": 1.0},
    17: {"mouthShrugLower": 1.0},
    23: {"mouthPress": 0.45, "mouthRollUpper": 0.35, "mouthRollLower": 0.35, "mouthPucker": 0.25},
    24: {"mouthPress": 1.0, "mouthRollUpper": 0.15, "mouthRollLower": 0.15},
    25: {"mouthLowerDown": 0.6, "mouthUpperUp": 0.25, "jawOpen": 0.06},
    26: {"jawOpen": 0.45},
}
"""Weights of the face units at intensity 1 of an action unit. Names without a side denote both sides."""

GENERAL_FACE_UNITS: dict[int, dict[str, float]] = FACE_UNITS | {
    6: {"cheekSquint": 1.1},
    9: {"noseSneer": 1.2},
    14: {"mouthDimple": 1.25, "mouthPress": 0.3, "mouthRollLower": 0.15},
    23: {"mouthPucker": 0.5, "mouthRollUpper": 0.75, "mouthRollLower": 0.6, "mouthShrugLower": -0.2},
    24: {
        "mouthPress": 0.7,
        "mouthPucker": 0.35,
        "mouthShrugLower": 0.35,
        "mouthRollLower": 0.1,
        "mouthShrugUpper": 0.15,
    },
}
"""Weights of the general style, in which the lip units differ as FACS describes them.

AU6 and AU9 are stronger, because identities with smooth skin show them without wrinkles. AU14 pulls the corners
inwards. AU23 narrows the mouth and rolls the red parts inwards. AU24 presses the lips together without narrowing them
and pushes the chin up.
"""

MOUTH_MOVEMENTS: dict[str, dict[str, float]] = {
    "grin": {"mouthUpperUp": 0.55, "mouthLowerDown": 0.4},
    "round": {"mouthFunnel": 1.0},
    "pucker": {"mouthPucker": 1.0},
    "spread": {"mouthStretch": 1.0},
    "tongue": {"tongueOut": 1.0},
    "seal": {"mouthClose": 0.16},
}
"""Weights of the face units at weight 1 of a mouth movement of the general style.

``grin`` bares the teeth and ``seal`` closes lips that AU10 parts. The others are movements of speech besides AU25 and
AU26.
"""
