"""Folders of the checkout that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"
SOURCE = ROOT / "src" / "mdhr"
GOLDEN = ROOT / "tests" / "golden"
