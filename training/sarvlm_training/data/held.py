"""What a recipe's sets keep back, written for `sarvlm evaluate`.

``python -m sarvlm_training.data.held RECIPE.toml OUT`` writes for each set with `held` above 0 what training does
not see: `NAME.coco.json` of marks (for `evaluate heatmap` and `counts`), `NAME.csv` of chips (for `classify`) or of
captions (for `retrieval` and `caption`), and `NAME.names.json` with the words of its classes. Paths in them are
absolute, so that any --root will do.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.scene import close_handles, open_scene
from sarvlm_app.errors import SarvlmError
from sarvlm_training.concepts import Vocabulary, load_vocabulary
from sarvlm_training.evaluate.tables import write_rows
from sarvlm_training.recipe import read_recipe

from .labelled import Labelled, box_corners
from .user_data import read_content
from .user_words import read_lexicon

POINT_BOX_PX = 16.0


def write_held(recipe: Path, out: Path) -> list[Path]:
    """Write what the sets of a recipe keep back; gives the files.

    Raises
    ------
    SarvlmError
        The recipe or a set cannot be used, or a file not be written.
    """
    contents = [read_content(one) for one in read_recipe(recipe, []).sets if one.held]
    named = [content for content in contents if content.classes]
    lexicon = read_lexicon(load_vocabulary(), [(content.set, content.classes) for content in named])
    out.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for content in contents:
        _, held = content.parts()
        name = re.sub(r"[^\w.-]+", "-", content.set.name)
        if held.places:
            files.append(_write_json(out / f"{name}.coco.json", coco_of(held.places, content.classes)))
        elif held.chips:
            files.append(out / f"{name}.csv")
            write_rows(files[-1], ("path", "label"), [(path.resolve(), label) for path, label in held.chips])
        else:
            files.append(out / f"{name}.csv")
            rows = [(path.resolve(), text) for path, texts in held.captions.items() for text in texts]
            write_rows(files[-1], ("imgpath", "caption"), rows)
        if content in named:
            words = words_of(lexicon.keys[content.set.name], lexicon.vocabulary)
            files.append(_write_json(out / f"{name}.names.json", words))
    return files


def words_of(keys: dict[str, str], vocabulary: Vocabulary) -> dict[str, list[str]]:
    """Words of each class, as NAMES.json has them."""
    return {label: list(vocabulary.concepts[vocabulary.index[key]].names) for label, key in keys.items()}


def coco_of(pictures: Sequence[Labelled], classes: Sequence[str]) -> dict[str, Any]:
    """A COCO file of marks; points get a box of 16 px."""
    number = {label: i for i, label in enumerate(classes, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for picture in pictures:
        scene = open_scene(picture.path)
        close_handles(scene)
        name = str(picture.path.resolve())
        images.append({"id": len(images) + 1, "file_name": name, "width": scene.width, "height": scene.height})
        for mark in picture.marks:
            outline, half = mark.outline, POINT_BOX_PX / 2
            if len(outline) < 3:
                col, row = mark.centre
                outline = box_corners(col - half, row - half, 2 * half, 2 * half)
            (x0, y0), (x1, y1) = outline.min(0).tolist(), outline.max(0).tolist()
            annotations.append({
                "id": len(annotations) + 1, "image_id": len(images), "category_id": number[mark.label],
                "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0), "iscrowd": int(mark.unsure),
                "segmentation": [outline.ravel().tolist()],
            })  # fmt: skip
    categories = [{"id": i, "name": label} for label, i in number.items()]
    return {"images": images, "annotations": annotations, "categories": categories}


def _write_json(path: Path, content: object) -> Path:
    with replace_when_done(path) as part:
        part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; gives 1 where the input is at fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    try:
        files = write_held(options.recipe, options.out)
    except SarvlmError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    sys.stdout.write("".join(f"{file}\n" for file in files) or "No set of this recipe keeps anything back.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
