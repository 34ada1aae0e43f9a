//! The views that answer questions. They are the same for every engine.
//!
//! A stored 0 has three meanings: it was counted, it stands for a figure that the API left out, or nobody knows,
//! since no quality object lies beside it. The views have NULL for all but the counted one.

use super::{COLLECTED_AT, Engine, SOURCE_KEY, quality};
use collector::config::Config;
use collector::record::{Field, FieldType, ID, IssueKind, Model, OWNER};

/// Whether a quality object tells which figures of the record were defaulted.
pub(super) const QUALITY_KNOWN: &str = "quality_known";

/// The views that the mappings of `config` allow.
pub(super) fn texts(config: &Config, engine: &dyn Engine) -> Vec<String> {
    let of = |model| View { engine, model, fields: config.mapping(model).fields() };
    let [brand, media, media_hashtag] = [of(Model::Brand), of(Model::Media), of(Model::MediaHashtag)];
    let mut texts = vec![brand.over_time()];
    texts.extend(brand.followers());
    texts.extend([media.over_time(), media.latest()]);
    texts.extend(media.engagement());
    texts.extend([media_hashtag.over_time(), media_hashtag.latest()]);
    texts
}

struct View<'a> {
    engine: &'a dyn Engine,
    model: Model,
    fields: &'a [Field],
}

