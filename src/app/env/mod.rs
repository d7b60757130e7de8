//! The environment of apps: their own variables, those of bound services, and the server's.

pub mod change;
pub mod merge;

pub use change::{SetEnvs, check_services, set, unset};
pub use merge::{all, merged};

use crate::{
    error::{Error, Result, joined},
    names,
};

/// Where an app's code is.
pub const APP_DIR: &str = "/home/application/current";
/// Credentials of all bound services, as JSON.
pub const SERVICES: &str = "TSURU_SERVICES";
/// The app's name.
pub const APP_NAME: &str = "TSURU_APPNAME";
/// Where the app's code is.
pub const APP_DIR_VAR: &str = "TSURU_APPDIR";

/// Variables that only the server sets.
const PROTECTED: [&str; 3] = [APP_NAME, SERVICES, APP_DIR_VAR];

/// 400 unless all are names that a user may set.
pub fn check_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let faults: Vec<String> = names.into_iter().filter_map(fault).collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!("There were errors validating environment variables: {}", joined(&faults))))
}

fn fault(name: &str) -> Option<String> {
    if PROTECTED.contains(&name) {
        return Some(format!("cannot change an internal environment variable ({name}): write-protected environment variable"));
    }
    (!names::is_env(name)).then(|| {
        format!(
            "{name:?} is not valid environment variable name: a valid environment variable name must consist of alphabetic characters, \
             digits, '_' and must not start with a digit: invalid environment variable name"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_every_fault_is_told() {
        assert!(check_names(["A", "_b1"]).is_ok());
        let one = check_names(["TSURU_APPDIR"]).unwrap_err().to_string();
        assert_eq!(
            one,
            "There were errors validating environment variables: cannot change an internal environment variable (TSURU_APPDIR): \
             write-protected environment variable"
        );
        let two = check_names(["1A", "A", "a.b"]).unwrap_err().to_string();
        assert!(
            two.contains("multiple errors reported (2):\nerror #0: \"1A\" is not") && two.contains("error #1: \"a.b\" is not"),
            "{two}"
        );
    }
}
