//! What brokers are told: the same facts as a form, sorted, or as JSON.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Map, Value};

use super::{Asker, Instance};
use crate::cluster::Cluster;

/// Facts under the names that forms and JSON have for them.
#[derive(Debug, Default)]
pub struct Payload {
    form: BTreeMap<String, Vec<String>>,
    json: Map<String, Value>,
}

/// What a broker is told about an app it binds.
#[derive(Clone, Debug, Default)]
pub struct BoundApp {
    /// Name.
    pub name: String,
    /// Host names that it answers to.
    pub hosts: Vec<String>,
    /// Addresses inside the machine or cluster.
    pub internal_hosts: Vec<String>,
    /// Pool.
    pub pool: String,
    /// The pool's provisioner.
    pub provisioner: String,
    /// The cluster that it runs in.
    pub cluster: Option<Cluster>,
    /// What was asked for besides.
    pub parameters: Map<String, Value>,
}

/// What a broker is told about a job it binds.
#[derive(Clone, Copy, Debug)]
pub struct BoundJob<'a> {
    /// Name.
    pub name: &'a str,
    /// Pool.
    pub pool: &'a str,
    /// Name of the cluster that it runs in; empty: none.
    pub cluster: &'a str,
}

impl Payload {
    /// Who asks.
    pub fn asker(asker: &Asker) -> Self {
        let mut payload = Self::default();
        payload.text("user", "user", &asker.user);
        payload.text("eventid", "eventID", &asker.event);
        payload
    }

    /// A new instance.
    pub fn create(instance: &Instance, asker: &Asker) -> Self {
        let mut payload = Self::asker(asker);
        payload.text("name", "name", &instance.name);
        payload.text("team", "team", &instance.team_owner);
        payload.some("plan", "plan", &instance.plan);
        payload.some("description", "description", &instance.description);
        payload.list("tags", "tags", &instance.tags);
        payload.parameters(&instance.parameters);
        payload
    }

    /// An instance as it is to be. In forms what is empty is said too.
    pub fn update(instance: &Instance, asker: &Asker) -> Self {
        let mut payload = Self::create(instance, asker);
        payload.form.remove("name");
        payload.json.remove("name");
        payload.form.entry("plan".into()).or_insert_with(|| vec![String::new()]);
        payload.form.entry("description".into()).or_insert_with(|| vec![String::new()]);
        payload
    }

    /// An app to bind.
    pub fn bind(app: &BoundApp, asker: &Asker) -> Self {
        let mut payload = Self::asker(asker);
        payload.text("app-name", "appName", &app.name);
        payload.hosts(&app.hosts);
        payload.list("app-internal-hosts", "appInternalHosts", &app.internal_hosts);
        payload.some("app-pool-name", "appPoolName", &app.pool);
        payload.some("app-pool-provisioner", "appPoolProvisioner", &app.provisioner);
        if let Some(cluster) = &app.cluster {
            payload.text("app-cluster-name", "appClusterName", &cluster.name);
            payload.some("app-cluster-provisioner", "appClusterProvisioner", &cluster.provisioner);
            payload.list("app-cluster-addresses", "appClusterAddresses", &cluster.addresses);
        }
        payload.parameters(&app.parameters);
        payload
    }

    /// A job to bind.
    pub fn bind_job(job: &BoundJob<'_>, asker: &Asker) -> Self {
        let mut payload = Self::asker(asker);
        payload.text("job-name", "jobName", job.name);
        payload.some("job-pool-name", "jobPoolName", job.pool);
        payload.some("job-cluster-name", "jobClusterName", job.cluster);
        payload
    }

    /// An app to unbind.
    pub fn unbind(app: &str, hosts: &[String], asker: &Asker) -> Self {
        let mut payload = Self::asker(asker);
        payload.text("app-name", "appName", app);
        payload.hosts(hosts);
        payload
    }

    /// `a=1&b=2`
    pub fn form(&self) -> String {
        let mut url = Url::parse("form:").ok();
        let Some(url) = &mut url else { return String::new() };
        let pairs = self.form.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        url.query_pairs_mut().extend_pairs(pairs);
        url.query().unwrap_or_default().into()
    }

    /// JSON, with the newline that Go's encoder writes.
    pub fn json(&self) -> String {
        format!("{}\n", Value::Object(self.json.clone()))
    }

