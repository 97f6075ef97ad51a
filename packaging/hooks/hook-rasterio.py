"""rasterio finds its submodules at run time; GDAL and PROJ read their data files beside it."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = collect_submodules("rasterio", filter=lambda name: not name.startswith("rasterio.rio"))
datas = collect_data_files("rasterio", subdir="gdal_data") + collect_data_files("rasterio", subdir="proj_data")
