//! Where the function puts a renewed token, where it renews tokens at all.

use super::Function;
use crate::http;
use crate::secret::{Keeper, SecretId, Source};

impl Function {
    /// The same function, whose job `token` renews a token near its end where `renews` says so. A secret that
    /// was handed to the function has no place to put a new token.
    #[must_use]
    pub fn with_token_renewal(self, renews: bool) -> Self {
        Self { renews_token: renews, ..self }
    }

    /// The keeper of the secret that an event asks for; `None` where no token is renewed.
    pub(super) async fn keeper(&self, id: Option<&SecretId>, http: &http::Client) -> Option<Keeper> {
        if !self.renews_token || self.secret.is_some() {
            return None;
        }
        let source = id.map_or_else(|| self.source.clone(), |id| Source::Manager(id.as_str().to_owned()));
        let aws = match source {
            Source::Manager(_) => Some(self.aws(http).await.clone()),
            Source::File(_) => None,
        };
        Some(Keeper::new(source, aws))
    }
}
