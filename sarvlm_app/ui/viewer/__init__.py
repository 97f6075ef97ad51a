"""The embedded canvas: the only place that touches napari."""
