//! Labels and annotations: Kubernetes' rules for them, and how changes are merged.

use std::sync::LazyLock;

use regex::Regex;

use super::{Metadata, MetadataItem};
use crate::{
    error::{Error, Result, joined},
    names::compile,
};

/// Bytes of all annotations together at most, as on Kubernetes.
const MOST_ANNOTATIONS: usize = 256 << 10;
const NAME_LIMIT: usize = 63;
const PREFIX_LIMIT: usize = 253;

static NAME: LazyLock<Regex> = LazyLock::new(|| compile("^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"));
static PREFIX: LazyLock<Regex> = LazyLock::new(|| compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"));

const NAME_TEXT: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
                         (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
                         '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_TEXT: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and \
                          end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                          '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const PREFIX_TEXT: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and \
                           end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
                           '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

impl Metadata {
    /// True without labels and annotations.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }

    /// 400 unless Kubernetes would take it.
    pub fn check(&self) -> Result<()> {
        let mut faults = Vec::new();
        for item in kept(&self.annotations) {
            check_name("metadata.annotations", &item.name, &item.name.to_lowercase(), &mut faults);
        }
        let bytes: usize = kept(&self.annotations).map(|item| item.name.len() + item.value.len()).sum();
        if bytes > MOST_ANNOTATIONS {
            faults.push(format!("metadata.annotations: Too long: may not be more than {MOST_ANNOTATIONS} bytes"));
        }
        for item in kept(&self.labels) {
            check_name("metadata.labels", &item.name, &item.name, &mut faults);
            check_value(&item.value, &mut faults);
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::invalid(joined(&faults))) }
    }

    /// Adds, replaces and deletes what `changes` says.
    pub fn merge(&mut self, changes: Metadata) {
        merge(&mut self.labels, changes.labels);
        merge(&mut self.annotations, changes.annotations);
    }
}

fn kept(items: &[MetadataItem]) -> impl Iterator<Item = &MetadataItem> {
    items.iter().filter(|item| !item.delete)
}

fn merge(items: &mut Vec<MetadataItem>, changes: Vec<MetadataItem>) {
    for change in changes {
        match items.iter_mut().find(|item| item.name == change.name) {
            Some(item) if !change.delete => item.value = change.value,
            Some(_) => items.retain(|item| item.name != change.name),
            None if !change.delete => items.push(change),
            None => {}
        }
    }
}

fn check_name(path: &str, shown: &str, name: &str, faults: &mut Vec<String>) {
    if name.starts_with("tsuru.io/") {
        faults.push("prefix tsuru.io/ is private".into());
    }
    let mut invalid = |why: String| faults.push(format!("{path}: Invalid value: {shown:?}: {why}"));
    let (prefix, name) = name.split_once('/').map_or((None, name), |(prefix, name)| (Some(prefix), name));
    match prefix {
        Some("") => invalid("prefix part must be non-empty".into()),
        Some(long) if long.len() > PREFIX_LIMIT => invalid(format!("prefix part must be no more than {PREFIX_LIMIT} bytes")),
        Some(other) if !PREFIX.is_match(other) => invalid(format!("prefix part {PREFIX_TEXT}")),
        _ => {}
    }
    if name.is_empty() {
        invalid("name part must be non-empty".into());
    } else if name.len() > NAME_LIMIT {
        invalid(format!("name part must be no more than {NAME_LIMIT} bytes"));
    }
    if !NAME.is_match(name) {
        invalid(format!("name part {NAME_TEXT}"));
    }
}

fn check_value(value: &str, faults: &mut Vec<String>) {
    let mut invalid = |why: &str| faults.push(format!("metadata.labels: Invalid value: {value:?}: {why}"));
    if value.len() > NAME_LIMIT {
        invalid(&format!("must be no more than {NAME_LIMIT} bytes"));
    }
    if !value.is_empty() && !NAME.is_match(value) {
        invalid(VALUE_TEXT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, value: &str) -> MetadataItem {
        MetadataItem { name: name.into(), value: value.into(), delete: false }
    }

    fn labels(items: &[(&str, &str)]) -> Metadata {
        Metadata { labels: items.iter().map(|(name, value)| item(name, value)).collect(), annotations: Vec::new() }
    }

    #[test]
    fn labels_follow_the_rules_of_kubernetes() {
        assert!(labels(&[("course", "60001"), ("example.com/a_b", ""), ("x", "My.value-1")]).check().is_ok());
        for bad in [("", "v"), ("-a", "v"), ("a/b/c", "v"), ("/a", "v"), ("A.com/a", "v"), ("a", "not valid"), ("a", "-")] {
            assert!(labels(&[bad]).check().is_err(), "{bad:?}");
        }
        let text = labels(&[("tsuru.io/app", "x")]).check().unwrap_err().to_string();
        assert_eq!(text, "prefix tsuru.io/ is private");
    }

    #[test]
    fn annotations_may_hold_any_text_up_to_a_limit() {
        let with = |value: &str| Metadata { labels: vec![], annotations: vec![item("Note", value)] };
        assert!(with("any text, really!").check().is_ok());
        assert!(with(&"x".repeat(MOST_ANNOTATIONS)).check().is_err());
    }

    #[test]
    fn changes_add_replace_and_delete() {
        let mut all = labels(&[("a", "1"), ("b", "2")]);
        let mut changes = labels(&[("a", "9"), ("c", "3"), ("b", ""), ("unknown", "")]);
        changes.labels[2].delete = true;
        changes.labels[3].delete = true;
        all.merge(changes);
        assert_eq!(all, labels(&[("a", "9"), ("c", "3")]));
    }
}
