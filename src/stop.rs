//! The end of a run's collecting: at its deadline, or when a person interrupts it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// The end of a run's collecting. Everything collected before it is stored and reported.
#[derive(Debug, Clone)]
pub struct Stop {
    deadline: Instant,
    interrupt: CancellationToken,
}

impl Stop {
    /// The end at `deadline`, or when `interrupt` is cancelled.
    pub fn new(deadline: Instant, interrupt: CancellationToken) -> Self {
        Self { deadline, interrupt }
    }

    /// The end at `deadline`, without an interrupt.
    pub fn at(deadline: Instant) -> Self {
        Self::new(deadline, CancellationToken::new())
    }

    /// The latest moment of the end.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The time that is left.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the run was interrupted.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.is_cancelled()
    }

    /// Waits until the run is interrupted.
    pub async fn interrupted(&self) {
        self.interrupt.cancelled().await;
    }

    /// Waits for the end.
    pub async fn reached(&self) {
        tokio::select! {
            () = sleep_until(self.deadline) => {}
            () = self.interrupted() => {}
        }
    }

    /// Why topics are given up.
    pub fn reason(&self) -> &'static str {
        if self.is_interrupted() {
            "not done when the run was interrupted"
        } else {
            "not done when the run's time was over"
        }
    }
}
