"""How the scene on view is shown: settings, and the verbs that change them. Touches no data and asks no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psygnal import Signal

from sarvlm_app.core.display.composites import fits, presets
from sarvlm_app.core.display.settings import COLOURS, GAMMAS, Composite, DisplaySettings, Limits, Mode
from sarvlm_app.core.display_store import DisplayStore
from sarvlm_app.core.jobs import JobRunner, Lane, Work
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import Stretch, ValueType

CYCLE = (Mode.PERCENTILE, Mode.LOG, Mode.LINEAR, Mode.GAMMA, Mode.NRL, Mode.DENSITY, Mode.HIGH_CONTRAST)
"""What the key for the next mode goes through."""
_LOAD_KEY = "display settings"


class DisplaySession:
    """Display settings of the open scenes; those of the scene on view can be changed.

    Main thread only. `settings` is None for the moment in which they are read from disk.

    Attributes
    ----------
    changed : Signal
        The settings of the scene on view are there, or are other ones.
    message : Signal of str
        What was done, in a sentence.
    """

    changed = Signal()
    message = Signal(str)

    def __init__(self, runner: JobRunner, store: DisplayStore) -> None:
        self._runner = runner
        self._store = store
        self._known: dict[str, DisplaySettings] = {}
        self._scene: Scene | None = None
        self._band = 1

    # ---- state -----------------------------------------------------------
    @property
    def scene(self) -> Scene | None:
        return self._scene

    @property
    def settings(self) -> DisplaySettings | None:
        """Those of the scene on view, fitting its band on view; None while they are read."""
        if self._scene is None:
            return None
        settings = self._known.get(self._scene.fingerprint)
        return None if settings is None else fitting(self._scene, self._band, settings)

    @property
    def composites(self) -> tuple[Composite, ...]:
        """What the scene on view offers by its polarisations."""
        return presets(self._scene) if self._scene is not None else ()

    @property
    def has_phase(self) -> bool:
        """Whether the band on view is complex."""
        return self._scene is not None and _is_complex(self._scene, self._band)

    def stretch(self, default: Stretch) -> Stretch:
        """Black and white points as small pictures take them: those set by hand, else `default`."""
        settings = self.settings
        if settings is None or settings.limits is None or settings.composite is not None or settings.mode.is_remap:
            return default
        low, high = settings.limits
        return Stretch(low, high, "dB" if settings.mode.unit == "dB" else "linear", "manual")

    # ---- verbs -----------------------------------------------------------
    def show(self, scene: Scene | None, band: int) -> None:
        """Another scene or band is on view."""
        self._scene, self._band = scene, band
        self._runner.cancel_key(_LOAD_KEY)
        if scene is None or scene.fingerprint in self._known:
            self.changed.emit()
            return
        key = scene.fingerprint

        def done(settings: DisplaySettings) -> None:
            self._known.setdefault(key, settings)
            if self._scene is not None and self._scene.fingerprint == key:
                self.changed.emit()

        self._runner.submit(Work("", lambda _ctx: self._store.load(key), Lane.IO, _LOAD_KEY, on_done=done))

    def set(self, settings: DisplaySettings) -> None:
        """Show the scene on view so; what does not fit it is left out."""
        if self._scene is None:
            return
        settings = replace(settings, band=None if settings.limits is None else self._band)
        if settings != self.settings:
            self._keep(self._scene, fitting(self._scene, self._band, settings))
            self.changed.emit()

    def set_mode(self, mode: Mode) -> None:
        """Another way from values to grey levels; phase and composites go."""
        if self.settings is not None:
            self.set(replace(self.settings.with_mode(mode), phase=False, composite=None))

    def next_mode(self) -> None:
        """The next of `CYCLE`."""
        settings = self.settings
        if settings is not None:
            at = CYCLE.index(settings.mode) if settings.mode in CYCLE and settings.composite is None else -1
            self.set_mode(CYCLE[(at + 1) % len(CYCLE)])

    def set_limits(self, limits: Limits | None, channel: int | None = None) -> None:
        """Black and white of the band, or of a channel (0 red to 2 blue) of the composite; None: of the scene."""
        settings = self.settings
        if settings is None:
            return
        if channel is not None and settings.composite is not None:
            self.set(replace(settings, composite=settings.composite.with_limits(channel, limits)))
        elif not settings.mode.is_remap:
            by_hand = limits is not None and settings.mode.unit == "dB"
            self.set(replace(settings, limits=limits, mode=Mode.MANUAL if by_hand else settings.mode))

    def set_gamma(self, gamma: float) -> None:
        """The exponent of the grey level."""
        if self.settings is not None:
            self.set(replace(self.settings, gamma=min(GAMMAS[1], max(GAMMAS[0], gamma))))

    def set_colours(self, colours: str) -> None:
        """The colour map of a single band."""
        if self.settings is not None:
            self.set(replace(self.settings, colours=colours))

    def next_colours(self) -> None:
        """The next colour map."""
        if self.settings is not None:
            self.set_colours(COLOURS[(COLOURS.index(self.settings.colours) + 1) % len(COLOURS)])

    def show_phase(self, on: bool) -> None:
        """Phase of complex data, or its amplitude."""
        if self.settings is not None and self.has_phase:
            self.set(replace(self.settings, phase=on, composite=None))

    def toggle_phase(self) -> None:
        """The other of the two."""
        if self.settings is not None:
            self.show_phase(not self.settings.phase)

    def show_composite(self, composite: Composite | None) -> None:
        """Three channels in colour, or the single band again."""
        if self.settings is not None:
            self.set(replace(self.settings, composite=composite, phase=False, gamma=1.0))

    def next_composite(self) -> None:
        """The next composite that the scene offers, and the single band after the last."""
        settings, offered = self.settings, self.composites
        if settings is None or not offered:
            return
        names = [composite.name for composite in offered]
        name = settings.composite.name if settings.composite is not None else None
        at = names.index(name) + 1 if name in names else 0 if name is None else len(names)
        self.show_composite(offered[at] if at < len(offered) else None)

    def reset(self) -> None:
        """Back to what the scene suggests; a composite stays, with the limits of the scene."""
        settings = self.settings
        if settings is None:
            return
        composite = settings.composite
        if composite is not None:
            red, green, blue = (channel.of_scene for channel in composite.channels)
            composite = replace(composite, channels=(red, green, blue))
        self.set(DisplaySettings(composite=composite))

    def apply_to(self, scenes: Sequence[Scene]) -> None:
        """Show other open scenes as the one on view, as far as they can be: composites by the names of presets."""
        settings, here = self.settings, self._scene
        if settings is None or here is None:
            return
        others = [scene for scene in scenes if scene.fingerprint != here.fingerprint]
        for scene in others:
            composite = _same_composite(scene, settings.composite)
            self._keep(scene, replace(settings, composite=composite, band=None))
        count = len(others)
        self.message.emit(f"Display applied to {count} other scene{'' if count == 1 else 's'}.")

    def _keep(self, scene: Scene, settings: DisplaySettings) -> None:
        key = scene.fingerprint
        self._known[key] = settings
        self._runner.submit(Work("", lambda _ctx: self._store.save(key, settings), Lane.IO, f"keep display {key}"))


def fitting(scene: Scene, band: int, settings: DisplaySettings) -> DisplaySettings:
    """The settings without what does not fit: phase of detected data, composites of bands that are not there, limits
    that were set for another band.
    """
    if settings.limits is not None and settings.band not in (None, band):
        by_hand = settings.mode is Mode.MANUAL
        settings = replace(settings, limits=None, band=None, mode=Mode.PERCENTILE if by_hand else settings.mode)
    if settings.composite is not None and not fits(scene, settings.composite):
        settings = replace(settings, composite=None)
    if settings.phase and not _is_complex(scene, band):
        settings = replace(settings, phase=False)
    return settings


def _is_complex(scene: Scene, band: int) -> bool:
    return 1 <= band <= len(scene.bands) and scene.bands[band - 1].value_type is ValueType.COMPLEX


def _same_composite(scene: Scene, wanted: Composite | None) -> Composite | None:
    """The preset of that name with the wanted limits, or a free one that fits."""
    if wanted is None:
        return None
    preset = next((composite for composite in presets(scene) if composite.name == wanted.name), None)
    if preset is None:
        return wanted if fits(scene, wanted) and wanted.name == "Free" else None
    for index, channel in enumerate(wanted.channels):
        preset = preset.with_limits(index, channel.limits)
    return preset
