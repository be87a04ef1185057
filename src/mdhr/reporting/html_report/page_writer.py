"""The report: one HTML page that needs nothing beside it, made of every run and every experiment on disk.

Styles, pictures and tables to download are in the page itself, so it can be sent, printed and read offline.
"""

import shlex
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from mdhr.data.provenance import PROTOCOLS, RENDERED
from mdhr.errors import InputError
from mdhr.files.atomic import write_bytes, write_text
from mdhr.files.text_tables import latex_tables, markdown_page, percent
from mdhr.reporting.finished_runs import short_commits
from mdhr.reporting.html_report.experiment_folders import EXPECTED, Experiment, Part, as_text, read_experiments
from mdhr.reporting.html_report.run_groups import Setting, group_runs, pictures
from mdhr.reporting.html_report.self_contained import data_uri, data_uri_of
from mdhr.reporting.paper_results import paper_results
from mdhr.training.run_record import git_commit

KINDS = {"csv": "text/csv", "md": "text/markdown", "tex": "text/x-tex"}
MOST_PICTURES = 8
RUNS_TITLE = "All finished runs, mean F1 and AUC in %"


def write_page(out: Path, *, runs: Path, experiments: Path) -> Path:
    """Write ``out/index.html`` and ``out/tables/``; returns the page, which appears whole or not at all.

    Raises ``InputError`` if ``out`` cannot be written to.
    """
    settings, without_result = group_runs(runs)
    exhibits = read_experiments(experiments)
    seen = pictures(runs)
    environment = Environment(
        loader=PackageLoader("mdhr.reporting.html_report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"percent": percent, "data_uri": data_uri, "as_text": as_text}
    named = (part for exhibit in exhibits for part in exhibit.parts if part.name)
    rendered = [*(setting.rendered for setting in settings), *(part.rendered for part in named)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = _write_tables(out / "tables", settings, exhibits)
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; choose another out") from error
    page = environment.get_template("page.html.jinja").render(
        made=datetime.now(), commit=git_commit(), runs_root=runs, experiments_root=experiments,
        command=shlex.join(["python", "-m", "mdhr.report", f"runs={runs}", f"experiments={experiments}"]),
        rendered="all" if rendered and all(rendered) else "some" if any(rendered) else "none", RENDERED=RENDERED,
        settings=settings, without_result=without_result, exhibits=exhibits, files=files, protocols=PROTOCOLS,
        expected=EXPECTED, there={exhibit.anchor for exhibit in exhibits if exhibit.parts}, source=paper_results(),
        pictures={path: _origin(path.parent, settings) for path in seen[:MOST_PICTURES]},
        more_pictures=seen[MOST_PICTURES:],
    )  # fmt: skip
    write_text(out / "index.html", page)
    return out / "index.html"


def runs_table(settings: list[Setting]) -> pd.DataFrame:
    """One row a finished run, all digits."""
    columns = ["data", "protocol", "network", "k", "region_weight", "fold", "seed", "f1_mean", "auc_mean",
               "git_commit", "command", "folder"]  # fmt: skip
    runs = pd.concat([setting.runs for setting in settings]) if settings else pd.DataFrame(columns=columns)
    return runs[[*columns, *(column for column in runs if str(column).startswith("f1_AU"))]]


def _origin(folder: Path, settings: list[Setting]) -> str:
    """What the run in that folder is."""
    for setting in settings:
        for _, run in setting.runs[setting.runs["folder"] == str(folder)].iterrows():
            return (
                f"{run['data']}, protocol {run['protocol']}, fold {run['fold']}, seed {run['seed']}, "
                f"mean F1 {percent(run['f1_mean'])} %, commit {short_commits(setting.runs)[0]}"
            )
    return "a run without a result"


def _write_tables(
    folder: Path, settings: list[Setting], exhibits: list[Experiment]
) -> dict[str, list[tuple[str, str]]]:
    """Every table as csv, Markdown and LaTeX; by part, the names and addresses with which the page hands them out."""
    shutil.rmtree(folder, ignore_errors=True)  # of a former report
    table = runs_table(settings)
    shown = [*table.columns[:9], "git_commit"]
    text = table[shown].map(as_text)
    files = {"runs": {
        "runs.csv": table.to_csv(index=False).encode(),
        "runs.md": markdown_page(text, title=RUNS_TITLE, notes=[]).encode(),
        "runs.tex": latex_tables(text, title=RUNS_TITLE, notes=[]).encode(),
    }}  # fmt: skip
    for exhibit in exhibits:
        for part in exhibit.parts:
            files[f"{exhibit.anchor}/{part.name}"] = dict(_table_files(exhibit, part))
    for where, own in files.items():
        for name, content in own.items():
            (folder / where).mkdir(parents=True, exist_ok=True)
            write_bytes(folder / where / name, content)
    return {
        where: [(name, data_uri_of(content, KINDS[name.rpartition(".")[2]])) for name, content in own.items()]
        for where, own in files.items()
    }


def _table_files(exhibit: Experiment, part: Part) -> Iterator[tuple[str, bytes]]:
    """The csv files of a part; Markdown and LaTeX as they lie beside them, or made of them."""
    numbers = {each.name: each for each in part.numbers}
    for path in part.tables:
        yield path.name, path.read_bytes()
        made = {}
        if path.name in numbers:
            table = pd.read_csv(path).map(as_text)
            title, notes = f"{exhibit.title}: {part.name or path.stem}", [RENDERED] if part.rendered else []
            made = {".md": markdown_page(table, title=title, notes=notes),
                    ".tex": latex_tables(table, title=title, notes=notes)}  # fmt: skip
        for suffix in (".md", ".tex"):
            beside = path.with_suffix(suffix)
            if beside.is_file():
                yield beside.name, beside.read_bytes()
            elif suffix in made:
                yield beside.name, made[suffix].encode()
