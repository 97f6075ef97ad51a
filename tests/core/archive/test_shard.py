"""The interchange keeps every number, and damage is told in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sarvlm_app.core.archive.embed import Manifest, ManifestItem, embed_shard, header_of
from sarvlm_app.core.archive.shard import Shard, from_parquet, read_shard, to_parquet
from sarvlm_app.errors import ModelError, StorageError
from tests.core.archive.made import PictureEncoder, Provide, chip, geo_scene


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("shard")
    bad = folder / "bad.tif"
    bad.write_bytes(b"II*\0 and nothing more")
    paths = [chip(folder / "a.tif", 1), bad, geo_scene(folder / "scene.tif"), chip(folder / "b.tif", 2, bright=True)]
    return Manifest(header_of(PictureEncoder().spec), tuple(ManifestItem(str(path)) for path in paths))


def same(one: Shard, other: Shard) -> bool:
    arrays = ("content", "tile", "level", "kind", "slot", "windows", "vectors")
    return (
        one.header == other.header
        and one.scenes == other.scenes
        and one.faults == other.faults
        and list(one.footprints) == list(other.footprints)
        and all((getattr(one, name) == getattr(other, name)).all() for name in arrays)
    )


def test_embedding_is_a_pure_function_of_the_manifest(manifest: Manifest) -> None:
    assert embed_shard(manifest, Provide()) == embed_shard(manifest, PictureEncoder)


def test_a_shard_reads_back_as_it_was(manifest: Manifest) -> None:
    shard = from_parquet(embed_shard(manifest, Provide()))
    assert [Path(scene.path).name for scene in shard.scenes] == ["a.tif", "scene.tif", "b.tif"]
    assert [Path(fault.path).name for fault in shard.faults] == ["bad.tif"]
    assert shard.scenes[0].tiles == shard.scenes[2].tiles == 1 and shard.scenes[1].tiles > 4
    assert same(from_parquet(to_parquet(shard)), shard)
    np.testing.assert_allclose(np.linalg.norm(shard.vectors.astype(float), axis=1), 1.0, atol=2e-3)


def test_scenes_can_be_taken_out(manifest: Manifest) -> None:
    shard = from_parquet(embed_shard(manifest, Provide()))
    left = shard.only(frozenset({shard.scenes[1].sha}))
    assert left.scenes == shard.scenes[1:2] and len(left) == (shard.content == 1).sum()
    assert same(from_parquet(to_parquet(left)), left)
    assert len(shard.only(frozenset())) == 0


def test_a_shard_without_rows_is_a_shard(manifest: Manifest) -> None:
    only_bad = Manifest(manifest.header, manifest.items[1:2])
    shard = from_parquet(embed_shard(only_bad, Provide()))
    assert len(shard) == 0 and len(shard.faults) == 1 and shard.faults[0].reason.endswith(".")


def test_other_programs_can_read_it(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "shard.parquet"
    path.write_bytes(embed_shard(manifest, Provide()))
    table = pq.read_table(path)
    assert {"content", "tile", "window", "time", "footprint", "model", "vector"} <= set(table.column_names)
    assert set(table["kind"].to_pylist()) == {"whole", "ground", "part"}


def test_a_worker_with_another_model_is_refused(manifest: Manifest) -> None:
    from dataclasses import replace

    other = replace(PictureEncoder().spec, model_id="other@1")
    with pytest.raises(ModelError, match=r"other@1.*fake@0"):
        embed_shard(manifest, lambda: PictureEncoder(spec=other))


@pytest.mark.parametrize("damage", [b"", b"PAR1 and no more", None])
def test_a_damaged_file_is_told_by_its_name(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "gone.parquet"
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(StorageError, match="gone.parquet is missing or damaged"):
        read_shard(path)
