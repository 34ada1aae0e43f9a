"""The size of the packages, which Lambda loads before anything else."""

import zipfile

from template import BUILT, SCALE_BUILT

# README.md's table: the package, zipped, in bytes.
BUDGET = 4_600_000


def test_each_package_is_within_its_budget(tmp_path):
    binaries = [path for built in (BUILT, SCALE_BUILT) for path in built.glob("*/bootstrap")]
    assert len(binaries) == 2, f"the collector and the roll-up: run `bash .ci/stack` ({binaries})"
    for binary in binaries:
        package = tmp_path / "package.zip"
        with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.write(binary, binary.name)
        size = package.stat().st_size
        assert size <= BUDGET, f"{binary}: {size:,} bytes zipped, the budget is {BUDGET:,}; see dev_logs, performance"
