//! The keys of `tsuru.conf` that tsurud or this server reads.

const KEYS: &str = "listen apps-listen metrics-listen data-dir host use-tls shutdown-timeout debug provisioner request-id-header disable-index-page \
    index-page-template reset-password-template reset-password-successfully-template repo-manager \
    upload:max-size log:level log:file log:disable-syslog log:syslog-tag log:use-stderr log:format log:app-log-service \
    log:app-log-memory-buffer-bytes database:driver database:url database:name database:shared database:key database:key-file database:old-key-files \
    auth:scheme auth:token-expire-days auth:hash-cost auth:max-simultaneous-sessions auth:user-registration \
    outgoing:allow outgoing:allow-private trusted-proxies quota:units-per-app quota:apps-per-user quota:apps-per-team events:suppress-sensitive-envs";

/// Whole groups: everything under them is known.
const GROUPS: &str = "tls server auth:oauth auth:oidc auth:multi auth:peer smtp docker kubernetes clusters routers volume-plans event apps \
    jobs cors tracker proxy tag queue pubsub redis-queue";

/// True for a key that means something.
pub fn is_known(key: &str) -> bool {
    KEYS.split_ascii_whitespace().any(|known| known == key)
        || GROUPS.split_ascii_whitespace().any(|group| key == group || key.strip_prefix(group).is_some_and(|rest| rest.starts_with(':')))
}
