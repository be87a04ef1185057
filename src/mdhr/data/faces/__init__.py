"""Face detection, tracking and cropping, shared by data preparation and inference."""
