//! The set-up of a measurement: the sandbox, and a folder with the secret and the configuration.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use super::tls::Proxy;
use super::topics;
use collector::config::Config;
use collector::http;
use sandbox::{Options, Sandbox};

/// The set-up of a measurement. The sandbox and the folder are removed when it is dropped.
pub(super) struct Setup {
    pub(super) config: Config,
    sandbox: Sandbox,
    proxy: Option<Proxy>,
    folder: PathBuf,
}

const ROOTS: &str = "roots.pem";
const SECRET: &str = "dev_secret.ini";

impl Setup {
    /// A sandbox in which the topics of `ini` exist and each response takes `latency`.
    pub(super) async fn new(ini: &str, latency: Duration, tls: bool) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let config = Config::parse(ini.as_bytes(), "configure.ini")?;
        let sandbox = Sandbox::start(Options { latency, ..Options::for_config(&config) }).await?;
        let proxy =
            if tls { Some(Proxy::start(sandbox.end_point().trim_start_matches("http://")).await?) } else { None };

        let name = format!("local-bench-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let setup = Self { config, sandbox, proxy, folder };
        let end_point = setup.proxy.as_ref().map_or_else(|| setup.sandbox.end_point(), Proxy::end_point);
        setup.write("configure.ini", &topics::calling(ini, &end_point))?;
        setup.write(
            SECRET,
            "[SECRET]\nig_user_id = 17841400000000001\naccess_token = placeholder-token\nbucket = local_env\n",
        )?;
        if let Some(proxy) = &setup.proxy {
            setup.write(ROOTS, proxy.root())?;
        }
        Ok(setup)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// The function's working directory, which is also where it stores.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The function's environment.
    pub(super) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let roots = self.proxy.as_ref().map(|_| (http::ROOTS_FILES[0], self.folder.join(ROOTS)));
        [("SECRET_FILE", self.folder.join(SECRET))].into_iter().chain(roots).collect()
    }

    /// The number of calls to the API so far.
    pub(super) fn calls(&self) -> usize {
        self.sandbox.calls().len()
    }

    /// The number of TLS handshakes so far.
    pub(super) fn handshakes(&self) -> usize {
        self.proxy.as_ref().map_or(0, Proxy::handshakes)
    }

    /// The ids of the hashtags that were looked up.
    pub(super) fn hashtag_ids(&self) -> Vec<(String, String)> {
        let pin = |call: sandbox::Call| {
            let id = call.path.strip_suffix("/recent_media")?.to_owned();
            Some((call.topic.strip_prefix('#')?.to_owned(), id))
        };
        let mut pins: Vec<_> = self.sandbox.calls().into_iter().filter_map(pin).collect();
        pins.sort();
        pins.dedup();
        pins
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        // Leftovers in the system's temporary folder do no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
