"""Detections as KML, with a style for each class."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sarvlm_app.core.export.detection_table import DetectionTable
from sarvlm_app.core.export.footprints import Ring, outlines

COLOURS = ("e69f00", "56b4e9", "009e73", "f0e442", "0072b2", "d55e00", "cc79a7", "ffffff")
"""Red, green, blue: the palette of Okabe and Ito, which the colour-blind can tell apart."""

_LEFT_OUT = frozenset({"label", "polygon_px", "bbox_px"})


def kml_text(table: DetectionTable) -> str:
    """A document with a folder for each class; all that is known of a box stands in its extended data."""
    found, scene = table.detections, table.scene
    shapes, records, origin = outlines(found.corners_px, scene.georef), table.records(), table.origin()
    about = f"Detections by {origin['model']}" + (" in a simulated scene" if scene.simulated else "")
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2">',
        "<Document>",
        f"<name>{_text(scene.name)}</name>",
        f"<description>{_text(about)}</description>",
    ]
    parts += [_style(number) for number in range(len(found.names))]
    for number, name in enumerate(found.names):
        inside = [i for i, of in enumerate(found.class_ids.tolist()) if of == number]
        if inside:
            parts.append(f"<Folder><name>{_text(name)} ({len(inside)})</name>")
            parts += [_placemark({**records[i], **origin}, shapes[i], number) for i in inside]
            parts.append("</Folder>")
    return "\n".join([*parts, "</Document>", "</kml>"]) + "\n"


def _style(number: int) -> str:
    rgb = COLOURS[number % len(COLOURS)]
    colour = rgb[4:] + rgb[2:4] + rgb[:2]
    return (
        f'<Style id="class{number}"><LineStyle><color>ff{colour}</color><width>2</width></LineStyle>'
        f"<PolyStyle><color>33{colour}</color></PolyStyle></Style>"
    )


def _placemark(told: dict[str, Any], rings: list[Ring], number: int) -> str:
    data = "".join(
        f"<Data name={quoteattr(name)}><value>{_text(value)}</value></Data>"
        for name, value in told.items()
        if value is not None and name not in _LEFT_OUT
    )
    time = f"<TimeStamp><when>{_text(told['time'])}</when></TimeStamp>" if told["time"] else ""
    return (
        f"<Placemark><name>{_text(told['label'])} {told['score']:.2f}</name>{time}<styleUrl>#class{number}</styleUrl>"
        f"<ExtendedData>{data}</ExtendedData>{_shape(rings)}</Placemark>"
    )


def _shape(rings: list[Ring]) -> str:
    polygons = [
        "<Polygon><tessellate>1</tessellate><outerBoundaryIs><LinearRing><coordinates>"
        + " ".join(f"{lon:.7f},{lat:.7f},0" for lon, lat in [*ring, ring[0]])
        + "</coordinates></LinearRing></outerBoundaryIs></Polygon>"
        for ring in rings
    ]
    return polygons[0] if len(polygons) == 1 else f"<MultiGeometry>{''.join(polygons)}</MultiGeometry>"


def _text(value: object) -> str:
    """Of a value, for XML, which has no place for control characters."""
    return escape("".join(c if c >= " " or c in "\t\n" else " " for c in str(value)))
