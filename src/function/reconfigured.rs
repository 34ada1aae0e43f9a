//! A configuration in S3 that changes while the process lives.

use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info};

use super::Function;
use super::ready::Ready;
use crate::config_file::Loaded;
use crate::secret::SecretId;

impl Function {
    /// What is ready from a configuration that has changed in S3. `None` where it has not, and where the new one cannot
    /// be used: that is an ERROR in each run until it is mended, and the last good one stays in use.
    ///
    /// What the process has learnt of the API stays, unless the API is another one now.
    pub(super) async fn reconfigured(
        &self,
        kept: &Ready,
        secret_id: Option<&SecretId>,
        limit: Duration,
    ) -> Option<Ready> {
        let known = kept.object.as_ref()?;
        let told = |why: &dyn std::fmt::Display| {
            error!(kind = "config", "the last good configuration stays in use: {why}");
        };
        let Loaded { config, object } = known.changed(limit).await.inspect_err(|why| told(why)).ok()??;
        let config = self.adopted(config);
        info!(kind = "config", "the configuration {} has changed and is in use", known.address());
        let api = |of: &crate::config::Config| (of.end_point.clone(), of.version.clone());
        if api(&config) != api(&kept.config) {
            return self.build(secret_id, limit).await.inspect_err(|why| told(why)).ok();
        }
        let (client, sink, tried) = (Arc::clone(&kept.client), kept.sink.clone(), Arc::clone(&kept.tried));
        Some(Ready { config, client, sink, tried, object })
    }
}
