"""sarkit's tables of SICD and SIDD elements, which it reads by name; the schemas for checking files stay out."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("sarkit", includes=["*/xsdtypes/*.json"])
hiddenimports = ["sarkit.sicd.xsdtypes", "sarkit.sidd.xsdtypes"]
