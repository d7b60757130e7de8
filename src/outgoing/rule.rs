//! Which addresses requests may go to: those in numbers in a URL, and those that a name leads to.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// What decides on an address.
pub trait Rule: Send + Sync + 'static {
    /// True when it may be reached.
    fn permits(&self, address: IpAddr) -> bool;
    /// What is said of an address that may not.
    fn refusal(&self, address: IpAddr) -> String;
}

/// Why this URL must not be asked: its host is an address in numbers that the rule does not permit.
pub fn refusal(url: &Url, rule: &impl Rule) -> Option<String> {
    let address = url.host_str()?.trim_matches(['[', ']']).parse().ok()?;
    (!rule.permits(address)).then(|| rule.refusal(address))
}

/// Finds the addresses of names that the rule permits.
pub struct Names<R>(pub Arc<R>);

impl<R: Rule> Resolve for Names<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let rule = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let (may, must_not): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| rule.permits(address.ip()));
            match (may.is_empty(), must_not.first()) {
                (true, Some(address)) => Err(rule.refusal(address.ip()).into()),
                _ => Ok(Box::new(may.into_iter()) as Addrs),
            }
        })
    }
}
