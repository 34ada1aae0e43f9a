//! Fields of type `json`, and the fields requested within them.

use super::*;

fn media(line: &str) -> Result<Config, ConfigError> {
    with("[luxury_media]", &format!("[luxury_media]\n{line}"))
}

#[test]
fn a_json_field_may_name_the_fields_within_it() {
    for (line, request) in
        [("parts = children json", "children"), ("parts = children{id,media_type} json?", "children{id,media_type}")]
    {
        let config = media(line).unwrap();
        let field = &config.mapping(Model::Media).fields()[0];
        assert_eq!((field.response.as_str(), field.request.as_str()), ("children", request));
        assert_eq!((field.nullable, config.notices.len()), (line.ends_with('?'), 0));
    }
}

#[test]
fn a_requested_field_cannot_change_the_rest_of_a_call() {
    for bad in ["{id}", "a{}", "a}", "a{b}c", "a{b{c}}", "a{b,}", "a{,b}", "a.limit(9){b}", "a{B}", "a,b"] {
        let found = faults(media(&format!("parts = {bad} json")));
        assert!(
            found.iter().any(|fault| fault.contains("[luxury_media] parts: the response field")),
            "{bad}: {found:?}"
        );
    }
    for spaced in ["children{id, media_type} json", "children{id json", "children{ id} json"] {
        let found = faults(media(&format!("parts = {spaced}")));
        assert!(found[0].contains("without spaces"), "{found:?}");
    }
    assert!(faults(media("parts = children{id} str"))[0].contains("only a json field"));
    assert!(faults(media("parts = children json A|B"))[0].contains("a json field cannot have"));
}

#[test]
fn the_fields_of_the_collector_have_one_type_and_no_allowed_values() {
    for section in ["luxury_profile", "luxury_media", "hashtag_media"] {
        let with = |lines: &str| with(&format!("[{section}]"), &format!("[{section}]\n{lines}"));
        let config = with("found_under = topic str\nat = asked_at timestamp?").unwrap();
        assert_eq!(config.notices, []);
        assert_eq!(
            faults(with(
                "found_under = topic int\nat = asked_at str\nhouse = topic str dior|gucci\nrest = topic{a} json"
            )),
            [
                format!(
                    "[{section}] found_under: topic is a field of the collector: `topic str` without allowed values expected"
                ),
                format!(
                    "[{section}] at: asked_at is a field of the collector: `asked_at timestamp` without allowed values expected"
                ),
                format!(
                    "[{section}] house: topic is a field of the collector: `topic str` without allowed values expected"
                ),
                format!(
                    "[{section}] rest: topic is a field of the collector: `topic str` without allowed values expected"
                ),
                format!("[{section}] rest: requests topic{{a}}, and found_under requests topic: give both the same"),
            ]
        );
    }
}

#[test]
fn a_profile_has_no_field_of_its_media_since_a_call_asks_for_them_anyway() {
    for line in ["posts = media{id} json", "posts = media json", "posts = media str"] {
        let found = faults(with("[luxury_profile]", &format!("[luxury_profile]\n{line}")));
        assert_eq!(
            found,
            ["[luxury_profile] posts: requests media, which each call requests already: [luxury_media] maps them"]
        );
    }
}

#[test]
fn one_field_is_requested_in_one_way() {
    let found = faults(media("one = children{id} json\nother = children{media_type} json"));
    assert_eq!(
        found,
        ["[luxury_media] other: requests children{media_type}, and one requests children{id}: give both the same"]
    );
    let config = media("one = children{id} json\nother = children{id} json?").unwrap();
    assert_eq!(config.mapping(Model::Media).requested().iter().filter(|r| r.starts_with("children")).count(), 1);
}

#[test]
fn a_field_that_the_api_is_known_to_refuse_here_is_a_notice() {
    assert_eq!(
        notices(media("code = shortcode str\nparts = children{id,permalink} json")),
        [
            "[luxury_media] code: the API is known to refuse a call that requests shortcode here: no media record would be collected",
            "[luxury_media] parts: the API is known to refuse a call that requests permalink here: no media record would be collected",
        ]
    );
    assert_eq!(media("new = something_new int").unwrap().notices, [], "nothing is known of it");
}
