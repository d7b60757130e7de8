//! A certificate authority of the cluster's own, and what it vouches for. Made once for each `up`, by openssl.

use std::process::Command;

use super::{Cluster, NODE, run, write};
use crate::Result;

/// File, subject and further names of each certificate.
const CERTIFICATES: [(&str, &str, &str); 3] = [
    ("apiserver", "/CN=kube-apiserver", "subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:@NODE@,IP:10.96.0.1"),
    ("kubelet", "/CN=impaas", "subjectAltName=IP:@NODE@"),
    ("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth"),
];

/// Makes what is missing.
pub fn prepare(cluster: &Cluster) -> Result<()> {
    let file = |name: &str| cluster.state.join("pki").join(name);
    if file("done").is_file() {
        return Ok(());
    }
    let openssl = |arguments: &[&str]| run(Command::new("openssl").args(arguments).current_dir(cluster.state.join("pki")));
    let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl(
        &[&["req", "-x509", "-days", "3650", "-subj", "/CN=impaas test cluster", "-keyout", "ca.key", "-out", "ca.crt"], &new_key[..]]
            .concat(),
    )?;
    for (name, subject, extra) in CERTIFICATES {
        let [key, request, certificate, more] = ["key", "csr", "crt", "ext"].map(|end| format!("{name}.{end}"));
        openssl(&[&["req", "-subj", subject, "-keyout", &key, "-out", &request], &new_key[..]].concat())?;
        write(&file(&more), &extra.replace("@NODE@", NODE))?;
        let signing = ["x509", "-req", "-days", "3650", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
        openssl(&[&signing[..], &["-in", &request, "-out", &certificate, "-extfile", &more]].concat())?;
    }
    openssl(&["genrsa", "-out", "sa.key", "2048"])?;
    openssl(&["rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"])?;
    let token = openssl(&["rand", "-hex", "16"])?;
    write(&file("tokens.csv"), &format!("{token},token-admin,token-admin,\"system:masters\"\n"))?;
    write(&file("done"), "")
}

/// A token of an administrator.
pub fn token(cluster: &Cluster) -> Option<String> {
    let tokens = std::fs::read_to_string(cluster.state.join("pki/tokens.csv")).ok()?;
    tokens.split(',').next().map(str::to_owned)
}

/// The authority's certificate, as objects hold it.
pub fn authority(cluster: &Cluster) -> Option<String> {
    run(Command::new("openssl").args(["base64", "-A", "-in"]).arg(cluster.state.join("pki/ca.crt"))).ok()
}
