"""From the parts of images to chunks and extents: where each byte lies, and what of it is new."""
