"""Make a model of a released checkpoint: ``mdhr convert resnet50_bp4d_fold1.pth --out bp4d``.

Takes the checkpoints of MDHR's and of ME-GraphAU's authors and leaves an exported folder (:mod:`mdhr.inference.export`). What a
checkpoint is of, its own tensors tell; options are there to insist.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from mdhr.action_units import ACTION_UNIT_SETS
from mdhr.data.faces.cropping import FILL
from mdhr.errors import InputError
from mdhr.files.checksums import file_checksum
from mdhr.inference.export import TrainedModel, check_free, write_model
from mdhr.inference.model_card import model_card
from mdhr.inference.model_description import FPS, ModelDescription
from mdhr.inference.model_formats import SAFETENSORS
from mdhr.network.checkpoints.conversion_rules import RELEASED_BACKBONES, plain_keys, read_released
from mdhr.network.checkpoints.released_mdhr import load_released_state
from mdhr.network.checkpoints.released_me_graphau import load_me_graphau_state
from mdhr.network.mdhr import MDHR
from mdhr.network.me_graphau.me_graphau import MEGraphAU
from mdhr.network.network_settings import AU_SET, BACKBONE, build_network

NUM_FRAMES, TEMPORAL_RADIUS, CROP_SIZE, THRESHOLD = 16, 5, 224, 0.5
"""As the released code has them for every data set and backbone."""
NUM_NEAREST = {"BP4D": 4, "DISFA": 3}
"""K of ME-GraphAU's stage 1."""
NAMES = {"mdhr": "MDHR", "me_graphau": "ME-GraphAU"}
_ANCHORS = {"mdhr": "node_classifier.sc", "me_graphau": "head.sc"}
"""The tensor that holds one vector for every action unit."""
_BACKBONES = {"mdhr": "Backbone", "me_graphau": "backbone"}


class Released(NamedTuple):
    """What a released checkpoint is of."""

    network: str
    """``mdhr`` or ``me_graphau``."""
    au_set: str
    backbone: str
    """One of ``RELEASED_BACKBONES``."""
    stage: int
    """Of ME-GraphAU."""


def recognize(state: Mapping[str, Tensor]) -> Released:
    """What the tensors of a released checkpoint say it is of; ``InputError`` where they say nothing known."""
    network = next((name for name, key in _ANCHORS.items() if key in state), None)
    if network is None:
        raise InputError(f"no checkpoint of MDHR or ME-GraphAU: neither {' nor '.join(_ANCHORS.values())} is in it")
    num_aus = len(state[_ANCHORS[network]])
    au_set = next((au_set.name for au_set in ACTION_UNIT_SETS.values() if len(au_set.aus) == num_aus), None)
    if au_set is None:
        known = ", ".join(f"{len(au_set.aus)} ({au_set.name})" for au_set in ACTION_UNIT_SETS.values())
        raise InputError(f"it predicts {num_aus} action units: there are sets of {known}")
    is_swin = f"{_BACKBONES[network]}.patch_embed.proj.weight" in state
    stage = 2 if "head.edge_fc.weight" in state else 1
    return Released(network, au_set, "swin_base" if is_swin else "resnet50", stage)


def network_settings_of(released: Released) -> dict[str, Any]:
    """The entry ``network`` of its ``config.yaml``."""
    settings: dict[str, Any] = {
        "backbone": {
            "_target_": BACKBONE,
            **RELEASED_BACKBONES[released.backbone],
            "pretrained": False,
            "weights": None,
            "drop_path_rate": 0.0,
            "input_size": CROP_SIZE,
        },
        "au_set": {"_target_": AU_SET, "name": released.au_set},
        "width": None,
    }
    if released.network == "mdhr":
        switches = {"use_mfd": True, "use_hsr": True, "use_tcn": True}
        return {"_target_": "mdhr.network.mdhr.MDHR", **settings, "temporal_radius": TEMPORAL_RADIUS, **switches}
    own = {"stage": released.stage, "num_nearest": NUM_NEAREST[released.au_set], "project_once": True, "weights": None}
    return {"_target_": "mdhr.network.me_graphau.me_graphau.MEGraphAU", **settings, **own}


def convert(
    checkpoint: Path, out: Path, *, network: str | None = None, au_set: str | None = None, backbone: str | None = None
) -> dict[str, float]:
    """Write the exported folder ``out``, whole or not at all; returns what :func:`mdhr.inference.export.write_model` does.

    Parameters
    ----------
    network, au_set, backbone: what the checkpoint must be of; None takes what it is.

    Raises ``InputError`` where it is of something else, cannot be read without running code, or is not whole.
    """
    check_free(out)
    state = plain_keys(read_released(checkpoint))
    try:
        released = recognize(state)
        for option, asked in (("network", network), ("au_set", au_set), ("backbone", backbone)):
            found = getattr(released, option)
            if asked not in (None, found):
                raise InputError(f"it is of {found}, not of {asked}: leave --{option.replace('_', '-')} out")
        settings = {"network": network_settings_of(released)}
        built = build_network(settings, where=checkpoint)
        if isinstance(built, MDHR):
            load_released_state(built, state)
        elif isinstance(built, MEGraphAU):
            load_me_graphau_state(built, state)
    except InputError as error:
        raise InputError(f"{checkpoint}: {str(error).removeprefix(f'{checkpoint}: ')}") from error
    description = ModelDescription(
        au_set=released.au_set,
        num_frames=NUM_FRAMES,
        crop_size=CROP_SIZE,
        seconds_between=1 / FPS[released.au_set],
        fill=FILL,
        threshold=THRESHOLD,
        trained_on=f"{released.au_set} by the authors of {NAMES[released.network]}, which fold is not known here",
    )
    card = _card(released, description, checkpoint)
    return write_model(TrainedModel(built, description, settings, card), out, formats=[SAFETENSORS])


def _card(released: Released, description: ModelDescription, checkpoint: Path) -> str:
    name = NAMES[released.network]
    digest = file_checksum(checkpoint)
    return model_card(
        description,
        title=f"{name}, {released.au_set}, {released.backbone}, as released",
        network=f"{name}{f', stage {released.stage}' if released.network == 'me_graphau' else ''} "
        f"with backbone {RELEASED_BACKBONES[released.backbone]['name']}",
        data=f"{released.au_set}; the weights are those of the authors' file `{checkpoint.name}` (SHA-256 `{digest}`), "
        "whose own license holds",
    )
