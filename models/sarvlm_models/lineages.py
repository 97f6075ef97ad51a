"""What is publicly known of checkpoints by their file names: activation, preprocessing, licence, training data.

None of this can be read from the weights. The activation matters most: a
network trained with QuickGELU and run with GELU answers, but worse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .clip_profiles import CLIP_RGB, SARCLIP_DB

GELU, QUICK_GELU = "gelu", "quick_gelu"
_SARVLM_SETS = "MSTAR, OpenSARShip, SAMPLE, SARSim, ATRNet-STAR, SARDet-100K, FAIR-CSAR and SARLANG-1M"


@dataclass(frozen=True, slots=True)
class Lineage:
    """A family of checkpoints.

    Attributes
    ----------
    family : str
        Name for people.
    activation : str
        "gelu" or "quick_gelu".
    profile : str
        Preprocessing, see `clip_profiles`.
    licence : str
        What is known of the licence of the weights.
    overlap : str
        Which evaluation data it has probably seen in training.
    """

    family: str
    activation: str
    profile: str
    licence: str
    overlap: str


_UNKNOWN = Lineage(
    "unknown",
    GELU,
    CLIP_RGB,
    "Licence unknown: ask whoever gave you the file.",
    "Training data unknown: its scores on public sets may be of data it was trained on.",
)
_SARVLM_OVERLAP = f"Trained on {_SARVLM_SETS}: scores on these are not of unseen data."
_SARVLM_LICENCE = "The SARVLM authors give no licence: for your own study, not for passing on."

# the first that fits the lower-case file name is taken
_LINEAGES: tuple[tuple[str, Lineage], ...] = (
    (r"sar-?_?(coca|cap)", Lineage("SARCoCa", GELU, CLIP_RGB, _SARVLM_LICENCE, _SARVLM_OVERLAP)),
    (
        r"sarclip.*isprs|^vit_(b_16|b_32|l_14)_model|^rn(50|101)_model",
        Lineage(
            "SARCLIP-isprs",
            GELU,
            SARCLIP_DB,
            "Code MIT; weights from SARCAP, for non-commercial research only.",
            "Trained on SARCAP (Capella, Sentinel-1 land cover): scores on these are not of unseen data.",
        ),
    ),
    (
        r"sarclip|sarvlm|transferclip",
        Lineage("SARCLIP (SARVLM)", GELU, CLIP_RGB, _SARVLM_LICENCE, _SARVLM_OVERLAP),
    ),
    (
        r"remote-?_?clip",
        Lineage(
            "RemoteCLIP",
            GELU,
            CLIP_RGB,
            "Apache-2.0.",
            "Trained on optical retrieval and detection sets (RSICD, RSITMD, UCM, DOTA and others); its activation is "
            "ambiguous, try quick_gelu too.",
        ),
    ),
    (
        r"skyclip.*l-?_?14",
        Lineage("SkyCLIP", QUICK_GELU, CLIP_RGB, "MIT.", "Trained on SkyScript (optical): SAR is unseen."),
    ),
    (r"skyclip", Lineage("SkyCLIP", GELU, CLIP_RGB, "MIT.", "Trained on SkyScript (optical): SAR is unseen.")),
    (
        r"(rs5m|georsclip).*h-?_?14",
        Lineage("GeoRSCLIP", GELU, CLIP_RGB, "Code MIT; model card cc.", "Trained on RS5M (optical): SAR is unseen."),
    ),
    (
        r"rs5m|georsclip",
        Lineage(
            "GeoRSCLIP", QUICK_GELU, CLIP_RGB, "Code MIT; model card cc.", "Trained on RS5M (optical): SAR is unseen."
        ),
    ),
    (
        r"alignearth",
        Lineage(
            "AlignEarth",
            GELU,
            CLIP_RGB,
            "The authors give no licence: for your own study, not for passing on.",
            "Training data not published in full: scores on public sets may be of data it was trained on.",
        ),
    ),
    (
        r"openai",
        Lineage("OpenAI CLIP", QUICK_GELU, CLIP_RGB, "MIT.", "Trained on pictures of the web: SAR is unseen."),
    ),
)


def lineage_of(file_name: str, architecture: str) -> Lineage:
    """The family that a file name (without folder) suggests; an unknown one gets open_clip's defaults."""
    word = file_name.lower()
    for pattern, lineage in _LINEAGES:
        if re.search(pattern, word):
            if lineage.profile == SARCLIP_DB and architecture.startswith("RN"):
                return Lineage(lineage.family, QUICK_GELU, lineage.profile, lineage.licence, lineage.overlap)
            return lineage
    return _UNKNOWN
