//! What people are told who make a cluster.

use std::collections::BTreeMap;

use super::KUBERNETES;

/// `name: what it means`, a line each.
const CUSTOM_DATA: &str = include_str!("custom_data.txt");

/// What a cluster of a provisioner is made with.
#[derive(Debug, Default, PartialEq)]
pub struct Help {
    /// In one sentence.
    pub summary: &'static str,
    /// Names of custom data with what they mean; none where there are no clusters.
    pub custom_data: Option<BTreeMap<&'static str, &'static str>>,
}

/// About clusters of this provisioner.
pub fn of(provisioner: &str) -> Help {
    if provisioner != KUBERNETES {
        return Help::default();
    }
    Help {
        summary: "Represents a kubernetes cluster, the address parameter must point to a valid kubernetes apiserver endpoint.",
        custom_data: Some(CUSTOM_DATA.lines().filter_map(|line| line.split_once(": ")).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_name_and_its_meaning() {
        let told = of(KUBERNETES).custom_data.unwrap();
        assert_eq!(told.len(), CUSTOM_DATA.lines().count());
        assert_eq!(told["username"], "User used to connect to the cluster.");
        assert_eq!(of("local"), Help::default());
    }
}
