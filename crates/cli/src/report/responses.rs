//! The responses of the runs, in the order of their moments. A late repair has the time of the run that it repairs,
//! and its figures are of the moment at which it was asked.

use std::collections::BTreeMap;

use crate::stored::quality::Figures;
use crate::stored::{Moment, Record};
use collector::record::Model;

/// What the responses for a house in a run hold.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) model: Model,
    /// The scheduled time of the run, in seconds since 1970.
    pub(super) time: i64,
    /// When the last response arrived, in milliseconds since 1970.
    pub(super) at: i64,
    /// Whether it arrived after the slot of its run.
    pub(super) late: bool,
    pub(super) user_id: String,
    pub(super) records: Vec<(Record, Figures)>,
}

impl Response {
    /// The responses of a run, whose slot ends at `end`.
    pub(super) fn of(model: Model, time: i64, end: i64, records: Vec<(Record, Figures, Moment)>) -> Vec<Self> {
        let mut responses: BTreeMap<(Option<i64>, String), Self> = BTreeMap::new();
        for (record, figures, moment) in records {
            // A time in the future, which an event may have, names the moment too.
            let at = moment.at.timestamp_millis().max(time * 1_000);
            let late = at >= end.saturating_mul(1_000);
            let user_id = record.user_id.clone();
            let new = || Self { model, time, at, late, user_id: user_id.clone(), records: Vec::new() };
            let response = responses.entry((late.then_some(at), user_id.clone())).or_insert_with(new);
            response.at = response.at.max(at);
            response.records.push((record, figures));
        }
        responses.into_values().collect()
    }
}

/// Responses that wait for those before them.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeMap<(Model, i64, i64, String), Response>);

impl Waiting {
    pub(super) fn add(&mut self, response: Response) {
        let Response { model, at, time, user_id, .. } = &response;
        self.0.insert((*model, *at, *time, user_id.clone()), response);
    }

    /// The responses of earlier models, and those of `model` that arrived before `time`.
    pub(super) fn before(&mut self, model: Model, time: i64) -> Vec<Response> {
        let rest = self.0.split_off(&(model, time * 1_000, i64::MIN, String::new()));
        std::mem::replace(&mut self.0, rest).into_values().collect()
    }

    /// All responses.
    pub(super) fn rest(&mut self) -> Vec<Response> {
        std::mem::take(&mut self.0).into_values().collect()
    }
}
