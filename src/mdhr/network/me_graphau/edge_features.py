"""ME-GraphAU, stage 2: a feature for every ordered pair of action units, first half of MEFL (Luo et al., section 3.2).

    FAM:  F_i  = attention(query U_i, context X)
    ARM:  F_ij = attention(query F_j, context F_i)
    edge from j to i:  e_ij = mean over positions of BN(W F_ij)

U_i is the feature map of action unit i and X the feature map of the full face. The batch normalization has one channel
per edge. Edges are indexed ``i j``: target node i first, source node j second.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mdhr.network.blocks import scaled_linear


class CrossAttention(nn.Module):
    """Attention of all positions of one feature map over all positions of another; queries and keys have width D/2."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.query_proj = scaled_linear(width, width // 2)
        self.key_proj = scaled_linear(width, width // 2)
        self.value_proj = scaled_linear(width, width)

    def forward(self, query: Float[Tensor, "... P D"], context: Float[Tensor, "... Q D"]) -> Float[Tensor, "... P D"]:
        """Return the attended values. Leading axes are broadcast, so one feature map can be paired with many."""
        return self.attention(query, context) @ self.value_proj(context)

    def attention(self, query: Float[Tensor, "... P D"], context: Float[Tensor, "... Q D"]) -> Float[Tensor, "... P Q"]:
        """Return the weights of the context's positions, which sum to 1 over Q."""
        q, k = self.query_proj(query), self.key_proj(context)
        return (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1)


class EdgeFeatures(nn.Module):
    """One feature for every ordered pair of action units.

    Args:
        num_aus: N.
        width: D, even.
        project_once: project every feature map once and compute e_ij without F_ij, see :func:`mean_normalized_product`.
            False projects F_ij of every pair, as the released code does; its published cost includes that. The result
            is the same.
    """

    def __init__(self, *, num_aus: int, width: int, project_once: bool) -> None:
        super().__init__()
        self.face_attention = CrossAttention(width=width)  # FAM
        self.pair_attention = CrossAttention(width=width)  # ARM
        self.linear = scaled_linear(width, width)
        self.norm = nn.BatchNorm2d(num_aus * num_aus)
        self.project_once = project_once

    def forward(
        self, au_features: Float[Tensor, "BT N P D"], face: Float[Tensor, "BT P D"]
    ) -> Float[Tensor, "BT N N D"]:
        """Return e from the feature maps U of all action units and X of the full face."""
        if not self.project_once:
            return self._forward_per_pair(au_features, face)
        attended = self.face_attention(au_features, face.unsqueeze(1))  # BT N P D
        attention = self.pair_attention.attention(attended.unsqueeze(1), attended.unsqueeze(2))  # BT N N P P
        # The weights of a position sum to 1, so W and its bias can be applied before the attention.
        return mean_normalized_product(attention, self.linear(self.pair_attention.value_proj(attended)), self.norm)

    def _forward_per_pair(self, au_features: Tensor, face: Tensor) -> Tensor:
        attended = self.face_attention(au_features, face.unsqueeze(1).expand_as(au_features))  # BT N P D
        query, context = torch.broadcast_tensors(attended.unsqueeze(1), attended.unsqueeze(2))
        edges = self.norm(self.linear(self.pair_attention(query, context)).flatten(1, 2))  # BT (N N) P D
        return edges.mean(2).unflatten(1, query.shape[1:3])


def mean_normalized_product(
    attention: Float[Tensor, "BT N N P Q"], values: Float[Tensor, "BT N Q D"], norm: nn.BatchNorm2d
) -> Float[Tensor, "BT N N D"]:
    """Return the mean over positions P of ``norm(attention @ values)`` without the product.

    A normalization is linear once its statistics are known. The mean over P needs one row of attention, and the mean
    square follows from the Gram matrix of the values: the sum of (a V)^2 over D is a (V V^T) a^T for each row a. This
    costs P Q^2 instead of P Q D multiply-adds per pair, and the ``BT N N P D`` product is never stored.
    """
    means = attention.mean(-2) @ values  # BT N N D
    if norm.training:
        mean = means.mean((0, -1))
        gram = values @ values.mT  # BT N Q Q
        squares = ((attention @ gram.unsqueeze(2)) * attention).sum((0, -2, -1))
        count = attention.shape[0] * attention.shape[-2] * values.shape[-1]
        variance = (squares / count - mean.square()).clamp_min(0)
        _update_running_statistics(norm, mean.detach().flatten(), variance.detach().flatten(), count)
    else:
        mean, variance = (norm.get_buffer(name).view(means.shape[1:3]) for name in ("running_mean", "running_var"))
    scale = norm.weight.view_as(mean) * (variance + norm.eps).rsqrt()
    return means * scale.unsqueeze(-1) + (norm.bias.view_as(mean) - mean * scale).unsqueeze(-1)


@torch.no_grad()
def _update_running_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, count: int) -> None:
    assert norm.momentum is not None  # the default; None would average over all batches
    norm.get_buffer("num_batches_tracked").add_(1)
    for name, value in (("running_mean", mean), ("running_var", variance * (count / (count - 1)))):
        buffer = norm.get_buffer(name)
        buffer.lerp_(value.to(buffer.dtype), norm.momentum)
