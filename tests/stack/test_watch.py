"""The files in `deploy/`, which run the schedules without AWS."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]

UNIT = ROOT / "deploy/luxury-brands.service"
COMPOSE = ROOT / "deploy/compose.yaml"


def settings(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_watches_and_takes_a_stop_for_success():
    unit = settings(UNIT.read_text())
    assert unit["ExecStart"][0].endswith("/luxury-brands watch")
    assert "143" in unit["SuccessExitStatus"][0].split()
    assert unit["Restart"] == ["on-failure"] and unit["DynamicUser"] == ["yes"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_every_line_of_the_unit(tmp_path):
    # The program is not installed here.
    unit = UNIT.read_text().replace("/usr/local/bin/luxury-brands", shutil.which("true"))
    path = tmp_path / UNIT.name
    path.write_text(unit)
    verified = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    path.write_text(unit.replace("TimeoutStopSec=90", "TimeoutStopSec=ninety"))
    wrong = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    assert "ninety" in wrong.stderr


def test_the_compose_file_watches_as_a_user_without_rights_on_a_read_only_root():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    (service,) = services.values()
    assert service["entrypoint"] == ["luxury-brands"] and service["command"] == ["watch"]
    assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["user"].split(":")[0] != "0"
    assert not any(key in str(service["environment"]) for key in ("TOKEN", "token"))
    assert service["secrets"] == list(yaml.safe_load(COMPOSE.read_text())["secrets"])
