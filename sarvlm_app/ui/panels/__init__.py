"""Docks and bars: they render the Session and call its verbs."""
