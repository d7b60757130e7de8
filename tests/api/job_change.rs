//! Jobs that are there are changed: what they are, their variables, their image.

use impaas::{
    event::Event,
    job::Job,
    provisioner::Concurrency,
    store::{Filter, Update},
    team::Team as StoredTeam,
};
use serde_json::{Value, json};

use super::{
    job::{JOB, in_use, said, server, with, with_job},
    volume::{make_app, make_team},
};
use crate::server::archive::multipart;

#[actix_web::test]
async fn updates_merge_what_is_said() {
    let (server, memory) = with_job().await;
    let admin = server.admin().await;
    let cli = json!({"name": "once", "schedule": "0 4 * * *", "metadata": {}, "container": {}});
    let reply = admin.put(JOB).json(&cli).send().await.ok(202);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let view = reply.json();
    assert_eq!((&view["spec"]["schedule"], &view["spec"]["manual"]), (&json!("0 4 * * *"), &json!(false)));
    assert_eq!(view["spec"]["container"]["image"], "registry/python:latest");
    assert_eq!(memory.job("once").unwrap().schedule.as_deref(), Some("0 4 * * *"));
    assert_eq!(memory.job_builds(), ["image registry/python:latest"], "the same image is not made again");

    let labels = json!({"labels": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]});
    let more = json!({"description": "d", "tags": ["t"], "plan": "c1m1", "metadata": labels, "activeDeadlineSeconds": 9,
                      "concurrencyPolicy": "Forbid", "container": {"image": "other", "command": ["x"]}});
    let view = admin.put(JOB).json(&more).send().await.ok(202).json();
    assert_eq!((&view["description"], &view["tags"], &view["plan"]["name"]), (&json!("d"), &json!(["t"]), &json!("c1m1")));
    assert_eq!((&view["deployOptions"]["image"], &view["spec"]["container"]["image"]), (&json!("other"), &json!("other")));
    let state = memory.job("once").unwrap();
    assert_eq!((state.deadline, state.concurrency, state.command), (9, Concurrency::Forbid, vec!["x".to_owned()]));
    let drop = json!({"metadata": {"labels": [{"name": "a", "delete": true}]}, "manual": true, "activeDeadlineSeconds": 0});
    let view = admin.put(JOB).json(&drop).send().await.ok(202).json();
    assert_eq!(view["metadata"]["labels"], json!([{"name": "b", "value": "2"}]));
    assert_eq!((&view["spec"]["schedule"], &view["spec"]["activeDeadlineSeconds"]), (&json!("* * 31 2 *"), &json!(0)));
    assert_eq!(memory.job("once").unwrap().deadline, 3600);
}

#[actix_web::test]
async fn wrong_updates_change_nothing() {
    let (server, memory) = with_job().await;
    let admin = server.admin().await;
    let refused = async |changes: Value, status: u16, text: &str| {
        admin.put(JOB).json(&changes).send().await.fails(status, text);
    };
    refused(json!({"manual": true, "schedule": "@daily"}), 409, "you can't set schedule and manual job at the same time").await;
    refused(json!({"pool": "p2"}), 400, "Update pool is not implemented yet").await;
    refused(json!({"schedule": "soon"}), 400, "invalid schedule").await;
    refused(json!({"concurrencyPolicy": "x"}), 400, "invalid concurrency policy, allowed values are: Allow, Forbid, Replace").await;
    refused(json!({"plan": "ghost"}), 400, "plan not found").await;
    refused(json!({"teamOwner": "ghost"}), 400, "team not found").await;
    admin.put("/1.13/jobs/none").json(&json!({})).send().await.fails(404, "Job none not found.");
    admin.put(JOB).body("application/json", "[").send().await.ok(400);
    memory.fail("no room");
    refused(json!({"description": "new"}), 500, "no room").await;
    let job = Job::load(&server.ctx.store, "once").await.unwrap();
    assert_eq!((job.description.as_str(), job.spec.manual), ("", true));
}

