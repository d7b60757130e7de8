//! `database:shared` and the keys that open what is stored.

use std::path::PathBuf;

use super::File;
use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// The environment variable that a key is taken from when the file names none.
const ENVIRONMENT: &str = "IMPAAS_DATABASE_KEY";
/// What tsuru's server takes for `auth:hash-cost`.
const COSTS: std::ops::RangeInclusive<i64> = 4..=31;
const COST: i64 = 10;

/// Whose database it is, and what opens it.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// `database:shared`: tsuru's server uses the database too; `None`: found out from the database.
    pub shared: Option<bool>,
    /// Where the key that seals is.
    pub key: KeySource,
    /// `database:old-key-files`: keys that sealed earlier.
    pub old_keys: Vec<PathBuf>,
    /// `auth:hash-cost`: of new passwords in a shared database.
    pub hash_cost: u32,
}

/// Where a key is.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// `database:key`, or the environment variable `IMPAAS_DATABASE_KEY`: the key itself.
    Text(Secret),
    /// `database:key-file`.
    File(PathBuf),
    /// `key` in the data folder.
    DataDir,
}

/// The settings of this file.
pub fn read(file: &File) -> Result<Sealing> {
    let cost = file.int("auth:hash-cost", COST)?;
    if !COSTS.contains(&cost) {
        return Err(Error::invalid(format!("auth:hash-cost: {cost} is not between 4 and 31")));
    }
    Ok(Sealing {
        shared: file.opt_bool("database:shared")?,
        key: source(file)?,
        old_keys: file.text("database:old-key-files", "")?.split([' ', ',', '\n']).filter(|w| !w.is_empty()).map(PathBuf::from).collect(),
        hash_cost: u32::try_from(cost).unwrap_or_default(),
    })
}

fn source(file: &File) -> Result<KeySource> {
    let text = file.opt_text("database:key")?.filter(|text| !text.is_empty());
    let path = file.opt_text("database:key-file")?.filter(|path| !path.is_empty());
    let environment = std::env::var(ENVIRONMENT).ok().filter(|text| !text.is_empty());
    match (text, path, environment) {
        (Some(_), Some(_), _) => Err(Error::invalid("database:key and database:key-file: only one of them can be the key")),
        (Some(text), None, _) => Ok(KeySource::Text(text.into())),
        (None, Some(path), _) => Ok(KeySource::File(path.into())),
        (None, None, Some(text)) => Ok(KeySource::Text(text.into())),
        (None, None, None) => Ok(KeySource::DataDir),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Sealing> {
        read(&File::parse(text).unwrap())
    }

    #[test]
    fn the_key_is_in_the_file_or_named_by_it() {
        assert!(matches!(of("database:\n  key: abc\n").unwrap().key, KeySource::Text(text) if text.expose() == "abc"));
        assert!(matches!(of("database:\n  key-file: /k\n").unwrap().key, KeySource::File(path) if path.to_str() == Some("/k")));
        assert!(of("database:\n  key: abc\n  key-file: /k\n").is_err());
    }

    #[test]
    fn old_keys_and_the_cost_are_read() {
        let sealing = of("database:\n  shared: true\n  old-key-files: /a /b\nauth:\n  hash-cost: 12\n").unwrap();
        assert_eq!((sealing.shared, sealing.hash_cost), (Some(true), 12));
        assert_eq!(sealing.old_keys, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert!(of("auth:\n  hash-cost: 3\n").unwrap_err().to_string().starts_with("auth:hash-cost: "));
        assert_eq!(of("").unwrap().shared, None);
    }
}
