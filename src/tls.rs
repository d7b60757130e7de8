//! Certificates and keys in PEM, checked in the words of Go's `crypto/tls` and `crypto/x509`.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use webpki::EndEntityCert;

use crate::secret::Secret;

/// A block of a PEM file.
struct Block {
    label: String,
    der: Vec<u8>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let Some((label, body)) = after.split_once("-----") else { break };
        let end = format!("-----END {label}-----");
        let Some((inside, behind)) = body.split_once(&end) else { break };
        let packed: String = inside.chars().filter(|c| !c.is_whitespace()).collect();
        found.extend(STANDARD.decode(packed).ok().map(|der| Block { label: label.into(), der }));
        rest = behind;
    }
    found
}

fn labels(blocks: &[Block]) -> String {
    blocks.iter().map(|block| block.label.as_str()).collect::<Vec<_>>().join(" ")
}

/// Says why these are not a certificate for a host name and its key.
pub fn check(certificate: &str, key: &Secret, host: &str) -> Result<(), String> {
    let all = blocks(certificate);
    let leaf = match all.iter().find(|block| block.label == "CERTIFICATE") {
        Some(leaf) => CertificateDer::from(leaf.der.clone()),
        None => return Err(no_certificate(&all)),
    };
    let key = private_key(key)?;
    let leaf = EndEntityCert::try_from(&leaf).map_err(|e| format!("x509: malformed certificate: {e:?}"))?;
    let key = any_supported_type(&key).map_err(|_e| "tls: failed to parse private key".to_owned())?;
    if key.public_key().is_none_or(|public| public.as_ref() != leaf.subject_public_key_info().as_ref()) {
        return Err("tls: private key does not match public key".into());
    }
    let names: Vec<&str> = leaf.valid_dns_names().collect();
    match names.as_slice() {
        [] => Err(format!("x509: certificate is not valid for any names, but wanted to match {host}")),
        names if names.iter().any(|name| covers(name, host)) => Ok(()),
        names => Err(format!("x509: certificate is valid for {}, not {host}", names.join(", "))),
    }
}

fn no_certificate(all: &[Block]) -> String {
    match all {
        [] => "tls: failed to find any PEM data in certificate input".into(),
        [one] if one.label.ends_with("PRIVATE KEY") => {
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"
                .into()
        }
        all => {
            format!(
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]",
                labels(all)
            )
        }
    }
}

fn private_key(key: &Secret) -> Result<PrivateKeyDer<'static>, String> {
    let all = blocks(key.expose());
    let found = all.iter().find(|block| block.label == "PRIVATE KEY" || block.label.ends_with(" PRIVATE KEY"));
    match (found, all.as_slice()) {
        (Some(block), _) => PrivateKeyDer::try_from(block.der.clone()).map_err(|_e| "tls: failed to parse private key".to_owned()),
        (None, []) => Err("tls: failed to find any PEM data in key input".into()),
        (None, [one]) if one.label == "CERTIFICATE" => {
            Err("tls: found a certificate rather than a key in the PEM for the private key".into())
        }
        (None, all) => Err(format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
            labels(all)
        )),
    }
}

/// A `*` stands for the first label.
fn covers(name: &str, host: &str) -> bool {
    let rest = |name: &str| name.split_once('.').map(|(_, rest)| rest.to_ascii_lowercase());
    name.eq_ignore_ascii_case(host) || name.starts_with("*.") && !host.starts_with('.') && rest(name) == rest(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(certificate: &str, key: &str) -> String {
        check(certificate, &key.into(), "x.example.com").unwrap_err()
    }

    #[test]
    fn what_is_no_pair_is_told_in_gos_words() {
        let key = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";
        let certificate = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        assert_eq!(why("no", "no"), "tls: failed to find any PEM data in certificate input");
        assert!(why(key, key).ends_with("PEM inputs may have been switched"));
        assert_eq!(why(certificate, "no"), "tls: failed to find any PEM data in key input");
        assert_eq!(why(certificate, certificate), "tls: found a certificate rather than a key in the PEM for the private key");
        assert_eq!(why(certificate, key), "tls: failed to parse private key");
    }

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(covers("*.example.com", "x.example.com") && covers("X.example.com", "x.Example.com"));
        assert!(!covers("*.example.com", "a.b.example.com") && !covers("*.example.com", "example.com") && !covers("example.com", "x"));
    }
}
