//! The Parquet of finished days, as `luxury-brands schema compaction --for duckdb` writes it: the rows of the loaded
//! objects, in a folder for each table and day.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::DateTime;
use indexmap::IndexSet;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::quality::{Case, Failure, Quality, TopicRun};
use super::record::{Slot, seconds, slot};
use super::{Kind, Object, Record};
use crate::storage::Listed;
use collector::record::{Field, Mapping, Model};

/// The folder of a table.
pub(super) fn folder(table: &str) -> String {
    format!("parquet/rows_of={table}")
}

/// The table that lists the objects of a day. It is written last.
pub(super) const OBJECTS: &str = "loaded_objects";

/// The day of a file, as its folder is called; `None` for a file that no compaction wrote.
pub(super) fn day(name: &str) -> Option<&str> {
    let mut parts = name.rsplit('/');
    parts.next()?.strip_suffix(".parquet")?;
    parts.next().filter(|folder| folder.starts_with("day="))
}

/// The objects in a file of [`OBJECTS`], as they were when their rows were written.
///
/// # Errors
/// If it is not such a file, as text for a person.
pub(super) fn objects(file: Vec<u8>) -> Result<Vec<Listed>, String> {
    let mut objects = Vec::new();
    for rows in rows(file, &["source_key", "size", "last_modified"])? {
        objects.extend((0..rows.count).map(|row| Listed {
            name: rows.text("source_key", row).unwrap_or_default().to_owned(),
            size: rows.number("size", row).unwrap_or_default(),
            modified: rows.number("last_modified", row).unwrap_or_default().div_euclid(MICROSECONDS),
        }));
    }
    Ok(objects)
}

/// The microseconds of a second. An instant is stored in microseconds since 1970.
const MICROSECONDS: i64 = 1_000_000;

/// A table with rows of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Records,
    Quality,
    Topics,
}

impl Table {
    pub(super) const ALL: [Self; 3] = [Self::Records, Self::Quality, Self::Topics];

    pub(super) fn name(self, model: Model) -> String {
        match self {
            Self::Records => format!("{}_rows", model.name()),
            Self::Quality => "quality".to_owned(),
            Self::Topics => "object_topics".to_owned(),
        }
    }
}

/// The rows of a model of a day.
#[derive(Debug, Default)]
pub(crate) struct Day {
    groups: Vec<Rows>,
    /// By object: the rows of its records, as a group and the row in it.
    records: HashMap<String, Vec<(usize, usize)>>,
    quality: HashMap<String, Quality>,
    /// What was read.
    pub(crate) files: usize,
    pub(crate) bytes: usize,
}

impl Day {
    /// Reads the files of a day, which have a table and a name.
    ///
    /// # Errors
    /// The name of a file that is not such a table, and the problem as text for a person.
    pub(super) fn read(mapping: &Mapping, files: Vec<(Table, Vec<u8>, String)>) -> Result<Self, (String, String)> {
        let mut day = Self::default();
        for (table, file, name) in files {
            day.files += 1;
            day.bytes += file.len();
            let read = match table {
                Table::Records => day.add_records(mapping, file),
                Table::Quality => day.add_quality(mapping.model, file),
                Table::Topics => day.add_topics(mapping.model, file),
            };
            read.map_err(|reason| (name, reason))?;
        }
        Ok(day)
    }

    fn add_records(&mut self, mapping: &Mapping, file: Vec<u8>) -> Result<(), String> {
        let fields = mapping.fields().iter().filter(|field| slot(mapping.model, &field.response).is_some());
        let columns: Vec<&str> = fields.map(|field| field.output.as_str()).chain(["source_key"]).collect();
        for rows in rows(file, &columns)? {
            for row in 0..rows.count {
                let key = rows.text("source_key", row).unwrap_or_default();
                match self.records.get_mut(key) {
                    Some(records) => records.push((self.groups.len(), row)),
                    None => drop(self.records.insert(key.to_owned(), vec![(self.groups.len(), row)])),
                }
            }
            self.groups.push(rows);
        }
        Ok(())
    }

