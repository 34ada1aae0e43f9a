//! A share of a processor: a Linux control group with a quota, if this process may create one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The period of a quota. It is the kernel's default.
const PERIOD_US: u32 = 100_000;

/// A control group. Its processes have ended when it is dropped.
pub(super) struct Quota {
    group: PathBuf,
}

impl Quota {
    /// A group with this percentage of a processor.
    pub(super) fn new(percent: f64) -> Result<Self> {
        // The kernel accepts no quota below a millisecond.
        let quota = (percent / 100.0 * f64::from(PERIOD_US)).round();
        if !(1_000.0..=100.0 * f64::from(PERIOD_US)).contains(&quota) {
            bail!("a quota from 1 to 10000 percent of a processor is possible, {percent} was asked for");
        }
        let name = format!("local-bench-{}", std::process::id());
        let [v1, v2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"].map(Path::new);
        let (group, settings) = if v1.join("cpu.cfs_quota_us").exists() {
            let settings = vec![("cpu.cfs_period_us", PERIOD_US.to_string()), ("cpu.cfs_quota_us", quota.to_string())];
            (v1.join(name), settings)
        } else if v2.join("cgroup.controllers").exists() {
            // If the controller is on already, this changes nothing. If it may not be turned on, the next step fails.
            let _ = std::fs::write(v2.join("cgroup.subtree_control"), "+cpu");
            (v2.join(name), vec![("cpu.max", format!("{quota} {PERIOD_US}"))])
        } else {
            bail!("no control groups at /sys/fs/cgroup");
        };
        std::fs::create_dir_all(&group).with_context(|| format!("{} cannot be made", group.display()))?;
        let quota = Self { group };
        for (file, value) in settings {
            let path = quota.group.join(file);
            std::fs::write(&path, value).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(quota)
    }

    /// The file that adds a process to the group.
    pub(super) fn processes(&self) -> PathBuf {
        self.group.join("cgroup.procs")
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // An empty group that remains costs nothing.
        let _ = std::fs::remove_dir(&self.group);
    }
}
