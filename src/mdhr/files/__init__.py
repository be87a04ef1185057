"""Files and folders: atomic writing, checksums, search, worker processes and text tables."""
