"""What others know of the ground of a scene: coastlines, areas, places, tiles and ships, from files of one's own."""
