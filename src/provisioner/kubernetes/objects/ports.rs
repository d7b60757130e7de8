//! Which ports a process serves, and as what.

use crate::{build::tsuru_yaml::Port, provisioner::PodPlace};

/// The port of processes that say nothing.
pub const DEFAULT: u32 = 8888;

/// The ports of a process, in full; none: it serves nothing.
pub fn of(pod: &PodPlace, default: u32) -> Vec<Port> {
    match &pod.ports {
        Some(said) => said.iter().enumerate().map(|(i, port)| in_full(port, i)).collect(),
        None if pod.exposed.is_empty() => vec![exposed(0, default, "tcp", default)],
        None => of_image(&pod.exposed, default),
    }
}

/// With what follows from what is said.
pub fn in_full(port: &Port, index: usize) -> Port {
    let protocol = if port.protocol.is_empty() { "TCP".to_owned() } else { port.protocol.to_uppercase() };
    let name = if port.name.is_empty() { name(&protocol, index) } else { port.name.clone() };
    let or = |own: u32, other: u32| if own == 0 { other } else { own };
    Port { name, protocol, port: or(port.port, port.target_port), target_port: or(port.target_port, port.port) }
}

fn name(protocol: &str, index: usize) -> String {
    let kind = if protocol == "UDP" { "udp" } else { "http" };
    format!("{kind}-default-{}", index + 1)
}

/// The only port of an image is reached by the usual number, several by their own.
fn of_image(exposed_ports: &[String], default: u32) -> Vec<Port> {
    let only = exposed_ports.len() == 1;
    let port = |(i, text): (usize, &String)| {
        let (number, protocol) = text.split_once('/')?;
        let target = number.parse().ok()?;
        Some(exposed(i, if only { default } else { target }, protocol, target))
    };
    exposed_ports.iter().enumerate().filter_map(port).collect()
}

fn exposed(index: usize, port: u32, protocol: &str, target_port: u32) -> Port {
    let protocol = protocol.to_uppercase();
    Port { name: name(&protocol, index), protocol, port, target_port }
}

/// Just the usual one: then the process is told it as `PORT`.
pub fn is_default(ports: &[Port], default: u32) -> bool {
    matches!(ports, [one] if one.protocol == "TCP" && one.port == default && one.target_port == default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(pod: &PodPlace) -> Vec<(String, String, u32, u32)> {
        of(pod, DEFAULT).into_iter().map(|p| (p.name, p.protocol, p.port, p.target_port)).collect()
    }

    fn image(ports: &[&str]) -> PodPlace {
        PodPlace { exposed: ports.iter().map(|port| (*port).to_owned()).collect(), ..PodPlace::default() }
    }

    fn said(ports: &[Port]) -> PodPlace {
        PodPlace { ports: Some(ports.to_vec()), ..image(&["1/tcp"]) }
    }

    #[test]
    fn nothing_said_is_the_usual_port() {
        assert_eq!(shape(&image(&[])), [("http-default-1".into(), "TCP".into(), 8888, 8888)]);
        assert!(is_default(&of(&image(&[]), DEFAULT), DEFAULT));
    }

    #[test]
    fn the_only_port_of_an_image_is_reached_by_the_usual_number() {
        assert_eq!(shape(&image(&["80/tcp"])), [("http-default-1".into(), "TCP".into(), 8888, 80)]);
        let two = [("http-default-1".into(), "TCP".into(), 80, 80), ("udp-default-2".into(), "UDP".into(), 53, 53)];
        assert_eq!(shape(&image(&["80/tcp", "53/udp"])), two);
    }

    #[test]
    fn what_is_said_wins_and_fills_itself_up() {
        let ports =
            [Port { target_port: 80, ..Port::default() }, Port { name: "dns".into(), protocol: "udp".into(), port: 53, target_port: 0 }];
        let expected = [("http-default-1".into(), "TCP".into(), 80, 80), ("dns".into(), "UDP".into(), 53, 53)];
        assert_eq!(shape(&said(&ports)), expected);
        assert!(shape(&said(&[])).is_empty());
    }
}
