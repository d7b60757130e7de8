//! How Google's load balancers see whether units are well: a `BackendConfig`, in clusters that know the kind.

use serde_json::{Value, json};

use super::{
    Making,
    custom::{Custom, Kind},
    labels, meta, names,
};

/// The annotation of a service that names its configuration.
pub const NAMED: &str = "cloud.google.com/backend-config";

/// Google's `BackendConfig`.
#[derive(Clone, Copy, Debug)]
pub struct Google;

impl Kind for Google {
    const GROUP: &'static str = "cloud.google.com";
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "BackendConfig";
    const PLURAL: &'static str = "backendconfigs";
}

/// Of a process, by its health check.
pub fn backend_config(m: &Making<'_>) -> Custom<Google> {
    let check = m.process.healthcheck.clone().unwrap_or_default().with_defaults();
    // A check may not begin before the last one had its time.
    let interval = if check.timeout_seconds >= check.interval_seconds { check.timeout_seconds + 1 } else { check.interval_seconds };
    let path = if check.path.is_empty() { "/" } else { &check.path };
    let spec = json!({"healthCheck": {
        "checkIntervalSec": interval,
        "timeoutSec": check.timeout_seconds,
        "type": check.scheme.to_uppercase(),
        "requestPath": path,
        "healthyThreshold": 1,
        "unhealthyThreshold": check.allowed_failures,
    }});
    Custom::new(meta(names::base(&m.app.app, &m.process.name), &m.spot.namespace, labels::process(m)), spec)
}

/// What the service of the process says of it.
pub fn naming(m: &Making<'_>) -> String {
    json!({"default": names::base(&m.app.app, &m.process.name)}).to_string()
}

/// The check of a configuration.
pub fn check(object: &Custom<Google>) -> &Value {
    object.spec.get("healthCheck").unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{build::tsuru_yaml::Healthcheck, provisioner::kubernetes::objects::samples::Sample};

    #[test]
    fn a_check_has_time_to_end_before_the_next_begins() {
        let mut sample = Sample::default();
        let usual = json!({"checkIntervalSec": 61, "timeoutSec": 60, "type": "HTTP", "requestPath": "/", "healthyThreshold": 1,
            "unhealthyThreshold": 3});
        assert_eq!(check(&backend_config(&sample.making())), &usual);
        let own = Healthcheck {
            path: "up".into(),
            scheme: "https".into(),
            interval_seconds: 9,
            timeout_seconds: 2,
            allowed_failures: 1,
            ..Healthcheck::default()
        };
        sample.process.healthcheck = Some(own);
        let own = json!({"checkIntervalSec": 9, "timeoutSec": 2, "type": "HTTPS", "requestPath": "/up", "healthyThreshold": 1,
            "unhealthyThreshold": 1});
        assert_eq!(check(&backend_config(&sample.making())), &own);
        assert_eq!(naming(&sample.making()), r#"{"default":"blog-web"}"#);
    }
}
