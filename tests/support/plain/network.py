"""MDHR, block by block as the paper describes it, with parameters named as in the released checkpoints."""

from collections.abc import Sequence

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr.action_units import ActionUnitSet
from mdhr.network.checkpoints.released_mdhr import GROUP_NAMES

STRIDES = (4, 8, 16, 32)


class PlainMDHR(nn.Module):
    """The whole network; ``B T 3 H W`` to scores ``B T N`` and pattern logits."""

    def __init__(self, backbone: str, *, au_set: ActionUnitSet, width: int, temporal_radius: int) -> None:
        super().__init__()
        self.au_set = au_set
        self.Backbone = timm.create_model(backbone, pretrained=False, num_classes=0)
        self.is_swin = hasattr(self.Backbone, "patch_embed")
        widths = [info["num_chs"] for info in self.Backbone.feature_info][-4:]
        self.global_linear = PlainBlock(widths[-1], width)
        self.MFD = PlainDynamics(widths, width, temporal_radius)
        self.LRM = PlainLocal(au_set, width)
        self.CRM = nn.Module()
        self.CRM.gat = PlainAttention(width)
        self.TCN = PlainTemporal(len(au_set.aus), width)
        self.node_classifier = nn.Module()
        self.node_classifier.sc = nn.Parameter(torch.empty(len(au_set.aus), width))
        nn.init.xavier_uniform_(self.node_classifier.sc)

    def forward(self, clips: Tensor) -> tuple[Tensor, list[Tensor]]:
        num_clips, num_frames = clips.shape[:2]
        maps, last = self.maps(clips.flatten(0, 1))
        positions = last.flatten(2).transpose(1, 2)  # frames P C
        features = self.global_linear(positions)
        features = features + self.MFD([x.unflatten(0, (num_clips, num_frames)) for x in maps])
        height = last.shape[2]
        nodes, logits = self.LRM(features.unflatten(1, (height, -1)))
        nodes = self.CRM.gat(nodes, self.adjacency(logits))
        nodes = self.TCN(nodes.unflatten(0, (num_clips, num_frames)))
        scores = []
        for n in range(len(self.au_set.aus)):
            scores.append(F.cosine_similarity(nodes[:, :, n].relu(), self.node_classifier.sc[n].relu(), dim=-1))
        return torch.stack(scores, -1).clamp(0, 1), [x.unflatten(0, (num_clips, num_frames)) for x in logits]

    def maps(self, frames: Tensor) -> tuple[list[Tensor], Tensor]:
        """Outputs of the four stages of a ResNet; inputs of those of a Swin Transformer and its normed last output."""
        model = self.Backbone
        if self.is_swin:
            x, maps = model.patch_embed(frames), []
            for stage in model.layers:
                x = stage.downsample(x)
                maps.append(x.permute(0, 3, 1, 2).contiguous())
                x = stage.blocks(x)
            return maps, model.norm(x).permute(0, 3, 1, 2).contiguous()
        x, maps = model.maxpool(model.act1(model.bn1(model.conv1(frames)))), []
        for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
            x = stage(x)
            maps.append(x)
        return maps, maps[-1]

    def adjacency(self, logits: Sequence[Tensor]) -> Tensor:
        """Edges of every frame: to active action units of other groups, and to itself."""
        au_set = self.au_set
        num_frames, num_aus = len(logits[0]), len(au_set.aus)
        edges = torch.zeros(num_frames, num_aus, num_aus, dtype=torch.bool)
        for r, members in enumerate(au_set.members):
            patterns = logits[r].argmax(-1).tolist()
            for frame, pattern in enumerate(patterns):
                for bit, j in enumerate(members):
                    if pattern >> (len(members) - 1 - bit) & 1:
                        for i in range(num_aus):
                            edges[frame, i, j] = au_set.group_of[i] != r
        for n in range(num_aus):
            edges[:, n, n] = True
        return edges.to(logits[0].device)


