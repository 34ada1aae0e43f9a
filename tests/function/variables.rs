//! The standard variables of AWS and of proxies.

use std::path::Path;

use serde_json::json;
use support::runtime_api;
use support::variables::assert_effects;

use crate::lambda::BINARY;

#[tokio::test(flavor = "multi_thread")]
async fn each_standard_variable_counts_in_the_function_unless_it_is_for_a_terminal() {
    assert_effects(false, async |folder, environment| {
        let event = json!({"job": "brand_media", "accounts": ["hermes"]});
        runtime_api::run(Path::new(BINARY), folder, &environment, &[event]).await.1
    })
    .await;
}
