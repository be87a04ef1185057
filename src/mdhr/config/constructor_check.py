"""Comparison of ``_target_`` nodes with the arguments of their constructors.

It finds misspelled and missing arguments, also in files, and values of the wrong type or out of range, before anything
is built.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf

from mdhr.config.argument_check import type_hints, type_problem, unknown_arguments

_REFERENCE = re.compile(r"\$\{(?:oc\.select:)?([\w.]+)(?:,[^{}]*)?\}")
"""Interpolation of one other setting."""


def constructor_problems(cfg: DictConfig) -> Iterator[str]:
    """Yield one line for every unknown, missing or wrong argument of every ``_target_`` node.

    A wrong value is reported for the setting that defines it, which interpolations refer to. The targets are imported,
    so ``cfg`` must be trusted.
    """
    raw = OmegaConf.to_container(cfg, resolve=False)
    for where, node in _target_nodes(raw, ""):
        try:
            target = get_object(node["_target_"])
            parameters = inspect.signature(target).parameters
        except Exception as error:  # imports raise errors of any type
            yield f"{where}._target_={node['_target_']}: {' '.join(str(error).split())}"
            continue
        given = {key for key in node if not key.startswith("_")}
        yield from unknown_arguments(target, given, where=where)
        hints = type_hints(target)
        for key in sorted(given & set(parameters)):
            value = OmegaConf.select(cfg, f"{where}.{key}")
            if isinstance(value, DictConfig) and "_target_" in value:
                continue
            plain = OmegaConf.to_container(value, resolve=True) if isinstance(value, DictConfig | ListConfig) else value
            if problem := type_problem(_defined_at(raw, f"{where}.{key}"), plain, hints.get(key)):
                yield problem
        if not node.get("_partial_"):
            for name, parameter in parameters.items():
                required = parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
                if required and name not in given:
                    yield f"{where}.{name} is not set: {node['_target_'].rpartition('.')[2]} requires it"


def _target_nodes(node: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the dotted name and the content of every node with a ``_target_``; interpolations are not followed."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield where, node
        for key, value in node.items():
            yield from _target_nodes(value, f"{where}.{key}" if where else str(key))


def _defined_at(raw: Any, name: str) -> str:
    """Return the name of the setting that defines the value of a setting through interpolations."""
    reference = _REFERENCE.fullmatch(str(_raw_value(raw, name)))
    if reference is None or _raw_value(raw, reference[1]) is _ABSENT:
        return name
    return _defined_at(raw, reference[1])


_ABSENT = object()


def _raw_value(raw: Any, name: str) -> Any:
    """Return the value of a setting without following interpolations."""
    for part in name.split("."):
        if not isinstance(raw, dict) or part not in raw:
            return _ABSENT
        raw = raw[part]
    return raw
