"""ME-GraphAU against MDHR: the strongest earlier system, on the same clips and by the same recipe."""

from mdhr.reporting.paper_results import paper_results
from mdhr.reporting.tables.comparison import REGION_WEIGHT, Comparison, K

_PAPER = paper_results()
_MEANS = (
    f"{name} {_PAPER[table]['average'][name]} on {data}"
    for table, data in (("f1_bp4d", "BP4D"), ("f1_disfa", "DISFA"))
    for name in _PAPER[table]["f1"]
)

ME_GRAPHAU = Comparison(
    name="ME-GraphAU against MDHR",
    subject="a network of single frames and one of clips",
    variants={
        "MDHR": ("mdhr", REGION_WEIGHT),
        "ME-GraphAU stage 1": ("me_graphau_stage1", REGION_WEIGHT),
        "ME-GraphAU stage 2": ("me_graphau_stage2", REGION_WEIGHT),
    },
    tests=(
        "MDHR vs ME-GraphAU stage 1",
        "MDHR vs ME-GraphAU stage 2",
        "ME-GraphAU stage 2 vs ME-GraphAU stage 1",
    ),
    settings=f"MDHR: k = {K}, lambda = {REGION_WEIGHT:g}. ME-GraphAU has neither: every frame of the same clips is a "
    "sample, in the same recipe; stage 2 begins with stage 1 of its fold and seed, "
    "so it has been trained for twice as long",
    paper=f"The paper's F1: {_PAPER['source']}, real people, protocol paper: {', '.join(_MEANS)}; no p is given",
)
