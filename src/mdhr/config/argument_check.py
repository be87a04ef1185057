"""Comparison of values with the annotated types of a signature, such as those of :mod:`mdhr.config.ranges`."""

import inspect
import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from mdhr.errors import InputError, shown, suggestion


def check_arguments(target: Any, arguments: Mapping[str, Any], *, where: str) -> None:
    """Raise ``InputError`` with one line for every argument that has no parameter, or not the type of its parameter.

    ``where`` is the dotted name of the settings for the message. Parameters whose type is a class of this project are
    not checked.
    """
    hints = type_hints(target)
    problems: list[str | None] = list(unknown_arguments(target, arguments, where=where))
    problems += [type_problem(f"{where}.{key}", value, hints.get(key)) for key, value in arguments.items()]
    if found := [problem for problem in problems if problem]:
        raise InputError("\n".join(found))


def unknown_arguments(target: Any, names: Iterable[str], *, where: str) -> Iterator[str]:
    """Yield one line for every name that is not a parameter of a function or constructor."""
    parameters = inspect.signature(target).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        for name in sorted(set(names) - set(parameters), key=str):
            closest = suggestion(shown(name), list(parameters), prefix=f"{where}.")
            yield f"there is no setting {where}.{shown(name)}{closest}"


def type_problem(name: str, value: Any, hint: Any) -> str | None:
    """Return one line if a setting does not have the type, else None.

    The value is compared as JSON, without conversion: lists are tuples, texts are paths and integers are floats, but 5.0
    is no integer and ``true`` is no number. Types that consist of more than numbers, texts, flags and lists of them are
    not checked.
    """
    if not _is_plain(hint):
        return None
    try:
        _adapter(hint).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        return f"{name}={shown(value)}: {', or '.join(dict.fromkeys(map(problem_message, error.errors())))}"
    return None


def type_hints(target: Any) -> dict[str, Any]:
    """Return the types of the parameters of a function or a constructor."""
    try:
        return typing.get_type_hints(target.__init__ if inspect.isclass(target) else target, include_extras=True)
    except Exception:  # a name that is imported for type checkers only
        return {}


def problem_message(problem: Any) -> str:
    """Return what pydantic reports about one value, such as ``should be greater than 0``."""
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    if problem["type"] in ("model_type", "dict_type"):
        return "should be a node of settings"
    return problem["msg"].replace("Input should", "should")


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _is_plain(hint: Any) -> bool:
    """Return whether a type consists of numbers, texts, flags, and lists and mappings of them."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (int, float, bool, str, Path, Any, type(None)) or origin is Literal:
        return True
    if origin is typing.Annotated:
        return _is_plain(arguments[0])
    if origin in (typing.Union, types.UnionType, list, tuple, dict, Sequence, Mapping):
        return all(argument is Ellipsis or _is_plain(argument) for argument in arguments)
    return False
