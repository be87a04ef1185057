"""Table 6: ablation of MDHR with paired t-tests."""

from mdhr.reporting.paper_results import paper_results
from mdhr.reporting.tables.comparison import PAPER_K, PAPER_LAMBDA, Comparison

_PAPER = paper_results()

ABLATION = Comparison(
    name="Table 6",
    subject="MDHR and its ablated variants",
    variants={
        "Backbone": ("backbone_only", PAPER_LAMBDA),
        "Backbone+MFD": ("backbone_mfd", PAPER_LAMBDA),
        "Backbone+HSR": ("backbone_hsr", PAPER_LAMBDA),
        "MDHR": ("mdhr", PAPER_LAMBDA),
        "MDHR without auxiliary loss": ("mdhr", 0.0),
        "MDHR without TCN": ("mdhr_without_tcn", PAPER_LAMBDA),
    },
    tests=(*_PAPER["table6_p_values"], "MDHR vs MDHR without auxiliary loss", "MDHR vs MDHR without TCN"),
    settings=f"k = {PAPER_K}, lambda = {PAPER_LAMBDA:g} (0 without the auxiliary loss, which keeps the gate of the graph)",
    paper=f"Paper p: {_PAPER['source']}, BP4D, ResNet-50; the paper does not define its pairs",
    paper_p=_PAPER["table6_p_values"],
)
