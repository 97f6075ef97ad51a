"""Training and evaluation of the SARVLM models (imports no Qt)."""
