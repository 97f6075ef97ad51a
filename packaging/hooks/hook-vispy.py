"""vispy reads its GLSL sources, fonts and colour maps at run time and picks its back-end by name."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = [
    "vispy.app.backends._qt",
    "vispy.app.backends._pyside6",
    "vispy.gloo.gl.gl2",
    "vispy.gloo.gl.glplus",
    "vispy.gloo.gl.pyopengl2",
    *collect_submodules("vispy.glsl"),
]
datas = collect_data_files("vispy")