    fn text(&mut self, form: &str, json: &str, value: &str) {
        self.form.insert(form.into(), vec![value.into()]);
        self.json.insert(json.into(), value.into());
    }

    fn some(&mut self, form: &str, json: &str, value: &str) {
        if !value.is_empty() {
            self.text(form, json, value);
        }
    }

    fn list(&mut self, form: &str, json: &str, values: &[String]) {
        if !values.is_empty() {
            self.form.insert(form.into(), values.to_vec());
            self.json.insert(json.into(), values.into());
        }
    }

    fn hosts(&mut self, hosts: &[String]) {
        self.list("app-hosts", "appHosts", hosts);
        if let Some(first) = hosts.first() {
            self.form.insert("app-host".into(), vec![first.clone()]);
        }
    }

    fn parameters(&mut self, parameters: &Map<String, Value>) {
        if parameters.is_empty() {
            return;
        }
        self.json.insert("parameters".into(), Value::Object(parameters.clone()));
        parameters.iter().for_each(|(key, value)| flatten(&mut self.form, format!("parameters.{}", escaped(key)), value));
    }
}

fn flatten(form: &mut BTreeMap<String, Vec<String>>, name: String, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, inner)| flatten(form, format!("{name}.{}", escaped(key)), inner));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(i, inner)| flatten(form, format!("{name}.{i}"), inner));
        }
        Value::String(text) => drop(form.insert(name, vec![text.clone()])),
        Value::Bool(_) | Value::Number(_) => drop(form.insert(name, vec![value.to_string()])),
        _ => drop(form.insert(name, vec![String::new()])),
    }
}

fn escaped(key: &str) -> String {
    key.replace('\\', "\\\\").replace('.', "\\.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker() -> Asker {
        Asker { user: "admin@example.com".into(), event: "6b00".into() }
    }

    fn instance() -> Instance {
        let doc = bson::doc! {
            "_id": bson::oid::ObjectId::new(), "name": "tododb", "service_name": "mysql", "plan_name": "small", "teamowner": "demo",
            "description": "todo database", "tags": ["db"], "parameters": {"size": "2", "more": {"a.b": [1, true]}},
        };
        bson::deserialize_from_document(doc).unwrap()
    }

    #[test]
    fn an_instance_is_told_as_recorded() {
        let form = "description=todo+database&eventid=6b00&name=tododb&parameters.more.a%5C.b.0=1&parameters.more.a%5C.b.1=true\
                    &parameters.size=2&plan=small&tags=db&team=demo&user=admin%40example.com";
        assert_eq!(Payload::create(&instance(), &asker()).form(), form);
        let bare = Instance { description: String::new(), plan: String::new(), tags: vec![], parameters: Map::new(), ..instance() };
        assert_eq!(Payload::create(&bare, &asker()).form(), "eventid=6b00&name=tododb&team=demo&user=admin%40example.com");
        assert_eq!(Payload::update(&bare, &asker()).form(), "description=&eventid=6b00&plan=&team=demo&user=admin%40example.com");
    }

    #[test]
    fn an_app_is_told_as_recorded() {
        let app = BoundApp {
            name: "hello".into(),
            hosts: vec!["hello.localhost:8888".into()],
            internal_hosts: vec!["tcp://127.0.0.1:1".into()],
            pool: "local".into(),
            provisioner: "local".into(),
            cluster: None,
            parameters: Map::new(),
        };
        let form = "app-host=hello.localhost%3A8888&app-hosts=hello.localhost%3A8888&app-internal-hosts=tcp%3A%2F%2F127.0.0.1%3A1\
                    &app-name=hello&app-pool-name=local&app-pool-provisioner=local&eventid=6b00&user=admin%40example.com";
        assert_eq!(Payload::bind(&app, &asker()).form(), form);
        let cluster = Cluster { name: "k1".into(), addresses: vec!["https://k1".into()], ..Cluster::default() };
        let told = Payload::bind(&BoundApp { cluster: Some(cluster), ..app.clone() }, &asker()).form();
        assert!(told.starts_with("app-cluster-addresses=https%3A%2F%2Fk1&app-cluster-name=k1&app-host="), "{told}");
        let json = r#"{"appHosts":["hello.localhost:8888"],"appName":"hello","eventID":"6b00","user":"admin@example.com"}"#;
        assert_eq!(Payload::unbind("hello", &app.hosts, &asker()).json().trim_end(), json);
    }
}
