"""Comparison of settings with a schema."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from mdhr.config.argument_check import problem_message
from mdhr.errors import shown, suggestion


def schema_problems(settings: Any, schema: type[BaseModel]) -> Iterator[str]:
    """Yield one line for every setting that violates the schema."""
    try:
        schema.model_validate(settings)
    except ValidationError as error:
        lines: dict[str, list[str]] = {}
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                yield f"there is no setting {name}{suggestion(name, _siblings(settings, problem['loc'], schema))}"
            elif problem["type"] == "value_error" and isinstance(problem["input"], dict):  # settings that do not fit
                yield str(problem["ctx"]["error"])
            elif problem["type"] == "missing":
                yield f"{name} is not set: set {name}=..."
            else:
                name = _existing_name(settings, problem["loc"])
                lines.setdefault(f"{name}={shown(problem['input'])}", []).append(problem_message(problem))
        for setting, messages in lines.items():
            yield f"{setting}: {', or '.join(dict.fromkeys(messages))}"


def _existing_name(settings: Any, location: tuple[int | str, ...]) -> str:
    """Return the dotted name of a setting, without the member of a union that pydantic appends to a location."""
    name = []
    for part in location:
        if not (isinstance(settings, dict) and part in settings) and not isinstance(part, int):
            break
        settings = settings[part]
        name.append(str(part))
    return ".".join(name)


def _siblings(settings: Any, location: tuple[int | str, ...], schema: type[BaseModel]) -> list[str]:
    """Return the dotted names of the other settings next to one."""
    if len(location) == 1:
        return list(schema.model_fields)
    for part in location[:-1]:
        settings = settings[part]
    return [".".join(map(str, (*location[:-1], key))) for key in settings if key != location[-1]]
