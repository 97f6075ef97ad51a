"""The parts of the display pyramid: which level comes from where, averaging, disk, memory, first picture."""
