"""Names and files of models to encoders.

The shipped compact model needs no entry. Checkpoints of the user are verified
and hashed when they are added, and remembered in `models.json` of a folder
that the caller names (the user's data folder).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sarvlm_app.errors import ModelError, StorageError

from .api import Captioner, DenseEncoder, Detector
from .architectures import COMPACT, DETECTOR, Architecture, infer_architecture
from .checkpoints import CheckpointContents, file_sha256, read_state_dict
from .clip_encoder import EncoderOptions, OpenClipEncoder, build_network, verify_state
from .clip_profiles import profile_named
from .device import DeviceChoice, choose_device
from .lineages import GELU, QUICK_GELU, lineage_of
from .locations import weights_dir

REGISTRY_FILE = "models.json"
_FORMAT = 1
_SHIPPED_WEIGHTS = f"{COMPACT}.safetensors"
_OWN_KINDS = ("compact", "detector")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that can be asked for by name.

    Attributes
    ----------
    name : str
        What `--model` takes.
    path : str
        The checkpoint, absolute.
    sha256 : str
        Of the file when it was added.
    architecture, activation, profile : str
        See `architectures`, `lineages` and `clip_profiles`.
    licence, overlap : str
        Notes for people; `overlap` warns of training data that evaluations may use.
    size, modified_ns : int
        Of the file when it was added: equal ones need no new hash.
    added : str
        UTC, ISO 8601.
    """

    name: str
    path: str
    sha256: str
    architecture: str
    activation: str
    profile: str
    licence: str
    overlap: str
    size: int
    modified_ns: int
    added: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """An entry and whether its file is still what was added.

    Attributes
    ----------
    state : str
        "ready", "file is missing" or "changed since added".
    """

    entry: ModelEntry
    state: str
    shipped: bool = False


def load_encoder(
    name_or_path: str | None = None, device: str = "auto", registry_dir: Path | None = None
) -> DenseEncoder:
    """The encoder of a registry name or a checkpoint file.

    Parameters
    ----------
    name_or_path : str or None
        None or "sarclip-compact" is the shipped model.
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    registry_dir : Path, optional
        Folder of the user's registry; without it only files and the shipped model are known.

    Raises
    ------
    ModelError
        The name is unknown, the file is missing, changed since it was added, or cannot be used.
    """
    choice = choose_device(device)
    if name_or_path in (None, "", COMPACT):
        return _load_shipped(choice)
    entry = next((known for known in _read(registry_dir) if known.name == name_or_path), None)
    if entry is None:
        path = Path(str(name_or_path))
        if path.parent == Path() and not path.suffix and not path.exists():
            found = [one.name for one in _read(registry_dir) if one.architecture != DETECTOR]
            known = ", ".join([COMPACT, *found])
            raise ModelError(
                f"There is no model “{name_or_path}”: use one of {known}, or the path of a checkpoint file."
            )
        return _load_file(path, None, choice)
    return _load_file(Path(entry.path), entry, choice)


def load_captioner(
    name_or_path: str | None = None, device: str = "auto", registry_dir: Path | None = None
) -> Captioner:
    """The captioner of a registry name or a checkpoint file, as `load_encoder` takes them.

    Raises
    ------
    ModelError
        As `load_encoder`, and where the model cannot caption or its decoder belongs to other weights.
    """
    from .captioner import captioner_of

    return captioner_of(load_encoder(name_or_path, device, registry_dir))


def load_detector(name_or_path: str | None = None, device: str = "auto", registry_dir: Path | None = None) -> Detector:
    """The detector of a registry name or a weight file; None or "sardet-compact" is the shipped one.

    Raises
    ------
    ModelError
        The name is unknown, or the file is missing, changed since it was added, damaged or no detector.
    """
    from .detectors.loading import load_detector as load

    known = {entry.name: entry for entry in _read(registry_dir) if entry.architecture == DETECTOR}
    entry = known.get(name_or_path or DETECTOR)
    if entry is None:
        return load(name_or_path, device, tuple(known))
    if _state(entry) == "changed since added":
        raise _changed(entry)
    return load(entry.path, device)


