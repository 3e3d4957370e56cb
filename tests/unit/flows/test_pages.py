"""Publications are served to be read, and nothing else is."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest

from flows.pages import ROOT, URL, Pages, link_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    version = tmp_path / "publications" / "sample" / "versions" / "20261122T160501Z-0123456789ab"
    (version / "data_docs").mkdir(parents=True)
    (version / "report.html").write_text("<h1>report</h1>", encoding="utf-8")
    (version / "data_docs" / "index.html").write_text("docs", encoding="utf-8")
    (version / "posterior.nc").write_bytes(b"draws")
    (version.parent.parent / "current").symlink_to("versions/20261122T160501Z-0123456789ab")
    (version.parent.parent / "escape").symlink_to("/etc")
    (tmp_path / "publications" / ".work").mkdir()
    (tmp_path / "publications" / ".work" / "secret.json").write_text("{}", encoding="utf-8")
    (tmp_path / "beside.txt").write_text("beside", encoding="utf-8")
    (tmp_path / "publications" / "<b>odd").mkdir()
    return tmp_path / "publications"


@pytest.fixture
def pages(root: Path) -> Iterator[Pages]:
    server = Pages(root)
    server.begin()
    yield server
    server.shutdown()
    server.server_close()


def ask(pages: Pages, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", pages.server_address[1], timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def test_a_report_is_read_by_its_version_and_as_current(pages: Pages) -> None:
    for version in ("current", "versions/20261122T160501Z-0123456789ab"):
        status, headers, body = ask(pages, f"/sample/{version}/report.html")
        assert (status, body) == (200, b"<h1>report</h1>")
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(pages, "/sample/current/report.html", "HEAD")[2] == b""
    assert ask(pages, "/sample/current/posterior.nc")[1]["Content-Type"] == "application/octet-stream"
    assert b"/sample/current/report.html" in ask(pages, "/")[2]


@pytest.mark.parametrize(
    "path",
    [
        "/.work/secret.json",
        "/../beside.txt",
        "/%2e%2e/beside.txt",
        "/sample/..%2f..%2fbeside.txt",
        "/sample/escape/passwd",
        "/sample/current",
        "/sample/current/",
        "/sample//current/report.html",
        "/sample/current/report.html%00.png",
        "//etc/passwd",
        "/nowhere",
    ],
)
def test_nothing_else_is_read(pages: Pages, path: str) -> None:
    status, _, body = ask(pages, path)
    assert (status, body) == (404, b"There is no such file in a publication.\n")


def test_nothing_is_written(pages: Pages) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(pages, "/sample/current/report.html", method)[0] == 501


def test_a_strangers_page_cannot_have_its_name_point_here(pages: Pages) -> None:
    assert ask(pages, "/sample/current/report.html", Host="evil.example:80")[0] == 421
    assert ask(pages, "/sample/current/report.html", Host="localhost:4201")[0] == 200


def test_links_lead_to_what_is_served(pages: Pages, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert link_to(root / "sample" / "current" / "report.html") == ""
    monkeypatch.setenv(URL, pages.url)
    monkeypatch.setenv(ROOT, str(root))
    link = link_to(root / "sample" / "current" / "report.html")
    assert ask(pages, link.removeprefix(pages.url))[0] == 200
    assert link_to(root / ".." / "beside.txt") == ""
