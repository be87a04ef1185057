"""Check of the overrides on a command line before Hydra reads them: Hydra's own messages do not name the override."""

import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from mdhr.config.composition import CONF
from mdhr.errors import InputError, shown

_AU_SET_OVERRIDE = re.compile(r"data\.au_set(\.(aus|groups|region_block))?=")


def check_overrides(arguments: Sequence[str]) -> None:
    """Raise ``InputError`` for the first override without a name, with invalid syntax, or with a value for a group.

    Options of Hydra such as ``-m`` are not checked.
    """
    parser = OverridesParser.create()
    for argument in arguments:
        if argument.startswith("-") or "=" not in argument:
            continue
        if argument.startswith("="):
            raise InputError(f"{shown(argument)} has no name: expected setting=value.")
        try:
            override = parser.parse_override(argument)
        except HydraException as error:
            reason = " ".join(str(error).partition("See https")[0].split())
            raise InputError(
                f"{shown(argument)} is not a valid override: {reason}. Quote special characters."
            ) from error
        _check_group(override)


def with_new_keys(arguments: Sequence[str]) -> list[str]:
    """Return the overrides with ``++`` for settings of ``data.au_set`` that its file may lack, such as ``aus``."""
    return [f"++{argument}" if _AU_SET_OVERRIDE.match(argument) else argument for argument in arguments]


def _check_group(override: Override) -> None:
    folder = CONF / override.key_or_group
    value = override.value()
    if not folder.is_dir() or override.is_sweep_override() or isinstance(value, str | list):
        return
    names = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
    raise InputError(
        f"{override.key_or_group}={override.get_value_element_as_str()} is not a name: choose one of {names}."
    )


def experiments_with_launcher(arguments: Sequence[str]) -> list[str]:
    """Return the chosen experiments whose file selects a launcher. Hydra ignores a launcher there."""
    chosen = " ".join(argument.partition("=")[2] for argument in arguments if argument.startswith("experiment="))
    files = [CONF / "experiment" / f"{name}.yaml" for name in re.findall(r"[\w-]+", chosen)]
    selects = re.compile(r"^\s*-\s*override\s+/?hydra/launcher:", re.MULTILINE)
    return [file.stem for file in files if file.is_file() and selects.search(file.read_text())]
