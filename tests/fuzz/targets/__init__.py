"""One module a target, whose `TARGET` it is; a module imports the decoders that it is there for and no others."""
