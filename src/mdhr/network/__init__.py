"""Networks: one file per block of the paper, assembled in :mod:`mdhr.network.mdhr`."""
