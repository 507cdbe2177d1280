"""What the decoders are fuzzed with: one target a decoder, and the inputs that were worth keeping."""
