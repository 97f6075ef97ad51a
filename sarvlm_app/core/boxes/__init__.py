"""Boxes as four corners, upright and rotated alike: areas, overlap, merging, sides, look-up by place."""

from .areas import overlap_areas, polygon_iou, quad_areas
from .index import BoxIndex
from .merging import merge_boxes
from .pairs import overlapping_pairs
from .shapes import bbox_of, corners_from, in_order, sides_px, upright_corners

__all__ = [
    "BoxIndex",
    "bbox_of",
    "corners_from",
    "in_order",
    "merge_boxes",
    "overlap_areas",
    "overlapping_pairs",
    "polygon_iou",
    "quad_areas",
    "sides_px",
    "upright_corners",
]
