//! Jobs: making, seeing, running, removing them.

use std::sync::Arc;

use impaas::{
    event::Event,
    job::Job,
    permission::ContextType::{self, Pool, Team},
    store::{Filter, Update},
    team::Team as StoredTeam,
    user::User,
};
use serde_json::{Value, json};

use super::{
    harness::{Caller, Reply, Server},
    memory::Memory,
    volume::make_team,
};

const DENIED: &str = "You don't have permission to do this action";
pub(super) const JOB: &str = "/1.13/jobs/once";

pub(super) async fn server() -> (Server, Arc<Memory>) {
    let memory = Memory::new();
    let server = Server::with(memory.clone()).await;
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    (server, memory)
}

/// As the stock client makes one.
pub(super) fn once() -> Value {
    json!({"name": "once", "pool": "local", "teamOwner": "demo", "metadata": {}, "manual": true,
           "container": {"image": "registry/python:latest", "command": ["python3", "-c", "print('job ran')"]}})
}

pub(super) async fn with_job() -> (Server, Arc<Memory>) {
    let (server, memory) = server().await;
    server.admin().await.post("/1.13/jobs").json(&once()).send().await.ok(201);
    (server, memory)
}

pub(super) fn with(changes: Value) -> Value {
    let mut job = once();
    job.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    job
}

/// The messages of a stream, and its error.
pub(super) fn said(reply: &Reply) -> (String, String) {
    assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
    let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |key: &str| lines.iter().filter_map(|line| line[key].as_str()).collect::<String>();
    (of("Message"), of("Error"))
}

pub(super) async fn in_use(server: &Server) -> (i64, i64) {
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
