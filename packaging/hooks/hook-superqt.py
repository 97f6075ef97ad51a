"""superqt loads its widgets lazily."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = collect_submodules("superqt", filter=lambda name: "tests" not in name)
datas = collect_data_files("superqt")
