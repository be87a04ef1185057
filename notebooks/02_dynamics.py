# %% [markdown]
# # What MFD sees
# The dynamic feature of a frame comes from differences of neighboring frames, taken at the four scales of the
# backbone and mixed with one weight per scale and place (paper, section 3.1; `src/mdhr/network/mfd.py`). The network
# is that of `make demo`. Where it has not been trained its weights are random: then the pictures show how this is
# computed, and not what it is good for.

# %%
import os

import matplotlib.pyplot as plt
import torch

from mdhr.data.transforms import normalize
from mdhr.network.mfd import frame_difference
from mdhr.reporting.demo_network import load_demo_network
from mdhr.reporting.figures.captured_weights import capture_weights

look = load_demo_network(
    data=os.environ.get("MDHR_DATA", "data/synthetic"), run=os.environ.get("MDHR_RUN", "runs/demo")
)
network, clips = look.network, look.clips
print(look.note)

# %% [markdown]
# Of the first clips of the test fold, the one in which the most action units come and go.

# %%
clip = clips.frames[(clips.au.diff(dim=1) != 0).sum((1, 2)).argmax()]  # T 3 H W
inside = capture_weights(network, normalize(clip))
with torch.inference_mode():
    maps, _ = network.backbone(normalize(clip))
    differences = [frame_difference(each, len(clip)).abs().mean(1).numpy() for each in maps]  # T-1 H_s W_s each

# %% [markdown]
# Below the frames: how much changes from each of them to the next, at strides 4, 8, 16 and 32 (dark is much). Then the
# weights of the four scales (0 to 1, red is much); they add up to 1 at every place.

# %%
shown = torch.linspace(0, len(clip) - 2, 6).round().int().tolist()
figure, axes = plt.subplots(9, len(shown), figsize=(9, 13.5), layout="constrained")
for column, t in enumerate(shown):
    axes[0, column].imshow(clip[t].movedim(0, -1).numpy())
    axes[0, column].set_title(f"frame {t}")
    for scale, (change, stride) in enumerate(zip(differences, network.backbone.strides, strict=True)):
        axes[1 + scale, column].imshow(change[t], cmap="Greys", vmin=0, vmax=change.max())
        axes[5 + scale, column].imshow(inside.scale_weights[t, scale], cmap="Reds", vmin=0, vmax=1)
        axes[1 + scale, 0].set_ylabel(f"change, {stride}")
        axes[5 + scale, 0].set_ylabel(f"weight, {stride}")
plt.setp(axes, xticks=[], yticks=[])
plt.show()
