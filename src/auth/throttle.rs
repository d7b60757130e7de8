//! Slows down guessing: after some wrong passwords for an account from an address, logins wait.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// Wrong passwords that are free, per account and address.
const FREE: u32 = 10;
/// How long they are remembered.
const WINDOW: Duration = Duration::from_secs(300);
/// Entries kept; beyond it the old ones go first.
const MOST: usize = 100_000;

/// Wrong logins of late.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<String, (u32, Instant)>>);

impl Throttle {
    /// 429 when this account, or this address, failed too often.
    pub fn check(&self, email: &str, address: &str) -> Result<()> {
        let failures = self.lock();
        let tired = [(key(email, address), FREE), (address.to_owned(), FREE * 10)]
            .iter()
            .any(|(key, free)| failures.get(key).is_some_and(|(count, last)| count >= free && last.elapsed() < WINDOW));
        if tired {
            return Err(Error::TooMany("Too many failed logins, please try again in a few minutes.".into()));
        }
        Ok(())
    }

    /// Remembers a wrong password.
    pub fn failed(&self, email: &str, address: &str) {
        let mut failures = self.lock();
        if failures.len() >= MOST {
            failures.retain(|_, (_, last)| last.elapsed() < WINDOW);
        }
        for key in [key(email, address), address.to_owned()] {
            let entry = failures.entry(key).or_insert((0, Instant::now()));
            *entry = if entry.1.elapsed() < WINDOW { (entry.0 + 1, Instant::now()) } else { (1, Instant::now()) };
        }
    }

    /// Forgets the account's failures after a right password.
    pub fn succeeded(&self, email: &str, address: &str) {
        self.lock().remove(&key(email, address));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (u32, Instant)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn key(email: &str, address: &str) -> String {
    format!("{email}\0{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_passwords_close_the_account_to_that_address_only() {
        let throttle = Throttle::default();
        for _ in 0..FREE {
            throttle.check("a@b.c", "1.2.3.4").unwrap();
            throttle.failed("a@b.c", "1.2.3.4");
        }
        assert!(throttle.check("a@b.c", "1.2.3.4").is_err());
        assert!(throttle.check("a@b.c", "5.6.7.8").is_ok());
        assert!(throttle.check("x@b.c", "1.2.3.4").is_ok());
    }
}
