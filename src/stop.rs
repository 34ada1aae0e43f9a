//! The end of a run's collecting: at its deadline, or when a person interrupts it.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// The end of a run's collecting. Everything that came before it is stored and reported.
#[derive(Debug, Clone)]
pub struct Stop {
    deadline: Instant,
    interrupt: CancellationToken,
}

/// How long before the end a topic gives up its next page. It needs the time to hand on the pages before
/// it.
const HANDING_ON: Duration = Duration::from_millis(50);

impl Stop {
    /// The end at `deadline`, or soon after `interrupt` is cancelled.
    pub fn new(deadline: Instant, interrupt: CancellationToken) -> Self {
        Self { deadline, interrupt }
    }

    /// The end at `deadline` alone.
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

    /// Waits until it is too late to start a further page.
    pub async fn near(&self) {
        let deadline = self.deadline.checked_sub(HANDING_ON).unwrap_or(self.deadline);
        tokio::select! {
            () = sleep_until(deadline) => {}
            () = self.interrupted() => {}
        }
    }

    /// Waits for the end.
    pub async fn reached(&self) {
        let interrupted = async {
            self.interrupted().await;
            sleep(HANDING_ON).await;
        };
        tokio::select! {
            () = sleep_until(self.deadline) => {}
            () = interrupted => {}
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
