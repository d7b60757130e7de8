//! How settings name the service: as gRPC names targets, `dns:///host:80`, or plainly `host:80`.

use std::{fmt, str::FromStr};

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name or number.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// The port of targets that say none.
const PORT: u16 = 443;

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("build-service-address: {text:?} {why}, for example dns:///deploy-agent:80");
        let target = match text.split_once(':') {
            Some(("dns" | "passthrough", rest)) => endpoint(rest),
            Some((_, rest)) if rest.starts_with('/') => return Err(wrong("has a scheme that is neither dns nor passthrough")),
            _ => text,
        };
        let (host, port) = match target.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) => (host, port.parse().ok()),
            _ => (target, Some(PORT)),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match port {
            Some(port) if is_host(host) => Ok(Self { host: host.into(), port }),
            _ => Err(wrong("is not a host and a port")),
        }
    }
}

/// `///host:80` and `//resolver/host:80` are `host:80`.
fn endpoint(rest: &str) -> &str {
    let Some(rest) = rest.strip_prefix("//") else { return rest };
    rest.split_once('/').map_or(rest, |(_, endpoint)| endpoint)
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:%".contains(&b))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_a_target_are_read() {
        for (text, shown) in [
            ("dns:///tsuru-deploy-agent:80", "tsuru-deploy-agent:80"),
            ("dns://8.8.8.8/agent.example.com:8080", "agent.example.com:8080"),
            ("dns:agent:80", "agent:80"),
            ("passthrough:///127.0.0.1:9", "127.0.0.1:9"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("agent", "agent:443"),
            ("dns:///agent", "agent:443"),
            ("[::1]:80", "[::1]:80"),
            ("dns:///[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_names_its_key() {
        for text in ["", "dns:///", "agent:many", "http://agent:80", "unix:///run/agent", "a b:80", ":80"] {
            let why = text.parse::<Address>().unwrap_err();
            assert!(why.starts_with("build-service-address: "), "{text}: {why}");
        }
    }
}
