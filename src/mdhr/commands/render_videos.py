"""Render face videos with known codes in the formats of coding tools."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mdhr.config.option_parser import OptionParser, option_type
from mdhr.config.ranges import FrameRate, NumProcesses, PositiveInt, Seed

SHOWS_DOCSTRING = False

EXAMPLES = """examples:
  mdhr render-videos --out videos --codes codes
  mdhr render-videos --out videos --codes codes --formats eaf,csv --num-subjects 24 --aus 1,2,4,L12,R12

Example data for docs/own_data.md. The videos are <out>/<subject>/<subject>_<task>.mp4, the codes
<codes>/<format>/<subject>/<subject>_<task>.<suffix>, and <codes>/truth.parquet contains the labels of every frame.
Complete videos are kept, and an interrupted command resumes."""


def main(arguments: Sequence[str]) -> int:
    """Render the videos and return the exit status."""
    options = build_parser().parse_args(arguments)
    from mdhr.config.error_messages import one_line_errors
    from mdhr.config.signals import resumable

    with one_line_errors(), resumable():
        from mdhr.synthetic.coded_videos import CodedVideos

        videos = CodedVideos(**vars(options))
        number = videos.run()
        print(f"{number} videos in {options.out}, codes in {options.codes}: {', '.join(options.formats)}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser of ``mdhr render-videos``."""
    parser = OptionParser(
        prog="mdhr render-videos",
        description="Render face videos with known codes in the formats of coding tools.",
        epilog=EXAMPLES,
    )
    add, count = parser.add_argument, option_type(PositiveInt)
    add("--out", type=Path, required=True, metavar="FOLDER", help="folder of the videos")
    add("--codes", type=Path, required=True, metavar="FOLDER", help="folder of the codes")
    add(
        "--formats",
        type=_names,
        default=("eaf", "boris", "noldus", "textgrid", "csv", "openface"),
        help="comma-separated formats (default eaf,boris,noldus,textgrid,csv,openface)",
    )
    add(
        "--aus",
        type=_names,
        default=("1", "2", "4", "6", "9", "12", "17", "25", "45"),
        help="comma-separated action units, such as 12 or L12 (default 1,2,4,6,9,12,17,25,45)",
    )
    add("--num-subjects", type=count, default=12, metavar="N", help="number of subjects (default 12)")
    add("--videos-per-subject", type=count, default=2, metavar="N", help="number of videos per subject (default 2)")
    add("--num-frames", type=count, default=96, metavar="N", help="number of frames per video (default 96)")
    add("--size", type=count, default=160, metavar="PIXELS", help="height and width of a frame (default 160)")
    add("--fps", type=option_type(FrameRate), default=25.0, help="frame rate (default 25)")
    add("--seed", type=option_type(Seed), default=0, help="seed of subjects and animations (default 0)")
    add(
        "--num-workers",
        type=option_type(NumProcesses),
        metavar="N",
        help="number of processes (default: one per core)",
    )
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, text.split(","))))
