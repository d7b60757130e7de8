//! Each example app deploys through the API and answers by its own host name.

use reqwest::Method;

use crate::server::{PATIENCE, Server, archive, eventually};

#[tokio::test]
async fn blog_answers_with_its_pages() {
    let server = deployed("blog", "static").await;
    server.wait_for("blog", "/", "Notes from the lab").await;
    let (status, page) = server.ask("blog", "/posts/first-light.html").await;
    assert!(status == 200 && page.contains("First light"), "{status} {page}");
    let (status, _) = server.ask("blog", "/no-such-page").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn greet_answers_in_the_words_of_its_environment() {
    let server = deployed("greet", "python").await;
    server.wait_for("greet", "/", "Hello, world!").await;
    server.form(Method::POST, "/1.0/apps/greet/env", &[("Envs.0.Name", "GREETING"), ("Envs.0.Value", "Servus")]).await;
    server.wait_for("greet", "/Ada", "Servus, Ada!").await;
}

#[tokio::test]
async fn counter_answers_with_its_npm_dependency() {
    let server = deployed("counter", "nodejs").await;
    server.wait_for("counter", "/", "visit").await;
}

#[tokio::test]
async fn hello_go_answers_from_a_compiled_module() {
    let server = deployed("hello-go", "go").await;
    server.wait_for("hello-go", "/", "version 1 of hello-go").await;
}

#[tokio::test]
async fn worker_runs_both_processes_of_its_procfile() {
    let server = deployed("worker", "python").await;
    server.wait_for("worker", "/", "process web of worker").await;
    eventually("the worker logs its jobs", PATIENCE, || async {
        let log = server.json("/1.0/apps/worker/log?lines=50").await;
        log.to_string().contains("worker did job")
    })
    .await;
}

#[tokio::test]
async fn healthy_gets_requests_only_when_its_check_passes() {
    let server = deployed("healthy", "python").await;
    let (status, text) = server.ask("healthy", "/").await;
    assert_eq!((status, text.trim()), (200, "ready, version 1"), "right after the deploy");
    server.deploy("healthy", &archive::of_example("healthy")).await;
    let (status, text) = server.ask("healthy", "/").await;
    assert_eq!((status, text.trim()), (200, "ready, version 2"), "right after the second deploy");
}

#[tokio::test]
async fn hooks_run_at_build_and_around_the_start() {
    let server = deployed("hooks", "python").await;
    let page = server.wait_for("hooks", "/", "after the start of hooks").await;
    assert!(page.contains("built: built hooks") && page.contains("before: before the start of hooks"), "{page}");
}

#[tokio::test]
async fn todo_starts_and_asks_for_its_database() {
    let server = deployed("todo", "python").await;
    server.wait_for("todo", "/alive", "alive").await;
    let (status, text) = server.ask("todo", "/").await;
    assert!(status == 503 && text.contains("bind an instance"), "{status} {text}");
}

#[tokio::test]
async fn filemgr_asks_for_its_volume() {
    let server = deployed("filemgr", "python").await;
    server.wait_for("filemgr", "/", "<h1>Files</h1>").await;
}

async fn deployed(example: &str, platform: &str) -> Server {
    let server = Server::start().await;
    server.create_app(example, platform).await;
    server.deploy(example, &archive::of_example(example)).await;
    server
}
