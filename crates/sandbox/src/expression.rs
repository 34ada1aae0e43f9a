//! The `fields` expression of a call: `a,b.limit(25).after(X){c,d}`.

/// A requested field, with its parameters and the fields requested of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    parameters: Vec<(String, String)>,
    pub(super) fields: Vec<Node>,
}

impl Node {
    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A field requested of this one.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.fields.iter().find(|n| n.name == name)
    }
}

/// Parses an expression; `None` if its brackets do not match.
pub(super) fn parse(text: &str) -> Option<Vec<Node>> {
    let (nodes, rest) = list(text)?;
    rest.is_empty().then_some(nodes)
}

fn list(mut rest: &str) -> Option<(Vec<Node>, &str)> {
    let mut nodes = Vec::new();
    loop {
        let (node, after) = node(rest)?;
        if !node.name.is_empty() {
            nodes.push(node);
        }
        rest = match after.strip_prefix(',') {
            Some(next) => next,
            None => return Some((nodes, after)),
        };
    }
}

fn node(text: &str) -> Option<(Node, &str)> {
    let name_end = |t: &str| t.find([',', '{', '}', '.', '(']).unwrap_or(t.len());
    let (name, mut rest) = text.split_at(name_end(text));
    let mut node = Node { name: name.trim().to_owned(), ..Node::default() };
    while let Some(after) = rest.strip_prefix('.') {
        let (parameter, after) = after.split_once('(')?;
        let (value, after) = after.split_once(')')?;
        node.parameters.push((parameter.to_owned(), value.to_owned()));
        rest = after;
    }
    if let Some(inner) = rest.strip_prefix('{') {
        let (fields, after) = list(inner)?;
        node.fields = fields;
        rest = after.strip_prefix('}')?;
    }
    Some((node, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_nested_fields_are_read() {
        let nodes = parse("business_discovery.username(a.b_1){id,media.limit(25).after(c){id,caption}},name").unwrap();
        let discovery = &nodes[0];
        assert_eq!((discovery.parameter("username"), nodes[1].name.as_str()), (Some("a.b_1"), "name"));
        let media = discovery.field("media").unwrap();
        assert_eq!(
            (media.parameter("limit"), media.parameter("after"), media.fields.len()),
            (Some("25"), Some("c"), 2)
        );
    }

    #[test]
    fn brackets_that_do_not_match_are_refused() {
        for bad in ["a{b", "a}", "a.limit(3", "a{b}}", "a.limit"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
