"""From files and pipes to the parts of images, verified while they are read."""
