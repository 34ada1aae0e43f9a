//! The AWS configuration of a person at a terminal.

use aws_config::SdkConfig;
use collector::aws;
use collector::http;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Loads the whole default chain of AWS: variables, profiles, SSO, processes, containers, instances.
pub(crate) fn from_everywhere(client: http::Client) -> BoxFuture<'static, SdkConfig> {
    aws::loader(client).load().boxed()
}
