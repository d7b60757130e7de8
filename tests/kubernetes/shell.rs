//! Shells in units, beside them, and with tools of their own.

use std::time::Duration;

use impaas::provisioner::{AppPlace, AppState, PodPlace, PoolPlace, ProcessState, Shell, ShellRequest};
use tokio::time::timeout;

use super::{World, running};
use crate::server::eventually;

const SOON: Duration = Duration::from_secs(60);

fn request(world: &World) -> ShellRequest {
    let pod = PodPlace { image: running::deployed_image(), ..PodPlace::default() };
    let place = AppPlace { team: "demo".into(), pool: PoolPlace { name: "kube".into(), ..PoolPlace::default() }, ..AppPlace::default() };
    let process = ProcessState { version: 1, pod, ..ProcessState::default() };
    let fresh = AppState { app: world.name.clone(), processes: vec![process], place, ..AppState::default() };
    let (size, term) = ((101, 37), "xterm-256color".to_owned());
    ShellRequest { app: world.name.clone(), size, term, fresh: Some(Box::new(fresh)), ..ShellRequest::default() }
}

async fn open(world: &World, request: ShellRequest) -> Shell {
    world.provisioner().await.shell(request).await.unwrap()
}

async fn keys(shell: &Shell, text: &str) {
    shell.input.send(text.as_bytes().to_vec()).await.unwrap();
}

/// What is printed until this is.
async fn printed(shell: &mut Shell, until: &str) -> String {
    let mut all = String::new();
    while !all.contains(until) {
        let piece = timeout(SOON, shell.output.recv()).await.unwrap_or_else(|_| panic!("{until:?} is not in {all:?}"));
        all += &String::from_utf8_lossy(&piece.unwrap_or_else(|| panic!("it ended: {all:?}")));
    }
    all
}

/// It has a size, a TERM, and Ctrl-C ends what runs in the foreground only.
async fn is_a_terminal(shell: &mut Shell) {
    keys(shell, "stty size; echo $TERM; echo do''ne\n").await;
    let text = printed(shell, "done\r\n").await;
    assert!(text.contains("37 101") && text.contains("xterm-256color"), "{text}");
    // Said by what is in the foreground already: a key that comes while the shell puts it there may be lost.
    keys(shell, "sh -c \"echo sl''eeping; exec sleep 600\"\n").await;
    printed(shell, "sleeping\r\n").await;
    keys(shell, "\u{3}").await;
    keys(shell, "echo after $?\n").await;
    printed(shell, "after 130").await;
    keys(shell, "exit\n").await;
    while timeout(SOON, shell.output.recv()).await.expect("the shell ends").is_some() {}
}

#[actix_web::test]
async fn a_shell_in_a_unit_is_a_terminal() {
    let Some(world) = running::serving(1).await else { return };
    let unit = world.info(&world.server.admin().await).await["units"][0]["ID"].as_str().unwrap().to_owned();
    let mut shell = open(&world, ShellRequest { unit: Some(unit.clone()), ..request(&world) }).await;
    keys(&shell, "hostname\n").await;
    printed(&mut shell, &unit).await;
    is_a_terminal(&mut shell).await;
}

#[actix_web::test]
async fn a_shell_beside_the_units_is_a_terminal_and_its_pod_goes_with_it() {
    let Some(world) = World::with_app().await else { return };
    let mut shell = open(&world, request(&world)).await;
    is_a_terminal(&mut shell).await;
    let shell = open(&world, ShellRequest { isolated: true, ..request(&world) }).await;
    drop(shell);
    let left = || world.real.kubectl(&["get", "pods", "-n", &world.name, "-l", "tsuru.io/is-isolated-run=true", "-o", "name"]);
    eventually("its pod is gone", SOON, async || left().is_empty()).await;
}

#[actix_web::test]
async fn a_debug_container_has_tools_of_its_own_and_is_used_again() {
    let Some(world) = World::new().await else { return };
    let mut cluster = world.by_token();
    cluster["custom_data"]["debug-container-image"] = running::deployed_image().into();
    world.enter("real", cluster).await;
    world.make_app().await;
    world.apply(&[running::deployment(&world.name, 1)]);
    let info = world.until("it runs", |info| info["units"][0]["Status"] == "started").await;
    for _ in 0..2 {
        let mut shell = open(&world, ShellRequest { debug: true, ..request(&world) }).await;
        keys(&shell, "ls /tmp/www 2>&1; hostname\n").await;
        let text = printed(&mut shell, info["units"][0]["ID"].as_str().unwrap()).await;
        assert!(text.contains("No such file"), "the unit's own files are not in it: {text}");
        is_a_terminal(&mut shell).await;
    }
    let names = "jsonpath={.items[*].spec.ephemeralContainers[*].name}";
    assert_eq!(world.real.kubectl(&["get", "pods", "-n", &world.name, "-o", names]), "tsuru-debugger");
}
