//! Requests that are made because a caller named an address: they reach neither this machine, nor its network, nor a cloud's metadata.

mod reading;
pub mod rule;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Client, ClientBuilder, Url,
    redirect::{Attempt, Policy},
};

pub use self::reading::{Unread, body, reason};
use self::rule::{Names, Rule};

use crate::error::{Error, Result};

const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);
const REDIRECTS: usize = 5;

/// Where requests may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses.
    Public,
    /// Everything (`outgoing:allow-private`): for development, or a server whose network may be reached by its users anyway.
    Everything,
}

/// A client that goes no further.
pub fn client(reach: Reach) -> Result<Client> {
    builder(reach).build().map_err(Error::internal)
}

/// The beginning of a client that goes no further.
pub fn builder(reach: Reach) -> ClientBuilder {
    let builder = Client::builder().no_proxy().connect_timeout(CONNECT).read_timeout(SILENCE);
    match reach {
        Reach::Everything => builder.redirect(Policy::limited(REDIRECTS)),
        Reach::Public => builder.dns_resolver(Arc::new(Names(Arc::new(reach)))).redirect(Policy::custom(follow)),
    }
}

/// Reads an address; refuses what is neither http nor https, and addresses in numbers that are out of reach.
pub fn url(text: &str, reach: Reach) -> Result<Url> {
    let url = Url::parse(text).map_err(|e| Error::refused(format!("parse {text:?}: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::refused(format!("unsupported protocol scheme {:?}", url.scheme())));
    }
    within(&url, reach)?;
    Ok(url)
}

/// Refuses an address in numbers that is out of reach.
pub fn within(url: &Url, reach: Reach) -> Result<()> {
    match rule::refusal(url, &reach) {
        Some(why) => Err(Error::refused(format!("Get {:?}: {why}", url.host_str().unwrap_or_default()))),
        None => Ok(()),
    }
}

impl Rule for Reach {
    fn permits(&self, address: IpAddr) -> bool {
        *self == Self::Everything || is_public(address)
    }

    fn refusal(&self, _: IpAddr) -> String {
        "the address is private to this server's network and may not be used (outgoing:allow-private)".into()
    }
}

fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error("too many redirects");
    }
    match rule::refusal(attempt.url(), &Reach::Public) {
        Some(why) => attempt.error(why),
        None => attempt.follow(),
    }
}

/// True for an address of the open internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let special = a == 0 || a >= 224 || (a == 192 && b == 0 && c == 0) || (a == 198 && (b & 0xfe) == 18);
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation() || shared || special)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Only 2000::/3 is given out; documentation, 6to4, Teredo and NAT64 can lead back inside.
    let given_out = first & 0xe000 == 0x2000;
    let tunnel = first == 0x2002 || (first == 0x2001 && (second == 0 || second == 0xdb8));
    given_out && !tunnel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_out_of_reach_in_every_form() {
        let private = "127.0.0.1 10.1.2.3 172.20.0.1 192.168.0.1 169.254.169.254 100.100.100.200 0.0.0.0 255.255.255.255 224.0.0.1 \
             ::1 :: fe80::1 fd00:ec2::254 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::a9fe:a9fe 2002:7f00:1:: 2001:0:1::";
        for ip in private.split_whitespace() {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "140.82.121.3", "2606:4700:4700::1111"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn addresses_in_numbers_are_checked_however_they_are_written() {
        for text in ["http://127.0.0.1/x", "http://2130706433/x", "http://0x7f.1/x", "http://[::1]:80/x", "http://[::ffff:10.0.0.1]/"] {
            assert!(url(text, Reach::Public).unwrap_err().to_string().contains("private"), "{text}");
            assert!(url(text, Reach::Everything).is_ok());
        }
        assert!(url("file:///etc/passwd", Reach::Everything).is_err());
        assert!(url("https://example.org/a.tgz", Reach::Public).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_out_of_reach() {
        let address = url("http://localhost:1/x", Reach::Public).unwrap();
        let failed = client(Reach::Public).unwrap().get(address).send().await.unwrap_err();
        assert!(format!("{failed:?}").contains("private to this server's network"), "{failed:?}");
    }
}
