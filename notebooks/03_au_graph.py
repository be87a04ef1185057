# %% [markdown]
# # The graph of action units
# Every region of the face predicts a pattern of its action units. An action unit then listens to those of the *other*
# regions that are in a predicted pattern, and to itself (paper, section 3.2; `src/mdhr/network/cross_region.py`). The
# network is that of `make demo`, with random weights where it has not been trained.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from mdhr.data.transforms import normalize
from mdhr.reporting.demo_network import load_demo_network
from mdhr.reporting.figures.captured_weights import capture_weights

look = load_demo_network(
    data=os.environ.get("MDHR_DATA", "data/synthetic"), run=os.environ.get("MDHR_RUN", "runs/demo")
)
au_set, clips = look.au_set, look.clips
print(look.note)
for group in au_set.groups:
    members = ", ".join(f"AU{au}" for au in group.aus)
    print(f"{group.region.name.lower()}: {members}; {group.num_patterns} patterns")

# %% [markdown]
# The first clips of the test fold go through the network; padding at the end of a video is left out.

# %%
seen = [capture_weights(look.network, normalize(clip)) for clip in clips.frames]
real = clips.frame.numpy() >= 0
truth = clips.au.numpy()[real]  # F N
gate, attention = (np.stack([getattr(each, name) for each in seen])[real] for name in ("active", "attention"))

# %% [markdown]
# Left: the edges that may open. Middle: how often the gate opens them. Right: how much the row's action unit listens to
# the column's while the edge is open, on average.

# %%
possible = au_set.cross_region().numpy()
opened = gate[:, None, :] & possible  # F N N
heard = (attention * opened).sum(0) / np.where(opened.any(0), opened.sum(0), np.nan)
figure, axes = plt.subplots(1, 3, figsize=(16, 5.5), layout="constrained")
panels = {"may listen to": possible, "share of frames in which it does": opened.mean(0), "attention": heard}
for ax, (title, values) in zip(axes, panels.items(), strict=True):
    ax.set(title=title, xticks=range(len(truth[0])), yticks=range(len(truth[0])), yticklabels=au_set.columns)
    ax.set_xticklabels(au_set.columns, rotation=90)
    figure.colorbar(ax.imshow(values, cmap="Blues", vmin=0), shrink=0.7)
plt.show()

# %% [markdown]
# The gate is right where it holds what is really active, and nothing else.

# %%
for n, column in enumerate(au_set.columns):
    known = truth[:, n] >= 0
    print(f"{column}: right in {np.mean(gate[known, n] == truth[known, n]):.0%} of {known.sum()} frames")
