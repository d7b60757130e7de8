//! Interactive shells.

use impaas::provisioner::{Exec, Shell, ShellRequest};

use super::{Lab, PAGE, SOON};
use crate::server::{eventually, processes};

async fn open(lab: &Lab, isolated: bool) -> Shell {
    let request =
        ShellRequest { app: "sh".into(), unit: None, isolated, size: (101, 37), term: "xterm-256color".into(), ..ShellRequest::default() };
    lab.local().shell(request).await.unwrap()
}

async fn keys(shell: &Shell, keys: &str) {
    shell.input.send(keys.as_bytes().to_vec()).await.unwrap();
}

/// Reads until this text was printed.
async fn printed(shell: &mut Shell, text: &str) -> String {
    let mut all = String::new();
    while !all.contains(text) {
        let Ok(bytes) = tokio::time::timeout(SOON, shell.output.recv()).await else { panic!("no {text:?} in {all:?}") };
        all.push_str(&String::from_utf8_lossy(&bytes.unwrap_or_else(|| panic!("ended: {all:?}"))));
    }
    all
}

#[tokio::test]
async fn a_shell_has_a_terminal_with_size_jobs_and_ctrl_c() {
    let lab = Lab::new().await;
    lab.python("sh", 1, &[("app.py", PAGE)]).await;
    for isolated in [false, true] {
        let mut shell = open(&lab, isolated).await;
        keys(&shell, "stty size; echo $TERM; pwd; echo do''ne\n").await;
        let text = printed(&mut shell, "done").await;
        assert!(text.contains("37 101") && text.contains("xterm-256color") && text.contains("/home/application/current"), "{text}");
        assert!(!text.contains("no job control"), "{text}");
        interrupt(&mut shell, "60733").await;
    }
    eventually("only the unit is left", SOON, || async { lab.shims().len() == 1 }).await;
}

/// Ctrl-C ends what runs in the foreground, and the shell goes on.
async fn interrupt(shell: &mut Shell, seconds: &str) {
    let sleep = format!("sleep {seconds}");
    keys(shell, &format!("{sleep}\n")).await;
    let sleeps = || async { processes::with_words(&sleep).iter().any(|pid| processes::command_line(*pid).starts_with("sleep")) };
    eventually("it sleeps", SOON, sleeps).await;
    keys(shell, "\u{3}").await;
    keys(shell, "echo after $?\n").await;
    printed(shell, "after 130").await;
    keys(shell, "exit\n").await;
    eventually_ended(shell).await;
}

#[tokio::test]
async fn ctrl_c_works_under_a_server_that_was_started_in_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let shim = dir.path().join("impaasd");
    std::fs::write(&shim, format!("#!/bin/sh\ntrap '' INT QUIT HUP\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_impaasd"))).unwrap();
    std::fs::set_permissions(&shim, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let lab = Lab::with_program(shim).await;
    lab.python("sh", 1, &[("app.py", PAGE)]).await;
    for isolated in [false, true] {
        interrupt(&mut open(&lab, isolated).await, "60744").await;
    }
}

async fn eventually_ended(shell: &mut Shell) {
    while tokio::time::timeout(SOON, shell.output.recv()).await.expect("the shell ends").is_some() {}
}

#[tokio::test]
async fn a_shell_ends_with_its_client() {
    let lab = Lab::new().await;
    lab.python("sh", 1, &[("app.py", PAGE)]).await;
    let mut shell = open(&lab, true).await;
    keys(&shell, "echo re''ady; sleep 4242\n").await;
    printed(&mut shell, "ready").await;
    drop(shell);
    eventually("its processes are gone", SOON, || async { processes::with_words("sleep 4242").is_empty() }).await;
    eventually("only the unit is left", SOON, || async { lab.shims().len() == 1 }).await;
}
