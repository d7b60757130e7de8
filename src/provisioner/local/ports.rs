//! Ports for units: below what the kernel hands out for outgoing connections, free now, and given to one unit only.

use std::{
    collections::HashSet,
    net::{Ipv4Addr, TcpListener},
    sync::{Mutex, PoisonError},
};

use rand::RngExt;

use crate::error::{Error, Result};

const FIRST: u16 = 20_000;
const LAST: u16 = 31_999;
/// Ports tried before giving up.
const TRIES: usize = 400;

/// The ports given away.
#[derive(Debug, Default)]
pub struct Ports(Mutex<HashSet<u16>>);

impl Ports {
    /// One that nobody uses.
    pub fn take(&self) -> Result<u16> {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut random = rand::rng();
        let mut free = (0..TRIES).map(|_| random.random_range(FIRST..=LAST)).filter(|port| !given.contains(port) && is_free(*port));
        let port = free.next().ok_or_else(|| Error::unavailable("no free port is left for another unit on this machine"))?;
        given.insert(port);
        Ok(port)
    }

    /// One that a unit has already.
    pub fn keep(&self, port: u16) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
    }

    /// Free again.
    pub fn give_back(&self, port: u16) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports = Ports::default();
        let mut seen = HashSet::new();
        for _ in 0..200 {
            assert!(seen.insert(ports.take().unwrap()));
        }
    }
}
