"""Fault injection: kills, full disks, concurrent writers and hostile input."""
