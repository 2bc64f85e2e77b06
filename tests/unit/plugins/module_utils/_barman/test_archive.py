# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import (
    Archive,
    ArchiveError,
    has_unarchived,
    read_archive,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal import parse_segment

COMPRESSED = Path(__file__).parents[1] / "fixtures" / "compressed"
HISTORY = b"1\t0/5000000\tno recovery target specified\n"
FIRST, SECOND, THIRD = (f"0000000100000000000000{number:02X}" for number in (254, 255, 1))
SIZE = 1 << 20
CONTENT = b"\x16\xd1" + bytes(SIZE - 2)


class Host:
    """Barman's directories of one server, and what it answers to get-wal."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[list[str]] = []
        self.plain = CONTENT
        for name in ("wals", "incoming", "streaming"):
            (root / name).mkdir()
        self.server = ServerConfiguration(
            "pg",
            {
                "wals_directory": str(root / "wals"),
                "incoming_wals_directory": str(root / "incoming"),
                "streaming_wals_directory": str(root / "streaming"),
            },
            "pg.conf",
        )

    def put(self, name: str, content: bytes = CONTENT, where: str = "wals") -> Path:
        directory = self.root / where / name[:16] if where == "wals" and len(name) >= 24 else self.root / where
        directory.mkdir(exist_ok=True)
        (directory / name).write_bytes(content)
        return directory / name

    def run(self, command: Command) -> Completed:
        self.asked.append(list(command.argv))
        directory, name = command.argv[-3], command.argv[-1]
        if self.plain == b"":
            return Completed(command.argv, 1, "", "ERROR: gpg: decryption failed: No secret key")
        (Path(directory) / name).write_bytes(self.plain)
        return Completed(command.argv, 0)

    def read(self) -> Archive:
        return read_archive(self.server, Barman(self.run, "root"), SIZE)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_is_archived_received_and_being_received_is_found(host: Host) -> None:
    host.put(FIRST)
    host.put(SECOND, where="streaming")
    host.put(FIRST + ".partial", where="streaming")
    host.put(THIRD + ".partial", where="streaming")
    host.put("00000002.history", b"1\t0/5000000\tno recovery target\n")
    host.put(FIRST + ".00000028.backup", b"a label")
    host.put("xlog.db", b"")
    archive = host.read()
    assert set(map(str, archive.segments)) == {FIRST, SECOND}
    assert set(map(str, archive.partials)) == {THIRD}
    assert archive.histories == {2: "1\t0/5000000\tno recovery target\n"}
    assert archive.timelines == [1, 2]


@pytest.mark.parametrize(
    ("name", "where", "expected"),
    [
        (FIRST, "incoming", True),
        (FIRST, "streaming", True),
        ("00000002.history", "streaming", True),
        (FIRST + ".partial", "streaming", False),
        ("errors", "streaming", False),
    ],
)
def test_what_is_whole_can_be_archived(host: Host, name: str, where: str, expected: bool) -> None:
    host.put(SECOND)
    assert not has_unarchived(host.server)
    host.put(name, where=where)
    assert has_unarchived(host.server) is expected


def test_the_archived_copy_wins_over_the_received_one(host: Host) -> None:
    archived = host.put(FIRST)
    host.put(FIRST, where="incoming")
    assert host.read().path(parse_segment(FIRST)) == str(archived)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_segments_are_read_plain(host: Host, compress: Callable[[bytes], bytes]) -> None:
    host.put(FIRST, compress(CONTENT))
    assert host.read().read(parse_segment(FIRST)) == CONTENT
    assert host.asked == []


@pytest.mark.parametrize(
    "content", [b"\x28\xb5\x2f\xfd of zstd", b"\x04\x22\x4d\x18 of lz4", b"\xff\x06\x00\x00sNaPpY"]
)
def test_what_is_compressed_otherwise_is_asked_from_barman(
    host: Host, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("zstandard", "lz4.frame"):
        # A host without it.
        monkeypatch.setitem(sys.modules, library, None)
    host.put(FIRST, content)
    assert host.read().read(parse_segment(FIRST)) == CONTENT
    assert host.asked[0][:3] == ["barman", "get-wal", "--output-directory"]
    assert host.asked[0][-2:] == ["pg", FIRST]


def test_a_damaged_file_is_named(host: Host) -> None:
    path = host.put(FIRST, gzip.compress(CONTENT)[:200])
    with pytest.raises(ArchiveError, match=f"{path} is damaged"):
        host.read().read(parse_segment(FIRST))


def test_a_partial_segment_that_is_filled_meanwhile_is_read_where_it_went(host: Host) -> None:
    partial = host.put(FIRST + ".partial", b"half", where="streaming")
    archive = host.read()
    assert archive.read(parse_segment(FIRST)) == b"half"
    partial.rename(partial.with_suffix(""))
    partial.with_suffix("").write_bytes(CONTENT)
    assert archive.read(parse_segment(FIRST)) == CONTENT
    assert not archive.partials


def test_a_partial_segment_that_is_archived_meanwhile_is_asked_from_barman(host: Host) -> None:
    partial = host.put(FIRST + ".partial", b"half", where="streaming")
    archive = host.read()
    partial.unlink()
    assert archive.read(parse_segment(FIRST)) == CONTENT
    assert host.asked


def test_a_segment_that_is_not_there_is_an_error(host: Host) -> None:
    with pytest.raises(ArchiveError, match="is not in Barman's archive"):
        host.read().read(parse_segment(FIRST))


@pytest.fixture
def without_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("zstandard", "lz4", "lz4.frame"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_history_is_read_plain(host: Host, compress: Callable[[bytes], bytes]) -> None:
    host.put("00000002.history", compress(HISTORY))
    assert host.read().histories == {2: HISTORY.decode()}
    assert host.asked == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param((COMPRESSED / "00000002.history.zst").read_bytes(), id="zstd"),
        pytest.param((COMPRESSED / "00000002.history.lz4").read_bytes(), id="lz4"),
        pytest.param(b"\xff\x06\x00\x00sNaPpY\x01\x2f\x00\x00", id="snappy"),
        pytest.param(b"\x85\x02\x0c\x03\x91 of gpg", id="gpg"),
    ],
)
def test_a_history_of_an_unknown_format_is_read_by_barman(host: Host, content: bytes, without_libraries: None) -> None:
    host.put("00000002.history", content)
    host.plain = HISTORY
    archive = host.read()
    assert archive.timelines == [2]
    assert host.asked == [], "only what somebody needs is read"
    assert (archive.histories[2], archive.histories[2]) == (HISTORY.decode(), HISTORY.decode())
    assert [words[-2:] for words in host.asked] == [["pg", "00000002.history"]], "it is read once"


def test_zstd_and_lz4_are_read_with_the_libraries_of_barman(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    class ZstdError(Exception):
        pass

    reader = SimpleNamespace(decompress=lambda data: HISTORY, eof=True)
    library = SimpleNamespace(
        ZstdDecompressor=lambda: SimpleNamespace(decompressobj=lambda: reader), ZstdError=ZstdError
    )
    monkeypatch.setitem(sys.modules, "zstandard", library)
    monkeypatch.setitem(sys.modules, "lz4.frame", SimpleNamespace(decompress=lambda data: HISTORY))
    host.put("00000002.history", (COMPRESSED / "00000002.history.zst").read_bytes())
    host.put("00000003.history", (COMPRESSED / "00000002.history.lz4").read_bytes())
    assert host.read().histories == {2: HISTORY.decode(), 3: HISTORY.decode()}
    assert host.asked == []
    reader.eof = False
    with pytest.raises(ArchiveError, match=r"00000002\.history is damaged: it ends before the end"):
        host.read().histories[2]


@pytest.mark.parametrize(
    "content",
    [gzip.compress(HISTORY, mtime=0)[:-9], b"\x1f\x8b\x08\x00 not a stream", b"BZh9 cut"],
    ids=["short", "deflate", "bzip2"],
)
def test_a_damaged_history_is_named(host: Host, content: bytes) -> None:
    path = host.put("00000002.history", content)
    with pytest.raises(ArchiveError, match=f"{path} is damaged"):
        host.read().histories[2]


def test_an_empty_history_is_named(host: Host) -> None:
    """PostgreSQL writes a line at least."""
    path = host.put("00000002.history", b"\n")
    with pytest.raises(ArchiveError, match=f"{path} can't be read: it is empty"):
        host.read().histories[2]


def test_a_history_that_barman_can_not_read_is_named_without_its_bytes(host: Host) -> None:
    host.put("00000002.history", b"\x85\x02\x0c\x03")
    host.plain = b""
    with pytest.raises(ArchiveError, match=r"Barman can't read WAL file 00000002\.history .* No secret key"):
        host.read().histories[2]
    host.plain = b"\x85\x02\x0c\x03"
    with pytest.raises(ArchiveError, match="history can't be read: it is not a timeline history") as caught:
        host.read().histories[2]
    assert str(caught.value).isprintable()


def test_a_history_that_is_archived_meanwhile_is_read_by_barman(host: Host) -> None:
    path = host.put("00000002.history", HISTORY, where="incoming")
    archive = host.read()
    path.unlink()
    host.plain = HISTORY
    assert archive.histories[2] == HISTORY.decode()


def test_a_segment_that_barman_archives_after_the_listing_is_read_from_there(host: Host) -> None:
    """Its cron moves what was received, once a minute."""
    received = host.put(FIRST, where="streaming")
    archive = host.read()
    received.unlink()
    assert archive.read(parse_segment(FIRST)) == CONTENT
    assert host.asked[-1][-3:] == [host.asked[-1][-3], "pg", FIRST]
    with pytest.raises(ArchiveError, match="is not at"):
        Archive({parse_segment(FIRST): str(received)}, {}, {}, SIZE).read(parse_segment(FIRST))
