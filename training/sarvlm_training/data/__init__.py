"""Training data: sources of labelled SAR crops."""
