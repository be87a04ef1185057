"""Table and figure of action unit sets."""

from pathlib import Path

import pytest
from matplotlib.image import imread

from mdhr.__main__ import main
from mdhr.action_units import BP4D, DISFA
from mdhr.reporting.au_set_report import au_set_table, configured_sets
from mdhr.reporting.figures.au_regions import plot_regions


def test_sets_of_the_configuration() -> None:
    sets = configured_sets()
    assert (sets["bp4d"], sets["disfa"]) == (BP4D, DISFA)
    assert sets["gft"].aus == (1, 2, 4, 6, 10, 12, 14, 15, 23, 24)
    assert sets["aff_wild2"].aus == (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)
    assert sets["bp4d_plus"].groups == BP4D.groups
    assert all(len(group.aus) <= 4 for au_set in sets.values() for group in au_set.groups)


def test_table() -> None:
    lines = au_set_table({"disfa": DISFA}).splitlines()
    assert lines[0] == "data/au_set=disfa  DISFA, 8 action units: 1 2 4 6 9 12 25 26"
    assert [line.split() for line in lines[1:]] == [
        ["upper", "1", "2", "4", "8", "patterns"],
        ["middle", "6", "9", "4", "patterns"],
        ["lower", "12", "25", "26", "8", "patterns"],
    ]


def test_figure_names_every_action_unit() -> None:
    texts = {text.get_text() for text in plot_regions(DISFA).axes[0].texts}
    assert {"upper (8 patterns)", "AU9  nose wrinkler", "AU25  lips part"} <= texts


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "regions.png"
    assert main(["au-sets", "unbc", "--figure", str(file)]) == 0
    assert "data/au_set=unbc  UNBC-McMaster, 10 action units: 4 6 7" in capsys.readouterr().out
    assert imread(file).std() > 0.1
    for wrong, message in (
        (["nope", "--figure", str(file)], "there is no action unit set nope"),
        (["gft", "--figure", "a.doc"], "--figure a.doc: expected a file that ends in .png"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["au-sets", *wrong])
        assert stop.value.code == 2
        assert message in capsys.readouterr().err
