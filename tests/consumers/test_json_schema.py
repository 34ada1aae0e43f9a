"""What was collected fits `luxury-brands schema --for json-schema`, and what the collector never stores does not."""

import copy
import json

import pytest
from jsonschema import Draft202012Validator

from conftest import MODELS, read


def validator(collected, model):
    schema = json.loads(collected.schema("json-schema", model))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def documents(collected, model):
    for path in collected.objects(model):
        records = read(path, collected.format)
        yield from [records] if collected.format == "array" else records


def test_every_object_fits(collected, model):
    fits = validator(collected, model)
    checked = [fits.validate(document) for document in documents(collected, model)]
    assert checked


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("media_id", ""),
        ("media_id", 17),
        ("like_count", None),
        ("like_count", 1.5),
        ("like_count", 2**63),
        ("timestamp", ""),
        ("timestamp", "2023-08-23T13:59:34Z"),
        ("media_type", "FEED"),
        ("media_url", "ftp://x.y/z"),
        ("caption", ...),
        ("extra", 1),
    ],
)
def test_a_record_that_would_break_a_load_does_not_fit(collected, field, value):
    document = copy.deepcopy(next(documents(collected, "media")))
    record = document[0] if collected.format == "array" else document
    if value is ...:
        del record[field]
    else:
        record[field] = value
    assert not validator(collected, "media").is_valid(document)


def test_all_models_stand_in_one_document(collected):
    schema = json.loads(collected.schema("json-schema"))
    Draft202012Validator.check_schema(schema)
    assert sorted(schema["$defs"]) == sorted(MODELS)
