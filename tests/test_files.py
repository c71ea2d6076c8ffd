"""Files that appear whole, temporary ones of the dead, outputs refused beforehand, text made safe to print."""

import gzip
import os
import subprocess
import sys
import time
from collections import deque

import pytest

from tf_emb.files import appearing, check_output, opened, printable, scratch
from tf_emb.files.outputs import check_folder
from tf_emb.files.whole import PREFIX, SUFFIX, sweep

WRITER = """
import sys, time
from tf_emb.files import appearing
with appearing(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("begun", flush=True)
    time.sleep(60)
"""


SCRATCH = """
import time
from tf_emb.files import scratch
with scratch("trial") as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def started(code, *arguments):
    """Start a process; return it, and the first line that it prints."""
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def killed(process):
    process.kill()
    process.communicate()


def temporaries(folder):
    return sorted(folder.glob(f"{PREFIX}*"))


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.bin"
    path.write_text("before")
    path.chmod(0o640)
    with pytest.raises(FileNotFoundError), appearing(path) as temporary:
        temporary.write_text(str((tmp_path / "not there").stat()))
    assert path.read_text() == "before"
    with appearing(path) as temporary:
        temporary.write_text("after")
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "there").mkdir()
    link, file = tmp_path / "link", tmp_path / "there" / "file"
    link.symlink_to(file)
    with appearing(link) as temporary:
        temporary.write_text("through")
    assert link.is_symlink()
    assert file.read_text() == "through"


@pytest.mark.parametrize("path", ["/dev/null", "."])
def test_what_is_no_file_is_not_replaced(path):
    with pytest.raises(ValueError, match="must be a file"), appearing(path):
        pass


def test_the_temporary_file_of_a_killed_writer_is_removed_by_the_next_and_that_of_a_living_one_is_not(tmp_path):
    (dead, _), (alive, _) = [started(WRITER, tmp_path / name) for name in "ab"]
    try:
        killed(dead)
        assert len(temporaries(tmp_path)) == 2
        with appearing(tmp_path / "c") as temporary:
            temporary.write_text("c")
        assert len(temporaries(tmp_path)) == 1
    finally:
        killed(alive)


def test_sweeping_touches_nothing_else(tmp_path):
    kept = [tmp_path / f"{PREFIX}notes", tmp_path / f"x{SUFFIX}", tmp_path / f".{SUFFIX}"]
    target, link = tmp_path / "target", tmp_path / f"{PREFIX}link{SUFFIX}"
    for path in (*kept, target):
        path.write_text("kept")
    link.symlink_to(target)
    (tmp_path / f"{PREFIX}folder{SUFFIX}").mkdir()
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 6


def test_a_folder_of_a_killed_process_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    process, left = started(SCRATCH)
    with scratch("trial"):
        assert os.path.exists(left)
    killed(process)
    with scratch("trial") as folder:
        assert not os.path.exists(left)
        assert folder.is_dir()
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_an_input_is_refused_through_links_too(tmp_path):
    text = tmp_path / "c.txt"
    text.write_text("a b c")
    (tmp_path / "soft").symlink_to(text)
    os.link(text, tmp_path / "hard")
    for name in ("c.txt", "soft", "hard", "../" + tmp_path.name + "/c.txt"):
        with pytest.raises(ValueError, match="must be another file than what is read"):
            check_output(tmp_path / name, inputs=["-", text])
    check_output(tmp_path / "v.txt", inputs=["-", text])
    assert len(list(tmp_path.iterdir())) == 3


def test_an_output_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "file").chmod(0o444)
    for path, said in {
        tmp_path: "is a folder",
        "/dev/null": "is a device",
        tmp_path / "none" / "v": "does not exist",
        tmp_path / "file" / "v": "is a file",
        tmp_path / "file": "write-protected",
        "/proc/v": "can be written to",
    }.items():
        with pytest.raises(ValueError, match=said):
            check_output(path)
    with pytest.raises(ValueError, match="must have room"):
        check_output(tmp_path / "v", size=1 << 60)
    check_folder(tmp_path / "new" / "one")
    with pytest.raises(ValueError, match="is none"):
        check_folder(tmp_path / "file" / "logs")


def test_a_compressed_file_is_known_by_its_first_bytes(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(gzip.compress(b"the cat\n"))
    with opened(path) as file:
        assert file.read() == b"the cat\n"


def test_a_file_that_inflates_out_of_proportion_is_refused_soon(tmp_path):
    path = tmp_path / "zeros.gz"
    block = gzip.compress(bytes(1 << 26))
    path.write_bytes(block * 16)
    began = time.monotonic()
    with opened(path) as file, pytest.raises(ValueError, match="200 times its size"):
        deque(iter(lambda: file.read(1 << 20), b""), 0)
    assert time.monotonic() - began < 30


def test_text_that_compresses_well_is_read_whole(tmp_path):
    path = tmp_path / "text.gz"
    text = b"".join(b"%d words of little variety\n" % i for i in range(200_000))
    path.write_bytes(gzip.compress(text))
    with opened(path) as file:
        assert file.readline() == b"0 words of little variety\n"
        assert len(file.readlines(1000)) > 1
        assert file.read().endswith(text[-1000:])


def test_printed_words_do_not_steer_the_terminal():
    assert printable("a\x1b]52;c;eA==\x07b\u2028\u202e\x85\ud800") == r"a\x1b]52;c;eA==\x07b\u2028\u202e\x85\ud800"
    for word in ("हिन्दी", "می\u200cخواهم", "👨\u200d👩", "naïve", "new york", "[bold]"):
        assert printable(word) == word
