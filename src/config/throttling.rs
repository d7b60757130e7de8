//! `event:throttling`: how many events of a kind may begin within a time.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::File;
use crate::error::{Error, Result};

/// What events are about, in tsuru's words.
const TYPES: &str = "global app job node container pool service service-instance team user role platform plan node-container install-host \
    event-block cluster volume webhook gc router";

/// At most so many events about something within a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limit {
    /// About this kind of thing.
    pub target_type: String,
    /// Of this kind; empty: of any, unless the kind has a limit of its own.
    #[serde(default)]
    pub kind_name: String,
    /// So many.
    #[serde(default)]
    pub limit: u64,
    /// Within so many seconds.
    #[serde(default)]
    pub window: u64,
    /// About all things of the type together; otherwise about each.
    #[serde(default)]
    pub all_targets: bool,
    /// Those that still run count too, however old they are.
    #[serde(default)]
    pub wait_finish: bool,
}

impl Limit {
    /// Within this time.
    pub fn window(&self) -> Duration {
        Duration::from_secs(self.window)
    }
}

/// The limits of a file. One without a number or a time limits nothing.
pub fn read(file: &File) -> Result<Vec<Limit>> {
    const KEY: &str = "event:throttling";
    match file.value(KEY) {
        Value::Null => Ok(Vec::new()),
        list => {
            let limits: Vec<Limit> = serde_json::from_value(list).map_err(|e| Error::invalid(format!("{KEY}: {e}")))?;
            if let Some(wrong) = limits.iter().find(|limit| !TYPES.split_ascii_whitespace().any(|word| word == limit.target_type)) {
                return Err(Error::invalid(format!("{KEY}: target-type: {:?} is none of {TYPES}", wrong.target_type)));
            }
            Ok(limits.into_iter().filter(|limit| limit.limit > 0 && limit.window > 0).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<Limit>> {
        read(&File::parse(text).unwrap())
    }

    #[test]
    fn limits_are_read_and_those_of_nothing_left_out() {
        let limits =
            of("event:\n  throttling:\n  - {target-type: app, kind-name: app.deploy, limit: 2, window: 60}\n  - {target-type: job}\n")
                .unwrap();
        assert_eq!(limits.len(), 1);
        assert_eq!((limits[0].target_type.as_str(), limits[0].window()), ("app", Duration::from_secs(60)));
        assert!(of("").unwrap().is_empty());
    }

    #[test]
    fn a_wrong_limit_names_its_key() {
        for wrong in ["event:\n  throttling: often\n", "event:\n  throttling:\n  - {target-type: moon}\n"] {
            assert!(of(wrong).unwrap_err().to_string().starts_with("event:throttling: "));
        }
    }
}