#[actix_web::test]
async fn a_new_owner_takes_the_job_into_its_quota() {
    let (server, _) = with_job().await;
    make_team(&server, "other").await;
    let admin = server.admin().await;
    admin.put(JOB).json(&json!({"teamOwner": "other"})).send().await.ok(202);
    let other = server.ctx.store.of::<StoredTeam>().get(Filter::id("other")).await.unwrap().unwrap();
    assert_eq!((in_use(&server).await.0, other.quota.in_use), (0, 1));
    server.ctx.store.of::<StoredTeam>().update(Filter::id("demo"), Update::set("quota.limit", 0)).await.unwrap();
    admin.put(JOB).json(&json!({"teamOwner": "demo"})).send().await.fails(500, "Quota exceeded. Available: 0, Requested: 1.");
}

#[actix_web::test]
async fn variables_are_set_shown_and_removed() {
    let (server, memory) = with_job().await;
    let admin = server.admin().await;
    let env = format!("{JOB}/env");
    let form = [
        ("Envs.0.Alias", ""),
        ("Envs.0.ManagedBy", ""),
        ("Envs.0.Name", "A"),
        ("Envs.0.Private", ""),
        ("Envs.0.Value", "hush"),
        ("NoRestart", ""),
    ];
    let set = admin.post(&env).form(&form).send().await.ok(200);
    assert_eq!(said(&set), ("---- Setting 1 new environment variables ----\n".into(), String::new()));
    assert_eq!(memory.job("once").unwrap().env["A"].expose(), "hush");
    let all = admin.get("/1.16/jobs/once/env").send().await.ok(200);
    let a = r#"{"name":"A","value":"hush","alias":"","public":true}"#;
    let services = r#"{"name":"TSURU_SERVICES","value":"{}","alias":"","public":false,"managedBy":"tsuru"}"#;
    assert_eq!(all.text.trim_end(), format!("[{a},{services}]"));
    assert_eq!(admin.get("/1.16/jobs/once/env?env=A&env=none").send().await.ok(200).text.trim_end(), format!("[{a}]"));
    assert_eq!(admin.get("/1.16/jobs/once/env?env=none").send().await.ok(200).text, "null\n");
    let event = server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "job.update")).await.unwrap().unwrap();
    assert!(!format!("{event:?}").contains("hush"));
    let dump = server.ctx.store.backend().dump("jobs").await.unwrap();
    assert!(!format!("{dump:?}").contains("hush"), "values are sealed");

    let managed = json!({"envs": [{"name": "M", "value": "1"}], "managedBy": "terraform", "pruneUnused": true});
    admin.post(&env).json(&managed).send().await.ok(200);
    let managed = json!({"envs": [{"name": "N", "value": "1"}], "managedBy": "terraform", "pruneUnused": true});
    let (text, _) = said(&admin.post(&env).json(&managed).send().await.ok(200));
    assert!(text.contains("---- Pruning M from environment variables ----\n"), "{text}");
    let names: Vec<String> = memory.job("once").unwrap().env.into_keys().collect();
    assert_eq!(names, ["A", "N", "TSURU_SERVICES"]);

    let unset = admin.delete(&format!("{env}?env=A&env=none&noRestart=false")).send().await.ok(200);
    assert_eq!(said(&unset).0, "---- Unsetting 2 environment variables ----\n");
    assert!(!memory.job("once").unwrap().env.contains_key("A"));
}

#[actix_web::test]
async fn wrong_variables_are_refused() {
    let (server, _) = with_job().await;
    let admin = server.admin().await;
    let env = format!("{JOB}/env");
    admin.post(&env).json(&json!({})).send().await.fails(400, "You must provide the list of environment variables");
    let prune = json!({"envs": [{"name": "A"}], "pruneUnused": true});
    admin.post(&env).json(&prune).send().await.fails(400, "Prune unused requires a managed-by value");
    let text = "There were errors validating environment variables: cannot change an internal environment variable (TSURU_SERVICES): \
                write-protected environment variable";
    admin.post(&env).json(&json!({"envs": [{"name": "TSURU_SERVICES", "value": "x"}]})).send().await.fails(400, text);
    admin.post(&env).body("application/json", "{").send().await.ok(400);
    admin.delete(&env).send().await.fails(400, "You must provide the list of environment variables.");
}