    fn add_quality(&mut self, model: Model, file: Vec<u8>) -> Result<(), String> {
        let columns = ["model", "outcome", "cases", "record_id", "field", "reason", "topic", "source_key"];
        for rows in rows(file, &columns)? {
            for row in (0..rows.count).filter(|row| rows.text("model", *row) == Some(model.name())) {
                let text = |column| rows.text(column, row);
                let (topic, field, reason, id) = (text("topic"), text("field"), text("reason"), text("record_id"));
                let outcome = text("outcome").unwrap_or_default();
                self.quality_of(&rows, row).add_row(
                    outcome,
                    rows.number("cases", row),
                    Case { topic, field, reason, id },
                );
            }
        }
        Ok(())
    }

    fn add_topics(&mut self, model: Model, file: Vec<u8>) -> Result<(), String> {
        let failure = ["failure_kind", "failure_code", "failure_message"];
        let columns = ["model", "topic", "user_id", "asked_at", "records", "source_key"];
        for rows in rows(file, &[&columns[..], &failure].concat())? {
            for row in (0..rows.count).filter(|row| rows.text("model", *row) == Some(model.name())) {
                let text = |column| rows.text(column, row).unwrap_or_default().to_owned();
                let failure = |kind: &str| Failure {
                    kind: kind.to_owned(),
                    code: rows.number("failure_code", row),
                    message: text("failure_message"),
                };
                let topic = TopicRun {
                    topic: text("topic"),
                    user_id: text("user_id"),
                    asked_at: rows.number("asked_at", row).and_then(DateTime::from_timestamp_micros),
                    records: rows.number("records", row).and_then(|n| usize::try_from(n).ok()).unwrap_or_default(),
                    failure: rows.text("failure_kind", row).map(failure),
                };
                self.quality_of(&rows, row).topics.push(topic);
            }
        }
        Ok(())
    }

    /// The quality object of a row.
    fn quality_of(&mut self, rows: &Rows, row: usize) -> &mut Quality {
        let key = rows.text("source_key", row).unwrap_or_default().to_owned();
        self.quality.entry(key).or_insert_with(Quality::of_rows)
    }

    /// Whether it has rows of the object. A load passes over a quality object that it cannot read.
    pub(super) fn has(&self, object: &Object) -> bool {
        match object.kind {
            Kind::Records => self.records.contains_key(&object.key),
            Kind::Quality => self.quality.contains_key(&object.key),
        }
    }

    /// The quality object of a key.
    pub(super) fn quality(&self, key: &str) -> Option<Quality> {
        self.quality.get(key).cloned()
    }

    /// The records of the object of a key.
    pub(super) fn records(&self, mapping: &Mapping, key: &str) -> Vec<Record> {
        let groups: Vec<Vec<_>> = self.groups.iter().map(|rows| rows.slots(mapping).collect()).collect();
        let rows = self.records.get(key).map_or(&[][..], Vec::as_slice);
        let record = |&(group, row): &(usize, usize)| {
            let mut record = Record::default();
            for (column, slot) in groups.get(group).into_iter().flatten() {
                match slot(&mut record) {
                    Slot::Text(text) => *text = column.text(row).unwrap_or_default().to_owned(),
                    Slot::Figure(figure) => *figure = column.number(row),
                    Slot::Instant(at) => *at = column.instant(row),
                }
            }
            record
        };
        rows.iter().map(record).collect()
    }
}

/// Some columns of a group of rows.
#[derive(Debug, Default)]
struct Rows {
    count: usize,
    columns: HashMap<String, Column>,
}

/// The values of a column, with `None` for each null.
#[derive(Debug)]
enum Column {
    /// Each distinct text once, and the place of each row's text among them. Most texts of a day are in many rows.
    Text { texts: IndexSet<String>, rows: Vec<Option<u32>> },
    /// Whole numbers, or instants in microseconds since 1970.
    Number(Vec<Option<i64>>),
}

