"""How much room a folder takes, while others work in it."""

from sarvlm_app.core.archive.sizes import bytes_of


def test_files_of_all_depths_count_and_those_that_vanish_do_not(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "one").write_bytes(b"x" * 10)
    (tmp_path / "a" / "b" / "two").write_bytes(b"x" * 5)
    (tmp_path / "a" / "gone.part").symlink_to(tmp_path / "moved away")  # listed, and not there when it is asked
    assert bytes_of(tmp_path) == 15
    assert bytes_of(tmp_path / "nowhere") == 0
