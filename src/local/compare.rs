//! `luxury-brands compare`: how the records of two folders or buckets differ.

use std::process::ExitCode;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::failure;
use super::output::Output;
use crate::record::Model;
use crate::telemetry::printable;

mod difference;
mod record;
mod runs;
mod tally;

use record::Record;
use runs::{About, Pair, Side, pairs};
use tally::{Counted, Tally};

/// The exit status where the two cannot be compared, as of `cmp` and `diff`. 1 means that they differ.
const CANNOT: u8 = 2;

/// The pairs of runs that are read at the same time.
const AT_ONCE: usize = 16;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 if there is no difference, 1 if there is one, 2 if they cannot be compared. \
    docs/migrating.md says what each kind of difference means.")]
pub(super) struct CompareArgs {
    /// A folder that holds raw/, or s3://bucket/prefix
    #[arg(value_name = "FOLDER|S3")]
    a: String,
    /// What to compare it with
    #[arg(value_name = "FOLDER|S3")]
    b: String,
    /// How far apart the times in the names of two objects of one run may be
    ///
    /// The Python version names its objects by the moment it started, which is some seconds after the schedule's.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(..=86_400))]
    within: u32,
    /// How many examples of each kind are shown
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    examples: usize,
}

impl CompareArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        match self.compare(output).await {
            Ok(true) => Ok(ExitCode::SUCCESS),
            Ok(false) => Ok(ExitCode::FAILURE),
            Err(error) => {
                let _ = failure::tell(&error, output);
                Ok(ExitCode::from(CANNOT))
            }
        }
    }

    /// Prints the differences; `true` where there are none.
    async fn compare(&self, output: Output) -> Result<bool> {
        let (a, b) = (Side::open(&self.a).await?, Side::open(&self.b).await?);
        for key in a.unnamed.iter().chain(&b.unnamed) {
            output.remark(format!("WARNING  {} tells no model and time, and is left out", printable(key)));
        }
        let pairs = pairs(&a, &b, TimeDelta::seconds(self.within.into()));
        let both = pairs.iter().filter(|pair| pair.a.is_some() && pair.b.is_some()).count();
        let mut tally = Tally::new(self.examples);
        let read = |pair: Pair| read(&a, &b, pair);
        let mut runs = stream::iter(pairs).map(read).buffered(AT_ONCE);
        while let Some(run) = runs.try_next().await? {
            run.tell(&mut tally);
        }
        let (differences, records) = (tally.count(), tally.records);
        let compared = Compared {
            a: a.about(),
            b: b.about(),
            runs_in_both: both,
            records_in_both: records,
            differences,
            kinds: tally.kinds(),
        };
        output.result(&compared, || {
            let result = match differences {
                0 => format!("no difference: the {records} records of both are the same"),
                _ => format!("\n{}\n\n{differences} differences; {records} records are in both", tally.table()),
            };
            let (a, b) = (a.shown(), b.shown());
            format!("A  {}\nB  {}\n{both} runs are in both\n{result}", printable(&a), printable(&b))
        })?;
        Ok(differences == 0)
    }
}

/// What was compared, and how it differs, with `--json`.
#[derive(Serialize)]
struct Compared<'t> {
    a: About<'t>,
    b: About<'t>,
    runs_in_both: usize,
    records_in_both: usize,
    differences: usize,
    kinds: Vec<Counted<'t>>,
}

/// A run of both sides, or of one.
struct Run {
    model: Model,
    name: String,
    a: Option<Vec<Record>>,
    b: Option<Vec<Record>>,
}

async fn read(a: &Side, b: &Side, pair: Pair) -> Result<Run> {
    let Pair { model, a: of_a, b: of_b } = pair;
    let name = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S").to_string();
    // A run that has no other need not be read.
    let (left, right) = match (of_a, of_b) {
        (Some(of_a), Some(of_b)) => (Some(a.records(model, of_a).await?), Some(b.records(model, of_b).await?)),
        (of_a, of_b) => (of_a.map(|_| Vec::new()), of_b.map(|_| Vec::new())),
    };
    Ok(Run { model, name: of_a.or(of_b).map(name).unwrap_or_default(), a: left, b: right })
}

impl Run {
    fn tell(&self, tally: &mut Tally) {
        match (&self.a, &self.b) {
            (Some(a), Some(b)) => tally.compare(self.model, &self.name, a, b),
            (Some(_), None) => tally.only(self.model, "A", &self.name),
            _ => tally.only(self.model, "B", &self.name),
        }
    }
}
