"""Before anything is imported in the bundle: no foreign settings, no hub."""

import os

os.environ["QT_API"] = "pyside6"
os.environ["HF_HUB_OFFLINE"] = "1"
for name in ("PYTHONPATH", "QT_PLUGIN_PATH", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH"):
    os.environ.pop(name, None)
