"""Table 6: the whole network against what is left of it without one of its parts."""

from mdhr.reporting.paper_results import paper_results
from mdhr.reporting.tables.comparison import REGION_WEIGHT, Comparison, K

_PAPER = paper_results()

TABLE_6 = Comparison(
    name="Table 6",
    subject="the network and its ablated variants",
    variants={
        "Backbone": ("backbone_only", REGION_WEIGHT),
        "Backbone+MFD": ("backbone_mfd", REGION_WEIGHT),
        "Backbone+HSR": ("backbone_hsr", REGION_WEIGHT),
        "MDHR": ("mdhr", REGION_WEIGHT),
        "MDHR without auxiliary loss": ("mdhr", 0.0),
        "MDHR without TCN": ("mdhr_without_tcn", REGION_WEIGHT),
    },
    tests=(*_PAPER["table6_p_values"], "MDHR vs MDHR without auxiliary loss", "MDHR vs MDHR without TCN"),
    settings=f"k = {K}, lambda = {REGION_WEIGHT:g} (0 without the auxiliary loss; the gate of the graph stays)",
    paper=f"The paper's p: {_PAPER['source']}, BP4D, ResNet-50, real people; it does not say what its pairs are",
    paper_p=_PAPER["table6_p_values"],
)
