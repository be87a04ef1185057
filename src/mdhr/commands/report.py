"""Write one HTML page with every run and every table on disk.

usage: mdhr report [runs=FOLDER] [experiments=FOLDER] [out=FOLDER]

Examples:
  mdhr report
  mdhr report runs=runs/study out=report-study

Settings are Hydra overrides of conf/report.yaml. `mdhr report --cfg job` prints all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWS_DOCSTRING = True


def run(cfg: "DictConfig") -> None:
    """Write the page and print its path."""
    from pathlib import Path

    from mdhr.config.command_schema import ReportSettings
    from mdhr.config.validation import validate
    from mdhr.reporting.html_report.page_writer import write_page

    validate(cfg, ReportSettings)
    page = write_page(Path(cfg.out), runs=Path(cfg.runs), experiments=Path(cfg.experiments))
    print(f"The report is in {page}. Its tables are in {page.parent / 'tables'} as csv, Markdown and LaTeX.")


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    from mdhr.config.hydra_command import run_hydra_command

    return run_hydra_command("report", run, arguments)
