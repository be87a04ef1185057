"""Pictures, files and Markdown as parts of one HTML page that needs nothing beside it."""

import base64
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup


def data_uri(path: Path) -> str:
    """The file as an address that holds it."""
    kind = mimetypes.guess_type(path.name)[0] or "text/plain"
    return data_uri_of(path.read_bytes(), kind)


def data_uri_of(content: bytes, kind: str) -> str:
    """``content`` of the media type ``kind`` as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def markdown_html(text: str, *, folder: Path, anchors: Mapping[Path, str]) -> tuple[Markup, set[Path]]:
    """Markdown as HTML without its first heading, and the pictures that are shown in it.

    Pictures become part of the page. Links to what the page shows lead there; all others would need a network or the
    checkout, so they are written out instead. Headings begin at the third level. HTML in the text stays text.

    Parameters
    ----------
    folder: where the text lies: relative addresses start from there.
    anchors: by resolved path, what in the checkout is shown where on the page.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    if len(tokens) > 2 and (tokens[0].type, tokens[0].tag) == ("heading_open", "h1"):
        tokens = tokens[3:]
    shown: set[Path] = set()
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        if token.children:
            token.children = _self_contained(token.children, folder, anchors, shown)
    return Markup(reader.renderer.render(tokens, reader.options, {})), shown


def first_heading(text: str) -> str | None:
    """The title of a Markdown page."""
    lines = (line for line in text.splitlines() if line.strip())
    first = next(lines, "")
    return first.removeprefix("# ").strip() if first.startswith("# ") else None


def _self_contained(tokens: list[Token], folder: Path, anchors: Mapping[Path, str], shown: set[Path]) -> list[Token]:
    """The parts of a paragraph with pictures put in and links that lead nowhere written out."""
    done: list[Token] = []
    written_out: list[str] = []  # one for every link that is open: what to say at its end
    for token in tokens:
        if token.type == "image":
            done.append(_picture(token, folder, shown))
        elif token.type == "link_open":
            address = str(token.attrs["href"])
            anchor = anchors.get((folder / urlsplit(address).path).resolve()) if not urlsplit(address).scheme else None
            if anchor is not None:
                token.attrs["href"] = f"#{anchor}"
                done.append(token)
                written_out.append("")
            else:
                written_out.append(f" ({address})")
        elif token.type == "link_close":
            address = written_out.pop()
            done.append(_text(address) if address else token)
        else:
            done.append(token)
    return done


def _picture(token: Token, folder: Path, shown: set[Path]) -> Token:
    """The picture as a part of the page, or what it would have shown."""
    path = folder / str(token.attrs["src"])
    if not path.is_file():
        return _text(f"[no picture {token.attrs['src']}: {token.content}]")
    shown.add(path.resolve())
    token.attrs["src"] = data_uri(path)
    return token


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
