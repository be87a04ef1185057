"""Images, files and Markdown embedded into an HTML page without external resources."""

import base64
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")
"""Files that Markdown may embed into a page."""


def file_data_uri(path: Path) -> str:
    """Return a ``data:`` URI with the content of a file."""
    media_type = mimetypes.guess_type(path.name)[0] or "text/plain"
    return data_uri(path.read_bytes(), media_type)


def data_uri(content: bytes, media_type: str) -> str:
    """Return a ``data:`` URI with ``content``."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def markdown_html(text: str, *, folder: Path, anchors: Mapping[Path, str]) -> tuple[Markup, set[Path]]:
    """Return Markdown as HTML without its first heading, and the paths of the embedded images.

    Images are embedded. Links to content of the page become anchors. Other links require a network or the checkout: only
    their text remains, and the address of a web page. Headings start at the third level. HTML in the Markdown is escaped.

    Args:
        folder: base of relative addresses.
        anchors: anchor in the page by resolved path.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    if len(tokens) > 2 and (tokens[0].type, tokens[0].tag) == ("heading_open", "h1"):
        tokens = tokens[3:]
    embedded: set[Path] = set()
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        if token.children:
            token.children = _embed(token.children, folder, anchors, embedded)
    return Markup(parser.renderer.render(tokens, parser.options, {})), embedded


def first_heading(text: str) -> str | None:
    """Return the title of a Markdown page; None if it does not start with a heading."""
    lines = (line for line in text.splitlines() if line.strip())
    first = next(lines, "")
    return first.removeprefix("# ").strip() if first.startswith("# ") else None


def _embed(tokens: list[Token], folder: Path, anchors: Mapping[Path, str], embedded: set[Path]) -> list[Token]:
    """Embed the images of a paragraph and replace links to other pages by text."""
    result: list[Token] = []
    suffixes: list[str | None] = []  # one for each open link: the text that replaces its end, None to keep the link
    for token in tokens:
        if token.type == "image":
            result.append(_embed_image(token, folder, embedded))
        elif token.type == "link_open":
            address = str(token.attrs["href"])
            anchor = anchors.get((folder / urlsplit(address).path).resolve()) if not urlsplit(address).scheme else None
            if anchor is not None:
                token.attrs["href"] = f"#{anchor}"
                result.append(token)
                suffixes.append(None)
            else:
                suffixes.append(f" ({address})" if urlsplit(address).scheme else "")
        elif token.type == "link_close":
            suffix = suffixes.pop()
            result.append(token if suffix is None else _text(suffix))
        else:
            result.append(token)
    return result


def _embed_image(token: Token, folder: Path, embedded: set[Path]) -> Token:
    """Return the embedded image, or a text if the file is missing."""
    path = folder / str(token.attrs["src"])
    if path.suffix.lower() not in _IMAGE_SUFFIXES or not path.is_file():  # other files stay private
        return _text(f"[missing image {token.attrs['src']}: {token.content}]")
    embedded.add(path.resolve())
    token.attrs["src"] = file_data_uri(path)
    return token


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
