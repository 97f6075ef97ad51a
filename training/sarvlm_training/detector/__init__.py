"""Training of SARDet and SARRot."""
