"""torchvision loads its operators by path; open_clip's import fails where they are missing."""

from PyInstaller.utils.hooks import collect_dynamic_libs

module_collection_mode = "pyz+py"  # TorchScript reads the sources
binaries = collect_dynamic_libs("torchvision", search_patterns=["*.so", "*.pyd", "*.dll", "*.dylib"])
