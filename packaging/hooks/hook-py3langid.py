"""The language model of py3langid."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("py3langid")