impl View<'_> {
    fn q(&self, name: &str) -> String {
        self.engine.quoted(name)
    }

    /// The name of the column that says whether the API left a figure out.
    fn hidden(&self, field: &str) -> String {
        self.q(&format!("{field}_hidden"))
    }

    fn create(&self, name: &str, why: &str, query: &str) -> String {
        format!("-- {why}\nCREATE OR REPLACE VIEW {} AS\n{query};", self.q(name))
    }

    fn named(&self, response: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.response == response).map(|field| field.output.as_str())
    }

    fn figures(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|field| field.kind == FieldType::Int).map(|field| field.output.as_str())
    }

    /// The columns of this name that tell a record from the others of a run: those of the house and of the medium.
    fn identity(&self) -> String {
        let columns = [OWNER, ID].into_iter().filter_map(|response| self.named(response));
        columns.map(|name| self.q(name)).collect::<Vec<_>>().join(", ")
    }

    fn over_time_name(&self) -> String {
        format!("{}_over_time", self.model)
    }

    /// One row for each record of a run, with NULL for each figure that was not counted.
    fn over_time(&self) -> String {
        let q = |name: &str| self.q(name);
        let text = |text: &str| self.engine.literal(text);
        let figures: Vec<&str> = self.figures().collect();
        let reasons: String = figures
            .iter()
            .map(|name| {
                format!(
                    ",\n        MAX(CASE WHEN {} = {} THEN {} END) AS {}",
                    q("field"),
                    text(name),
                    q("reason"),
                    q(name)
                )
            })
            .collect();
        let counted = |name: &str| {
            let name = q(name);
            format!(
                "    CASE WHEN d.{name} IS NULL AND (r.{name} <> 0 OR c.{} IS NOT NULL) THEN r.{name} END AS {name}",
                q("object_key")
            )
        };
        let column = |field: &Field| {
            if field.kind == FieldType::Int { counted(&field.output) } else { format!("    r.{}", q(&field.output)) }
        };
        let hidden = |name: &&str| {
            format!(
                "    CASE WHEN d.{0} IS NOT NULL THEN d.{0} = '{1}' WHEN r.{0} <> 0 OR c.{2} IS NOT NULL THEN FALSE END AS {3}",
                q(name),
                IssueKind::NotFound.name(),
                q("object_key"),
                self.hidden(name)
            )
        };
        let mut columns: Vec<String> = self.fields.iter().map(column).collect();
        columns.extend(figures.iter().map(hidden));
        columns.push(format!("    c.{} IS NOT NULL AS {}", q("object_key"), q(QUALITY_KNOWN)));
        columns.extend([COLLECTED_AT, SOURCE_KEY].map(|name| format!("    r.{}", q(name))));
        let model = text(self.model.name());
        let query = format!(
            "WITH {defaulted} AS (\n    SELECT\n        {object_key},\n        {record_id}{reasons}\n    FROM {quality}\n    WHERE {model_column} = {model} AND {record_id} IS NOT NULL\n    GROUP BY {object_key}, {record_id}\n),\n\
             {checked} AS (\n    SELECT {object_key}\n    FROM {quality}\n    WHERE {model_column} = {model}\n    GROUP BY {object_key}\n    HAVING SUM(CASE WHEN {outcome} = '{DEFAULTED}' AND {record_id} IS NULL THEN 1 ELSE 0 END) = 0\n),\n\
             {newest} AS (\n    SELECT\n        r.*,\n        ROW_NUMBER() OVER (\n            PARTITION BY {identity}, {collected_at}\n            ORDER BY CASE WHEN REPLACE({source_key}, '_part-', '') <> {source_key} THEN 1 ELSE 0 END DESC, {source_key} DESC\n        ) AS {place}\n    FROM {table} r\n)\n\
             SELECT\n{columns}\nFROM {newest} r\nLEFT JOIN {checked} c ON c.{object_key} = r.{source_key}\nLEFT JOIN {defaulted} d ON d.{object_key} = r.{source_key} AND d.{record_id} = r.{id}\nWHERE r.{place} = 1",
            DEFAULTED = quality::DEFAULTED,
            defaulted = q("defaulted"),
            checked = q("checked"),
            newest = q("newest"),
            object_key = q("object_key"),
            record_id = q("record_id"),
            outcome = q("outcome"),
            model_column = q("model"),
            quality = q(quality::TABLE),
            identity = self.identity(),
            collected_at = q(COLLECTED_AT),
            source_key = q(SOURCE_KEY),
            place = q("place"),
            table = q(self.model.name()),
            id = q(self.named(ID).unwrap_or_default()),
            columns = columns.join(",\n"),
        );
        let why = format!(
            "The records of {} by run. A part that repairs a run replaces the records of the run. A figure that was not\n\
             -- counted is NULL: hidden, defaulted for another reason, or 0 without a quality object beside it.",
            self.model
        );
        self.create(&self.over_time_name(), &why, &query)
    }

    /// The last state of each medium.
    fn latest(&self) -> String {
        let q = |name: &str| self.q(name);
        let mut columns: Vec<String> = self.fields.iter().map(|field| q(&field.output)).collect();
        columns.extend(self.figures().map(|name| self.hidden(name)));
        columns.extend([QUALITY_KNOWN, COLLECTED_AT, SOURCE_KEY].map(q));
        let query = format!(
            "SELECT\n    {}\nFROM (\n    SELECT\n        r.*,\n        ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {} DESC) AS {place}\n    FROM {} r\n) r\nWHERE {place} = 1",
            columns.join(",\n    "),
            self.identity(),
            q(COLLECTED_AT),
            q(&self.over_time_name()),
            place = q("place"),
        );
        self.create(&format!("latest_{}", self.model), "The last state of each medium.", &query)
    }

    /// The followers of each account; `None` where the mapping has none.
    fn followers(&self) -> Option<String> {
        let followers = self.named("followers_count")?;
        let names = [ID, "username"].into_iter().filter_map(|response| self.named(response));
        let mut columns: Vec<String> = names.map(|name| self.q(name)).collect();
        columns.extend([COLLECTED_AT, followers].map(|name| self.q(name)));
        columns.extend([self.hidden(followers), self.q(QUALITY_KNOWN)]);
        let query = format!("SELECT\n    {}\nFROM {}", columns.join(",\n    "), self.q(&self.over_time_name()));
        Some(self.create("followers_over_time", "The followers of each account by run.", &query))
    }

    /// What the newest media of each house gained from one run to the next; `None` where the mapping has no likes
    /// or no comments.
    fn engagement(&self) -> Option<String> {
        let q = |name: &str| self.q(name);
        let [house, likes, comments] = [self.named(OWNER)?, self.named("like_count")?, self.named("comments_count")?];
        let over = format!("OVER (PARTITION BY {} ORDER BY {})", self.identity(), q(COLLECTED_AT));
        let gained = |figure: &str, name: &str| format!("{0} - LAG({0}) {over} AS {1}", q(figure), q(name));
        let query = format!(
            "SELECT\n    {house},\n    {collected_at},\n    COUNT(*) AS {media},\n    SUM(CASE WHEN {hidden} THEN 1 ELSE 0 END) AS {likes_hidden},\n    SUM({likes_gained}) AS {likes_gained},\n    SUM({comments_gained}) AS {comments_gained}\n\
             FROM (\n    SELECT\n        {house},\n        {collected_at},\n        {hidden},\n        {},\n        {}\n    FROM {from}\n) r\nGROUP BY {house}, {collected_at}",
            gained(likes, "likes_gained"),
            gained(comments, "comments_gained"),
            house = q(house),
            collected_at = q(COLLECTED_AT),
            media = q("media"),
            hidden = self.hidden(likes),
            likes_hidden = q("likes_hidden"),
            likes_gained = q("likes_gained"),
            comments_gained = q("comments_gained"),
            from = q(&self.over_time_name()),
        );
        let why = "What the media of each house gained since the run before that has them. A gain takes a counted figure in both.";
        Some(self.create("engagement_over_time", why, &query))
    }
}
