"""The tree of what a scene's files say: read, bounded, searched."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core import metadata
from sarvlm_app.core.metadata import MetadataNode, found, metadata_tree
from sarvlm_app.core.products.place import Member
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import JobCancelled
from tests.core.scene_files import UTM33, write_tif

XML = b"""<?xml version="1.0"?>
<product xmlns="urn:x" version="3.1"><adsHeader><missionId>S1B</missionId><mode>IW</mode></adsHeader>
<orbit><state><x>1.0</x></state><state><x>2.0</x></state></orbit></product>"""


@pytest.fixture
def scene(tmp_path):
    path = write_tif(tmp_path / "a.tif", np.ones((40, 50), np.uint8), tags={"SATELLITE": "Sentinel-1B"}, crs=UTM33)
    return open_scene(path)


def with_documents(scene, folder, **files):
    places = []
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        places.append(path)
    return replace(scene, documents=tuple(places))


def at(node, *keys):
    for key in keys:
        node = next(child for child in node.children if child.key == key)
    return node


def test_facts_and_tags_come_first(scene):
    tree = metadata_tree(scene)
    assert at(tree, "Scene", "width_px").value == "50"
    assert at(tree, "Scene", "fingerprint").value == scene.fingerprint
    assert at(tree, "Tags", "file", "SATELLITE").value == "Sentinel-1B"


def test_side_files_become_branches_by_what_is_in_them(scene, tmp_path):
    text = "LINES = 40\nLooks: 3\n\nno value"
    full = with_documents(scene, tmp_path, a__safe=XML, b__txt=json.dumps({"look": "right", "n": [1, 2]}), c__dat=text)
    tree = metadata_tree(full)
    assert at(tree, "a.safe", "product", "@version").value == "3.1"
    assert at(tree, "a.safe", "product", "adsHeader", "mode").value == "IW"
    assert [node.children[0].value for node in at(tree, "a.safe", "product", "orbit").children] == ["1.0", "2.0"]
    assert at(tree, "b.txt", "look").value == "right"
    assert at(tree, "b.txt", "n").value == "[1, 2]"
    assert [(n.key, n.value) for n in at(tree, "c.dat").children] == [("LINES", "40"), ("Looks", "3"), ("no value", "")]


def test_side_files_in_an_archive_are_read_where_they_lie(scene, tmp_path):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("p/annotation/a.xml", XML)
    tree = metadata_tree(replace(scene, documents=(Member(tmp_path / "p.zip", "p/annotation/a.xml"),)))
    assert at(tree, "a.xml", "product", "adsHeader", "missionId").value == "S1B"


def test_a_side_file_that_cannot_be_read_stands_there_with_the_reason(scene, tmp_path):
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    files = {"cut__xml": XML[:90], "bomb__xml": bomb, "bad__json": b'{"a": ', "raw__bin": b"\0\1\2"}
    full = with_documents(scene, tmp_path, **files)
    full = replace(full, documents=(*full.documents, tmp_path / "gone.xml"))
    values = {node.key: node.value for node in metadata_tree(full).children}
    assert "not readable XML" in values["cut.xml"]
    assert "entities" in values["bomb.xml"]
    assert "not readable JSON" in values["bad.json"]
    assert values["raw.bin"] == "no text"
    assert "cannot be read" in values["gone.xml"]


def test_large_documents_are_cut_and_say_so(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(metadata, "MAX_ENTRIES", 50)
    many = b"<a>" + b"<b>1</b>" * 200 + b"</a>"
    tree = metadata_tree(
        with_documents(scene, tmp_path, m__xml=many, n__json=json.dumps({str(k): k for k in range(99)}))
    )
    for name in ("m.xml", "n.json"):
        node = at(tree, name)
        assert node.size <= 53
        assert found(node, "left out") is not None


def test_deep_documents_end_at_a_depth(scene, tmp_path):
    tree = metadata_tree(with_documents(scene, tmp_path, d__json='{"a":' * 200 + "1" + "}" * 200))
    assert found(tree, "nested too deeply") is not None


def test_reading_may_be_cancelled_between_documents(scene, tmp_path):
    class Steps:
        def step(self, *_args):
            raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        metadata_tree(with_documents(scene, tmp_path, a__xml=XML), Steps())


# ---- search ----------------------------------------------------------------------
PASS = MetadataNode("pass", "Descending")
ORBIT = MetadataNode("orbit", "", (MetadataNode("state", "", (MetadataNode("x", "12.5"),)), PASS))
TREE = MetadataNode("root", "", (ORBIT, MetadataNode("mode", "IW")))


def test_words_are_found_in_keys_and_values_and_the_way_to_them_stays():
    assert found(TREE, "descending") == MetadataNode("root", "", (MetadataNode("orbit", "", (PASS,)),))
    assert found(TREE, "ORBIT 12.5").children[0].children[0].key == "state"
    assert found(TREE, "state").children[0].children == (TREE.children[0].children[0],)
    assert found(TREE, "mode descending") is None
    assert found(TREE, "root") is None
    assert found(TREE, "  ") is TREE


nodes = st.recursive(
    st.builds(MetadataNode, st.text("abc", min_size=1, max_size=3), st.text("xyz", max_size=3)),
    lambda inner: st.builds(
        MetadataNode, st.text("abc", max_size=3), st.just(""), st.lists(inner, max_size=3).map(tuple)
    ),
)


def lines(node, way=""):
    for child in node.children:
        yield way + "/" + child.key, child.value
        yield from lines(child, way + "/" + child.key)


@given(nodes, st.text("abcxyz", min_size=1, max_size=2))
def test_what_is_found_is_a_part_of_the_tree_and_nothing_that_fits_is_lost(node, word):
    part = found(MetadataNode("top", "", (node,)), word)
    kept = list(lines(part)) if part is not None else []
    whole = list(lines(MetadataNode("top", "", (node,))))
    assert set(kept) <= set(whole)
    for way, value in whole:
        if word in way.rsplit("/", 1)[-1] or word in value:
            assert (way, value) in kept
