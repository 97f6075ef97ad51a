"""A few pictures with captions, to hold measures against."""

from __future__ import annotations

from sarvlm_training.evaluate.captions import Written

CORPUS = (
    Written(
        "two ships are in the upper left .",
        "Two ships are in the upper left.",
        ("two boats lie in the upper left .", "there are 2 ships in the top left ."),
    ),
    Written(
        "a sar image of 1 4 tanks and 3 bridges .",
        "A SAR image of 14 tanks and 3 bridges.",
        ("This is a SAR view that includes 1 ship, 14 tanks and 3 bridges.",),
    ),
    Written(
        "open sea without ships",
        "Open sea without ships.",
        ("the open sea , not a single ship .", "empty sea .", "open sea without any ship ."),
    ),
    Written("forest forest forest", "Forest forest forest.", ("mostly forest with a road .",)),
)
# pycocoevalcap 1.2 (Bleu, Rouge, Cider) over the words of authors_words, and over those of its PTBTokenizer (Java 17);
# METEOR is its meteor-1.5.jar over the same words. Its Bleu adds 1e-9 and less here and there: hence 1e-8.
COCO_RAW = {
    "bleu_1": 0.5711905155579718, "bleu_2": 0.4390776420155356, "bleu_3": 0.35352542960118727,
    "bleu_4": 0.268634286245879, "rouge_l": 0.5021422591404016, "cider": 1.9588235386723667,
    "meteor": 0.31466503032472576,
}  # fmt: skip
COCO_PTB = {
    "bleu_1": 0.5526952330197881, "bleu_2": 0.45324871739334754, "bleu_3": 0.38716082166556315,
    "bleu_4": 0.32515164609265884, "rouge_l": 0.5482016777904578, "cider": 2.2015280565474327,
    "meteor": 0.32779408493885254,
}  # fmt: skip
COCO_TOLERANCE = 1e-8
