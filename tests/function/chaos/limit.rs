//! The memory limit of the smallest function, which ends the process. It is a Linux control group, if this process may
//! create one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::process::Command;

const BYTES: usize = 128 * 1024 * 1024;

/// A control group with 128 MB of memory. Its processes have ended when it is dropped.
pub struct Limit {
    group: PathBuf,
}

impl Limit {
    /// A new group. The error says why none can be created.
    pub fn new() -> std::io::Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("collector-chaos-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let [v1, v2] = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].map(Path::new);
        let (group, files) = if v1.join("memory.limit_in_bytes").exists() {
            // The second file limits memory with swap. It exists only if swap is accounted for.
            (v1.join(name), ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"])
        } else {
            let _ = std::fs::write(v2.join("cgroup.subtree_control"), "+memory");
            (v2.join(name), ["memory.max", "memory.swap.max"])
        };
        std::fs::create_dir_all(&group)?;
        let limit = Self { group };
        let [memory, swap] = files.map(|file| limit.group.join(file));
        std::fs::write(memory, BYTES.to_string())?;
        let _ =
            std::fs::write(&swap, if swap.ends_with("memory.swap.max") { "0".to_owned() } else { BYTES.to_string() });
        Ok(limit)
    }

    /// `binary` in the group: the shell moves itself into it and then becomes the function.
    pub fn command(&self, binary: &Path) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(self.group.join("cgroup.procs")).arg(binary);
        shell
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // An empty group that remains costs nothing.
        let _ = std::fs::remove_dir(&self.group);
    }
}
