"""The query of docs/migrating.md compares what two versions stored."""

import json

import duckdb
import pytest

from conftest import FORMATS, ROOT, write

QUERY = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0]
BRAND = [{"user_id": "17", "name": "Hermès", "followers_count": 131}]
MEDIA = [{"user_id": "17", "media_id": str(id), "caption": f'"{id}" é\n', "like_count": id} for id in range(1, 6)]


@pytest.fixture
def compare(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def compare(brand, media, form="array"):
        for model, old, new in [("brand", BRAND, brand), ("media", MEDIA, media)]:
            name = f"raw/{model}_2026-01-31/{model}_2026-01-31_2300"
            write(tmp_path / "new" / f"{name}00.json", form, new)
            python = tmp_path / "old" / f"{name}14.json"
            python.parent.mkdir(parents=True)
            python.write_text(json.dumps(old))
        return duckdb.connect().execute(QUERY).fetchall()

    return compare


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_records_in_another_order_and_form_are_equal(compare, form):
    rows = compare(BRAND, MEDIA[::-1], form)
    assert rows == [("brand", "records in both", None, 1, None), ("media", "records in both", None, 5, None)]


def test_every_difference_is_counted(compare):
    one, two, three, four, _ = MEDIA
    without_caption = {name: value for name, value in four.items() if name != "caption"}
    rows = compare([BRAND[0] | {"followers_count": 132}], [{}, one, one, two | {"like_count": 9}, three | {"like_count": "3"}, without_caption])
    assert rows == [
        ("brand", "records in both", None, 1, None),
        ("brand", "value differs", "followers_count", 1, "2026-01-31_2300 17 131 | 132"),
        ("media", "only in new", None, 2, "2026-01-31_2300 "),
        ("media", "only in old", None, 1, "2026-01-31_2300 17 5"),
        ("media", "records in both", None, 4, None),
        ("media", "value differs", "caption", 1, '2026-01-31_2300 17 4 "\\"4\\" é\\n" |'),
        ("media", "value differs", "like_count", 2, "2026-01-31_2300 17 2 2 | 9"),
    ]


def test_an_empty_run_has_no_records(compare):
    assert compare([], MEDIA)[0] == ("brand", "only in old", None, 1, "2026-01-31_2300 17")
