"""The vocabulary of open_clip's tokenizer and its table of architectures."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("open_clip", includes=["*.gz", "model_configs/*.json"])
