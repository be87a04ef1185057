# %% [markdown]
# # Frames and labels
# Label rates and one labeled video of a prepared data set. `mdhr prepare data=synthetic_demo` renders one; `MDHR_DATA` selects
# another folder. Open this file as a notebook with jupytext.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from mdhr.data.prepared.manifest import read_manifest
from mdhr.data.video.frame_images import read_frame

manifest = read_manifest(os.environ.get("MDHR_DATA", "data/synthetic_demo"))
columns = list(manifest.au_set.columns)
labels = manifest.table[columns].where(manifest.table[columns] >= 0)

# %% [markdown]
# Share of active frames of each action unit, and correlation between action units.

# %%
rates, correlation = labels.mean(), labels.corr()
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4))
left.bar(columns, rates)
left.set_title(f"share of active frames, {len(labels)} frames of {manifest.name}")
left.tick_params(axis="x", rotation=90)
right.imshow(correlation, cmap="RdBu", vmin=-1, vmax=1)
right.set(title="correlation", xticks=range(len(columns)), yticks=range(len(columns)))
right.set_xticklabels(columns, rotation=90)
right.set_yticklabels(columns)

# %% [markdown]
# Eight frames of one video, and the labels of all of its frames.

# %%
video = manifest.videos()[0]
shown = np.linspace(0, len(video) - 1, 8).round().astype(int)
strip = np.concatenate([read_frame(video.paths[f], manifest.size) for f in shown], axis=1)
figure, (above, below) = plt.subplots(2, 1, figsize=(12, 5))
above.imshow(strip)
above.set_axis_off()
below.imshow(video.au.T, aspect="auto", cmap="Blues", interpolation="none")
below.set(title=video.name, yticks=range(len(columns)), xlabel="frame")
below.set_yticklabels(columns)
plt.show()
