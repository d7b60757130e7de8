//! The HTTP client for brokers, which may be in this network. It follows no redirects, uses no proxy, and does not reach
//! addresses that only machines of a cloud should: their metadata services, the local link.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};

use crate::{
    config::{Config, Database, Network},
    error::{Error, Result},
    outgoing::rule::{self, Names, Rule},
    request_id,
};

/// As long as tsuru waits for a connection.
const CONNECT: Duration = Duration::from_secs(15);

/// Never reached unless allowed: link-local addresses and the metadata services of clouds.
const METADATA: [Network; 5] = [
    Network::new(IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    Network::new(IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)), 32),
    Network::new(IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), 32),
    Network::new(IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
    Network::new(IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254)), 128),
];
/// This machine: where the embedded server's brokers run, and nothing else in production.
const OWN: [Network; 4] = [
    Network::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    Network::new(IpAddr::V4(Ipv4Addr::new(0, 0, 0, 0)), 8),
    Network::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    Network::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 128),
];

/// Which addresses may be reached.
#[derive(Clone, Debug)]
pub struct Reach {
    allowed: Vec<Network>,
    own: bool,
}

impl Reach {
    /// As the settings say.
    pub fn of(config: &Config) -> Self {
        Self { allowed: config.outgoing_allow.clone(), own: config.database == Database::Embedded }
    }
}

impl Rule for Reach {
    fn permits(&self, address: IpAddr) -> bool {
        let address = embedded_v4(address);
        let among = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        among(&self.allowed) || !(among(&METADATA) || !self.own && among(&OWN))
    }

    fn refusal(&self, address: IpAddr) -> String {
        format!("the address {address} may not be reached from this server (see outgoing:allow)")
    }
}

/// The IPv4 address that an IPv6 one stands for, in all the ways it can be written.
fn embedded_v4(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [a, b, .., c, d] = v6.segments();
    let low = Ipv4Addr::from_bits(u32::from(c) << 16 | u32::from(d));
    match (a, b) {
        (0x64, 0xff9b) => low.into(),
        (0x2002, high) => Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(v6.segments()[2])).into(),
        _ => v6.to_ipv4_mapped().or_else(|| v6.to_ipv4().filter(|_| v6.to_bits() > 1)).map_or(address, IpAddr::V4),
    }
}

/// The client.
#[derive(Debug)]
pub struct Client {
    reach: Arc<Reach>,
    client: OnceLock<reqwest::Client>,
    request_id_header: Option<String>,
}

impl Client {
    /// With the settings' limits.
    pub fn new(config: &Config) -> Self {
        Self { reach: Arc::new(Reach::of(config)), client: OnceLock::new(), request_id_header: config.request_id_header.clone() }
    }

    /// The id of the request that a broker or a router is called for, in the settings' header.
    pub fn request_headers(&self) -> HeaderMap {
        let named = self.request_id_header.as_deref().and_then(|name| name.parse::<HeaderName>().ok());
        named.zip(request_id::current()).and_then(|(name, id)| Some((name, id.parse::<HeaderValue>().ok()?))).into_iter().collect()
    }

    /// The client for this URL; refused when its host is an address that must not be reached. Names are checked when they are resolved.
    pub fn reaching(&self, url: &Url) -> Result<&reqwest::Client> {
        if let Some(why) = rule::refusal(url, &*self.reach) {
            return Err(Error::refused(why));
        }
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let built = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Names(self.reach.clone())))
            .build()
            .map_err(Error::internal)?;
        Ok(self.client.get_or_init(|| built))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::dns::Resolve;

    use super::*;

    fn permits(own: bool, allowed: &[&str], address: &str) -> bool {
        let allowed = allowed.iter().map(|network| network.parse().unwrap()).collect();
        Reach { allowed, own }.permits(address.parse().unwrap())
    }

    #[test]
    fn metadata_is_out_of_reach_however_it_is_written() {
        let all = [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "fd00:ec2::254",
            "fe80::1",
            "168.63.129.16",
            "100.100.100.200",
        ];
        for address in all {
            assert!(!permits(true, &[], address), "{address}");
        }
        assert!(permits(true, &["169.254.0.0/16"], "169.254.169.254"));
    }

    #[test]
    fn this_machine_is_in_reach_of_the_embedded_server_only() {
        for address in ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"] {
            assert!(permits(true, &[], address), "{address}");
            assert!(!permits(false, &[], address), "{address}");
        }
        assert!(permits(false, &["127.0.0.1"], "127.0.0.1"));
    }

    #[test]
    fn other_addresses_are_in_reach() {
        for address in ["10.1.2.3", "8.8.8.8", "2001:db8::1"] {
            assert!(permits(false, &[], address), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_is_refused_when_it_leads_to_a_refused_address() {
        let refused = Names(Arc::new(Reach { allowed: vec![], own: false })).resolve("localhost".parse().unwrap()).await;
        assert!(refused.err().unwrap().to_string().contains("may not be reached"));
        assert!(Names(Arc::new(Reach { allowed: vec![], own: true })).resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
