"""HTML report: one self-contained page with every run and every experiment on disk.

Styles, images and downloadable tables are embedded.
"""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from mdhr.config.shell_command import shell_command
from mdhr.data.provenance import PROTOCOLS, RENDERED
from mdhr.errors import InputError
from mdhr.files.atomic import write_bytes, write_text
from mdhr.files.csv_files import read_csv
from mdhr.files.folder_lock import locked_folder
from mdhr.files.text_tables import latex_tables, markdown_page, percent
from mdhr.reporting.finished_runs import short_commits
from mdhr.reporting.html_report.experiment_folders import EXPECTED, Experiment, ResultFolder, as_text, read_experiments
from mdhr.reporting.html_report.run_groups import RunGroup, group_runs, video_figures
from mdhr.reporting.html_report.self_contained import data_uri, file_data_uri
from mdhr.reporting.paper_results import paper_results
from mdhr.training.run_record import git_commit

MEDIA_TYPES = {"csv": "text/csv", "md": "text/markdown", "tex": "text/x-tex"}
OWNER = ".mdhr-report"
"""File that marks the folder of the tables, which is deleted before it is written again."""
MAX_VIDEO_FIGURES = 8
RUNS_TITLE = "All finished runs, mean F1 and AUC in %"


def write_page(out: Path, *, runs: Path, experiments: Path) -> Path:
    """Write ``out/index.html`` and ``out/tables/``; return the path of the page.

    Raises ``InputError`` if ``out`` cannot be written.
    """
    groups, unfinished = group_runs(runs)
    found = read_experiments(experiments)
    figures = video_figures(runs)
    environment = Environment(
        loader=PackageLoader("mdhr.reporting.html_report", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"percent": percent, "data_uri": file_data_uri, "as_text": as_text}
    named = (result for experiment in found for result in experiment.results if result.name)
    rendered = [*(group.rendered for group in groups), *(result.rendered for result in named)]
    with locked_folder(out, setting="out"):
        try:
            files = _write_tables(out / "tables", groups, found)
        except OSError as error:
            raise InputError(f"out={out} cannot be written: {error.strerror}. Set out to another folder.") from error
        page = environment.get_template("page.html.jinja").render(
            created=datetime.now(), commit=git_commit(), runs_root=runs,
            command=shell_command(["mdhr", "report", f"runs={runs}", f"experiments={experiments}"]),
            rendered="all" if rendered and all(rendered) else "some" if any(rendered) else "none",
            groups=groups, unfinished=unfinished, experiments=found, files=files, protocols=PROTOCOLS, expected=EXPECTED,
            available={experiment.anchor for experiment in found if experiment.results}, paper=paper_results(),
            figures={path: _origin(path.parent, groups) for path in figures[:MAX_VIDEO_FIGURES]},
            omitted_figures=figures[MAX_VIDEO_FIGURES:],
        )  # fmt: skip
        write_text(out / "index.html", page)
    return out / "index.html"


def runs_table(groups: list[RunGroup]) -> pd.DataFrame:
    """Return one row per finished run with all digits."""
    columns = ["data", "protocol", "network", "k", "region_weight", "fold", "seed", "f1_mean", "auc_mean",
               "precision", "git_commit", "command", "folder"]  # fmt: skip
    runs = pd.concat([group.runs for group in groups]) if groups else pd.DataFrame(columns=columns)
    return runs[[*columns, *(column for column in runs if str(column).startswith("f1_AU"))]]


def _origin(folder: Path, groups: list[RunGroup]) -> str:
    """Return a description of the run in ``folder``."""
    for group in groups:
        for _, run in group.runs[group.runs["folder"] == str(folder)].iterrows():
            return (
                f"{run['data']}, protocol {run['protocol']}, fold {run['fold']}, seed {run['seed']}, "
                f"mean F1 {percent(run['f1_mean'])} %, commit {short_commits(group.runs)[0]}"
            )
    return "unfinished run"


def _write_tables(
    folder: Path, groups: list[RunGroup], experiments: list[Experiment]
) -> dict[str, list[tuple[str, str]]]:
    """Write every table as csv, Markdown and LaTeX; return names and ``data:`` URIs by result folder."""
    is_foreign = not ((folder / OWNER).is_file() or (folder.parent / "index.html").is_file())
    if folder.exists() and any(folder.iterdir()) and is_foreign:
        raise InputError(f"{folder} exists and was not written by mdhr report. Set out to another folder.")
    shutil.rmtree(folder, ignore_errors=True)  # tables of an earlier report
    folder.mkdir()
    (folder / OWNER).touch()
    table = runs_table(groups)
    shown = [*table.columns[:10], "git_commit"]
    text = table[shown].map(as_text)
    files = {"runs": {
        "runs.csv": table.to_csv(index=False).encode(),
        "runs.md": markdown_page(text, title=RUNS_TITLE, notes=[]).encode(),
        "runs.tex": latex_tables(text, title=RUNS_TITLE, notes=[]).encode(),
    }}  # fmt: skip
    for experiment in experiments:
        for result in experiment.results:
            files[f"{experiment.anchor}/{result.name}"] = dict(_table_files(experiment, result))
    for subfolder, contents in files.items():
        for name, content in contents.items():
            (folder / subfolder).mkdir(parents=True, exist_ok=True)
            write_bytes(folder / subfolder / name, content)
    return {
        subfolder: [
            (name, data_uri(content, MEDIA_TYPES[name.rpartition(".")[2]])) for name, content in contents.items()
        ]
        for subfolder, contents in files.items()
    }


def _table_files(experiment: Experiment, result: ResultFolder) -> Iterator[tuple[str, bytes]]:
    """Yield the csv files of a result folder with their Markdown and LaTeX files, which are generated if missing."""
    readable = {table.name for table in result.csv_tables}
    for path in result.csv_files:
        yield path.name, path.read_bytes()
        generated = {}
        if path.name in readable:
            table = read_csv(path).map(as_text)
            title, notes = f"{experiment.title}: {result.name or path.stem}", [RENDERED] if result.rendered else []
            generated = {".md": markdown_page(table, title=title, notes=notes),
                         ".tex": latex_tables(table, title=title, notes=notes)}  # fmt: skip
        for suffix in (".md", ".tex"):
            existing = path.with_suffix(suffix)
            if existing.is_file():
                yield existing.name, existing.read_bytes()
            elif suffix in generated:
                yield existing.name, generated[suffix].encode()
