//! The schemas in docs/json of what the commands print with `--json`.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::{add_account, check, failure, hashtag_ids, init, plan, report, retry, sandbox, schema, shard};
use crate::json_schema::check;

#[test]
fn the_schemas_in_docs_are_those_of_the_types() {
    check::<failure::Failure<'_>>("failure", "A command that failed, whichever it is");
    check::<retry::Planned<'_>>("repair", "luxury-brands retry --dry-run, and retry if nothing failed");
    check::<check::Checked<'_>>("check", "luxury-brands check");
    check::<plan::Planned>("plan", "luxury-brands plan");
    check::<hashtag_ids::Resolved>("hashtag-ids", "luxury-brands hashtag-ids");
    check::<[init::File; 2]>("init", "luxury-brands init");
    check::<add_account::Added>("add-account", "luxury-brands add-account");
    check::<report::Written<'_>>("report", "luxury-brands report");
    check::<schema::Statements>("statements", "luxury-brands schema; --for json-schema prints a JSON Schema instead");
    check::<sandbox::Listening>("sandbox", "luxury-brands sandbox serve, once it listens");
    check::<sandbox::day::Collected>("sandbox-day", "luxury-brands sandbox day");
    check::<shard::Summary>("shard", "luxury-brands shard");
    check::<shard::FailedShards>("shard-failed", "luxury-brands shard --failed");
}

/// The failures of the function's summary.
pub(super) fn failed_topics(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"$ref": "response.schema.json#/$defs/FailedTopic"}})
}
