//! Signals at a terminal: the first one ends a run as its deadline does, the second one ends the process.

use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;

/// A signal with which a person or a supervisor ends a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signal {
    name: &'static str,
    number: u8,
}

impl Signal {
    /// The exit code that shells give a process that the signal ended: 128 and the signal's number.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(128 + self.number)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The signal received, if any, and the token that it cancels.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupt {
    token: CancellationToken,
    first: Arc<OnceLock<Signal>>,
}

impl Interrupt {
    /// Listens for SIGHUP, SIGINT and SIGTERM on a separate thread. A second signal then ends the process even if this
    /// thread is blocked, for example by a slow folder.
    pub(super) fn listen() -> Result<Self> {
        let interrupt = Self::default();
        system::listen(interrupt.clone()).context("signals cannot be listened for")?;
        Ok(interrupt)
    }

    /// The token that the first signal cancels.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// The first signal received.
    pub(super) fn signal(&self) -> Option<Signal> {
        self.first.get().copied()
    }
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::sync::mpsc;

    use tokio::signal::unix::{SignalKind, signal};
    use tracing::warn;

    use super::{Interrupt, Signal};

    const SIGHUP: Signal = Signal { name: "SIGHUP", number: 1 };
    const SIGINT: Signal = Signal { name: "SIGINT", number: 2 };
    const SIGTERM: Signal = Signal { name: "SIGTERM", number: 15 };

    /// Starts the thread and waits until it listens.
    pub(super) fn listen(interrupt: Interrupt) -> io::Result<()> {
        let (listens, listening) = mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            let done = runtime.and_then(|runtime| runtime.block_on(heed(&interrupt, &listens)));
            // The receiver is dropped once the thread listens: it waits only for the first message.
            let _ = listens.send(done);
        })?;
        listening.recv().unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    async fn heed(interrupt: &Interrupt, listens: &mpsc::Sender<io::Result<()>>) -> io::Result<()> {
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut hang_up = (!ignores_hang_up()).then(|| signal(SignalKind::hangup())).transpose()?;
        let _ = listens.send(Ok(()));
        loop {
            let received = tokio::select! {
                Some(()) = async { hang_up.as_mut()?.recv().await } => SIGHUP,
                Some(()) = int.recv() => SIGINT,
                Some(()) = term.recv() => SIGTERM,
                else => return Ok(()),
            };
            if interrupt.first.set(received).is_err() {
                let first = interrupt.signal().unwrap_or(received);
                std::process::exit(i32::from(128 + first.number));
            }
            warn!(
                "{received}: the current run ends now and stores what it collected; a second signal ends the process at once"
            );
            interrupt.token.cancel();
        }
    }

    /// Whether the process was started to ignore SIGHUP, as `nohup` does. Listening would undo that. Only Linux reports
    /// it.
    fn ignores_hang_up() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
    }
}

/// Other systems end the process at once.
#[cfg(not(unix))]
mod system {
    pub(super) fn listen(_: super::Interrupt) -> std::io::Result<()> {
        Ok(())
    }
}
