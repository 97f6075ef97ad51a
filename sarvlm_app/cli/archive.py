"""`sarvlm archive`: add, search, info, verify, compact, root."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.given import open_given, require_text
from sarvlm_app.cli.output import print_json, require_places
from sarvlm_app.cli.progress import Progress
from sarvlm_app.errors import ModelError
from sarvlm_app.paths import data_dir
from sarvlm_models.types import Window

if TYPE_CHECKING:
    from sarvlm_app.core.archive.archive import Archive
    from sarvlm_app.core.archive.embed import ArchiveEncoder
    from sarvlm_app.core.archive.ingest import AddReport
    from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveQuery

MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Provider:
    """Loads the encoder once a process; can be sent to another."""

    model: str | None
    device: str
    data: str

    def __call__(self) -> ArchiveEncoder:
        return _loaded(self.model, self.device, self.data)


@lru_cache(maxsize=1)
def _loaded(model: str | None, device: str, data: str) -> ArchiveEncoder:
    from sarvlm_app.core.archive.embed import ArchiveEncoder
    from sarvlm_models.registry import load_encoder

    encoder = load_encoder(model, device, Path(data))
    if not isinstance(encoder, ArchiveEncoder):
        raise ModelError(f"The model {encoder.spec.model_id} cannot encode whole pictures; choose another --model.")
    return encoder


def _provider(options: argparse.Namespace) -> Provider:
    return Provider(options.model, options.device, str(data_dir()))


def add(options: argparse.Namespace) -> int:
    """Create or extend; see INTERFACE.md."""
    from sarvlm_app.core.archive.ingest import AddRequest
    from sarvlm_app.core.archive.ingest import add as add_to

    if not options.paths and options.stac is None:
        return _wrong_usage("sarvlm archive add: give a file, a folder or --stac CATALOG")
    request = AddRequest(
        tuple(options.paths), options.recursive, options.stac, options.workers, options.dask, options.qdrant
    )
    with Progress("Loading the model") as progress:
        report = add_to(options.archive, request, _provider(options), progress)
    for note in report.notes:
        print(note, file=sys.stderr)
    if options.json:
        print_json(_report(report))
    else:
        print("\n".join(_report_lines(report)))
    return 0


def _report(report: AddReport) -> dict[str, Any]:
    return {
        "scenes_added": report.added,
        "scenes_skipped": report.skipped,
        "scenes_failed": [{"path": fault.path, "reason": fault.reason} for fault in report.faults],
        "scenes_moved": report.moved,
        "scenes_gone": report.gone,
        "tiles": report.tiles,
        "seconds": round(report.seconds, 3),
    }


def _report_lines(report: AddReport) -> list[str]:
    rate = f", {report.tiles / report.seconds:.0f} a second" if report.tiles and report.seconds > 0 else ""
    lines = [
        f"{report.added} added ({report.tiles} tiles{rate}), {report.skipped} as they were, {report.moved} moved, "
        f"{report.gone} gone, {len(report.faults)} failed"
    ]
    lines += [f"  {fault.reason}" for fault in report.faults[:MOST_FAULTS]]
    if len(report.faults) > MOST_FAULTS:
        lines.append(f"  and {len(report.faults) - MOST_FAULTS} more; --json lists them all")
    return lines


def search(options: argparse.Namespace) -> int:
    """Find; see INTERFACE.md."""
    from sarvlm_app.core.archive.archive import Archive
    from sarvlm_app.core.archive.geojson import properties
    from sarvlm_app.core.archive.search import Searching

    if options.text is None and options.image is None:
        return _wrong_usage("sarvlm archive search: give --text T or --image FILE")
    if options.window and options.image is None:
        return _wrong_usage("sarvlm archive search: --window is of the file of --image")
    query = _query(options)
    require_places([options.out] if options.out else [])
    with Archive(options.archive) as archive, Progress("Loading the model") as progress:
        searching = Searching(archive, _encoder_for(archive, options), progress)
        answer = searching.search(query, progress)
        if options.out:
            _write(answer, options.out, archive.folder.name, progress)
    for note in answer.notes:
        print(note, file=sys.stderr)
    if options.json:
        print_json(
            {
                "hits": [properties(hit) for hit in answer.hits],
                "seconds": round(answer.seconds, 4),
                "stands_out": bool(answer.hits),
                "best": round(answer.best, 4),
                "more": answer.more,
                "model": answer.model_id,
            }
        )
    else:
        _print(answer)
    return 0


def _write(answer: ArchiveAnswer, path: Path, archive: str, progress: Progress) -> None:
    """As the ending says; GeoJSON for any other."""
    from sarvlm_app.core.archive.geojson import write_hits
    from sarvlm_app.core.archive.hits_file import ENDINGS, write_hits_file

    if path.suffix.lower() in ENDINGS:
        write_hits_file(answer, path, archive=archive, ctx=progress)
    else:
        write_hits(answer, path)


def _wrong_usage(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


def _encoder_for(archive: Archive, options: argparse.Namespace) -> ArchiveEncoder:
    """The model asked for, else the shipped one, else the registered one that the archive is searched with."""
    from sarvlm_app.core.archive.embed import header_of
    from sarvlm_models.registry import list_models

    encoder, active = _provider(options)(), archive.active()
    if options.model is None and active is not None and archive.index_for(header_of(encoder.spec)) is None:
        entries = [one.entry for one in list_models(data_dir())]
        name = next((entry.name for entry in entries if entry.sha256 == active[1].weights_sha256), None)
        if name is not None:
            return _loaded(name, options.device, str(data_dir()))
    return encoder


def _query(options: argparse.Namespace) -> ArchiveQuery:
    """What is asked, held against what it needs before anything heavy is loaded."""
    from sarvlm_app.core.archive.search import ArchiveQuery, Example, Where
    from sarvlm_app.core.query import check_text

    for text in (options.text or "", *options.negative):
        require_text(text)
    if options.text is not None:
        check_text(options.text, options.negative)
    examples = []
    if options.image is not None:
        window = Window(*options.window) if options.window else None
        examples.append(Example(open_given(options.image), window, options.weight))
    if options.unlike is not None:
        examples.append(Example(open_given(options.unlike), None, -1.0))
    where = Where(options.bbox, options.after, options.before, options.sensor, options.polarisation)
    return ArchiveQuery(
        options.text or "", tuple(options.negative), tuple(examples), 1.0 - options.weight, where, options.top,
        options.page,
    )  # fmt: skip


def _print(answer: ArchiveAnswer) -> None:
    if not answer.hits:
        asked = f"“{answer.query.text}”" if answer.query.text else "the example"
        print(f"Nothing in the archive stands out for {asked} (the best place scores {answer.best:.2f}).")
    for hit in answer.hits:
        box = f"{hit.window.col},{hit.window.row},{hit.window.width},{hit.window.height}"
        where = "" if hit.lon is None or hit.lat is None else f"  {hit.lat:.5f} {hit.lon:.5f}"
        gone = "  (missing)" if hit.missing else ""
        print(f"{hit.rank:4d}  {hit.score:.2f}  {hit.scene}  {box}{where}{gone}")
    if answer.more:
        print(f"There are more: --page {answer.query.page + 1}")


def info(options: argparse.Namespace) -> int:
    """What an archive holds."""
    from sarvlm_app.core.archive.archive import Archive
    from sarvlm_app.core.archive.care import info as info_of

    with Archive(options.archive) as archive:
        found = info_of(archive)
    values = {
        "scenes": found.scenes,
        "tiles": found.tiles,
        "bytes": found.bytes,
        "index": found.index,
        "model": found.model,
        "vectors": found.vectors,
        "gone": found.gone,
        "models": list(found.models),
        "roots": [{"name": name, "path": str(path)} for name, path in found.roots],
    }
    _show(options, values, [f"{key:>8}  {_words(value)}" for key, value in values.items()], found.notes)
    return 0


def _words(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return ", ".join(f"{one['name']} = {one['path']}" if isinstance(one, dict) else str(one) for one in value)


def verify(options: argparse.Namespace) -> int:
    """Check every row against the files; 1 where one is wrong."""
    from sarvlm_app.core.archive.archive import Archive
    from sarvlm_app.core.archive.care import verify as verify_all

    with Archive(options.archive) as archive, Progress("Checking") as progress:
        found = verify_all(archive, progress, fast=options.fast)
    values = {
        "ok": not found.problems,
        "scenes": found.scenes,
        "tiles": found.tiles,
        "vectors": found.vectors,
        "problems": found.problems,
    }
    counts = f"{found.scenes} files, {found.tiles} tiles, {found.vectors} vectors looked at"
    _show(options, values, [*found.problems, f"{counts}, {len(found.problems)} problems"])
    if found.problems:
        places = "1 place" if len(found.problems) == 1 else f"{len(found.problems)} places"
        print(f"{options.archive} is wrong in {places}, the first: {found.problems[0]}", file=sys.stderr)
    return 1 if found.problems else 0


def compact(options: argparse.Namespace) -> int:
    """Reclaim space."""
    from sarvlm_app.core.archive.archive import changing
    from sarvlm_app.core.archive.care import compact as compact_all
    from sarvlm_app.core.archive.sizes import bytes_of

    with Progress("Compacting") as progress, changing(options.archive, progress, create=False) as archive:
        freed = compact_all(archive, progress)
        size, notes = bytes_of(archive.folder), tuple(archive.notes)
    values = {"bytes_freed": freed, "bytes": size}
    _show(options, values, [f"{freed / 1e6:.1f} MB freed; the archive takes {size / 1e6:.1f} MB"], notes)
    return 0


def root(options: argparse.Namespace) -> int:
    """Say where a declared folder lies now."""
    from sarvlm_app.core.archive.archive import changing

    folder = options.folder.expanduser().absolute()
    with Progress("Changing") as progress, changing(options.archive, progress, create=False) as archive:
        with archive.catalogue.changes():
            archive.catalogue.roots.move(options.name, folder)
        roots = archive.catalogue.roots.all()
    values = {"roots": [{"name": one.name, "path": str(one.path)} for one in roots]}
    _show(options, values, [f"{one.name} = {one.path}" for one in roots])
    return 0


def _show(options: argparse.Namespace, values: dict[str, Any], lines: Sequence[str], notes: Sequence[str] = ()) -> None:
    for note in notes:
        print(note, file=sys.stderr)
    if options.json:
        print_json(values)
    else:
        print("\n".join(lines))
