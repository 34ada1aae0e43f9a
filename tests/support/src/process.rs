//! The resources that a process holds, as Linux counts them.

/// The resources of a process.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    pub rss_kib: u64,
    /// The peak.
    pub peak_kib: u64,
    pub files: usize,
}

pub fn held(process: u32) -> Held {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let kib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    Held { rss_kib: kib("VmRSS:"), peak_kib: kib("VmHWM:"), files }
}
