//! Jobs: making, seeing, changing, running, removing them.

use std::sync::Arc;

use impaas::{
    event::Event,
    job::Job,
    permission::ContextType::{self, Pool, Team},
    provisioner::Concurrency,
    store::{Filter, Update},
    team::Team as StoredTeam,
    user::User,
};
use serde_json::{Value, json};

use super::{
    harness::{Caller, Reply, Server},
    memory::Memory,
    volume::{make_app, make_team},
};
use crate::server::archive::multipart;

const DENIED: &str = "You don't have permission to do this action";
const JOB: &str = "/1.13/jobs/once";

async fn server() -> (Server, Arc<Memory>) {
    let memory = Memory::new();
    let server = Server::with(memory.clone()).await;
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    (server, memory)
}

/// As the stock client makes one.
fn once() -> Value {
    json!({"name": "once", "pool": "local", "teamOwner": "demo", "metadata": {}, "manual": true,
           "container": {"image": "registry/python:latest", "command": ["python3", "-c", "print('job ran')"]}})
}

async fn with_job() -> (Server, Arc<Memory>) {
    let (server, memory) = server().await;
    server.admin().await.post("/1.13/jobs").json(&once()).send().await.ok(201);
    (server, memory)
}

fn with(changes: Value) -> Value {
    let mut job = once();
    job.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    job
}

/// The messages of a stream, and its error.
fn said(reply: &Reply) -> (String, String) {
    assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
    let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |key: &str| lines.iter().filter_map(|line| line[key].as_str()).collect::<String>();
    (of("Message"), of("Error"))
}

async fn in_use(server: &Server) -> (i64, i64) {
    let team = server.ctx.store.of::<StoredTeam>().get(Filter::id("demo")).await.unwrap().unwrap();
    let user = server.ctx.store.of::<User>().get(Filter::eq("email", "admin@example.com")).await.unwrap().unwrap();
    (team.quota.in_use, user.quota.in_use)
}

