//! The tree of permissions, as data.

use std::{collections::BTreeMap, sync::LazyLock};

use super::ContextType;

/// Every static permission in tree order with the contexts it can be granted in. The root is the empty name.
static SCHEME: LazyLock<Vec<(&'static str, Vec<ContextType>)>> = LazyLock::new(|| {
    include_str!("scheme.csv")
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .map(|(name, contexts)| (name, contexts.split(' ').filter_map(|word| word.parse().ok()).collect()))
        .collect()
});

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static [ContextType]>> =
    LazyLock::new(|| SCHEME.iter().map(|(name, contexts)| (*name, contexts.as_slice())).collect());

/// All permissions with their contexts, in tree order.
pub fn all() -> &'static [(&'static str, Vec<ContextType>)] {
    &SCHEME
}

/// The canonical name of a permission as input gives it (`*` is the root), or `None` when there is none.
pub fn find(name: &str) -> Option<&'static str> {
    let name = if name == "*" { "" } else { name };
    BY_NAME.get_key_value(name).map(|(name, _)| *name)
}

/// The contexts that a permission can be granted in.
pub fn contexts(name: &str) -> &'static [ContextType] {
    BY_NAME.get(name).copied().unwrap_or_default()
}

/// True when holding `held` is holding `wanted`: the same or a parent of it.
pub fn covers(held: &str, wanted: &str) -> bool {
    held.is_empty() || wanted == held || wanted.strip_prefix(held).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_has_all_218_names_and_the_root_first() {
        assert_eq!(all().len(), 218);
        assert_eq!(all().first().map(|p| p.0), Some(""));
    }

    #[test]
    fn every_permission_can_be_granted_somewhere() {
        for (name, contexts) in all() {
            assert!(contexts.contains(&ContextType::Global), "{name}");
        }
    }

    #[test]
    fn a_parent_covers_its_children_and_not_its_namesakes() {
        assert!(covers("", "app.create"));
        assert!(covers("app", "app.create"));
        assert!(covers("app.create", "app.create"));
        assert!(!covers("app", "apikey.read"));
        assert!(!covers("app.create", "app"));
    }
}