#[actix_web::test]
async fn a_deploy_makes_the_image_and_is_recorded() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    let bare = with(json!({"manual": false, "schedule": "@daily", "container": {}}));
    admin.post("/1.13/jobs").json(&bare).send().await.ok(201);
    assert!(memory.job("once").is_none(), "nothing runs before something was deployed");
    let deploy = "/1.23/jobs/once/deploy";
    let reply = admin.post(deploy).form(&[("origin", "image"), ("image", "registry/x:v1"), ("message", "m")]).send().await.ok(200);
    assert_eq!(reply.header("content-type"), Some("text"));
    assert!(reply.text.starts_with("---- Starting container image build for job \"once\" ----\n"), "{}", reply.text);
    assert!(reply.text.ends_with("\nDeploy finished with success!\n"), "{}", reply.text);
    let event = server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "job.deploy")).await.unwrap().unwrap();
    assert_eq!(reply.header("x-tsuru-eventid").unwrap(), event.id.to_hex());
    assert_eq!((event.owner.kind.as_str(), event.owner.name.as_str(), event.cancelable), ("user", "admin@example.com", true));
    let data = |data: Option<bson::Bson>| bson::deserialize_from_bson::<Value>(data.unwrap()).unwrap();
    let start = json!({"jobname": "once", "kind": "image", "image": "registry/x:v1", "filesize": 0, "dockerfile": "", "message": "m",
                       "user": "admin@example.com"});
    assert_eq!(data(event.start_data), start);
    assert_eq!(data(event.end_data), json!({"image": "tsuru/job-once:latest"}));
    assert_eq!(memory.job("once").unwrap().schedule.as_deref(), Some("@daily"));

    let (content_type, body) = multipart(&[("origin", "job-deploy"), ("dockerfile", "FROM x"), ("message", "")], b"files");
    admin.post(deploy).body(&content_type, body).send().await.ok(200);
    assert_eq!(memory.job_builds(), ["image registry/x:v1", "dockerfile FROM x true"]);
    assert_eq!(std::fs::read_dir(server.ctx.config.uploads()).unwrap().count(), 0, "uploads are removed");
}

#[actix_web::test]
async fn wrong_deploys_are_refused() {
    let (server, memory) = with_job().await;
    let admin = server.admin().await;
    let deploy = "/1.23/jobs/once/deploy";
    let both = [("image", "x"), ("dockerfile", "FROM x")];
    admin.post(deploy).form(&both).send().await.fails(400, "Cannot set \"image\" mutually with \"dockerfile\"");
    let none = "You must provide at least one of: \"dockerfile\" or \"image\"";
    admin.post(deploy).form(&[("origin", "image")]).send().await.fails(400, none);
    admin.post("/1.23/jobs/none/deploy").form(&[("image", "x")]).send().await.fails(404, "Job none not found.");
    memory.fail("no such image");
    let failed = admin.post(deploy).form(&[("image", "x")]).send().await.says(200, "Tsuru failed to deploy job once");
    assert!(failed.text.ends_with("Tsuru failed to deploy job once\nno such image\n"), "{}", failed.text);
    let event = server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "job.deploy")).await.unwrap().unwrap();
    assert_eq!(event.error, "no such image");
}

#[actix_web::test]
async fn files_of_an_app_are_for_its_teams_only() {
    let (server, memory) = with_job().await;
    make_team(&server, "other").await;
    make_app(&server, "theirs", "other").await;
    make_app(&server, "ours", "demo").await;
    let admin = server.admin().await;
    let deploy = async |image: &str| admin.post("/1.23/jobs/once/deploy").form(&[("image", image)]).send().await.ok(200).text;
    for image in ["tsuru/app-theirs:v1", "tsuru/app-ghost:v1"] {
        let text = deploy(image).await;
        assert!(text.ends_with(&format!("image {image:?} is not there for team \"demo\"\n")), "{text}");
    }
    let dockerfile = [("dockerfile", "FROM x\nCOPY --from=tsuru/app-theirs:v1 / /")];
    let text = admin.post("/1.23/jobs/once/deploy").form(&dockerfile).send().await.ok(200).text;
    assert!(text.ends_with("image \"tsuru/app-theirs:v1\" is not there for team \"demo\"\n"), "{text}");
    assert!(deploy("tsuru/app-ours:v1").await.ends_with("success!\n"));
    assert_eq!(memory.job_builds().last().unwrap(), "image tsuru/app-ours:v1");
}
