//! The rules for names (the contract, section 12).

use std::sync::LazyLock;

use regex::Regex;

use crate::error::{Error, Result};

/// A pattern that is a constant: a test compiles each.
#[expect(clippy::expect_used, reason = "it is a fault of ours when it is none")]
pub fn compile(pattern: &'static str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

static COMMON: LazyLock<Regex> = LazyLock::new(|| compile("^[a-z][a-z0-9-]{0,39}$"));
static TEAM: LazyLock<Regex> = LazyLock::new(|| compile(r"^[a-z][a-z0-9_\-]{1,62}$"));
static EMAIL: LazyLock<Regex> = LazyLock::new(|| compile(r"^([^@\s]+)@((?:[-a-z0-9]+\.)+[a-z]{2,})$"));
static CNAME: LazyLock<Regex> = LazyLock::new(|| compile(r"^(\*\.)?[a-zA-Z0-9][\w\-.]+$"));
static ENV: LazyLock<Regex> = LazyLock::new(|| compile("^[_a-zA-Z][_a-zA-Z0-9]*$"));

fn check(pattern: &Regex, name: &str, text: &str) -> Result<()> {
    if pattern.is_match(name) { Ok(()) } else { Err(Error::invalid(text)) }
}

/// True for names of apps, jobs, pools, platforms, volumes, services, webhooks, tokens.
pub fn is_common(name: &str) -> bool {
    COMMON.is_match(name)
}

/// True for names of variables.
pub fn is_env(name: &str) -> bool {
    ENV.is_match(name)
}

/// True for host names an app can be given.
pub fn is_cname(name: &str) -> bool {
    CNAME.is_match(name)
}

/// An app's name, or 400.
pub fn check_app(name: &str) -> Result<()> {
    let text = "Invalid app name, your app should have at most 40 characters, containing only lower case letters, numbers or dashes, \
                starting with a letter.";
    check(&COMMON, name, text)
}

/// A team's name, or 400.
pub fn check_team(name: &str) -> Result<()> {
    let text =
        "Invalid team name, team names should start with a letter andcontain only lower case letters, numbers, dashes and underscore";
    check(&TEAM, name, text)
}

/// An e-mail, or 400.
pub fn check_email(email: &str) -> Result<()> {
    check(&EMAIL, email, "invalid email")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        assert!(check_app("hello-2").is_ok());
        assert!(check_app("Hello").is_err());
        assert!(check_app(&"a".repeat(41)).is_err());
        assert!(check_team("course_1").is_ok());
        assert!(check_team("a").is_err());
        assert!(check_email("a@b.co").is_ok());
        assert!(check_email("a@B.co").is_err());
        assert!(is_cname("*.example.com"));
        assert!(!is_cname("_not/valid"));
        assert!(is_env("_A1"));
        assert!(!is_env("1A"));
    }
}
