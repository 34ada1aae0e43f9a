//! The topics that have answered in this process: one that then is "not there" is probably still there.
//!
//! Users of other clients report that the API refuses a throttled caller, or one that lost a permission, with
//! the codes of a missing object (100 with subcode 33, 24, 110). The class of the failure stays; its text says
//! what else it may be.

use super::client::Edge;
use super::error::{Failure, Kind};
use super::session::Session;
use crate::lock::lock;

const DOUBT: &str = "this topic answered before in this process, so it may be throttling or a lost permission";

impl Session<'_> {
    /// Notes that a topic of `edge` has answered.
    pub fn note_answered(&self, edge: Edge, topic: &str) {
        lock(&self.client.answered).insert((edge, topic.to_owned()));
    }

    /// The failure of a topic of `edge`, with what else it may mean where the topic has answered before.
    pub fn doubted(&self, edge: Edge, topic: &str, failure: Failure) -> Failure {
        let answered = || lock(&self.client.answered).contains(&(edge, topic.to_owned()));
        if failure.kind == Kind::NotFound && answered() {
            return Failure { message: format!("{}: {DOUBT}", failure.message), ..failure };
        }
        failure
    }
}
