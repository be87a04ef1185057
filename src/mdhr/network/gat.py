"""Graph attention with one head, skip connection and bias (paper section 3.2; Velickovic et al. 2018, eqs. 1-4).

    z_i = W x_i
    e_ij = LeakyReLU_0.2(a_src . z_i + a_dst . z_j)
    alpha_ij = softmax of e_ij over the neighbors j of i
    out_i = ELU(sum_j alpha_ij z_j + x_i + b)

``a_src`` belongs to the updated node i, as in the released weights.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F


def attention_weights(
    src: Float[Tensor, "... N"], dst: Float[Tensor, "... N"], adjacency: Bool[Tensor, "... N N"]
) -> Float[Tensor, "... N N"]:
    """Return alpha, the softmax over j of ``LeakyReLU(src_i + dst_j)`` where ``adjacency[..., i, j]`` is true.

    Every row of the adjacency needs at least one edge, for example the self-loop; a row without edges becomes NaN.
    """
    logits = F.leaky_relu(src.unsqueeze(-1) + dst.unsqueeze(-2), 0.2)
    return logits.masked_fill(~adjacency, -torch.inf).softmax(-1)


class GraphAttention(nn.Module):
    """Graph attention layer with one head of width D."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width, bias=False)
        # The shape of the released weights determines the range of the Xavier initialization.
        self.a_src = nn.Parameter(torch.empty(1, 1, width))
        self.a_dst = nn.Parameter(torch.empty(1, 1, width))
        self.bias = nn.Parameter(torch.zeros(width))
        for weight in (self.linear.weight, self.a_src, self.a_dst):
            nn.init.xavier_uniform_(weight)

    def forward(self, nodes: Float[Tensor, "BT N D"], adjacency: Bool[Tensor, "#BT N N"]) -> Float[Tensor, "BT N D"]:
        """Return the updated nodes; node i attends to node j if ``adjacency[:, i, j]`` is true."""
        z = self.linear(nodes)
        alpha = attention_weights((z * self.a_src).sum(-1), (z * self.a_dst).sum(-1), adjacency)
        return F.elu(alpha.to(z.dtype) @ z + nodes + self.bias)
