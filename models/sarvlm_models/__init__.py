"""Models of SARVLM Desktop: encoders, checkpoints and the registry (no Qt)."""
