"""Initial weights of a network from a trained network with another action unit set.

Backbone, static feature, MFD and graph attention do not depend on action units and are copied. Parts with one block of
parameters per action unit (linear blocks, TCN, prototypes) are copied for the action units that both sets contain. The
head over region patterns is copied if a region group of the trained network has the same action units.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from mdhr.action_units import ActionUnitSet
from mdhr.action_units.facs import ActionUnit, au_column
from mdhr.errors import InputError
from mdhr.network.checkpoints.timm_weights import describe_mismatch

State = Mapping[str, Tensor]
_GROUP_KEY = re.compile(r"local\.groups\.(?P<group>\d+)\.(?P<rest>.+)")
_AU_PARTS = ("local.au_blocks.", "au_features.", "tcn.", "similarity.")
"""Key prefixes of parameters with one block per action unit, in the order of the set."""
_NODE_PARTS = ("graph.", "edge_features.", "layers.")
"""Key prefixes of ME-GraphAU's graph, which depends on the complete action unit set."""


@dataclass(frozen=True)
class CopyReport:
    """Which parts of a network have the weights of the trained network."""

    common: tuple[ActionUnit, ...]
    """Action units that both networks predict."""
    new: tuple[ActionUnit, ...]
    """Action units that only the new network predicts."""
    initialized: tuple[str, ...]
    """Keys of the new network of which nothing was copied."""

    @property
    def summary(self) -> str:
        """One line for the log."""
        line = f"copied the shared parts and those of {_names(self.common)}"
        if self.new:
            line += f"; {_names(self.new)} start from random weights"
        parts = dict.fromkeys(
            re.sub(r"\.(weight|bias|running_\w+|linear|norm)(\..*)?$", "", k) for k in self.initialized
        )
        return line + (f"; randomly initialized: {', '.join(parts)}" if parts else "")


def transfer_weights(
    trained: State, state: State, *, trained_set: ActionUnitSet, au_set: ActionUnitSet
) -> tuple[dict[str, Tensor], CopyReport]:
    """Return the state dict of a network with the weights of a trained network where they correspond.

    Args:
        trained: state dict of the trained network. It is not modified.
        state: state dict of the new network with its initial weights. It is not modified.
        trained_set, au_set: action units of the trained and the new network.

    Raises:
        InputError: the networks differ in backbone or width.
    """
    _check_backbone(trained, state)
    source = dict(_by_action_unit(trained, trained_set))
    result, initialized = {}, []
    for key, initial in state.items():
        members, name = _owner(key, au_set)
        if members is None or initial.dim() == 0:
            found = trained.get(_trained_key(key, trained, trained_set=trained_set, au_set=au_set) or "")
            if found is not None and found.shape != initial.shape:
                _refuse_width(key, found, initial)
            result[key] = (initial if found is None else found).clone()
            is_copied = found is not None
        else:
            rows = initial.clone().unflatten(0, (len(members), -1))
            known = [n for n, au in enumerate(members) if (name, au) in source]
            for n in known:
                block = source[name, members[n]]
                if block.shape != rows[n].shape:
                    _refuse_width(key, block, rows[n])
                rows[n] = block
            result[key] = rows.flatten(0, 1)
            is_copied = bool(known)
        if not is_copied:
            initialized.append(key)
    common = tuple(au for au in au_set.aus if au in trained_set.aus)
    new = tuple(au for au in au_set.aus if au not in trained_set.aus)
    return result, CopyReport(common, new, tuple(initialized))


def _check_backbone(trained: State, state: State) -> None:
    ours, theirs = ({k: x for k, x in each.items() if k.startswith("backbone.")} for each in (state, trained))
    if problem := describe_mismatch(theirs, ours):
        raise InputError(
            f"it has another backbone: {problem}. Select the backbone of the trained network with backbone=..."
        )


def _refuse_width(key: str, found: Tensor, initial: Tensor) -> None:
    raise InputError(
        f"{key} has the shape {list(found.shape)} instead of {list(initial.shape)}. Set network= and network.width to those "
        "of the trained network."
    )


def _owner(key: str, au_set: ActionUnitSet) -> tuple[tuple[ActionUnit, ...] | None, str]:
    """Return the action units of the blocks of a tensor, None for other tensors, and its key without region group."""
    match = _GROUP_KEY.fullmatch(key)
    if match and match["rest"].startswith("au_blocks."):
        return au_set.groups[int(match["group"])].aus, f"local.{match['rest']}"
    return (au_set.aus if key.startswith(_AU_PARTS) else None), key


def _by_action_unit(state: State, au_set: ActionUnitSet) -> Iterator[tuple[tuple[str, ActionUnit], Tensor]]:
    """Yield key without region group, action unit and parameters of every block of an action unit."""
    for key, tensor in state.items():
        members, name = _owner(key, au_set)
        if members is not None and tensor.dim() > 0:
            for au, block in zip(members, tensor.unflatten(0, (len(members), -1)), strict=True):
                yield (name, au), block


def _trained_key(key: str, trained: State, *, trained_set: ActionUnitSet, au_set: ActionUnitSet) -> str | None:
    """Return the key of the trained network that corresponds to a tensor without blocks; None if there is none."""
    if key.startswith(_NODE_PARTS):
        return key if trained_set.aus == au_set.aus else None
    match = _GROUP_KEY.fullmatch(key)
    if match is None:
        return key
    group = au_set.groups[int(match["group"])]
    overlap = [
        len(set(group.aus) & set(other.aus)) if other.region == group.region else 0 for other in trained_set.groups
    ]
    best = max(range(len(overlap)), key=overlap.__getitem__)
    if not overlap[best] or (match["rest"].startswith("pattern_head.") and trained_set.groups[best].aus != group.aus):
        return None
    return f"local.groups.{best}.{match['rest']}"


def _names(aus: tuple[ActionUnit, ...]) -> str:
    return ", ".join(map(au_column, aus)) or "no action unit"
