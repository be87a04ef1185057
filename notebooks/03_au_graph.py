# %% [markdown]
# # The graph of action units
# Each region of the face predicts a pattern of its active action units. The predicted patterns gate the edges of the
# graph: an action unit attends to itself and to action units of *other* regions that are active in a predicted pattern
# (paper, section 3.2; `src/mdhr/network/cross_region.py`). The network is the one of `make demo`; without a demo run its
# weights are random.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from mdhr.data.transforms import normalize
from mdhr.reporting.demo_network import load_demo_network
from mdhr.reporting.figures.captured_weights import capture_weights

demo = load_demo_network(
    data=os.environ.get("MDHR_DATA", "data/synthetic_demo"), run=os.environ.get("MDHR_RUN", "runs/demo")
)
au_set, clips = demo.au_set, demo.clips
print(demo.note)
for group in au_set.groups:
    members = ", ".join(f"AU{au}" for au in group.aus)
    print(f"{group.region.name.lower()}: {members}; {group.num_patterns} patterns")

# %% [markdown]
# Run the network on the first clips of the test fold. Padding at the end of a video is removed.

# %%
captured = [capture_weights(demo.network, normalize(clip)) for clip in clips.frames]
valid = clips.frame.numpy() >= 0
truth = clips.au.numpy()[valid]  # F N
gate, attention = (np.stack([getattr(each, name) for each in captured])[valid] for name in ("active", "attention"))

# %% [markdown]
# Left: edges of the ungated graph. Middle: share of frames in which the gate opens an edge. Right: mean attention of the
# target (row) to the message node (column) while the edge is open.

# %%
possible = au_set.cross_region().numpy()
opened = gate[:, None, :] & possible  # F N N
mean_attention = (attention * opened).sum(0) / np.where(opened.any(0), opened.sum(0), np.nan)
figure, axes = plt.subplots(1, 3, figsize=(16, 5.5), layout="constrained")
panels = {"ungated edges": possible, "share of frames with open edge": opened.mean(0), "attention": mean_attention}
for ax, (title, values) in zip(axes, panels.items(), strict=True):
    ax.set(title=title, xticks=range(len(truth[0])), yticks=range(len(truth[0])), yticklabels=au_set.columns)
    ax.set_xticklabels(au_set.columns, rotation=90)
    figure.colorbar(ax.imshow(values, cmap="Blues", vmin=0), shrink=0.7)
plt.show()

# %% [markdown]
# Accuracy of the gate: share of labeled frames in which the predicted pattern agrees with the label.

# %%
for n, column in enumerate(au_set.columns):
    known = truth[:, n] >= 0
    print(f"{column}: correct in {np.mean(gate[known, n] == truth[known, n]):.0%} of {known.sum()} frames")
