"""Graph attention with one head (Velickovic et al. 2018, eqs. 1-4), dense, with skip connection and bias.

z_i = W x_i,   e_ij = LeakyReLU_0.2(a_src . z_i + a_dst . z_j)
alpha_ij = softmax over the neighbors j of i of e_ij
out_i = ELU(sum_j alpha_ij z_j + x_i + b)
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F


def attention_weights(
    source: Float[Tensor, "... n"], target: Float[Tensor, "... n"], adjacency: Bool[Tensor, "... n n"]
) -> Float[Tensor, "... n n"]:
    """Attention of node i (row) for node j (column): softmax over j of LeakyReLU(source_i + target_j) on edges.

    Every row of the adjacency needs an edge (a loop to itself will do), or it becomes NaN.
    """
    scores = F.leaky_relu(source.unsqueeze(-1) + target.unsqueeze(-2), 0.2)
    return scores.masked_fill(~adjacency, -torch.inf).softmax(-1)


class GraphAttention(nn.Module):
    """One attention head of the nodes' own width D."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width, bias=False)
        # The shape of the released weights: it sets the range Xavier draws from.
        self.source = nn.Parameter(torch.empty(1, 1, width))
        self.target = nn.Parameter(torch.empty(1, 1, width))
        self.bias = nn.Parameter(torch.zeros(width))
        for weight in (self.linear.weight, self.source, self.target):
            nn.init.xavier_uniform_(weight)

    def forward(self, nodes: Float[Tensor, "b n d"], adjacency: Bool[Tensor, "#b n n"]) -> Float[Tensor, "b n d"]:
        """``adjacency[b, i, j]``: does node i attend to node j?"""
        z = self.linear(nodes)
        alpha = attention_weights((z * self.source).sum(-1), (z * self.target).sum(-1), adjacency)
        return F.elu(alpha.to(z.dtype) @ z + nodes + self.bias)
