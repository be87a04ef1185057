import torch
from torch import nn

from mdhr.network.tcn import TemporalConvolution


def test_equals_one_depthwise_convolution_per_action_unit() -> None:
    torch.manual_seed(0)
    clips, num_frames, num_aus, width = 2, 7, 3, 4
    tcn = TemporalConvolution(num_aus=num_aus, width=width).train()
    nodes = torch.randn(clips * num_frames, num_aus, width)
    rows = []
    for n in range(num_aus):
        convolution = nn.Conv1d(width, width, 5, padding=2, groups=width)
        convolution.weight.data, convolution.bias.data = tcn.weight.data[n].unsqueeze(1), tcn.bias.data[n]
        rows.append(convolution(nodes[:, n].view(clips, num_frames, width).transpose(1, 2)).transpose(1, 2))
    expected = nn.BatchNorm1d(num_aus)(torch.stack(rows, 2).flatten(0, 1)).relu()
    torch.testing.assert_close(tcn(nodes, num_frames), expected, atol=1e-5, rtol=1e-4)
