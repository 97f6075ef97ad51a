"""napari loads its parts lazily (stubs beside the modules) and finds its builtins through npe2's manifests."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata


def _wanted(name: str) -> bool:
    return not any(part in name for part in ("._tests", ".tests", "_testsupport", ".conftest", "napari.benchmarks"))


hiddenimports = [*collect_submodules("napari", filter=_wanted), *collect_submodules("napari_builtins", filter=_wanted)]
datas = [
    *collect_data_files("napari", excludes=["**/_tests/**"]),
    *collect_data_files("napari", include_py_files=False, includes=["**/*.pyi"]),
    *collect_data_files("napari_builtins"),
    *copy_metadata("napari"),
]
excludedimports = ["napari_console", "IPython"]
