# %% [markdown]
# # Multi-scale facial dynamics (MFD)
# MFD computes the dynamic feature of a frame from differences of neighboring frames at the four scales of the backbone.
# One weight per scale and position combines the scales (paper, section 3.1; `src/mdhr/network/mfd.py`). The network is
# the one of `make demo`; without a demo run its weights are random.

# %%
import os

import matplotlib.pyplot as plt
import torch

from mdhr.data.transforms import normalize
from mdhr.network.mfd import frame_difference
from mdhr.reporting.demo_network import load_demo_network
from mdhr.reporting.figures.captured_weights import capture_weights

demo = load_demo_network(
    data=os.environ.get("MDHR_DATA", "data/synthetic_demo"), run=os.environ.get("MDHR_RUN", "runs/demo")
)
network, clips = demo.network, demo.clips
print(demo.note)

# %% [markdown]
# Select the clip with the most label changes among the first clips of the test fold.

# %%
clip = clips.frames[(clips.au.diff(dim=1) != 0).sum((1, 2)).argmax()]  # T 3 H W
captured = capture_weights(network, normalize(clip))
with torch.inference_mode():
    feature_maps, _ = network.backbone(normalize(clip))
    differences = [frame_difference(each, len(clip)).abs().mean(1).numpy() for each in feature_maps]  # T-1 H_s W_s each

# %% [markdown]
# Rows from top to bottom: frames; mean absolute change to the next frame at strides 4, 8, 16 and 32 (dark is large);
# weights of the four scales from 0 to 1 (red is large), which sum to 1 at each position.

# %%
shown = torch.linspace(0, len(clip) - 2, 6).round().int().tolist()
figure, axes = plt.subplots(9, len(shown), figsize=(9, 13.5), layout="constrained")
for column, t in enumerate(shown):
    axes[0, column].imshow(clip[t].movedim(0, -1).numpy())
    axes[0, column].set_title(f"frame {t}")
    for scale, (change, stride) in enumerate(zip(differences, network.backbone.strides, strict=True)):
        axes[1 + scale, column].imshow(change[t], cmap="Greys", vmin=0, vmax=change.max())
        axes[5 + scale, column].imshow(captured.scale_weights[t, scale], cmap="Reds", vmin=0, vmax=1)
        axes[1 + scale, 0].set_ylabel(f"change, {stride}")
        axes[5 + scale, 0].set_ylabel(f"weight, {stride}")
plt.setp(axes, xticks=[], yticks=[])
plt.show()
