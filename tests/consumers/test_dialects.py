"""The statements for engines that cannot be had here are at least sentences of their languages."""

import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

# What each engine's script consists of, by format.
KINDS = {
    ("athena", "array"): ["Create", "Create"],
    ("athena", "ndjson"): ["Create", "Create"],
    # COPY takes no array: it stands in a comment.
    ("redshift", "array"): ["Create"],
    ("redshift", "ndjson"): ["Create", "Copy"],
    ("snowflake", "array"): ["Create", "Create", "Copy"],
    ("snowflake", "ndjson"): ["Create", "Create", "Copy"],
}


@pytest.mark.parametrize("engine", ["athena", "redshift", "snowflake"])
def test_every_statement_parses(collected, model, engine):
    parsed = []
    for statement in collected.statements(engine, model):
        found = sqlglot.parse(statement, dialect=engine, error_level=ErrorLevel.RAISE)
        parsed += [s for s in found if s is not None and not isinstance(s, exp.Semicolon)]
    assert [type(s).__name__ for s in parsed] == KINDS[engine, collected.format]


@pytest.mark.parametrize("engine", ["redshift", "snowflake"])
def test_every_column_is_not_null(collected, model, engine):
    create = sqlglot.parse(collected.statements(engine, model)[0], dialect=engine)[0]
    columns = list(create.find_all(exp.ColumnDef))
    assert [c.name.lower() for c in columns] == list(collected.records(model)[0])
    assert all(c.find(exp.NotNullColumnConstraint) for c in columns)
