//! The four calls of the API: what each asks for, and what is read of its answer.

use super::answer::{Cursor, Discovery, MediaPage, TokenInfo, read_hashtag_id};
use super::client::Edge;
use super::error::{Failure, Kind};
use super::session::Session;
use super::transport::{NotExpected, Request};
use crate::record::{ID, requested_name};
use crate::topic::{HashtagId, HashtagName, Username};

impl Session<'_> {
    /// Asks for an account's profile and its newest media, at most `limit`. `read` turns the answer into
    /// what is kept of it; it is given the fields that were not asked for.
    ///
    /// # Errors
    /// The [`Failure`] of the account.
    pub async fn discover<T>(
        &self,
        username: &Username,
        profile: &[&str],
        media: &[&str],
        limit: u32,
        read: impl Fn(&Discovery<'_>, &[String]) -> T,
    ) -> Result<T, Failure> {
        self.without_unknown_fields(Edge::Discovery, &[profile, media].concat(), async |unknown: Vec<String>| {
            let known = |fields: &[&str]| known(fields, &unknown).join(",");
            let (profile, media) = (known(profile), known(media));
            let fields =
                format!("business_discovery.username({username}){{{profile},media.limit({limit}){{{media}}}}}");
            let request = Request::of_user(vec![("fields", fields)]);
            let parse = |body: &str| match Discovery::read(body, limit as usize) {
                Some(answer) => Ok(read(&answer, &unknown)),
                None => Err(NotExpected("business_discovery")),
            };
            self.get(&request, parse).await
        })
        .await
    }

    /// Asks for at most `limit` media of an account that come after `after`. `read` is as in
    /// [`discover`](Self::discover).
    ///
    /// # Errors
    /// The [`Failure`] of the page.
    pub async fn more_media<T>(
        &self,
        username: &Username,
        media: &[&str],
        (limit, after): (u32, &Cursor),
        read: impl Fn(&MediaPage<'_>, &[String]) -> T,
    ) -> Result<T, Failure> {
        self.without_unknown_fields(Edge::Discovery, media, async |unknown: Vec<String>| {
            let fields = format!(
                "business_discovery.username({username}){{media.limit({limit}).after({}){{{}}}}}",
                after.as_str(),
                known(media, &unknown).join(",")
            );
            let request = Request::of_user(vec![("fields", fields)]);
            // A page after the last one may come without `media`. It counts as empty.
            let parse = |body: &str| match Discovery::read(body, limit as usize) {
                Some(answer) => Ok(read(&answer.media.unwrap_or_else(|| MediaPage::without_media(body)), &unknown)),
                None => Err(NotExpected("business_discovery")),
            };
            self.get(&request, parse).await
        })
        .await
    }

    /// A hashtag's id. A process asks for it once.
    ///
    /// # Errors
    /// The [`Failure`] of the hashtag.
    pub async fn hashtag_id(&self, hashtag: &HashtagName) -> Result<HashtagId, Failure> {
        match self.client.hashtag_ids.id(hashtag) {
            Some(id) => Ok(id),
            None => self.ask_for_hashtag_id(hashtag).await,
        }
    }

    /// The id of a hashtag whose id `refused` is not there; `None` where there is no other one. Only an id of an
    /// earlier process is asked for again, and once.
    pub async fn other_hashtag_id(&self, hashtag: &HashtagName, refused: &HashtagId) -> Option<HashtagId> {
        if !self.client.hashtag_ids.is_recalled(hashtag) {
            return None;
        }
        let asked = self.ask_for_hashtag_id(hashtag).await;
        if asked.as_ref().is_err_and(|failure| failure.kind == Kind::NotFound) {
            self.client.hashtag_ids.forget(hashtag);
        }
        asked.ok().filter(|id| id != refused)
    }

    async fn ask_for_hashtag_id(&self, hashtag: &HashtagName) -> Result<HashtagId, Failure> {
        let request =
            Request { path: "ig_hashtag_search".to_owned(), user_id: true, query: vec![("q", hashtag.to_string())] };
        let parse =
            |body: &str| read_hashtag_id(body).and_then(|id| HashtagId::new(&id)).ok_or(NotExpected("data[0].id"));
        let id = self.get(&request, parse).await?;
        self.client.hashtag_ids.learn(hashtag, id.clone());
        Ok(id)
    }

    /// Asks for at most `limit` of the newest media under a hashtag. `read` is as in
    /// [`discover`](Self::discover).
    ///
    /// # Errors
    /// The [`Failure`] of the hashtag.
    pub async fn recent_media<T>(
        &self,
        hashtag: &HashtagId,
        media: &[&str],
        limit: u32,
        read: impl Fn(&MediaPage<'_>, &[String]) -> T,
    ) -> Result<T, Failure> {
        self.recent_media_after(hashtag, media, (limit, None), read).await
    }

    /// [`recent_media`](Self::recent_media), from a page on.
    ///
    /// # Errors
    /// The [`Failure`] of the page.
    pub async fn recent_media_after<T>(
        &self,
        hashtag: &HashtagId,
        media: &[&str],
        (limit, after): (u32, Option<&Cursor>),
        read: impl Fn(&MediaPage<'_>, &[String]) -> T,
    ) -> Result<T, Failure> {
        self.without_unknown_fields(Edge::RecentMedia, media, async |unknown: Vec<String>| {
            let mut query = vec![("fields", known(media, &unknown).join(",")), ("limit", limit.to_string())];
            query.extend(after.map(|cursor| ("after", cursor.as_str().to_owned())));
            let request = Request { path: format!("{hashtag}/recent_media"), user_id: true, query };
            let parse = |body: &str| match MediaPage::read(body, limit as usize) {
                Some(page) => Ok(read(&page, &unknown)),
                None => Err(NotExpected("data")),
            };
            self.get(&request, parse).await
        })
        .await
    }

    /// Asks how long the access token is good for, as the app where the secret names one. An invalid token
    /// counts as refused: the secret is read again, and its token is asked about.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn debug_token(&self) -> Result<TokenInfo, Failure> {
        let request = Request { path: "debug_token".to_owned(), user_id: false, query: Vec::new() };
        let ask = || self.get(&request, |body| TokenInfo::read(body).ok_or(NotExpected("data")));
        let used = self.client.credentials();
        let info = ask().await?;
        if info.is_valid {
            return Ok(info);
        }
        match self.renew_after(&used, &info.refusal()).await {
            Some(_proving) => ask().await,
            None => Ok(info),
        }
    }

    /// Makes a call. Repeats it without a field each time the API says that it does not know one of
    /// `asked`.
    async fn without_unknown_fields<T>(
        &self,
        edge: Edge,
        asked: &[&str],
        call: impl AsyncFn(Vec<String>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            let unknown = self.client.unknown_fields(edge);
            let failure = match call(unknown.clone()).await {
                Err(failure) if failure.code == Some(100) => failure,
                done => return done,
            };
            let names = |request: &str| {
                let mut names = request.split(['{', ',', '}']).filter(|name| !name.is_empty());
                names.any(|name| name != ID && failure.message.contains(&format!("({name})")))
            };
            let mut named = asked.iter().copied().filter(|request| names(request)).map(requested_name).peekable();
            if named.peek().is_none() {
                return Err(failure);
            }
            // Another topic may have met the field first. It is not asked for again either way.
            let Some(field) = named.find(|field| !unknown.iter().any(|u| u == field)) else {
                return Err(Failure { kind: Kind::UnknownField, ..failure });
            };
            self.client.learn_unknown_field(edge, field);
        }
    }
}

fn known<'f>(fields: &[&'f str], unknown: &[String]) -> Vec<&'f str> {
    fields.iter().copied().filter(|f| !unknown.iter().any(|u| u == requested_name(f))).collect()
}
