# %% [markdown]
# # Tables
# The tables that `make table-3`, `table-4`, `table-5` and `table-6` write to `experiments/`. The README of each folder
# explains the differences from the paper.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from mdhr.data.provenance import RENDERED, is_rendered
from mdhr.reporting.paper_results import paper_results

root = Path(os.environ.get("MDHR_EXPERIMENTS", "experiments"))
paths = sorted(root.glob("table-*/*/table.csv"))
tables = {path.parent.relative_to(root).as_posix(): pd.read_csv(path) for path in paths}
for name, table in tables.items():
    print("", name, RENDERED if is_rendered(name.partition("/")[2]) else "", table.round(3).to_string(), sep="\n")
if not tables:
    print(f"{root} contains no table. Run `make table-3` to create one.")

# %% [markdown]
# Tables 3 and 4 as curves relative to their own means. The paper's curve was measured on BP4D, so only shapes compare.

# %%
curves = {"table-3": ("k", paper_results()["table3_k"]), "table-4": ("lambda", paper_results()["table4_lambda"])}
figure, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
for ax, (prefix, (symbol, paper)) in zip(axes, curves.items(), strict=True):
    values = [f"{value:g}" for value in paper[symbol]]
    paper_f1 = pd.Series(paper["f1"], index=values)
    ax.plot(values, paper_f1 - paper_f1.mean(), "o--", color="gray", label="paper, BP4D")
    for name, table in tables.items():
        if name.startswith(prefix):
            ours = 100 * table.set_index(table[symbol].map("{:g}".format))[["f1_mean", "f1_sd"]].reindex(values)
            f1 = ours["f1_mean"] - ours["f1_mean"].mean()
            ax.errorbar(values, f1, ours["f1_sd"], marker="o", capsize=3, label=name)
    ax.set(title=f"F1 over {symbol}, relative to the mean of the curve", xlabel=symbol, ylabel="points of F1")
    ax.legend()
plt.show()