#[actix_web::test]
async fn a_job_is_made_shown_listed_and_removed_as_recorded() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    admin.get("/1.13/jobs").send().await.ok(204);
    let made = admin.post("/1.13/jobs").json(&once()).send().await.ok(201);
    assert_eq!(made.text, r#"{"jobName":"once","status":"success"}"#);
    assert_eq!(made.header("content-type"), Some("application/json"));
    assert_eq!(in_use(&server).await, (1, 1));
    let job = concat!(
        r#"{"name":"once","teamOwner":"demo","owner":"admin@example.com","plan":{"name":"c0.1m0.2","memory":268435456,"cpumilli":100,"#,
        r#""default":true},"metadata":{"labels":[],"annotations":[]},"pool":"local","description":"","tags":[],"deployOptions":{"#,
        r#""JobName":"","kind":"image","image":"registry/python:latest","fileSize":0,"File":null,"dockerfile":"","Message":"","User":""},"#,
        r#""spec":{"activeDeadlineSeconds":0,"schedule":"* * 31 2 *","manual":true,"container":{"internalRegistryImage":"#,
        r#""tsuru/job-once:latest","image":"registry/python:latest","command":["python3","-c","print('job ran')"]},"envs":[]}}"#
    );
    let info = admin.get(JOB).send().await.ok(200);
    assert_eq!(info.text.trim_end(), format!(r#"{{"job":{job}}}"#));
    let list = admin.get("/1.13/jobs").send().await.ok(200);
    assert_eq!(list.text, format!("[{job}]\n"));
    assert_eq!(list.header("content-type"), Some("text/plain; charset=utf-8"));
    let state = memory.job("once").unwrap();
    assert_eq!((state.schedule, state.deadline, state.retries, state.memory), (None, 3600, 6, 268_435_456));
    assert_eq!(state.env["TSURU_SERVICES"].expose(), "{}");

    let removed = admin.delete(JOB).send().await.ok(200);
    assert_eq!((removed.text.as_str(), removed.header("content-type")), ("", None));
    admin.get(JOB).send().await.fails(404, "Job once not found.");
    assert!(memory.job("once").is_none());
    assert_eq!(in_use(&server).await, (0, 0));
    let kinds: Vec<String> =
        server.ctx.store.of::<Event>().find(Filter::eq("target.type", "job")).await.unwrap().into_iter().map(|e| e.kind.name).collect();
    assert_eq!(kinds, ["job.create", "job.delete"]);
}

#[actix_web::test]
async fn a_job_is_run_and_its_log_and_units_are_shown() {
    let (server, _) = with_job().await;
    let admin = server.admin().await;
    let triggered = admin.post(&format!("{JOB}/trigger")).send().await.ok(200);
    assert_eq!((triggered.text.as_str(), triggered.header("content-type")), (r#"{"status":"success"}"#, Some("application/json")));
    let info = admin.get(JOB).send().await.ok(200).text;
    let unit = concat!(
        r#""units":[{"ID":"once-manual-job-0","Name":"once-manual-job-0","AppName":"","ProcessName":"","Type":"","InternalIP":"","#,
        r#""Status":"succeeded","StatusReason":"","Address":null,"Addresses":null,"Version":0,"Routable":false,"Restarts":0,"#,
        r#""CreatedAt":"1970-01-01T00:00:00Z","Ready":null,"HostAddr":"","HostPort":"","IP":""}]"#
    );
    assert!(info.contains(unit), "{info}");
    let log = admin.get(&format!("{JOB}/log?follow=false")).send().await.ok(200);
    let line = r#"[{"Date":"1970-01-01T00:00:00Z","Message":"python3 -c print('job ran')","Source":"","Name":"once","Type":"job","Unit":"once-manual-job-0"}]"#;
    assert_eq!((log.text.trim_end(), log.header("content-type")), (line, Some("application/x-json-stream")));
    admin.get(&format!("{JOB}/log?lines=x")).send().await.fails(400, "Parameter \"lines\" must be an integer.");
    assert_eq!(admin.get(&format!("{JOB}/log?lines=0")).send().await.ok(200).text, "[]\n");

    admin.delete(&format!("{JOB}/units/nope")).send().await.fails(404, "unit \"nope\" not found");
    let killed = admin.delete(&format!("{JOB}/units/once-manual-job-0?force=true")).send().await.ok(200);
    assert_eq!(killed.text, "");
    assert!(!admin.get(JOB).send().await.ok(200).text.contains("units"));
    let event =
        server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "job.unit.kill").and(Filter::eq("error", ""))).await.unwrap().unwrap();
    assert!(event.start_data.unwrap().to_string().contains("once-manual-job-0"));
    let event = server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "job.trigger")).await.unwrap().unwrap();
    assert_eq!((event.target.value.as_str(), event.cancelable), ("once", false));
}

#[actix_web::test]
async fn wrong_jobs_are_refused_with_the_words_of_the_contract() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    make_team(&server, "other").await;
    let refused = async |changes: Value, status: u16, text: &str| {
        admin.post("/1.13/jobs").json(&with(changes)).send().await.fails(status, text);
    };
    refused(json!({"schedule": "0 1 * * *"}), 409, "you can't set schedule and manual job at the same time").await;
    let name = "your job should have at most 40 characters, containing only lower case letters, numbers or dashes, starting with a letter.";
    for wrong in ["", "Once", "1x", &"a".repeat(41)] {
        refused(json!({"name": wrong}), 400, &format!("tsuru failed to create job {wrong:?}: {name}")).await;
    }
    refused(json!({"plan": "ghost"}), 400, "tsuru failed to create job \"once\": plan not found").await;
    refused(json!({"pool": "ghost"}), 400, "tsuru failed to create job \"once\": Pool does not exist.").await;
    refused(json!({"manual": false}), 400, "invalid schedule").await;
    refused(json!({"manual": false, "schedule": "0 25 * * *"}), 400, "invalid schedule").await;
    let policy = "invalid concurrency policy, allowed values are: Allow, Forbid, Replace";
    refused(json!({"concurrencyPolicy": "Never"}), 400, policy).await;
    refused(json!({"teamOwner": "ghost"}), 400, "team not found").await;
    for (field, value, text) in [
        ("plan", "c1m1", "Job plan \"c0.1m0.2\" is not allowed on pool \"local\""),
        ("team", "other", "Job team owner \"demo\" has no access to pool \"local\""),
    ] {
        let limit = |values: &str| json!({"PoolExpr": "local", "Field": field, "Values": [values]});
        admin.put("/1.3/constraints").json(&limit(value)).send().await.ok(200);
        refused(json!({"plan": "c0.1m0.2"}), 400, text).await;
        admin.put("/1.3/constraints").json(&limit("*")).send().await.ok(200);
    }
    memory.fail("no such image");
    refused(json!({}), 400, "tsuru failed to create job \"once\": no such image").await;
    assert!(memory.job("once").is_none());
    admin.post("/1.13/jobs").body("application/json", "{").send().await.ok(400);
    assert_eq!(in_use(&server).await, (0, 0));

    admin.post("/1.13/jobs").json(&once()).send().await.ok(201);
    refused(json!({}), 409, "a job with the same name already exists").await;
    assert_eq!(in_use(&server).await, (1, 1));
}

