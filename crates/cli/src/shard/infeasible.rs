//! What a plan lacks: credentials, or time.

use super::plan::{Credential, Plan, Request};
use crate::plan::times;
use collector::counted::counted;

/// A request that cannot be planned, and requests that can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} and {} do not fit {}: {needed} calls an hour are needed and {allowed} can be planned, {hashtags} different hashtags a week are needed and {hashtags_allowed} are allowed; {}",
    counted(*.accounts, "account"),
    counted(*.hashtags, "hashtag"),
    counted(*.credentials, "credential"),
    .proposals.join("; ")
)]
pub(super) struct Infeasible {
    accounts: usize,
    hashtags: usize,
    credentials: usize,
    needed: u64,
    allowed: u64,
    hashtags_allowed: u64,
    /// The proposals. Each of them is enough.
    pub(super) proposals: Vec<String>,
}

/// The hours that divide a day.
pub(super) const CYCLES: [u32; 8] = [1, 2, 3, 4, 6, 8, 12, 24];

/// The maximum number of additional credentials that are tried.
const MAX_CREDENTIALS: usize = 20_000;

impl Request {
    /// The plan.
    ///
    /// # Errors
    /// [`Infeasible`], which names what is missing and a schedule that fits.
    pub(super) fn plan(&self) -> Result<Plan, Infeasible> {
        self.try_plan().ok_or_else(|| missing(self))
    }
}

/// What `request` lacks. Each proposal was planned.
fn missing(request: &Request) -> Infeasible {
    let pinned = request.hashtags.iter().all(|h| h.pinned);
    let an_hour = |topics: usize, cost: u64, every: u32| (topics as u64 * cost).div_ceil(u64::from(every.max(1)));
    let accounts = Request::cost(request.brand_media, true);
    let hashtags = Request::cost(request.hashtag, pinned);
    let mut proposals = Vec::new();
    match more_credentials(request) {
        Some(more) => proposals.push(format!(
            "{} of {} calls an hour and {} hashtags a week would do",
            counted(more, "more credential"),
            NEW_CREDENTIAL.0,
            NEW_CREDENTIAL.1
        )),
        None => proposals
            .push("no number of credentials would be enough: a topic's calls exceed what one may make".to_owned()),
    }
    proposals.extend(schedule(request));
    Infeasible {
        accounts: request.accounts.len(),
        hashtags: request.hashtags.len(),
        credentials: request.credentials.len(),
        needed: an_hour(request.accounts.len(), accounts, request.brand_media.every_hours)
            + an_hour(request.hashtags.len(), hashtags, request.hashtag.every_hours),
        allowed: request.credentials.iter().map(|c| request.calls(c)).sum(),
        hashtags_allowed: request.credentials.iter().map(|c| u64::from(c.hashtags_per_week)).sum(),
        proposals,
    }
}

/// The limits of a new credential: the API's limits of one user.
const NEW_CREDENTIAL: (u32, u32) = (200, 30);

fn with_more(request: &Request, more: usize) -> Request {
    let new = |n: usize| Credential {
        secret_id: format!("new credential {n}"),
        calls_per_hour: NEW_CREDENTIAL.0,
        hashtags_per_week: NEW_CREDENTIAL.1,
    };
    let mut request = request.clone();
    request.credentials.extend((0..more).map(new));
    request
}

/// The number of additional credentials needed, found by doubling and halving.
fn more_credentials(request: &Request) -> Option<usize> {
    let fits = |more: usize| with_more(request, more).try_plan().is_some();
    let mut enough = 1;
    while !fits(enough) {
        enough *= 2;
        if enough > MAX_CREDENTIALS {
            return None;
        }
    }
    let mut few = enough / 2;
    while few + 1 < enough {
        let middle = few.midpoint(enough);
        if fits(middle) { enough = middle } else { few = middle }
    }
    Some(enough)
}

/// The most frequent schedule that fits, of accounts first and then of hashtags. More hours do not help
/// against the limit of hashtags in a week.
fn schedule(request: &Request) -> Option<String> {
    let fits = |change: &dyn Fn(&mut Request)| {
        let mut changed = request.clone();
        change(&mut changed);
        changed.try_plan().is_some()
    };
    let longer = |than: u32| CYCLES.into_iter().filter(move |hours| *hours > than);
    let accounts = longer(request.brand_media.every_hours)
        .find(|every| fits(&|r| (r.brand_media.every_hours, r.brand_media.runs_per_hour) = (*every, 1)));
    if let Some(every) = accounts {
        return Some(format!("or brand_media every {every} hours (--every {every}h) with the present credentials"));
    }
    let runs = (1..request.hashtag.runs_per_hour).rev().find(|runs| fits(&|r| r.hashtag.runs_per_hour = *runs));
    if let Some(runs) = runs {
        return Some(format!(
            "or hashtag {} an hour (--hashtag-runs {runs}) with the present credentials",
            times(runs)
        ));
    }
    let both = CYCLES.into_iter().find(|every| {
        fits(&|r| {
            (r.brand_media.every_hours, r.brand_media.runs_per_hour) = (*every, 1);
            r.hashtag.runs_per_hour = 1;
        })
    });
    both.map(|every| {
        format!("or brand_media every {} and hashtag once an hour (--every {every}h --hashtag-runs 1) with the present credentials", counted(every, "hour"))
    })
}
