"""Corpora that lie elsewhere: a real web server and a real S3-compatible one, both on this machine."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from buckets import SECRET, USER, s3_server

from schemas.errors import CorpusRejected, PlaceUnreachable
from tasks.ingest import fetching
from tasks.ingest.readers import open_reader
from tasks.ingest.sources import find_sources
from tasks.retrying import passes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.references import Source

TRACKS = b"track_id,artists,popularity\n1,Ann,50\n2,Zo\xc3\xab,60\n"
MARK = '"first"'


@dataclass
class Web:
    """A web server, and what it was asked for."""

    address: str
    asked: list[tuple[str, int]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    mark: str = MARK
    failures: int = 0
    at_most: int = 1000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves what the test put there, and fails as the path says."""

    web: Web

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, status: int, body: bytes = b"", length: int | None = None, **headers: str) -> None:
        """Send one answer."""
        self.web.asked.append((self.path, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        if path.startswith("/moved"):
            self.answer(302, Location="/tracks.csv")
        elif path.startswith("/status-"):
            self.answer(int(path.removeprefix("/status-")), b"no")
        elif path == "/cut.csv":
            self.answer(200, TRACKS[:40], len(TRACKS))
        elif path == "/breaks.csv" and "Range" not in self.headers:
            self.answer(200, TRACKS[:40], len(TRACKS), ETag=MARK)
        elif path == "/breaks.csv" and self.headers["If-Range"] == self.web.mark:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            rest = f"bytes {start}-{len(TRACKS) - 1}/{len(TRACKS)}"
            self.answer(206, TRACKS[start : start + self.web.at_most], len(TRACKS) - start, Content_Range=rest)
        elif path == "/slow.csv":
            self.web.asked.append((self.path, 0))
            time.sleep(1)
        elif path == "/at-last.csv" and self.web.failures > 0:
            self.web.failures -= 1
            self.answer(503, b"later")
        elif path not in self.web.files and path != "/at-last.csv":
            self.answer(404, b"none")
        elif self.headers.get("If-None-Match") == self.web.mark:
            self.answer(304)
        else:
            self.answer(200, self.web.files.get(path, TRACKS), ETag=self.web.mark)


@pytest.fixture
def web() -> Iterator[Web]:
    handler = type("Mine", (Handler,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        served = Web(f"http://127.0.0.1:{server.server_address[1]}", files={"/tracks.csv": TRACKS})
        handler.web = served  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def rows(source: Source) -> list[list[Any]]:
    return [
        list(row)
        for partition in open_reader(source).partitions(1000)
        for row in zip(*(column.to_pylist() for column in partition.table.columns), strict=True)
    ]


def test_a_file_on_the_web_is_read(web: Web, tmp_path: Path) -> None:
    (source,) = find_sources([f"{web.address}/tracks.csv"], tmp_path / "places")
    assert (source.name, source.place) == ("tracks.csv", f"{web.address}/tracks.csv")
    assert rows(source) == [["1", "Ann", "50"], ["2", "Zoë", "60"]]


def test_it_is_the_same_source_as_a_local_copy(web: Web, tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_bytes(TRACKS)
    found = find_sources([str(tmp_path / "tracks.csv"), f"{web.address}/tracks.csv"], tmp_path / "places")
    assert len(found) == 1


def test_it_is_fetched_once_and_again_when_it_changed(web: Web, tmp_path: Path) -> None:
    address = [f"{web.address}/tracks.csv"]
    first, again = find_sources(address, tmp_path), find_sources(address, tmp_path)
    assert first == again
    assert [status for _, status in web.asked] == [200, 304]
    web.files["/tracks.csv"], web.mark = TRACKS + b"3,Bob,70\n", '"second"'
    assert len(rows(find_sources(address, tmp_path)[0])) == 3


def test_a_damaged_copy_is_fetched_again(web: Web, tmp_path: Path) -> None:
    (source,) = find_sources([f"{web.address}/tracks.csv"], tmp_path)
    Path(source.path).write_bytes(b"something else")
    assert find_sources([f"{web.address}/tracks.csv"], tmp_path) == (source,)


def test_a_transfer_that_breaks_off_goes_on_from_there(web: Web, tmp_path: Path) -> None:
    (source,) = find_sources([f"{web.address}/breaks.csv"], tmp_path)
    assert Path(source.path).read_bytes() == TRACKS
    assert web.asked == [("/breaks.csv", 200), ("/breaks.csv", 206)]


def test_one_that_breaks_off_again_and_again_goes_on_as_long_as_there_is_hope(web: Web, tmp_path: Path) -> None:
    web.at_most = 5
    (source,) = find_sources([f"{web.address}/breaks.csv"], tmp_path)
    assert Path(source.path).read_bytes() == TRACKS
    web.at_most = 1
    with pytest.raises(PlaceUnreachable):
        find_sources([f"{web.address}/breaks.csv"], tmp_path / "other")


def test_one_whose_file_changed_meanwhile_is_not_put_together_from_two(web: Web, tmp_path: Path) -> None:
    web.mark = '"second"'
    with pytest.raises(PlaceUnreachable) as caught:
        find_sources([f"{web.address}/breaks.csv"], tmp_path)
    assert passes(caught.value), "the step begins anew"
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_a_redirect_is_followed_and_compression_told_from_the_content(web: Web, tmp_path: Path) -> None:
    assert len(rows(find_sources([f"{web.address}/moved"], tmp_path)[0])) == 2
    web.files["/download"] = gzip.compress(TRACKS)
    assert len(rows(find_sources([f"{web.address}/download?file=7"], tmp_path)[0])) == 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.csv", r"there is nothing to read at .*/none.csv \(HTTP 404\)"),
        ("status-403", r"may not be read \(HTTP 403\)"),
        ("status-401", r"may not be read \(HTTP 401\)"),
        ("status-410", r"there is nothing to read .*410"),
    ],
)
def test_what_will_not_pass_is_refused_at_once(web: Web, tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(CorpusRejected, match=said):
        find_sources([f"{web.address}/{path}"], tmp_path)


@pytest.mark.parametrize("path", ["status-503", "status-429", "cut.csv", "slow.csv"])
def test_what_may_pass_is_tried_again(web: Web, tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_SECONDS", 0.2)
    with pytest.raises(PlaceUnreachable) as caught:
        find_sources([f"{web.address}/{path}"], tmp_path)
    assert passes(caught.value)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_a_place_where_nobody_listens_may_pass(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(PlaceUnreachable, match="cannot be fetched"):
            find_sources([f"http://127.0.0.1:{free.getsockname()[1]}/x.csv"], tmp_path)


@pytest.mark.parametrize("path", ["tracks.csv", "none.csv", "status-403", "status-503", "cut.csv"])
def test_secrets_of_an_address_are_told_to_nobody(web: Web, tmp_path: Path, path: str) -> None:
    address = web.address.replace("://", "://ann:hush-1@") + f"/{path}?X-Amz-Signature=hush-2#hush-3"
    try:
        told = repr(find_sources([address], tmp_path))
    except (CorpusRejected, PlaceUnreachable) as error:
        told = str(error) + repr(error.__cause__)
    kept = "".join(f"{file.name} {file.read_text()}" for file in tmp_path.rglob("*") if file.is_file())
    assert "hush" not in told + kept
    assert f"/{path}?..." in told


def test_a_page_that_asks_to_sign_in_is_no_table(web: Web, tmp_path: Path) -> None:
    web.files["/tracks.csv"] = b"\n<!DOCTYPE html><html><body>Sign in</body></html>"
    with pytest.raises(CorpusRejected, match="is an HTML page, not a table of tracks"):
        open_reader(find_sources([f"{web.address}/tracks.csv"], tmp_path)[0])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense://a/b.csv", "nothing here knows nonsense://"),
        ("http://", "check the address"),
        ("http://x:none/x.csv", "check the address"),
    ],
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str, said: str) -> None:
    with pytest.raises(CorpusRejected, match=said):
        find_sources([address], tmp_path)


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec.core

    def missing(*_: object, **__: object) -> None:
        message = "Install s3fs to access S3"
        raise ImportError(message)

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(CorpusRejected, match="install the package s3fs, or Encore's extra s3"):
        find_sources(["s3://tracks/x.csv"], tmp_path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start an S3-compatible server in a process of its own; return the folder whose folders are its buckets."""
    folder = tmp_path_factory.mktemp("buckets")
    (folder / "music" / "playlists").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch, s3_server(folder, "--dir-cache-time", "0s") as port:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", USER)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield folder


def test_s3_a_file_a_folder_and_a_pattern(store: Path, tmp_path: Path) -> None:
    bucket = store / "music"
    (bucket / "playlists" / "a.csv").write_bytes(TRACKS)
    (bucket / "playlists" / "b.csv.gz").write_bytes(gzip.compress(TRACKS + b"3,Bob,70\n"))
    (bucket / "playlists" / "notes.txt").write_bytes(b"no table")
    (one,) = find_sources(["s3://music/playlists/a.csv"], tmp_path)
    assert (one.name, one.place, len(rows(one))) == ("a.csv", "s3://music/playlists/a.csv", 2)
    assert [source.name for source in find_sources(["s3://music/playlists"], tmp_path)] == ["a.csv", "b.csv.gz"]
    found = find_sources(["s3://music/*/b*"], tmp_path)
    assert [len(rows(source)) for source in found] == [3]


def test_s3_what_changed_is_fetched_again_and_what_did_not_is_not(
    store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = store / "music" / "changing.csv"
    path.write_bytes(TRACKS)
    with caplog.at_level("INFO", logger="encore"):
        before = find_sources(["s3://music/changing.csv"], tmp_path)
        assert find_sources(["s3://music/changing.csv"], tmp_path) == before
        assert caplog.text.count("fetched s3://music/changing.csv") == 1
        path.write_bytes(TRACKS.replace(b"Ann", b"Eve"))
        assert rows(find_sources(["s3://music/changing.csv"], tmp_path)[0])[0][1] == "Eve"


@pytest.mark.parametrize("address", ["s3://music/none.csv", "s3://nowhere/none.csv", "s3://music/none*.csv"])
@pytest.mark.usefixtures("store")
def test_s3_what_is_not_there_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(CorpusRejected, match="check the address"):
        find_sources([address], tmp_path)


@pytest.mark.usefixtures("store")
def test_s3_a_wrong_key_is_refused_without_being_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-hush")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(CorpusRejected, match="check the credentials") as caught:
        find_sources(["s3://music/playlists"], tmp_path)
    assert "hush" not in str(caught.value)
    s3fs.S3FileSystem.clear_instance_cache()
