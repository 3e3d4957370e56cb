"""What a reader sees of Markdown, and whether text of strangers in it is only text."""

from __future__ import annotations

import html
import re
import unicodedata

from markdown_it import MarkdownIt

_TAGS = {"p", "h2", "h3", "strong", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "img"}
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def driving(text: str) -> set[str]:
    """Return the characters that drive a terminal, or turn text around; line ends are ours."""
    return {letter for letter in text if letter in _TURNING or unicodedata.category(letter) in {"Cc", "Cs"}} - {"\n"}


def read(markdown: str) -> str:
    """Return the text that is read where Markdown is shown, by a renderer that passes HTML on.

    Fails where names in `made_up.HOSTILE` would be more than text.
    """
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    tags = re.findall(r"<[^>]*>", page)
    assert not driving(markdown)
    assert {name for tag in tags for name in re.findall(r"^</?(\w+)", tag)} <= _TAGS
    assert not re.search(r"evil\.example|javascript:|src=x", " ".join(tags))
    assert "<strong>bold" not in page
    # What GitHub's dialect and others make links of by themselves.
    assert not re.search(r"https?://evil|(?<!\\)www\.evil", markdown)
    return html.unescape(re.sub(r"<[^>]*>", "", page))
