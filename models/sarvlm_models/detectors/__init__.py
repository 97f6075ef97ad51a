"""SARDet and SARRot: one network that finds objects as upright and rotated boxes and names them by words."""
