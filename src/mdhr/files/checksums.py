"""SHA-256 checksums of files and of content in memory."""

import hashlib
from pathlib import Path

SHORT = 16
"""Hex digits of a checksum that only distinguishes versions of a file."""


def content_checksum(content: bytes, *, digits: int = 64) -> str:
    """Return the first hex digits of the SHA-256 of ``content``."""
    return hashlib.sha256(content).hexdigest()[:digits]


def file_checksum(*paths: Path, digits: int = 64) -> str:
    """Return the first hex digits of the SHA-256 of one file, or of several files in the given order."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:digits]
