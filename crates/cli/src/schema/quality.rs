//! The table of the quality objects: what was stored, defaulted and left out.
//!
//! A row is one outcome of an object. `cases` adds up to the counts of the object, and each object has a row, the
//! one of `stored`, so that an object without quality is told from one in which nothing was wrong:
//!
//! | outcome | rows | `cases` |
//! | --- | --- | --- |
//! | `stored` | one for each object | the number of records |
//! | `defaulted` | one for each record and field that was defaulted | 1 |
//! | `rejected` | one for each record that was left out | 1 |
//! | `defaulted` or `rejected`, with the reason `not listed` | one, where the object counts cases that it has no room to list | their number |

use super::{COLLECTED_AT, Engine, SOURCE_KEY, Types};

/// The name of the table, and of the part of a schema.
pub(super) const TABLE: &str = "quality";

pub(super) const STORED: &str = "stored";
pub(super) const DEFAULTED: &str = "defaulted";
pub(super) const REJECTED: &str = "rejected";
pub(super) const NOT_LISTED: &str = "not listed";

/// The columns in their order.
pub(super) const COLUMNS: [Column; 10] = [
    Column { name: "model", kind: Kind::Text, nullable: false },
    Column { name: "outcome", kind: Kind::Text, nullable: false },
    Column { name: "cases", kind: Kind::Integer, nullable: false },
    // The key of the records beside it; NULL where none were stored.
    Column { name: "object_key", kind: Kind::Text, nullable: true },
    Column { name: "record_id", kind: Kind::Text, nullable: true },
    Column { name: "field", kind: Kind::Text, nullable: true },
    Column { name: "reason", kind: Kind::Text, nullable: true },
    // The topic of a record that was left out.
    Column { name: "topic", kind: Kind::Text, nullable: true },
    Column { name: COLLECTED_AT, kind: Kind::Instant, nullable: false },
    Column { name: SOURCE_KEY, kind: Kind::Text, nullable: false },
];

/// A column of the table.
pub(super) struct Column {
    pub(super) name: &'static str,
    kind: Kind,
    nullable: bool,
}

enum Kind {
    Text,
    Integer,
    Instant,
}

/// The columns of the table, with the types of an engine.
pub(super) fn columns(types: &Types, engine: &dyn Engine) -> String {
    let line = |column: &Column| {
        let kind = match column.kind {
            Kind::Text => types.text,
            Kind::Integer => types.integer,
            Kind::Instant => types.instant,
        };
        format!("    {} {kind}{}", engine.quoted(column.name), if column.nullable { "" } else { " NOT NULL" })
    };
    COLUMNS.iter().map(line).collect::<Vec<_>>().join(",\n")
}

/// How an engine writes the parts of a quality object, which a query names `o`.
pub(super) struct Reading<'t> {
    /// What the objects are selected from.
    pub(super) from: &'t str,
    /// The model, the key of the records, the time of the run and the object's own key.
    pub(super) model: &'t str,
    pub(super) object_key: &'t str,
    pub(super) collected_at: &'t str,
    pub(super) source_key: &'t str,
    /// The number of records.
    pub(super) records: &'t str,
    /// The numbers of cases that are not listed; NULL where all are.
    pub(super) defaulted_not_listed: &'t str,
    pub(super) rejected_not_listed: &'t str,
    /// What follows `from` to give a row for each defaulted field of a record.
    pub(super) each_defaulted: &'t str,
    pub(super) record_id: &'t str,
    pub(super) field: &'t str,
    pub(super) reason: &'t str,
    /// What follows `from` to give a row for each record left out.
    pub(super) each_rejected: &'t str,
    pub(super) topic: &'t str,
    pub(super) why: &'t str,
}

impl Reading<'_> {
    /// The rows of the table, as a query.
    pub(super) fn query(&self) -> String {
        let Self { from, model, object_key, collected_at, source_key, .. } = self;
        let select = |outcome: &str, [cases, record_id, field, reason, topic]: [&str; 5], rest: &str| {
            format!(
                "SELECT {model}, '{outcome}', {cases}, {object_key}, {record_id}, {field}, {reason}, {topic}, {collected_at}, {source_key}\nFROM {from}{rest}"
            )
        };
        let unlisted = |outcome: &str, cases: &str| {
            select(
                outcome,
                [cases, "NULL", "NULL", &format!("'{NOT_LISTED}'"), "NULL"],
                &format!("\nWHERE {cases} > 0"),
            )
        };
        [
            select(STORED, [self.records, "NULL", "NULL", "NULL", "NULL"], ""),
            select(DEFAULTED, ["1", self.record_id, self.field, self.reason, "NULL"], self.each_defaulted),
            select(REJECTED, ["1", "NULL", "NULL", self.why, self.topic], self.each_rejected),
            unlisted(DEFAULTED, self.defaulted_not_listed),
            unlisted(REJECTED, self.rejected_not_listed),
        ]
        .join("\nUNION ALL\n")
    }
}
