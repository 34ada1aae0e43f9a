"""The size of the packages, which Lambda loads before anything else."""

import zipfile

import pytest
from template import PACKAGE, SCALE_PACKAGE

# The goal in dev_logs/2026-11-24-performance.md: the package, zipped, in bytes.
BUDGET = 4_600_000


@pytest.mark.parametrize("package", [PACKAGE, SCALE_PACKAGE], ids=lambda package: package.name)
def test_each_package_is_within_its_budget(package):
    size = (package / "bootstrap.zip").stat().st_size
    assert size <= BUDGET, f"{package}: {size:,} bytes zipped, the budget is {BUDGET:,}; see dev_logs, performance"


@pytest.mark.parametrize("package", [PACKAGE, SCALE_PACKAGE], ids=lambda package: package.name)
def test_the_same_program_gives_the_same_archive(package):
    (entry,) = zipfile.ZipFile(package / "bootstrap.zip").infolist()
    assert (entry.filename, entry.date_time, entry.extra) == ("bootstrap", (1980, 1, 1, 0, 0, 0), b"")
