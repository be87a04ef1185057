"""Everything on disk in one page: ``python -m mdhr.report``, see ``conf/report.yaml``."""

from pathlib import Path

from omegaconf import DictConfig

from mdhr.entry import entry_point
from mdhr.report.page import write_page


@entry_point("report")
def main(cfg: DictConfig) -> None:
    """Write the page and say where it is."""
    page = write_page(Path(cfg.out), runs=Path(cfg.runs), experiments=Path(cfg.experiments))
    print(f"the report is in {page}, its tables as csv, Markdown and LaTeX in {page.parent / 'tables'}")


if __name__ == "__main__":
    main()
