"""Write a table of the paper from finished runs.

usage: mdhr table table=3|4|5|6|me_graphau|transfer [data=NAME] [runs=FOLDER] [out=FOLDER]

Examples:
  mdhr table table=3 data=synthetic_bench
  mdhr table table=6 data=bp4d data.protocol=paper

Writes table.csv, table.md, table.tex and figures. Nothing is trained; `make table-3` first trains the missing runs.

Exit status: 3 if the table is written but runs are missing.

Settings are Hydra overrides of conf/table.yaml. `mdhr table --cfg job` prints all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> None:
    """Write the table and print it."""
    from mdhr.config.command_schema import TableSettings
    from mdhr.config.validation import validate
    from mdhr.reporting.tables.table_writer import write_table

    validate(cfg, TableSettings)
    write_table(cfg)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("table", run, arguments)
