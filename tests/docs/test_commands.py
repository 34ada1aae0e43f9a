"""The commands of the pages run as they are typed.

All blocks ```sh of a page run in order, in one shell, from the root of a fresh clone. A block with a comment
`<!-- not run: needs AWS -->` before it is listed as skipped.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pages import DOCS, LUXURY_BRANDS, ROOT, blocks, git, inline, tokens

RUN = ["README.md", *DOCS]
REASONS = {
    "needs AWS",
    "needs Docker",
    "needs GitHub",
    "needs a real account",
    "needs a terminal",
    "needs the release",
    "runs for ever",
    "slow: covered by .ci/run",
}

# `cargo run -- …` is the binary that is tested. `.ci/docs` shows that cargo selects it.
CARGO = """#!/bin/sh
if [ "$1 $2" = "run --" ]; then shift 2; exec luxury-brands "$@"; fi
echo "only 'cargo run -- …' is run here: mark this block" >&2
exit 1
"""

# Each command is followed by `(exit $?)`, since `set -e` ignores that `first` fails in `first && second`.
SHELL = """trap 'status=$?; [ $status = 0 ] || printf "\\n%s: exit status %s: %s\\n" "$PLACE" "$status" "$COMMAND" >&2' EXIT
"""
STEP = """PLACE={place} COMMAND={command}
eval "$COMMAND"
(exit $?)
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the repository with the changes that are not committed."""
    folder = tmp_path / "clone" / "luxury-brands"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True, capture_output=True)
    for path in git("--deleted"):
        (folder / path).unlink(missing_ok=True)
    for path in git("--modified", "--others", "--exclude-standard"):
        if (ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, folder / path)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a new user: no account, no settings, and no way out of this machine."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "luxury-brands").symlink_to(LUXURY_BRANDS)
    (programs / "duckdb").symlink_to(Path(sys.executable).parent / "duckdb")
    (programs / "cargo").write_text(CARGO, encoding="utf-8")
    (programs / "cargo").chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    dead = "http://127.0.0.1:9"
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        **{name: dead for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")},
        **{name: "127.0.0.1,localhost" for name in ("NO_PROXY", "no_proxy")},
    }


def is_complete(command: str) -> bool:
    # bash only warns of a here-document without its end.
    done = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, timeout=60)
    return done.returncode == 0 and not done.stderr and not command.endswith("\\\n")


def commands_to_run(page: str) -> Iterator[tuple[int, str]]:
    """The commands of the page with the lines where they begin."""
    for block in blocks(page):
        if block.reason is not None:
            continue
        start, command = block.line, ""
        for number, line in enumerate(block.text.splitlines(keepends=True), block.line):
            command += line
            if is_complete(command):
                yield start, command
                start, command = number + 1, ""
        if command:
            yield start, command


@pytest.mark.parametrize("page", [page for page in RUN if any(block.reason is None for block in blocks(page))])
def test_commands_run_as_typed(page, clone, environment, tmp_path):
    script = tmp_path / "script"
    steps = [STEP.format(place=f"{page}:{line}", command=shlex.quote(text)) for line, text in commands_to_run(page)]
    script.write_text(SHELL + "".join(steps), encoding="utf-8")
    output = tmp_path / "output"
    with output.open("wb") as file:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", str(script)],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = shell.wait(timeout=300)
        except subprocess.TimeoutExpired:
            status = "none: it has not ended within 300 s. Mark a block that runs for ever"
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            shell.wait()
    if status != 0:
        last = "\n".join(output.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])
        pytest.fail(f"{page}: exit status {status}\n{last}", pytrace=False)


@pytest.mark.parametrize("block", [block for page in RUN for block in blocks(page) if block.reason is not None], ids=str)
def test_blocks_that_are_not_run_have_a_reason(block):
    assert block.reason in REASONS
    assert is_complete(block.text), f"{block}: bash cannot read this block"
    pytest.skip(f"{block}: {block.reason}")


@pytest.mark.parametrize("page", [*RUN, "README.ko.md"])
def test_every_block_names_its_language(page):
    # In an indented block or one of another name, commands would not be run.
    indented = [f"{page}:{token.map[0] + 1}: indented" for token in tokens(page) if token.type == "code_block"]
    fenced = [f"{page}:{token.map[0] + 1}: ```{token.info}" for token in tokens(page) if token.type == "fence"]
    faults = indented + [block for block in fenced if block.partition("```")[2] in ("", "bash", "console", "shell")]
    assert not faults, "\n".join(faults)


def test_the_korean_readme_has_the_same_commands():
    def commands(page: str) -> list[list[str]]:
        return [[str(block.reason), *shlex.split(block.text, comments=True)] for block in blocks(page)]

    assert commands("README.ko.md") == commands("README.md")


@cache
def help_of(*command: str) -> str:
    done = subprocess.run([LUXURY_BRANDS, *command, "--help"], capture_output=True, text=True, timeout=60)
    return done.stdout if done.returncode == 0 else ""


def unknown_options(arguments: list[str]) -> list[str]:
    """The long options among the arguments that the help of their command does not have."""
    command: list[str] = []
    for word in arguments:
        if f"Usage: luxury-brands {' '.join([*command, word])} " not in help_of(*command, word).replace("\n", " "):
            break
        command.append(word)
    known = re.findall(r"--[a-z][a-z-]*", help_of(*command))
    return [word for word in arguments if word.startswith("--") and len(word) > 2 and word.partition("=")[0] not in known]


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each command in the text, without comments."""
    line = ""
    for part in text.replace("\\\n", " ").splitlines():
        line += part
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:
            # A quotation that goes on in the next line.
            line += "\n"
            continue
        line = ""
        command: list[str] = []
        for word in [*words, ";"]:
            if set(word) <= set("();<>|&"):
                yield command
                command = []
            else:
                command.append(word)


def arguments_of_luxury_brands(command: list[str]) -> list[str]:
    for index, word in enumerate(command):
        # After an option such as `--bin`, the name is its value.
        if word.rpartition("/")[2] == "luxury-brands" and not "".join(command[:index][-1:]).startswith("-"):
            return command[index + 1 :]
        if command[index - 2 : index + 1] == ["cargo", "run", "--"]:
            return command[index + 1 :]
    return []


@pytest.mark.parametrize("page", RUN)
def test_options_exist(page):
    texts = [(block.line, block.text) for block in blocks(page)]
    texts += [(line, token.content) for line, token in inline(page) if token.type == "code_inline"]
    faults = [
        f"{page}:{line}: {shlex.join(command)}: no option {option}"
        for line, text in texts
        if "luxury-brands" in text or "cargo run --" in text
        for command in commands_in(text)
        for option in unknown_options(arguments_of_luxury_brands(command))
    ]
    assert not faults, "\n".join(faults)
