//! Networks as settings name them: `10.0.0.0/8`, `fd00::1`.

use std::{net::IpAddr, str::FromStr};

use crate::error::{Error, Result};

/// An address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// This address and everything that begins with the same bits.
    pub const fn new(address: IpAddr, bits: u8) -> Self {
        Self { address, bits }
    }

    /// True for an address in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u8| {
            let rest = u32::from(width.saturating_sub(self.bits));
            one.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// Who asks, when `peer` is one of the proxies that are trusted: the last address of the `X-Forwarded-For` lines that is none of them.
/// What stands before it anybody may have written.
pub fn behind_proxies<'a>(peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>, trusted: &[Network]) -> IpAddr {
    let known = |address: &IpAddr| trusted.iter().any(|network| network.contains(*address));
    let mut last = peer;
    for word in forwarded.rev().flat_map(|line| line.rsplit(',')) {
        if !known(&last) {
            return last;
        }
        match word.trim().parse() {
            Ok(address) => last = address,
            Err(_) => return last,
        }
    }
    last
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid(format!("{text:?} is not a network like 10.0.0.0/8"));
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().ok().ok_or_else(wrong)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() { Some(width) } else { bits.parse().ok().filter(|bits| *bits <= width) };
        Ok(Self { address, bits: bits.ok_or_else(wrong)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_like_it() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"),
            ("169.254.0.0/16", "169.254.169.254", "169.255.0.0"),
            ("1.2.3.4", "1.2.3.4", "1.2.3.5"),
            ("fd00:ec2::254", "fd00:ec2::254", "fd00:ec2::253"),
            ("fe80::/10", "febf::1", "fec0::1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{outside}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("9.9.9.9".parse().unwrap()));
        assert!("::/0".parse::<Network>().unwrap().contains("::9".parse().unwrap()));
    }

    #[test]
    fn only_trusted_proxies_say_who_asks() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        for (peer, lines, asks) in [
            ("10.1.1.1", vec!["1.2.3.4"], "1.2.3.4"),
            ("10.1.1.1", vec!["9.9.9.9, 1.2.3.4, 10.2.2.2"], "1.2.3.4"),
            ("10.1.1.1", vec!["9.9.9.9", "1.2.3.4"], "1.2.3.4"),
            ("8.8.8.8", vec!["1.2.3.4"], "8.8.8.8"),
            ("10.1.1.1", vec!["not an address"], "10.1.1.1"),
            ("10.1.1.1", vec![], "10.1.1.1"),
        ] {
            assert_eq!(behind_proxies(peer.parse().unwrap(), lines.into_iter(), &trusted), asks.parse::<IpAddr>().unwrap());
        }
        assert_eq!(behind_proxies("10.1.1.1".parse().unwrap(), ["1.2.3.4"].into_iter(), &[]), "10.1.1.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in ["", "x", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
