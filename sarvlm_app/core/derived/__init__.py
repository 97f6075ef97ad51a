"""Scenes computed from other scenes, window by window: calibrated, filtered, multilooked.

A derived scene is a `Scene` like any other: its bands read through a source
that wraps the original one, and its fingerprint tells what was done. So the
pyramid, the index, the detectors and every export take it as it is, nothing is
written to disk, and the original stays untouched.
"""
