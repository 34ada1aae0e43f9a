"""The project's own sandbox, which counts the calls of each token, as its own process."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

from template import ROOT

LUXURY_BRANDS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "luxury-brands"


class Sandbox:
    """`luxury-brands sandbox`, until it is stopped."""

    def __init__(self, folder: Path, *arguments: str):
        self.process = subprocess.Popen(
            [LUXURY_BRANDS, "sandbox", "serve", "--config", ROOT / "configure.ini", *arguments], cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        told = self.process.stdout.readline()
        self.address = next(word for word in told.replace(";", " ").split() if word.startswith("http://"))

    def counts(self) -> dict:
        with urllib.request.urlopen(f"{self.address}/_calls", timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
