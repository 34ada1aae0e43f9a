"""The size of the packages, which Lambda loads before anything else."""

import pytest
from template import PACKAGE, SCALE_PACKAGE

# README.md's table: the package, zipped, in bytes.
BUDGET = 4_600_000


@pytest.mark.parametrize("package", [PACKAGE, SCALE_PACKAGE], ids=lambda package: package.name)
def test_each_package_is_within_its_budget(package):
    size = (package / "bootstrap.zip").stat().st_size
    assert size <= BUDGET, f"{package}: {size:,} bytes zipped, the budget is {BUDGET:,}; see dev_logs, performance"