class PlainBlock(nn.Module):
    """Linear, batch normalization over the last axis, ReLU."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_features, out_features)
        self.bn = nn.BatchNorm1d(out_features)
        nn.init.normal_(self.fc.weight, std=(2 / out_features) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.fc(x).transpose(1, 2))).transpose(1, 2)


class PlainDynamics(nn.Module):
    """MFD with strided convolutions."""

    def __init__(self, widths: Sequence[int], width: int, temporal_radius: int) -> None:
        super().__init__()
        self.temporal_radius = temporal_radius
        last = widths[-1]
        for s, (channels, stride) in enumerate(zip(widths, STRIDES, strict=True), start=1):
            patch = STRIDES[-1] // stride
            self.add_module(f"conv{s}", nn.Conv2d(channels, last, patch, stride=patch))
            self.add_module(f"bn{s}", nn.BatchNorm2d(last))
            self.add_module(f"weight_{s}", nn.Conv2d(last, 16, 1))
            self.add_module(f"wbn{s}", nn.BatchNorm2d(16))
        self.weight = nn.Conv2d(64, 4, 1)
        self.convcat = nn.Conv2d(last, width, 1)
        self.bn = nn.BatchNorm2d(width)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                nn.init.normal_(module.weight, std=(2 / fan) ** 0.5)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        means, features = [], []
        for s, x in enumerate(maps, start=1):
            steps = x[:, 1:] - x[:, :-1]  # B T-1 C H W
            num_clips, num_steps = steps.shape[:2]
            convolved = self.get_submodule(f"conv{s}")(steps.flatten(0, 1))
            steps = F.relu(self.get_submodule(f"bn{s}")(convolved)).unflatten(0, (num_clips, num_steps))
            k, window_means = self.temporal_radius, []
            for t in range(num_steps + 1):
                window = steps[:, max(0, t - k) : min(num_steps, t + k)]
                window_means.append(window.sum(1) / (2 * k))
            mean = torch.stack(window_means, 1).flatten(0, 1)
            means.append(mean)
            features.append(F.relu(self.get_submodule(f"wbn{s}")(self.get_submodule(f"weight_{s}")(mean))))
        weights = self.weight(torch.cat(features, 1)).softmax(1)
        mixed = torch.zeros_like(means[0])
        for s, mean in enumerate(means):
            mixed = mixed + weights[:, s : s + 1] * mean
        return F.relu(self.bn(self.convcat(mixed))).flatten(2).transpose(1, 2)  # frames P D


class PlainLocal(nn.Module):
    """HSR inside regions, one action unit after the other."""

    def __init__(self, au_set: ActionUnitSet, width: int) -> None:
        super().__init__()
        self.au_set = au_set
        for group in au_set.groups:
            name = GROUP_NAMES[group.name]
            if au_set.region_block:
                self.add_module(f"{name}_linear", PlainBlock(width, width))
            self.add_module(f"{name}_fc", nn.Linear(width, group.num_patterns))
        self.class_linears = nn.ModuleList(PlainBlock(width, width) for _ in au_set.aus)

    def forward(self, features: Tensor) -> tuple[Tensor, list[Tensor]]:
        nodes: list[Tensor] = [features] * len(self.au_set.aus)
        logits = []
        for group, members in zip(self.au_set.groups, self.au_set.members, strict=True):
            name = GROUP_NAMES[group.name]
            positions = features[:, group.region.rows(features.shape[1])].flatten(1, 2)
            if self.au_set.region_block:
                positions = self.get_submodule(f"{name}_linear")(positions)
            logits.append(self.get_submodule(f"{name}_fc")(positions.mean(1)))
            for n in members:
                nodes[n] = self.class_linears[n](positions).mean(1)
        return torch.stack(nodes, 1), logits


class PlainAttention(nn.Module):
    """One head of graph attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width, bias=False)
        self.scoring_fn_source = nn.Parameter(torch.empty(1, 1, width))
        self.scoring_fn_target = nn.Parameter(torch.empty(1, 1, width))
        self.bias = nn.Parameter(torch.zeros(width))
        for weight in (self.linear.weight, self.scoring_fn_source, self.scoring_fn_target):
            nn.init.xavier_uniform_(weight)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        z = self.linear(nodes)
        source, target = (z * self.scoring_fn_source).sum(-1), (z * self.scoring_fn_target).sum(-1)
        scores = F.leaky_relu(source[:, :, None] + target[:, None, :], 0.2)
        scores = torch.where(edges, scores, torch.full_like(scores, -torch.inf))
        return F.elu(scores.softmax(-1) @ z + nodes + self.bias)


class PlainTemporal(nn.Module):
    """A depthwise convolution along time for every action unit."""

    def __init__(self, num_aus: int, width: int) -> None:
        super().__init__()
        self.temporal_cnn = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2, groups=width) for _ in range(num_aus))
        self.bn = nn.BatchNorm1d(num_aus)

    def forward(self, nodes: Tensor) -> Tensor:
        num_clips, num_frames = nodes.shape[:2]
        convolved = [layer(nodes[:, :, n].transpose(1, 2)).transpose(1, 2) for n, layer in enumerate(self.temporal_cnn)]
        stacked = torch.stack(convolved, 2).flatten(0, 1)  # frames N D
        return F.relu(self.bn(stacked)).unflatten(0, (num_clips, num_frames))


def released_state(network: PlainMDHR) -> dict[str, Tensor]:
    """Its weights as a checkpoint of the released code has them: Swin's merging ends a stage there."""
    state = {}
    for key, tensor in network.state_dict().items():
        head, sep, rest = key.partition("Backbone.layers.")
        if sep and ".downsample." in rest:
            stage, _, name = rest.partition(".")
            key = f"{head}{sep}{int(stage) - 1}.{name}"
        state[key] = tensor
    return state
