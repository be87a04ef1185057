"""Comparison of ``_target_`` nodes with the arguments of their constructors.

It finds misspelled and missing arguments, also in files, and values of the wrong type, before anything is built.
"""

import inspect
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf
from pydantic import TypeAdapter, ValidationError

from mdhr.config.error_messages import suggestion
from mdhr.config.settings_schema import problem_message


def constructor_problems(cfg: DictConfig) -> Iterator[str]:
    """Yield one line for every unknown, missing or mistyped argument of every ``_target_`` node.

    The targets are imported, so ``cfg`` must be trusted.
    """
    for where, node in _target_nodes(OmegaConf.to_container(cfg, resolve=False), ""):
        try:
            target = get_object(node["_target_"])
            parameters = inspect.signature(target).parameters
        except Exception as error:  # imports raise errors of any type
            yield f"{where}._target_={node['_target_']}: {' '.join(str(error).split())}"
            continue
        given = {key for key in node if not key.startswith("_")}
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            for key in sorted(given - set(parameters)):
                yield f"there is no setting {where}.{key}{suggestion(key, list(parameters), prefix=f'{where}.')}"
        hints = _type_hints(target)
        for key in sorted(given & set(parameters)):
            if "${" not in str(node[key]):  # interpolated values are checked where they are defined
                yield from _type_problems(f"{where}.{key}", OmegaConf.select(cfg, f"{where}.{key}"), hints.get(key))
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


def _type_hints(target: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except Exception:  # a name that is imported for type checkers only
        return {}


def _type_problems(where: str, value: Any, hint: Any) -> Iterator[str]:
    if isinstance(value, DictConfig) or not _is_plain(hint):
        return
    plain = OmegaConf.to_container(value, resolve=True) if isinstance(value, ListConfig) else value
    try:
        TypeAdapter(hint).validate_python(plain)
    except ValidationError as error:
        reasons = dict.fromkeys(problem_message(problem) for problem in error.errors())
        yield f"{where}={plain}: {', or '.join(reasons)}"


def _is_plain(hint: Any) -> bool:
    """Return whether a type consists of numbers, strings, flags, and lists of them."""
    if hint in (int, float, bool, str, type(None)) or typing.get_origin(hint) is Literal:
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType, list, tuple) or origin is Sequence:
        return all(argument is Ellipsis or _is_plain(argument) for argument in arguments)
    return False
