"""Instruments: distance, area, profile, region statistics, point-target response; positions are (col, row) px."""

from __future__ import annotations

from sarvlm_app.core.instruments.area import AreaMeasure, measure_polygon
from sarvlm_app.core.instruments.distance import LineMeasure, measure_line
from sarvlm_app.core.instruments.ground import MEANING, Basis
from sarvlm_app.core.instruments.point_target import Cut, PointResponse, point_response
from sarvlm_app.core.instruments.profile import Profile, profile
from sarvlm_app.core.instruments.region import DbHistogram, RegionStatistics, decibels, region_statistics

__all__ = [
    "MEANING",
    "AreaMeasure",
    "Basis",
    "Cut",
    "DbHistogram",
    "LineMeasure",
    "PointResponse",
    "Profile",
    "RegionStatistics",
    "decibels",
    "measure_line",
    "measure_polygon",
    "point_response",
    "profile",
    "region_statistics",
]