#[actix_web::test]
async fn a_quota_that_is_used_up_refuses_jobs() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    let limit = Update::set("quota.limit", 0);
    server.ctx.store.of::<StoredTeam>().update(Filter::id("demo"), limit.clone()).await.unwrap();
    let text = "Quota exceeded. Available: 0, Requested: 1.";
    admin.post("/1.13/jobs").json(&once()).send().await.fails(500, text);
    server.ctx.store.of::<StoredTeam>().update(Filter::id("demo"), Update::set("quota.limit", -1)).await.unwrap();
    server.ctx.store.of::<User>().update(Filter::eq("email", "admin@example.com"), limit).await.unwrap();
    admin.post("/1.13/jobs").json(&once()).send().await.fails(500, text);
    assert_eq!(in_use(&server).await, (0, 0));
}

#[actix_web::test]
async fn a_team_is_chosen_where_there_is_no_choice() {
    let (server, _) = server().await;
    make_team(&server, "other").await;
    let one = server.user_with("one@x.org", Team, "demo", &["job"]).await;
    one.post("/1.13/jobs").json(&with(json!({"teamOwner": ""}))).send().await.ok(201);
    assert_eq!(Job::load(&server.ctx.store, "once").await.unwrap().team_owner, "demo");
    let several = "You must provide a team to execute this action.";
    server.admin().await.post("/1.13/jobs").json(&with(json!({"name": "b", "teamOwner": ""}))).send().await.fails(400, several);
    let none = server.user_with("none@x.org", Team, "demo", &["app"]).await;
    none.post("/1.13/jobs").json(&with(json!({"name": "b", "teamOwner": ""}))).send().await.fails(403, DENIED);
}

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
    assert!(deploy("tsuru/app-ours:v1").await.ends_with("success!\n"));
    assert_eq!(memory.job_builds().last().unwrap(), "image tsuru/app-ours:v1");
}

/// Every call about a job, with the permission it takes.
fn calls<'a>(caller: &Caller<'a>) -> Vec<(&'static str, super::harness::Request<'a>)> {
    vec![
        ("job.read", caller.get(JOB)),
        ("job.read", caller.get("/1.16/jobs/once/env")),
        ("job.read.logs", caller.get(&format!("{JOB}/log"))),
        ("job.run", caller.post(&format!("{JOB}/trigger"))),
        ("job.update", caller.post(&format!("{JOB}/env")).form(&[("Envs.0.Name", "A"), ("Envs.0.Value", "1")])),
        ("job.update", caller.delete(&format!("{JOB}/env?env=A"))),
        ("job.unit.kill", caller.delete(&format!("{JOB}/units/once-manual-job-0"))),
        ("job.deploy", caller.post("/1.23/jobs/once/deploy").form(&[("image", "x")])),
        ("job.delete", caller.delete(JOB)),
    ]
}

