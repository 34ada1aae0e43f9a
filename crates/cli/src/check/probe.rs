//! Every mapped field, requested from one version: which are known, and how many records have each.

use serde_json::value::RawValue;

use collector::config::Config;
use collector::diagnosis::Diagnosis;
use collector::graph::{Call as ApiCall, Client, Edge, Failure, HashtagIds, Kind, Session};
use collector::json;
use collector::record::{ID, Model, requested_name};
use collector::topic::{Account, Hashtag, HashtagId, Username};

/// The number of accounts and hashtags tried before the version counts as failed.
const TOPICS_TRIED: usize = 3;

/// The number of media requested: a full page, so that fields that are sometimes missing are found.
const MEDIA: u32 = 50;

/// What one version responded.
pub(super) struct Probe {
    pub(super) version: String,
    /// The version that responded, if the API named it.
    pub(super) served: Option<String>,
    pub(super) calls: u64,
    pub(super) failures: Vec<(String, Failure)>,
    models: Vec<(Model, Fields)>,
}

impl Probe {
    pub(super) fn fields_of(&self, model: Model) -> Option<&Fields> {
        self.models.iter().find(|(of, _)| *of == model).map(|(_, fields)| fields)
    }
}

/// The mapped fields of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// The number of records examined.
    pub(super) records: usize,
    /// The fields that the version knows, and how many of the records have each.
    pub(super) known: Vec<(String, usize)>,
    /// Those that it does not know, or refuses.
    pub(super) unknown: Vec<String>,
}

impl Fields {
    /// The fields that are known here and not in `other`.
    pub(super) fn known_but_not_in<'f>(&'f self, other: &Self) -> Vec<&'f str> {
        let known = self.known.iter().map(|(field, _)| field.as_str());
        known.filter(|field| other.unknown.iter().any(|unknown| unknown == field)).collect()
    }
}

/// How many records have each requested field.
struct Seen {
    records: usize,
    fields: Vec<usize>,
}

impl Seen {
    fn of<'r>(records: impl IntoIterator<Item = &'r Box<RawValue>>, names: &[&str]) -> Self {
        let mut seen = Self { records: 0, fields: vec![0; names.len()] };
        for record in records {
            seen.records += 1;
            let found = json::fields_of(record.get(), names).unwrap_or_default();
            seen.fields.iter_mut().zip(found).for_each(|(count, value)| *count += usize::from(value.is_some()));
        }
        seen
    }
}

fn names<'r>(requests: &[&'r str]) -> Vec<&'r str> {
    requests.iter().map(|request| requested_name(request)).collect()
}

/// Requests an account and a hashtag. `ids` has the hashtags' ids, which are the same for every version.
pub(super) async fn probe(session: &Session<'_>, client: &Client, config: &Config, ids: &mut HashtagIds) -> Probe {
    let (mut models, mut failures) = (Vec::new(), Vec::new());
    let ask = async |account: &Account| of_account(session, client, config, &account.username).await;
    match first_there(config.accounts.iter(), ask).await {
        Ok(found) => models.extend(found.into_iter().flatten()),
        Err((account, failure)) => failures.push((account.username.to_string(), failure)),
    }
    let ask = async |hashtag: &Hashtag| {
        let id = match hashtag.id.as_ref().or_else(|| ids.get(&hashtag.name)) {
            Some(known) => known.clone(),
            None => {
                let id = session.hashtag_id(&hashtag.name).await?;
                ids.insert(hashtag.name.clone(), id.clone());
                id
            }
        };
        of_hashtag(session, client, config, &id).await
    };
    let hashtags = config.hashtags.iter().filter(|_| session.halted().is_none());
    match first_there(hashtags, ask).await {
        Ok(fields) => models.extend(fields.map(|fields| (Model::MediaHashtag, fields))),
        Err((hashtag, failure)) => failures.push((format!("#{}", hashtag.name), failure)),
    }
    Probe {
        version: config.version.clone(),
        served: session.version().map(str::to_owned),
        calls: session.calls(),
        failures,
        models,
    }
}