impl Column {
    /// Reads a column of a group of rows.
    fn read(reader: ColumnReader, name: &str, count: usize) -> Result<Self, ParquetError> {
        match reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                let (mut texts, mut rows) = (IndexSet::new(), Vec::with_capacity(count));
                each(reader, count, |text: Option<ByteArray>| {
                    let text = text.as_ref().map(ByteArray::as_utf8).transpose()?;
                    let place = text.map(|text| match texts.get_index_of(text) {
                        Some(place) => place,
                        None => texts.insert_full(text.to_owned()).0,
                    });
                    rows.push(place.and_then(|place| u32::try_from(place).ok()));
                    Ok(())
                })?;
                Ok(Self::Text { texts, rows })
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let mut rows = Vec::with_capacity(count);
                each(reader, count, |number| {
                    rows.push(number);
                    Ok(())
                })?;
                Ok(Self::Number(rows))
            }
            _ => Err(ParquetError::General(format!("{} is neither text nor a whole number", name))),
        }
    }

    fn text(&self, row: usize) -> Option<&str> {
        let Self::Text { texts, rows } = self else { return None };
        let place = usize::try_from((*rows.get(row)?)?).ok()?;
        texts.get_index(place).map(String::as_str)
    }

    fn number(&self, row: usize) -> Option<i64> {
        let Self::Number(rows) = self else { return None };
        *rows.get(row)?
    }

    /// In seconds since 1970; `None` for the default.
    fn instant(&self, row: usize) -> Option<i64> {
        match self {
            Self::Text { .. } => self.text(row).and_then(seconds),
            Self::Number(_) => self.number(row).map(|at| at.div_euclid(MICROSECONDS)).filter(|at| *at != 0),
        }
    }
}

impl Rows {
    /// The columns that records use, and where a record keeps each.
    fn slots(&self, mapping: &Mapping) -> impl Iterator<Item = (&Column, fn(&mut Record) -> Slot<'_>)> {
        let slot = |field: &Field| Some((self.columns.get(&field.output)?, slot(mapping.model, &field.response)?));
        mapping.fields().iter().filter_map(slot)
    }

    fn text(&self, column: &str, row: usize) -> Option<&str> {
        self.columns.get(column)?.text(row)
    }

    fn number(&self, column: &str, row: usize) -> Option<i64> {
        self.columns.get(column)?.number(row)
    }
}

/// The groups of rows of a file, with those of the columns that it has.
fn rows(file: Vec<u8>, columns: &[&str]) -> Result<Vec<Rows>, String> {
    let read = || -> Result<Vec<Rows>, ParquetError> {
        let file = SerializedFileReader::new(Bytes::from(file))?;
        let mut groups = Vec::new();
        for group in 0..file.num_row_groups() {
            let group = file.get_row_group(group)?;
            let count = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
            let mut rows = Rows { count, columns: HashMap::new() };
            for (i, column) in group.metadata().schema_descr().columns().iter().enumerate() {
                if columns.contains(&column.name()) {
                    let values = Column::read(group.get_column_reader(i)?, column.name(), count)?;
                    rows.columns.insert(column.name().to_owned(), values);
                }
            }
            groups.push(rows);
        }
        Ok(groups)
    };
    read().map_err(|error| error.to_string())
}

/// The rows that are decoded at once.
const BATCH: usize = 4_096;

/// Hands over each value of a column of a group of rows.
fn each<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    count: usize,
    mut add: impl FnMut(Option<T::T>) -> Result<(), ParquetError>,
) -> Result<(), ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < count {
        let (records, present, _) =
            reader.read_records(BATCH.min(count - read), Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::EOF(format!("{read} of {count} rows")));
        }
        read += records;
        // A column without nulls may have no levels.
        levels.resize(if levels.is_empty() { present } else { levels.len() }, 1);
        let mut values = values.drain(..);
        for level in levels.drain(..) {
            add(if level == 0 { None } else { values.next() })?;
        }
    }
    Ok(())
}
