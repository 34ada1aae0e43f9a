"""Every link leads somewhere, and every page of docs/ has its place in the index and a next one."""

import re

import pytest

from pages import DOCS, FILES, FOLDERS, PAGES, ROOT, Link, anchors, blocks, inline, links, tokens

# A path of two parts or more, without a pattern, relative to the root.
PATH = re.compile(r"(?<![\w./-])(?:\./)?(\.?\w[\w.-]*/[\w./-]*\w)(?![\w/*{<-])")
PAGE_NAME = re.compile(r"\b((?:docs|dev_logs)/[\w.-]+\.md)(?:#([\w-]+))?")


def missing(link: Link) -> str | None:
    if link.path not in FILES and link.path not in FOLDERS:
        return f"{link}: no file {link.path}"
    if link.anchor and link.path.endswith(".md") and link.anchor not in anchors(link.path):
        return f"{link}: {link.path} has no heading of this anchor"
    return None


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_and_anchors_exist(page):
    faults = [fault for link in links(page) if link.is_relative and (fault := missing(link))]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md" and not page.startswith("dev_logs/")])
def test_paths_in_commands_and_code_exist(page):
    # The pages that are left out also name files of the past.
    texts = [(block.line, block.text) for block in blocks(page)]
    texts += [(line, token.content) for line, token in inline(page) if token.type == "code_inline"]
    faults = [
        f"{page}:{line}: no file {path}"
        for line, text in texts
        for path in PATH.findall(text)
        if path.partition("/")[0] in FOLDERS and path not in FILES and path not in FOLDERS
    ]
    assert not faults, "\n".join(faults)


def test_pages_that_other_files_name_exist():
    faults = []
    for path in FILES:
        if path.endswith(".md"):
            continue
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8", errors="ignore").splitlines(), 1):
            for page, anchor in PAGE_NAME.findall(line):
                if page not in FILES:
                    faults.append(f"{path}:{number}: no file {page}")
                elif anchor and anchor not in anchors(page):
                    faults.append(f"{path}:{number}: {page} has no heading of the anchor {anchor}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("folder", ["docs", "dev_logs"])
def test_the_index_has_every_page(folder):
    index = f"{folder}/README.md"
    assert index in PAGES
    listed = {index, *(link.path for link in links(index))}
    assert [page for page in PAGES if page.startswith(f"{folder}/") and page not in listed] == []


@pytest.mark.parametrize("page", DOCS)
def test_a_page_begins_with_what_it_is_for(page):
    title, _, _, first = (token for token in tokens(page)[:4])
    assert (title.type, title.tag) == ("heading_open", "h1")
    assert first.type == "paragraph_open", f"{page} has no text between its title and {first.type}"


@pytest.mark.parametrize("page", DOCS)
def test_a_page_ends_with_the_next_one(page):
    last = (ROOT / page).read_text(encoding="utf-8").rstrip("\n").rpartition("\n")[2]
    assert re.fullmatch(r"Next: \[.+\]\(.+\)\.", last), f"{page} ends with {last!r}"


def test_the_korean_readme_links_to_the_same_files():
    def linked(page: str) -> set[str]:
        # Each links to the other language's page.
        return {link.path for link in links(page) if link.is_relative} - {"README.md", "README.ko.md"}

    assert sorted(linked("README.ko.md") ^ linked("README.md")) == []
