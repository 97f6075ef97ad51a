"""Two scenes of the same ground: which pixel is which, one on the grid of the other, and what changed between them."""
