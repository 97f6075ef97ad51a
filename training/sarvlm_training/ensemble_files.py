"""Fine-tunes read to be averaged, and the ensemble written with its parents in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import ModelError, StorageError
from sarvlm_models.architectures import COMPACT_KEY, Architecture, infer_architecture
from sarvlm_models.checkpoints import read_state_dict

from .ensemble import State, first_difference, stored

CONFIG_KEY = "config"


@dataclass(frozen=True, slots=True)
class Parent:
    """A fine-tune that goes into an ensemble.

    Attributes
    ----------
    path : Path
        Its file.
    sha256 : str
        Of the file.
    state : dict of str to Tensor
        Weights under open_clip's names (or the compact model's), in the file's dtypes.
    metadata : mapping of str to str
        The safetensors header, empty for other files.
    architecture : Architecture
        Told from the weights.
    """

    path: Path
    sha256: str
    state: State
    metadata: Mapping[str, str]
    architecture: Architecture


def read_parents(paths: Sequence[Path]) -> list[Parent]:
    """Read checkpoints (safetensors or weights-only PyTorch files) that are to be one network.

    Raises
    ------
    ModelError
        A file cannot be used, holds numbers that are not finite, or is of another architecture,
        configuration, keys or shapes than the first: the first differing one is named.
    """
    parents = []
    for path in paths:
        contents = read_state_dict(path)
        architecture = infer_architecture(contents.state, contents.metadata, Path(path))
        parents.append(Parent(Path(path), contents.sha256, contents.state, contents.metadata, architecture))
        _require_finite(parents[-1])
        _require_alike(parents[0], parents[-1])
    return parents


def _require_finite(parent: Parent) -> None:
    for key, value in parent.state.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ModelError(
                f"“{parent.path}” holds numbers that are not finite in “{key}”, so its training diverged: "
                "leave it out of the ensemble."
            )


def _require_alike(first: Parent, other: Parent) -> None:
    difference = first_difference(first.state, other.state)
    if not difference and _description(first) != _description(other):
        difference = "their configurations differ"
    if difference:
        names = " and ".join(dict.fromkeys((first.architecture.name, other.architecture.name)))
        raise ModelError(
            f"“{first.path}” and “{other.path}” ({names}) cannot be averaged because {difference}: "
            "choose fine-tunes of the same start."
        )


def _description(parent: Parent) -> tuple[object, ...]:
    """What decides the network beside its weights: our own header, or open_clip's configuration."""
    header = parent.metadata
    try:
        config = json.loads(header.get(CONFIG_KEY, "{}"))
    except ValueError:
        config = header[CONFIG_KEY]
    found = parent.architecture
    return header.get(COMPACT_KEY), config, found.kind, found.image_size, dict(found.config)


def write_ensemble(path: Path, state: State, parents: Sequence[Parent], shares: Sequence[float], alpha: float) -> None:
    """Write weights as safetensors, whole or not at all, with parents and shares in the header.

    Parameters
    ----------
    path : Path
        None of the parents.
    state : mapping of str to Tensor
        See `average`.
    parents, shares : sequences of equal length
        What it was made of.
    alpha : float
        What is not of the first parent.

    Raises
    ------
    StorageError
        `path` is one of the parents or cannot be written.
    """
    require_other_file(path, [parent.path for parent in parents])
    kept = {k: parents[0].metadata[k] for k in (COMPACT_KEY, CONFIG_KEY) if k in parents[0].metadata}
    origin = [{"file": p.path.name, "sha256": p.sha256, "share": s} for p, s in zip(parents, shares, strict=True)]
    header = {**kept, "alpha": repr(alpha), "parents": json.dumps(origin)}
    with replace_when_done(path) as part:
        part.write_bytes(save(stored(state, parents[0].state), metadata=header))
    _copy_configuration(path, parents[0])


def _copy_configuration(path: Path, parent: Parent) -> None:
    """A custom network is known by the configuration beside it, so that goes along."""
    own = path.with_suffix(".json")
    beside = (parent.path.with_suffix(".json"), parent.path.with_name("open_clip_config.json"))
    source = next((file for file in beside if file.is_file() and file.stem == parent.architecture.name), None)
    if source is not None and not own.exists():
        with replace_when_done(own) as part:
            part.write_bytes(source.read_bytes())


def require_other_file(path: Path, parents: Sequence[Path]) -> None:
    """Raise StorageError where an ensemble would be written over one of its own parents."""
    for parent in parents:
        if path.resolve() == parent.resolve() or (path.exists() and parent.exists() and path.samefile(parent)):
            raise StorageError(f"{path} is one of the models to average and is not overwritten; choose another name.")
