"""Icons of napari's themes."""

from PyInstaller.utils.hooks import collect_data_files, copy_metadata

datas = [*collect_data_files("napari_resources"), *copy_metadata("napari-resources")]
