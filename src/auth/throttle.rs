//! Slows down guessing: after some failed logins of an account from an address, of an address, or of an account from everywhere,
//! logins wait. A try counts from its start, so tries at the same time are no way around.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// Failures that are free, of an account from an address.
const FREE: u32 = 10;
/// Failures that are free, of an address whatever the account, and of an account wherever they come from.
const FREE_OF_ONE: u32 = 100;
/// How long failures are remembered.
const WINDOW: Duration = Duration::from_secs(300);
/// Where an account signed on so lately, guesses from elsewhere do not lock it out.
const AT_HOME: Duration = Duration::from_secs(24 * 3600);
/// Entries kept; beyond it the old ones go first.
const MOST: usize = 100_000;

/// Logins of late.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Logins>);

#[derive(Debug, Default)]
struct Logins {
    failures: HashMap<String, (u32, Instant)>,
    homes: HashMap<String, Instant>,
}

impl Throttle {
    /// Counts a try, as failed until it succeeds. 429 when this account or this address failed too often. Without an account (a
    /// provider's code or token, whose owner is not known yet) only the address counts.
    pub fn begin(&self, email: &str, address: &str) -> Result<()> {
        let mut logins = self.lock();
        let keys = keys(email, address);
        if keys.iter().any(|(key, free)| logins.count(key) >= *free && !logins.at_home(key, email, address)) {
            return Err(Error::TooMany("Too many failed logins, please try again in a few minutes.".into()));
        }
        keys.iter().for_each(|(key, _)| logins.add(key));
        Ok(())
    }

    /// The try was right: the account's failures from here are forgotten.
    pub fn succeeded(&self, email: &str, address: &str) {
        let mut logins = self.lock();
        for (key, free) in keys(email, address) {
            if free == FREE {
                logins.failures.remove(&key);
            } else if let Some((count, _)) = logins.failures.get_mut(&key) {
                *count = count.saturating_sub(1);
            }
        }
        if !email.is_empty() {
            if logins.homes.len() >= MOST {
                logins.homes.retain(|_, last| last.elapsed() < AT_HOME);
            }
            logins.homes.insert(pair(email, address), Instant::now());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Logins> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Logins {
    fn count(&self, key: &str) -> u32 {
        self.failures.get(key).filter(|(_, last)| last.elapsed() < WINDOW).map_or(0, |(count, _)| *count)
    }

    fn add(&mut self, key: &str) {
        if self.failures.len() >= MOST {
            self.failures.retain(|_, (_, last)| last.elapsed() < WINDOW);
        }
        let count = self.count(key) + 1;
        self.failures.insert(key.into(), (count, Instant::now()));
    }

    /// True when this is the count of the whole account, and it signed on from this address lately.
    fn at_home(&self, key: &str, email: &str, address: &str) -> bool {
        key == account(email) && self.homes.get(&pair(email, address)).is_some_and(|last| last.elapsed() < AT_HOME)
    }
}

fn keys(email: &str, address: &str) -> Vec<(String, u32)> {
    let mut keys = vec![(format!("address\0{address}"), FREE_OF_ONE)];
    if !email.is_empty() {
        keys.push((account(email), FREE_OF_ONE));
        keys.push((pair(email, address), FREE));
    }
    keys
}

fn account(email: &str) -> String {
    format!("account\0{email}")
}

fn pair(email: &str, address: &str) -> String {
    format!("pair\0{email}\0{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_passwords_close_the_account_to_that_address_only() {
        let throttle = Throttle::default();
        for _ in 0..FREE {
            throttle.begin("a@b.c", "1.2.3.4").unwrap();
        }
        assert!(throttle.begin("a@b.c", "1.2.3.4").is_err());
        assert!(throttle.begin("a@b.c", "5.6.7.8").is_ok());
        assert!(throttle.begin("x@b.c", "1.2.3.4").is_ok());
    }

    #[test]
    fn an_address_that_tries_account_after_account_waits() {
        let throttle = Throttle::default();
        for n in 0..FREE_OF_ONE {
            throttle.begin(&format!("{n}@b.c"), "1.2.3.4").unwrap();
        }
        assert!(throttle.begin("new@b.c", "1.2.3.4").is_err());
        assert!(throttle.begin("", "1.2.3.4").is_err());
        assert!(throttle.begin("new@b.c", "5.6.7.8").is_ok());
    }

    #[test]
    fn an_account_that_everybody_guesses_at_waits_but_not_where_it_is_at_home() {
        let throttle = Throttle::default();
        throttle.begin("a@b.c", "home").unwrap();
        throttle.succeeded("a@b.c", "home");
        for n in 0..FREE_OF_ONE {
            throttle.begin("a@b.c", &format!("10.0.0.{n}")).unwrap();
        }
        assert!(throttle.begin("a@b.c", "elsewhere").is_err());
        assert!(throttle.begin("a@b.c", "home").is_ok());
    }

    #[test]
    fn callers_whose_address_is_not_known_are_counted_like_others() {
        let throttle = Throttle::default();
        for _ in 0..FREE {
            throttle.begin("a@b.c", "").unwrap();
        }
        assert!(throttle.begin("a@b.c", "").is_err());
    }

    #[test]
    fn right_logins_never_wait() {
        let throttle = Throttle::default();
        for _ in 0..FREE_OF_ONE * 3 {
            throttle.begin("a@b.c", "1.2.3.4").unwrap();
            throttle.succeeded("a@b.c", "1.2.3.4");
            throttle.begin("", "1.2.3.4").unwrap();
            throttle.succeeded("", "1.2.3.4");
        }
    }
}
