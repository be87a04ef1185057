"""Code files of every format from known labels, written without the reader's code."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pympi

Runs = dict[str, list[tuple[float, float]]]
"""Start and end in seconds of the active ranges, by column name."""


def known_labels(columns: tuple[str, ...], *, num_frames: int, seed: int = 0) -> pd.DataFrame:
    """Return random labels in runs of about five frames; every column has some active frames."""
    rng = np.random.default_rng(seed)
    labels = {name: np.repeat(rng.integers(0, 2, num_frames), 5)[:num_frames] for name in columns}
    for name in columns:
        labels[name][[1, 3]] = 1, 0
    return pd.DataFrame({"frame": np.arange(num_frames), **labels})


def runs_of(labels: pd.DataFrame, fps: float) -> Runs:
    """Return the active ranges of every column."""
    runs: Runs = {}
    for name in labels.columns.drop("frame"):
        runs[name] = []
        start = None
        for frame, value in enumerate([*labels[name], 0]):
            if value and start is None:
                start = frame
            elif not value and start is not None:
                runs[name].append((start / fps, frame / fps))
                start = None
    return runs


def write_csv(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    labels.to_csv(path := path.with_suffix(".csv"), index=False)
    return path


def write_time_table(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    table = labels.rename(columns=lambda name: name.replace("AU", "au 0")).drop(columns="frame")
    table.insert(0, "seconds", (labels["frame"] / fps).round(3))
    table.to_csv(path := path.with_suffix(".tsv"), index=False, sep="\t")
    return path


def write_german_csv(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    table = labels.rename(columns={"frame": "Time"})
    table["Time"] = table["Time"] / fps
    table.to_csv(path := path.with_suffix(".csv"), index=False, sep=";", decimal=",", encoding="utf-8-sig")
    return path


def write_excel(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    book = openpyxl.Workbook()
    book.active.append([name.removeprefix("AU") for name in labels])
    for row in labels.to_numpy().tolist():
        book.active.append([None if cell < 0 else cell for cell in row])
    book.save(path := path.with_suffix(".xlsx"))
    return path


def write_parquet(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    labels.to_parquet(path := path.with_suffix(".parquet"))
    return path


def write_openface(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    aus = labels.drop(columns="frame")
    frame = labels["frame"]
    table = pd.DataFrame(
        {"frame": frame + 1, "face_id": 0, "timestamp": (frame / fps).round(3), "confidence": 0.98, "success": 1}
    )
    for name in aus:
        number = int(name.removeprefix("AU"))
        table[f"AU{number:02d}_r"] = aus[name] * 1.5 + 0.3
        table[f"AU{number:02d}_c"] = aus[name].astype(float)
    table.columns = pd.Index([table.columns[0], *(f" {name}" for name in table.columns[1:])])
    table.to_csv(path := path.with_suffix(".csv"), index=False)
    return path


def write_eaf(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    eaf = pympi.Eaf()
    eaf.remove_tier("default")
    for name, runs in runs_of(labels, fps).items():
        eaf.add_tier(name)
        for start, end in runs:
            eaf.add_annotation(name, round(1000 * start), round(1000 * end), "")
    eaf.to_file(str(path := path.with_suffix(".eaf")))
    return path


def write_eaf_of_values(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    """Write all codes as values such as ``12B`` on one tier per face part, as many coders do."""
    eaf = pympi.Eaf()
    eaf.remove_tier("default")
    for number, (name, runs) in enumerate(runs_of(labels, fps).items()):
        eaf.add_tier(f"tier {number}")
        for start, end in runs:
            eaf.add_annotation(f"tier {number}", round(1000 * start), round(1000 * end), f"{name.removeprefix('AU')}B")
    eaf.to_file(str(path := path.with_suffix(".eaf")))
    return path


def write_boris_events(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    lines = [["Observation id", "video 1"], ["Media file(s)", ""], [], ["Independent variables"], []]
    lines.append(["Time", "Media file path", "Total length", "FPS", "Subject", "Behavior", "Comment", "Status"])
    events = [
        (time, name, status)
        for name, runs in runs_of(labels, fps).items()
        for run in runs
        for time, status in zip(run, ("START", "STOP"), strict=True)
    ]
    for time, name, status in sorted(events):
        lines.append([f"{time:.3f}", "a.mp4", "4", f"{fps:g}", "", name, "", status])
    with open(path := path.with_suffix(".tsv"), "w", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(lines)
    return path


def write_boris_aggregated(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    rows = [
        ("video 1", f"{fps:g}", "coder", name, "STATE", f"{start:.3f}", f"{end:.3f}")
        for name, runs in runs_of(labels, fps).items()
        for start, end in runs
    ]
    columns = ["Observation id", "FPS (frame/s)", "Subject", "Behavior", "Behavior type", "Start (s)", "Stop (s)"]
    pd.DataFrame(rows, columns=columns).to_csv(path := path.with_suffix(".csv"), index=False)
    return path


def write_noldus(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    rows = [
        (f"{time:.2f}".replace(".", ","), "obs", "Event log 1", name, kind, "")
        for name, runs in runs_of(labels, fps).items()
        for run in runs
        for time, kind in zip(run, ("State start", "State stop"), strict=True)
    ]
    columns = ["Time_Relative_sf", "Observation", "Event_Log", "Behavior", "Event_Type", "Comment"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(path := path.with_suffix(".txt"), index=False, sep=";", encoding="utf-16")
    return path


def _write_textgrid(path: Path, labels: pd.DataFrame, fps: float, *, is_long: bool) -> Path:
    end = len(labels) / fps
    tiers = runs_of(labels, fps)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    keys = {key: f"{key} = " if is_long else "" for key in ("xmin", "xmax", "size", "class", "name", "text")}
    lines += [f"{keys['xmin']}0", f"{keys['xmax']}{end}", f"{'tiers? ' if is_long else ''}<exists>"]
    lines += [f"{keys['size']}{len(tiers)}", *(["item []:"] if is_long else [])]
    for index, (name, runs) in enumerate(tiers.items(), start=1):
        pieces, last = [], 0.0
        for start, stop in runs:
            if start > last:
                pieces.append((last, start, ""))
            pieces.append((start, stop, "x"))
            last = stop
        if last < end:
            pieces.append((last, end, ""))
        lines += [f"    item [{index}]:"] if is_long else []
        lines += [
            f'{keys["class"]}"IntervalTier"',
            f'{keys["name"]}"{name}"',
            f"{keys['xmin']}0",
            f"{keys['xmax']}{end}",
        ]
        lines.append(f"{'intervals: size = ' if is_long else ''}{len(pieces)}")
        for number, (start, stop, text) in enumerate(pieces, start=1):
            lines += [f"        intervals [{number}]:"] if is_long else []
            lines += [f"{keys['xmin']}{start}", f"{keys['xmax']}{stop}", f'{keys["text"]}"{text}"']
    path = path.with_suffix(".TextGrid")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_long_textgrid(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    return _write_textgrid(path, labels, fps, is_long=True)


def write_short_textgrid(path: Path, labels: pd.DataFrame, fps: float) -> Path:
    return _write_textgrid(path, labels, fps, is_long=False)


WRITERS: Mapping[str, Callable[[Path, pd.DataFrame, float], Path]] = {
    "csv": write_csv,
    "tsv with seconds": write_time_table,
    "csv with semicolons": write_german_csv,
    "xlsx": write_excel,
    "parquet": write_parquet,
    "openface": write_openface,
    "eaf": write_eaf,
    "eaf with values": write_eaf_of_values,
    "boris events": write_boris_events,
    "boris aggregated": write_boris_aggregated,
    "noldus": write_noldus,
    "textgrid long": write_long_textgrid,
    "textgrid short": write_short_textgrid,
}
"""Function that writes labels ``(frame, AU1, ...)`` at a frame rate and returns the path, by format."""
