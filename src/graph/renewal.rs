//! The exchange of a long-lived token for a new one, and the calls that prove the new one.

use secrecy::SecretString;

use super::answer::TokenInfo;
use super::client::{EXCHANGE, learn};
use super::error::{Failure, Kind};
use super::session::Session;
use super::transport::{NotExpected, Request};
use crate::json;
use crate::redact::REDACTED;
use crate::secret::Credentials;

/// The lengths of what can be a token; those seen have about 200 characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=4096;

impl Session<'_> {
    /// Exchanges the token in use for a new one, which is redacted from here on; `None` where the API gives
    /// the same again.
    ///
    /// # Errors
    /// The [`Failure`] of the call, without the API's text: it may quote a token that nobody knows yet.
    pub async fn exchange_token(&self) -> Result<Option<Credentials>, Failure> {
        let used = self.client.credentials();
        if used.app.is_none() {
            let message = "app_id and app_secret are missing in the secret, which the exchange needs";
            return Err(Failure::new(Kind::Permission, message));
        }
        let request = Request { path: EXCHANGE.to_owned(), user_id: false, query: Vec::new() };
        let read = |body: &str| {
            let not_expected = NotExpected("an access_token");
            let Some([Some(given)]) = json::fields(body, ["access_token"]) else { return Err(not_expected) };
            let Ok(given) = json::string(given) else { return Err(not_expected) };
            // The old token was taken out of the answer, as it is out of every other.
            if given == REDACTED {
                return Ok(Ok(None));
            }
            let is_token = LENGTHS.contains(&given.len()) && given.bytes().all(|b| b.is_ascii_graphic());
            let new = Credentials { access_token: SecretString::from(given.into_owned()), ..(*used).clone() };
            learn(&self.client.redactor, &new);
            if !is_token {
                let message = "what is given as the new token cannot be one";
                return Ok(Err(Failure::new(Kind::Unexpected, message)));
            }
            Ok(Ok(Some(new)))
        };
        self.tries(&request, &used, &read).await?
    }

    /// What the API tells of another token than the one in use.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn debug(&self, credentials: &Credentials) -> Result<TokenInfo, Failure> {
        let request = Request { path: "debug_token".to_owned(), user_id: false, query: Vec::new() };
        self.tries(&request, credentials, &|body: &str| TokenInfo::read(body).ok_or(NotExpected("data"))).await
    }

    /// Asks for the calling user with another token than the one in use: the cheapest call that needs one.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn ask_for_self(&self, credentials: &Credentials) -> Result<(), Failure> {
        let request = Request::of_user(vec![("fields", "id".to_owned())]);
        let read = |body: &str| {
            let id = json::fields(body, ["id"]).and_then(|[id]| json::string(id?).ok());
            id.filter(|id| *id == credentials.ig_user_id.as_str()).map(drop).ok_or(NotExpected("the user's id"))
        };
        self.tries(&request, credentials, &read).await
    }

    /// A text without any secret: what AWS says of a new version may quote it, and a terminal prints it.
    pub fn redacted(&self, text: &str) -> String {
        self.client.redactor.redact(text).into_owned()
    }

    /// Makes all further calls of the process with other credentials.
    pub fn call_with(&self, credentials: Credentials) {
        self.client.set_credentials(credentials);
    }

    /// The token in use.
    pub fn token(&self) -> SecretString {
        self.client.credentials().access_token.clone()
    }
}