#[actix_web::test]
async fn each_call_takes_its_permission_on_the_job_its_team_or_its_pool() {
    for (number, (kind, own, foreign)) in
        [(Team, "demo", "other"), (ContextType::Job, "once", "twice"), (Pool, "local", "elsewhere")].into_iter().enumerate()
    {
        let (server, _) = with_job().await;
        for index in 0..9 {
            let permission = calls(&server.nobody())[index].0;
            let stranger = server.user_with(&format!("s{number}-{index}@x.org"), kind, foreign, &["job"]).await;
            let denied = if permission == "job.deploy" { "User does not have permission to do this action in this job" } else { DENIED };
            calls(&stranger).swap_remove(index).1.send().await.fails(403, denied);
            let less = server.user_with(&format!("l{number}-{index}@x.org"), kind, own, &["job.create"]).await;
            calls(&less).swap_remove(index).1.send().await.fails(403, denied);
            let allowed = server.user_with(&format!("a{number}-{index}@x.org"), kind, own, &[permission]).await;
            calls(&allowed).swap_remove(index).1.send().await.ok(200);
        }
    }
}

#[actix_web::test]
async fn only_the_team_lets_make_and_update() {
    let (server, _) = with_job().await;
    let of_job = server.user_with("j@x.org", ContextType::Job, "once", &["job"]).await;
    of_job.put(JOB).json(&json!({"description": "x"})).send().await.fails(403, DENIED);
    let of_pool = server.user_with("p@x.org", Pool, "local", &["job"]).await;
    of_pool.put(JOB).json(&json!({"description": "x"})).send().await.fails(403, DENIED);
    let foreign = server.user_with("f@x.org", Team, "other", &["job"]).await;
    foreign.put(JOB).json(&json!({"description": "x"})).send().await.fails(403, DENIED);
    foreign.post("/1.13/jobs").json(&with(json!({"name": "b"}))).send().await.fails(403, DENIED);
    let own = server.user_with("o@x.org", Team, "demo", &["job.update", "job.create"]).await;
    own.put(JOB).json(&json!({"description": "x"})).send().await.ok(202);
    own.post("/1.13/jobs").json(&with(json!({"name": "b"}))).send().await.ok(201);
}

#[actix_web::test]
async fn lists_show_what_the_caller_may_see_and_asked_for() {
    let (server, _) = with_job().await;
    make_team(&server, "other").await;
    let admin = server.admin().await;
    admin.post("/1.13/jobs").json(&with(json!({"name": "theirs", "teamOwner": "other", "tags": ["x", "y"]}))).send().await.ok(201);
    let names = async |caller: &Caller<'_>, query: &str| -> Vec<String> {
        let reply = caller.get(&format!("/1.13/jobs{query}")).send().await;
        if reply.status == 204 {
            return vec![];
        }
        reply.json().as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&admin, "").await, ["once", "theirs"]);
    assert_eq!(names(&admin, "?tag=x&tag=y").await, ["theirs"]);
    assert_eq!(names(&admin, "?name=^on").await, ["once"]);
    assert_eq!(names(&admin, "?teamOwner=other&pool=local&owner=admin@example.com").await, ["theirs"]);
    assert_eq!(names(&admin, "?owner=nobody@x.org").await, Vec::<String>::new());
    for (mail, kind, value, seen) in [
        ("t@x.org", Team, "demo", vec!["once"]),
        ("j@x.org", ContextType::Job, "theirs", vec!["theirs"]),
        ("p@x.org", Pool, "local", vec!["once", "theirs"]),
        ("u@x.org", ContextType::User, "u@x.org", vec![]),
    ] {
        assert_eq!(names(&server.user_with(mail, kind, value, &["job.read"]).await, "").await, seen, "{mail}");
    }
}

#[actix_web::test]
async fn a_job_of_a_used_name_starts_without_roles() {
    let (server, _) = with_job().await;
    let held = server.user_with("h@x.org", ContextType::Job, "once", &["job.read"]).await;
    held.get(JOB).send().await.ok(200);
    let admin = server.admin().await;
    admin.delete(JOB).send().await.ok(200);
    admin.post("/1.13/jobs").json(&once()).send().await.ok(201);
    let user = server.ctx.store.of::<User>().get(Filter::eq("email", "h@x.org")).await.unwrap().unwrap();
    assert!(user.roles.is_empty(), "{:?}", user.roles);
}
