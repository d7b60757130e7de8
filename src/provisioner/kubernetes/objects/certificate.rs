//! Certificates of host names: secrets of those that are set by hand, and whom cert-manager asks for the others.

use std::collections::BTreeSet;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    custom::{Custom, Kind},
    labels::{self, Labels},
    meta,
};
use crate::{provisioner::routes::Host, secret::Secret as Key};

/// The host name of a certificate that was set by hand.
pub const DOMAIN: &str = "tsuru.io/domain-name";
/// Annotations by which cert-manager is told who issues.
pub const ISSUER: &str = "cert-manager.io/issuer";
/// The same, of the cluster.
pub const CLUSTER_ISSUER: &str = "cert-manager.io/cluster-issuer";
/// The kind of an issuer of another program.
pub const ISSUER_KIND: &str = "cert-manager.io/issuer-kind";
/// Its group.
pub const ISSUER_GROUP: &str = "cert-manager.io/issuer-group";
/// cert-manager's.
pub const GROUP: &str = "cert-manager.io";
/// The definition that a cluster with cert-manager has.
pub const CRD: &str = "certificates.cert-manager.io";
/// No certificate has a longer common name.
const LONGEST_COMMON_NAME: usize = 64;

/// Secrets of certificates that were set by hand.
pub type Certified = BTreeSet<String>;

/// Who issues the certificate of a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// Of the namespace.
    Own(String),
    /// Of the cluster.
    Cluster(String),
    /// Of another program.
    Other {
        /// Its name.
        name: String,
        /// Its kind.
        kind: String,
        /// The kind's group.
        group: String,
    },
}

impl Issuer {
    /// The one that annotations name.
    pub fn said(annotations: &Labels) -> Option<Self> {
        let say = |key: &str| annotations.get(key).cloned();
        match (say(ISSUER), say(ISSUER_KIND), say(ISSUER_GROUP)) {
            (Some(name), None, None) => Some(Self::Own(name)),
            (Some(name), kind, group) => {
                Some(Self::Other { name, kind: kind.unwrap_or_else(|| "Issuer".into()), group: group.unwrap_or_else(|| GROUP.into()) })
            }
            (None, ..) => say(CLUSTER_ISSUER).map(Self::Cluster),
        }
    }

    fn reference(&self) -> Value {
        let (name, kind, group) = match self {
            Self::Own(name) => (name.as_str(), "Issuer", GROUP),
            Self::Cluster(name) => (name.as_str(), "ClusterIssuer", GROUP),
            Self::Other { name, kind, group } => (name.as_str(), kind.as_str(), group.as_str()),
        };
        json!({"name": name, "kind": kind, "group": group})
    }
}

/// cert-manager's `Certificate`: what it makes and keeps new.
#[derive(Clone, Copy, Debug)]
pub struct Issued;

impl Kind for Issued {
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "Certificate";
    const PLURAL: &'static str = "certificates";
}

/// A certificate of a host name by this issuer; it is kept in the secret of the same name.
pub fn issued((name, namespace): (&str, &str), all: Labels, host: &str, issuer: &Issuer) -> Custom<Issued> {
    // One that is set by hand later is written over it: the secret is the app's.
    let own: Labels = all.iter().filter(|(name, _)| *name == labels::APP).map(|(name, app)| (name.clone(), app.clone())).collect();
    let mut spec = json!({"secretName": name, "secretTemplate": {"labels": own}, "dnsNames": [host], "issuerRef": issuer.reference(),
        "usages": ["digital signature", "key encipherment"]});
    if let Some(fields) = spec.as_object_mut().filter(|_| host.len() <= LONGEST_COMMON_NAME) {
        fields.insert("commonName".into(), host.into());
    }
    Custom::new(meta(name.to_owned(), namespace, all), spec)
}

/// A certificate that was set by hand.
pub fn by_hand(at: Host<'_>, (name, namespace): (&str, &str), (pem, key): (&str, &Key)) -> Secret {
    let domain = if labels::is_value(at.name) { at.name.to_owned() } else { hidden(at.name) };
    let labels = [(labels::APP.to_owned(), at.app.to_owned()), (DOMAIN.to_owned(), domain)].into();
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let data = [("tls.crt".to_owned(), bytes(pem)), ("tls.key".to_owned(), bytes(key.expose()))].into();
    Secret {
        metadata: meta(name.to_owned(), namespace, labels),
        type_: Some("kubernetes.io/tls".into()),
        data: Some(data),
        ..Secret::default()
    }
}

/// Whether cert-manager made the secret of this name for an ingress: such a secret says of no app that it is its own.
pub fn is_issued(secret: &Secret, name: &str) -> bool {
    let made = secret.annotations().get("cert-manager.io/certificate-name");
    !secret.labels().contains_key(labels::APP) && made.is_some_and(|made| made == name)
}

/// A host name that can be no label: its beginning has to do.
fn hidden(name: &str) -> String {
    let begin: String = name.replace('*', "wildcard").chars().take(63).collect();
    begin.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_a_long_or_wild_name_has_a_label_that_can_be_one() {
        let key = Key::from("k");
        let domain = |name: &str| {
            let secret = by_hand(Host { app: "a", name }, ("s", "ns"), ("pem", &key));
            secret.metadata.labels.unwrap()[DOMAIN].clone()
        };
        assert_eq!((domain("c.org").as_str(), domain("*.c.org").as_str()), ("c.org", "wildcard.c.org"));
        assert!(labels::is_value(&domain(&format!("{}.{}.org", "a".repeat(62), "b".repeat(62)))));
    }

    #[test]
    fn options_name_an_issuer() {
        let said = |all: &[(&str, &str)]| Issuer::said(&all.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect());
        assert_eq!(said(&[("a/b", "c")]), None);
        assert_eq!(said(&[(CLUSTER_ISSUER, "c")]), Some(Issuer::Cluster("c".into())));
        assert_eq!(said(&[(ISSUER, "o"), (CLUSTER_ISSUER, "c")]), Some(Issuer::Own("o".into())));
        let other = Issuer::Other { name: "o".into(), kind: "K".into(), group: "g.io".into() };
        assert_eq!(said(&[(ISSUER, "o"), (ISSUER_KIND, "K"), (ISSUER_GROUP, "g.io")]), Some(other));
    }

    #[test]
    fn a_name_that_is_too_long_for_it_is_no_common_name() {
        let common = |host: &str| issued(("n", "ns"), Labels::new(), host, &Issuer::Cluster("c".into())).spec["commonName"].clone();
        assert_eq!((common("c.org"), common(&format!("{}.c.org", "a".repeat(60)))), (json!("c.org"), Value::Null));
    }
}
