"""The pages of the documentation, parsed: headings, links and blocks of commands."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
LUXURY_BRANDS = Path(os.environ.get("LUXURY_BRANDS", ROOT / "target" / "debug" / "luxury-brands")).resolve()


def git(*arguments: str) -> list[str]:
    """The paths that `git ls-files` prints."""
    output = subprocess.run(["git", "ls-files", "-z", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(set(output.split("\0")) - {""})


# What a commit of everything would have. Ignored files exist only on one machine, so no page may link to them.
FILES = [path for path in git("--cached", "--others", "--exclude-standard") if (ROOT / path).is_file()]
FOLDERS = {parent.as_posix() for path in FILES for parent in Path(path).parents}
PAGES = [path for path in FILES if re.fullmatch(r"((docs|dev_logs)/)?[^/]+\.md", path)]
DOCS = [path for path in PAGES if path.startswith("docs/")]


@dataclass(frozen=True)
class Link:
    page: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.target}"

    @property
    def is_relative(self) -> bool:
        return not re.match(r"[a-z][a-z0-9+.-]*:|//", self.target, re.IGNORECASE)

    @property
    def path(self) -> str:
        """The path that the link names, relative to the root of the repository."""
        path = unquote(self.target.partition("#")[0])
        if not path:
            return self.page
        return os.path.normpath(Path(self.page).parent / path)

    @property
    def anchor(self) -> str:
        return unquote(self.target.partition("#")[2])


@dataclass(frozen=True)
class Block:
    """A block of commands. `reason` is the text of the marker `<!-- not run: … -->` before it."""

    page: str
    line: int
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


class Attributes(HTMLParser):
    """What HTML within a page links to, and the anchors that it sets."""

    def __init__(self, html: str):
        super().__init__()
        self.targets: list[str] = []
        self.anchors: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.targets.append(value)
            elif name == "srcset" and value:
                self.targets += [candidate.split()[0] for candidate in value.split(",")]
            elif name in ("id", "name") and value:
                self.anchors.append(value)


@cache
def tokens(page: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text(encoding="utf-8"))


def inline(page: str) -> Iterator[tuple[int, Token]]:
    """The parts of each text of the page, with the line where the text begins."""
    for token in tokens(page):
        for child in token.children or []:
            yield token.map[0] + 1, child


def links(page: str) -> list[Link]:
    found = []
    for line, token in inline(page):
        target = token.attrGet("href") or token.attrGet("src")
        if target:
            found.append(Link(page, line, str(target)))
        elif token.type == "html_inline":
            found += [Link(page, line, target) for target in Attributes(token.content).targets]
    for token in tokens(page):
        if token.type == "html_block":
            found += [Link(page, token.map[0] + 1, target) for target in Attributes(token.content).targets]
    return found


@cache
def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives the headings of the page, and those that its HTML sets."""
    found: dict[str, int] = {}
    set_by_html = []
    for token, text in zip(tokens(page), tokens(page)[1:]):
        if token.type == "heading_open":
            heading = "".join(child.content for child in text.children if child.type in ("text", "code_inline"))
            slug = base = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            while slug in found:
                found[base] += 1
                slug = f"{base}-{found[base]}"
            found[slug] = 0
        elif token.type == "html_block":
            set_by_html += Attributes(token.content).anchors
    for _, token in inline(page):
        if token.type == "html_inline":
            set_by_html += Attributes(token.content).anchors
    return {*found, *set_by_html}


def blocks(page: str) -> list[Block]:
    found = []
    before = None
    for token in tokens(page):
        if token.type == "fence" and token.info.split()[:1] == ["sh"]:
            marker = before and before.type == "html_block" and re.fullmatch(r"<!-- not run: (.+) -->", before.content.strip())
            found.append(Block(page, token.map[0] + 2, token.content, marker[1] if marker else None))
        before = token
    return found
