"""From files to clips: readers, face crops, transforms, the data set and the data module."""