/// Requests the topics in turn until one exists; `None` if there are no topics.
async fn first_there<'t, T: 't, A>(
    topics: impl Iterator<Item = &'t T>,
    mut ask: impl AsyncFnMut(&'t T) -> Result<A, Failure>,
) -> Result<Option<A>, (&'t T, Failure)> {
    let mut last = Ok(None);
    for topic in topics.take(TOPICS_TRIED) {
        match ask(topic).await {
            Ok(found) => return Ok(Some(found)),
            Err(failure) if failure.is_about_the_topic() => last = Err((topic, failure)),
            Err(failure) => return Err((topic, failure)),
        }
    }
    last
}

/// Whether a call was refused for a field that the API did not name.
fn is_unnamed(failure: &Failure) -> bool {
    failure.diagnosis == Diagnosis::UnnamedField
}

async fn of_account(
    session: &Session<'_>,
    client: &Client,
    config: &Config,
    name: &Username,
) -> Result<[(Model, Fields); 2], Failure> {
    let ask = async |profile: &[&str], media: &[&str]| {
        let (of_profile, of_media) = (names(profile), names(media));
        let call = ApiCall::BusinessDiscovery { username: name, profile, media, limit: MEDIA, after: None };
        let page = session.page(&call).await?.value;
        Ok((Seen::of(&page.profile, &of_profile), Seen::of(&page.records, &of_media)))
    };
    let (profile, media) = (config.mapping(Model::Brand).requested(), config.mapping(Model::Media).requested());
    let (brand, of_media) = match ask(&profile, &media).await {
        Ok((brand, of_media)) => (all(&profile, brand), all(&media, of_media)),
        Err(failure) if is_unnamed(&failure) => (
            one_by_one(&profile, async |profile| Ok(ask(profile, &[ID]).await?.0)).await?,
            one_by_one(&media, async |media| Ok(ask(&[ID], media).await?.1)).await?,
        ),
        Err(failure) => return Err(failure),
    };
    let unknown = client.unknown_fields(Edge::Discovery);
    Ok([(Model::Brand, without(brand, &unknown)), (Model::Media, without(of_media, &unknown))])
}

async fn of_hashtag(
    session: &Session<'_>,
    client: &Client,
    config: &Config,
    id: &HashtagId,
) -> Result<Fields, Failure> {
    let ask = async |media: &[&str]| {
        let names = names(media);
        let call = ApiCall::RecentMedia { hashtag: id, media, limit: MEDIA, after: None };
        Ok(Seen::of(&session.page(&call).await?.value.records, &names))
    };
    let media = config.mapping(Model::MediaHashtag).requested();
    let fields = one_by_one(&media, ask).await?;
    Ok(without(fields, &client.unknown_fields(Edge::RecentMedia)))
}

/// The fields, from one response with all of them.
fn all(requests: &[&str], seen: Seen) -> Fields {
    let known = names(requests).into_iter().map(str::to_owned).zip(seen.fields).collect();
    Fields { records: seen.records, known, unknown: Vec::new() }
}

/// The fields, from one call for all of them. If it is refused without naming a field, from one call for each.
async fn one_by_one(requests: &[&str], ask: impl AsyncFn(&[&str]) -> Result<Seen, Failure>) -> Result<Fields, Failure> {
    match ask(requests).await {
        Ok(seen) => return Ok(all(requests, seen)),
        Err(failure) if is_unnamed(&failure) => {}
        Err(failure) => return Err(failure),
    }
    let (mut fields, mut refused) = (Fields::default(), None);
    for request in requests.iter().filter(|request| **request != ID) {
        let name = requested_name(request).to_owned();
        match ask(&[ID, request]).await {
            Ok(seen) => {
                fields.records = fields.records.max(seen.records);
                fields.known.push((name, seen.fields.last().copied().unwrap_or_default()));
            }
            Err(failure) if is_unnamed(&failure) || failure.kind == Kind::UnknownField => {
                fields.unknown.push(name);
                refused = Some(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    // If each field is refused, the fields are not the cause.
    if let (true, Some(failure)) = (fields.known.is_empty(), refused) {
        return Err(failure);
    }
    fields.known.insert(0, (ID.to_owned(), fields.records));
    Ok(fields)
}

/// The fields, of which the API named some as unknown.
fn without(mut fields: Fields, unknown: &[String]) -> Fields {
    let (refused, known) = fields.known.into_iter().partition(|(field, _)| unknown.contains(field));
    let refused: Vec<(String, usize)> = refused;
    fields.unknown.extend(refused.into_iter().map(|(field, _)| field));
    Fields { known, ..fields }
}
