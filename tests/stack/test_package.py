"""The size of the package, which Lambda loads before anything else."""

import zipfile

from template import BUILT

# README.md's table: the package, zipped, in bytes.
BUDGET = 3_400_000


def test_the_package_is_within_its_budget(tmp_path):
    binaries = list(BUILT.glob("*/bootstrap"))
    assert binaries, f"nothing was built below {BUILT}"
    for binary in binaries:
        package = tmp_path / "package.zip"
        with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.write(binary, binary.name)
        size = package.stat().st_size
        assert size <= BUDGET, f"{binary}: {size:,} bytes zipped, the budget is {BUDGET:,}; see dev_logs, performance"
