"""Comparison of ME-GraphAU with MDHR on the same clips and with the same recipe."""

from mdhr.reporting.paper_results import paper_results
from mdhr.reporting.tables.comparison import PAPER_K, PAPER_LAMBDA, Comparison

_PAPER = paper_results()
_MEANS = (
    f"{name} {_PAPER[table]['average'][name]} on {data}"
    for table, data in (("f1_bp4d", "BP4D"), ("f1_disfa", "DISFA"))
    for name in _PAPER[table]["f1"]
)

ME_GRAPHAU = Comparison(
    name="ME-GraphAU and MDHR",
    subject="frame-based and clip-based network",
    variants={
        "MDHR": ("mdhr", PAPER_LAMBDA),
        "ME-GraphAU stage 1": ("me_graphau_stage1", PAPER_LAMBDA),
        "ME-GraphAU stage 2": ("me_graphau_stage2", PAPER_LAMBDA),
    },
    tests=(
        "MDHR vs ME-GraphAU stage 1",
        "MDHR vs ME-GraphAU stage 2",
        "ME-GraphAU stage 2 vs ME-GraphAU stage 1",
    ),
    settings=f"MDHR: k = {PAPER_K}, lambda = {PAPER_LAMBDA:g}. ME-GraphAU: each frame of the same clips is a sample; stage 2 "
    "starts from stage 1 of its fold and seed, so its training is twice as long",
    paper=f"Paper F1: {_PAPER['source']}, protocol paper: {', '.join(_MEANS)}; no p is reported",
)
