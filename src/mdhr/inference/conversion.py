"""Conversion of a released checkpoint to an exported folder: ``mdhr convert resnet50_bp4d_fold1.pth --out bp4d``.

Supports the checkpoints of the MDHR and ME-GraphAU authors. Network, AU set and backbone follow from the tensors.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from mdhr.action_units import ACTION_UNIT_SETS
from mdhr.config.plain_settings import AU_SET
from mdhr.data.faces.cropping import FILL
from mdhr.errors import InputError
from mdhr.files.checksums import file_checksum
from mdhr.inference.export import ExportableModel, check_output_folder, write_model
from mdhr.inference.model_card import model_card
from mdhr.inference.model_description import RELEASE_FPS, ModelDescription
from mdhr.inference.model_formats import SAFETENSORS
from mdhr.network.checkpoints.released_mdhr import load_released_mdhr_state
from mdhr.network.checkpoints.released_me_graphau import check_not_open_graph_au, load_released_me_graphau_state
from mdhr.network.checkpoints.tensor_file import read_tensor_file, unwrap_state_dict
from mdhr.network.checkpoints.tensor_mapping import RELEASED_BACKBONES
from mdhr.network.checkpoints.timm_weights import describe_keys
from mdhr.network.mdhr import MDHR
from mdhr.network.me_graphau.me_graphau import MEGraphAU
from mdhr.network.network_settings import BACKBONE, build_network

NUM_FRAMES, TEMPORAL_RADIUS, CROP_SIZE, THRESHOLD = 16, 5, 224, 0.5
"""Values of the released code, for every data set and backbone."""
NUM_NEIGHBORS = {"BP4D": 4, "DISFA": 3}
"""k nearest neighbors of ME-GraphAU, stage 1."""
NAMES = {"mdhr": "MDHR", "me_graphau": "ME-GraphAU"}
_ANCHORS = {"mdhr": "node_classifier.sc", "me_graphau": "head.sc"}
"""Tensor ``N D`` with one vector per action unit."""
_BACKBONES = {"mdhr": "Backbone", "me_graphau": "backbone"}


class ReleasedCheckpoint(NamedTuple):
    """Network that a released checkpoint belongs to."""

    network: str
    """``mdhr`` or ``me_graphau``."""
    au_set: str
    """``BP4D`` or ``DISFA``."""
    backbone: str
    """Key of ``RELEASED_BACKBONES``."""
    stage: int
    """Training stage of ME-GraphAU, 1 or 2; 1 for MDHR."""


def identify_checkpoint(state: Mapping[str, Tensor]) -> ReleasedCheckpoint:
    """Return the network that the tensors of a released checkpoint belong to; raises ``InputError`` if unknown."""
    check_not_open_graph_au(state)
    if any(key.endswith("similarity.prototypes") for key in state):
        raise InputError(
            "a checkpoint of this package, which needs no conversion. Pass it to mdhr predict or mdhr export."
        )
    network = next((name for name, key in _ANCHORS.items() if key in state), None)
    if network is None:
        raise InputError(
            f"not a checkpoint of MDHR or ME-GraphAU: it contains neither {' nor '.join(_ANCHORS.values())}, "
            f"but {describe_keys(tensors=list(state))}. Pass a checkpoint of the released code."
        )
    num_aus = len(state[_ANCHORS[network]])
    au_set = next((au_set.name for au_set in ACTION_UNIT_SETS.values() if len(au_set.aus) == num_aus), None)
    if au_set is None:
        known = ", ".join(f"{len(au_set.aus)} ({au_set.name})" for au_set in ACTION_UNIT_SETS.values())
        raise InputError(f"the checkpoint predicts {num_aus} action units, expected {known}. Others are not supported.")
    is_swin = f"{_BACKBONES[network]}.patch_embed.proj.weight" in state
    stage = 2 if "head.edge_fc.weight" in state else 1
    return ReleasedCheckpoint(network, au_set, "swin_base" if is_swin else "resnet50", stage)


def released_network_settings(released: ReleasedCheckpoint) -> dict[str, Any]:
    """Return the entry ``network`` of ``config.yaml``."""
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
    own = {
        "stage": released.stage,
        "num_neighbors": NUM_NEIGHBORS[released.au_set],
        "project_once": True,
        "weights": None,
    }
    return {"_target_": "mdhr.network.me_graphau.me_graphau.MEGraphAU", **settings, **own}


def convert(
    checkpoint: Path, out: Path, *, network: str | None = None, au_set: str | None = None, backbone: str | None = None
) -> dict[str, float]:
    """Convert a released checkpoint to the new folder ``out``; return the differences of ``export.write_model``.

    Args:
        network, au_set, backbone: expected properties of the checkpoint; None accepts any.

    Raises ``InputError`` if the checkpoint has other properties, is incomplete or would run code, or if ``out`` exists.
    """
    check_output_folder(out)
    content = read_tensor_file(checkpoint)
    try:
        state = unwrap_state_dict(content)
        released = identify_checkpoint(state)
        for option, expected in (("network", network), ("au_set", au_set), ("backbone", backbone)):
            found = getattr(released, option)
            if expected not in (None, found):
                raise InputError(f"{option} is {found}, not {expected}. Omit --{option.replace('_', '-')}.")
        settings = {"network": released_network_settings(released)}
        built = build_network(settings, where=checkpoint)
        if isinstance(built, MDHR):
            load_released_mdhr_state(built, state)
        elif isinstance(built, MEGraphAU):
            load_released_me_graphau_state(built, state)
    except InputError as error:
        raise InputError(f"{checkpoint}: {str(error).removeprefix(f'{checkpoint}: ')}") from error
    description = ModelDescription(
        au_set=released.au_set,
        num_frames=NUM_FRAMES,
        crop_size=CROP_SIZE,
        frame_interval=1 / RELEASE_FPS[released.au_set],
        fill=FILL,
        threshold=THRESHOLD,
        trained_on=f"{released.au_set} by the authors of {NAMES[released.network]}, fold unknown",
    )
    card = _card(released, description, checkpoint)
    return write_model(ExportableModel(built, description, settings, card), out, formats=[SAFETENSORS])


def _card(released: ReleasedCheckpoint, description: ModelDescription, checkpoint: Path) -> str:
    name = NAMES[released.network]
    return model_card(
        description,
        title=f"{name}, {released.au_set}, {released.backbone}, released checkpoint",
        network=f"{name}{f', stage {released.stage}' if released.network == 'me_graphau' else ''} "
        f"with backbone {RELEASED_BACKBONES[released.backbone]['name']}",
        data=f"{released.au_set}; converted from the authors' file `{checkpoint.name}` "
        f"(SHA-256 `{file_checksum(checkpoint)}`), whose license applies to the weights",
    )
