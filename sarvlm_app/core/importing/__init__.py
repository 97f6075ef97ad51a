"""Boxes that other programs found, brought to the pixels of a scene."""

from .detections import Imported, read_detections, read_detections_noted

__all__ = ["Imported", "read_detections", "read_detections_noted"]
