"""Releases of BP4D and DISFA: readers, checks and preparation; also the lists of the released code."""
