"""Runs the code blocks of a page one after the other, as a reader would who types them in.

Python blocks share their names down the page; each ```sh block is a Bash script of its own. The
line `<!-- not run: REASON -->` above a block leaves it out.

    python -m tests.docs.run_page docs/tutorials/audit.md python,sh
"""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys

_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+) -->\n)?```(?P<language>python|sh)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclasses.dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        language: str, `"python"` or `"sh"`.
        text: str.
        line: int, of its first line, counted from 1.
        reason: str, why it is not run; empty where it is.
    """

    language: str
    text: str
    line: int
    reason: str


def read_blocks(text):
    """The code blocks of a page, a list of `Block`."""
    return [
        Block(
            match["language"],
            match["text"],
            text.count("\n", 0, match.start("text")) + 1,
            match["reason"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def run_page(path, languages):
    """Runs the blocks of some languages.

    Args:
        path: `pathlib.Path` of the page.
        languages: collection of str.
    """
    names = {"__name__": "__main__"}
    for block in read_blocks(path.read_text()):
        if block.reason or block.language not in languages:
            continue
        print(f"{path}:{block.line}", file=sys.stderr, flush=True)
        if block.language == "python":
            above = "\n" * (block.line - 1)  # so that a traceback names the line of the page
            exec(compile(above + block.text, str(path), "exec"), names)
        else:
            _run_script(block.text)


def _run_script(text):
    installed = os.path.dirname(sys.executable)  # where `crosspool` and `python` are
    environment = os.environ | {"PATH": f"{installed}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=environment, check=True)


if __name__ == "__main__":
    run_page(pathlib.Path(sys.argv[1]), sys.argv[2].split(","))
