"""npe2 reads manifests and metadata of the plugins it finds."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

hiddenimports = collect_submodules("npe2", filter=lambda name: "_pytest_plugin" not in name)
datas = [*collect_data_files("npe2"), *copy_metadata("npe2")]