def add_checkpoint(
    path: Path | str, activation: str | None = None, profile: str | None = None, *, registry_dir: Path
) -> ModelEntry:
    """Verify, hash and remember a user's checkpoint.

    Every key and shape is held against the architecture that the weights
    suggest. Adding the same path again replaces its entry.

    Parameters
    ----------
    path : Path or str
        The checkpoint; it stays where it is.
    activation : str, optional
        "gelu" or "quick_gelu"; default by what is known of the family.
    profile : str, optional
        Preprocessing; default by what is known of the family.
    registry_dir : Path
        Folder of `models.json`; made where it does not exist.

    Raises
    ------
    ModelError
        The file or an option cannot be used.
    StorageError
        The registry cannot be written.
    """
    path = Path(path).expanduser().absolute()
    contents = read_state_dict(path)
    architecture = infer_architecture(contents.state, contents.metadata, path)
    _verify(architecture, contents, path)
    lineage = lineage_of(path.name, architecture.name)
    is_own = architecture.kind in _OWN_KINDS
    if activation not in (None, GELU, QUICK_GELU):
        raise ModelError(f"There is no activation “{activation}”: use {GELU} or {QUICK_GELU}.")
    if is_own and (activation or profile):
        raise ModelError(
            f"“{path}” is a compact model, whose activation and preprocessing are fixed: add it without these."
        )
    fallback = "sar" if is_own else profile_named(profile or lineage.profile).name
    others = [entry for entry in _read(registry_dir) if entry.path != str(path)]
    status = path.stat()
    entry = ModelEntry(
        name=_free_name(path.stem, {COMPACT, DETECTOR, *(other.name for other in others)}),
        path=str(path),
        sha256=contents.sha256,
        architecture=architecture.name,
        activation=GELU if is_own else activation or lineage.activation,
        profile=fallback,
        licence=lineage.licence,
        overlap=lineage.overlap,
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    _write(registry_dir, [*others, entry])
    return entry


def list_models(registry_dir: Path | None = None) -> tuple[ModelInfo, ...]:
    """The shipped models, then the user's in the order in which they were added.

    Raises
    ------
    ModelError
        The registry was damaged; it is kept as `models.json.bad`, and the next call finds an empty one.
    """
    return (*_shipped_info(), *(ModelInfo(entry, _state(entry)) for entry in _read(registry_dir)))


def model_info(name: str, registry_dir: Path | None = None) -> ModelInfo:
    """One model of the list by name; raises ModelError for an unknown name."""
    models = list_models(registry_dir)
    for model in models:
        if model.entry.name == name:
            return model
    known = ", ".join(model.entry.name for model in models) or "none"
    raise ModelError(f"There is no model “{name}” (known: {known}): add its file with “sarvlm models add”.")


def _load_shipped(choice: DeviceChoice) -> DenseEncoder:
    folder = weights_dir()
    if not (folder / _SHIPPED_WEIGHTS).is_file():
        raise ModelError(
            f"The shipped model is missing from “{folder}”: install SARVLM Desktop again, or name another model."
        )
    with _compact_faults(folder / _SHIPPED_WEIGHTS):
        from .compact import load_compact

        return load_compact(folder, choice)


def _load_file(path: Path, entry: ModelEntry | None, choice: DeviceChoice) -> DenseEncoder:
    contents = read_state_dict(path)
    if entry is not None and contents.sha256 != entry.sha256:
        raise _changed(entry)
    architecture = infer_architecture(contents.state, contents.metadata, path)
    if architecture.kind == "detector":
        raise ModelError(f"“{path}” is a detector and answers no words: name it with --detector of “sarvlm detect”.")
    if architecture.kind == "compact":
        _verify(architecture, contents, path)
        with _compact_faults(path):
            from .compact import load_compact_file

            return load_compact_file(path, weights_dir(), choice)
    lineage = lineage_of(path.name, architecture.name)
    activation = entry.activation if entry else lineage.activation
    options = EncoderOptions(
        entry.name if entry else path.stem,
        contents.sha256,
        activation,
        entry.profile if entry else lineage.profile,
    )
    network = build_network(architecture, contents.state, path, activation)
    return OpenClipEncoder(network, architecture, options, choice)


def _verify(architecture: Architecture, contents: CheckpointContents, path: Path) -> None:
    """Raise where keys or shapes do not fit; takes no memory for the weights."""
    if architecture.kind == "detector":
        from .detectors.loading import require_fit

        require_fit(path)
        return
    if architecture.kind != "compact":
        verify_state(architecture, contents.state, path)
        return
    with _compact_faults(path):
        import torch

        from .architectures import check_keys
        from .compact import ADDED_LATER, CompactConfig, CompactSarclip

        with torch.device("meta"):
            network = CompactSarclip(CompactConfig(**json.loads(contents.metadata.get("config", "{}"))))
        state, known = network.state_dict(), contents.state
        shapes = {n: tuple(v.shape) for n, v in state.items() if n in known or n not in ADDED_LATER}
        check_keys(shapes, known, path, COMPACT)


@contextmanager
def _compact_faults(path: Path) -> Iterator[None]:
    """Faults of a compact model's files as sentences."""
    try:
        yield
    except ModelError:
        raise
    except OSError as fault:
        raise ModelError(f"“{fault.filename or path}” cannot be read: install SARVLM Desktop again.") from fault
    except (RuntimeError, ValueError, TypeError, KeyError) as fault:
        raise ModelError(
            f"“{path}” is damaged or of another version: choose another model or install it again."
        ) from fault


def _shipped_info() -> Iterator[ModelInfo]:
    for name in (COMPACT, DETECTOR):
        path = weights_dir() / f"{name}.safetensors"
        there = path.is_file()
        status = path.stat() if there else None
        entry = ModelEntry(
            name=name,
            path=str(path),
            sha256=file_sha256(path) if there else "",
            architecture=name,
            activation=GELU,
            profile="sar",
            licence="Apache-2.0; see MODEL_CARD.md beside the weights.",
            overlap="See MODEL_CARD.md beside the weights for what it was trained on.",
            size=status.st_size if status else 0,
            modified_ns=status.st_mtime_ns if status else 0,
            added="",
        )
        yield ModelInfo(entry, "ready" if there else "file is missing", shipped=True)


def _changed(entry: ModelEntry) -> ModelError:
    return ModelError(
        f"“{entry.path}” has changed since it was added as “{entry.name}”: add it again to use the new file."
    )


def _state(entry: ModelEntry) -> str:
    path = Path(entry.path)
    try:
        status = path.stat()
    except OSError:
        return "file is missing"
    if (status.st_size, status.st_mtime_ns) == (entry.size, entry.modified_ns):
        return "ready"
    if status.st_size != entry.size or file_sha256(path) != entry.sha256:
        return "changed since added"
    return "ready"


def _free_name(stem: str, taken: set[str]) -> str:
    name = re.sub(r"[^\w.+-]+", "-", stem).strip("-.") or "model"
    if name not in taken:
        return name
    return next(f"{name}-{n}" for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)


def _read(registry_dir: Path | None) -> list[ModelEntry]:
    if registry_dir is None:
        return []
    path = registry_dir / REGISTRY_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as fault:
        raise _set_aside(path) from fault
    except OSError as fault:
        raise StorageError(f"“{path}” cannot be read ({fault.strerror}): check its permissions.") from fault
    try:
        content = json.loads(text)
        if content["format"] > _FORMAT:
            raise ModelError(f"“{path}” was written by a newer version: update SARVLM Desktop.")
        return [_entry(row) for row in content["models"]]
    except ModelError:
        raise
    except (ValueError, KeyError, TypeError) as fault:
        raise _set_aside(path) from fault


def _entry(row: Mapping[str, Any]) -> ModelEntry:
    """An entry of the file; a wrong type is a ValueError or TypeError."""
    values: dict[str, Any] = {}
    for field in fields(ModelEntry):
        value = row[field.name]
        if not isinstance(value, int if field.type == "int" else str):
            raise TypeError(field.name)
        values[field.name] = value
    return ModelEntry(**values)


def _set_aside(path: Path) -> ModelError:
    """Keep a damaged registry as .bad, so that nothing is lost, and give the sentence that says so."""
    kept = path.with_name(f"{path.name}.bad")
    try:
        os.replace(path, kept)
    except OSError as fault:
        return ModelError(f"“{path}” is damaged and cannot be moved aside ({fault.strerror}): remove it by hand.")
    return ModelError(f"“{path}” was damaged and is kept as “{kept.name}”: add your checkpoints again.")


def _write(registry_dir: Path, entries: list[ModelEntry]) -> None:
    path = registry_dir / REGISTRY_FILE
    part = path.with_name(f"{path.name}.part")
    content = {"format": _FORMAT, "models": [asdict(entry) for entry in entries]}
    try:
        registry_dir.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as fault:
        if part.exists():
            part.unlink()
        raise StorageError(
            f"“{path}” cannot be written ({fault.strerror}): free space or choose another folder."
        ) from fault
