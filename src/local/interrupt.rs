//! Signals at a terminal: the first one ends a run as its deadline does, the second one the process.

use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;

/// A signal that a person or a supervisor ends a process with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signal {
    name: &'static str,
    number: u8,
}

impl Signal {
    /// The exit code that shells give a process which this signal ended: 128 and its number.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(128 + self.number)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Whether a signal came, and what it cancels.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupt {
    token: CancellationToken,
    first: Arc<OnceLock<Signal>>,
}

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from here on, on a thread of its own: a second signal has to end the
    /// process also where this one stands still, in a slow folder for example.
    pub(super) fn listen() -> Result<Self> {
        let interrupt = Self::default();
        system::listen(interrupt.clone()).context("signals cannot be listened for")?;
        Ok(interrupt)
    }

    /// What the first signal cancels.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// The first signal that came.
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

    const SIGINT: Signal = Signal { name: "SIGINT", number: 2 };
    const SIGTERM: Signal = Signal { name: "SIGTERM", number: 15 };

    /// Starts the thread and waits until it listens.
    pub(super) fn listen(interrupt: Interrupt) -> io::Result<()> {
        let (listens, listening) = mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            let done = runtime.and_then(|runtime| runtime.block_on(heed(&interrupt, &listens)));
            // Nobody receives this where the thread listened: the first message was all that was waited for.
            let _ = listens.send(done);
        })?;
        listening.recv().unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    async fn heed(interrupt: &Interrupt, listens: &mpsc::Sender<io::Result<()>>) -> io::Result<()> {
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let _ = listens.send(Ok(()));
        loop {
            let came = tokio::select! {
                Some(()) = int.recv() => SIGINT,
                Some(()) = term.recv() => SIGTERM,
                else => return Ok(()),
            };
            if interrupt.first.set(came).is_err() {
                let first = interrupt.signal().unwrap_or(came);
                std::process::exit(i32::from(128 + first.number));
            }
            warn!("{came}: the run ends here and what came is stored; a second signal ends it at once");
            interrupt.token.cancel();
        }
    }
}

/// Elsewhere the system's own way stays: the process ends at once.
#[cfg(not(unix))]
mod system {
    pub(super) fn listen(_: super::Interrupt) -> std::io::Result<()> {
        Ok(())
    }
}
