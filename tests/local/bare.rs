//! A machine that allows no namespaces.

use std::os::unix::fs::PermissionsExt;

use impaas::provisioner::{Exec, Mount, RunRequest, ShellRequest};

use super::{Lab, PAGE, SOON, scaled};
use crate::server::eventually;

/// The shim in a user namespace that allows no further ones.
fn bare_shim(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("impaasd");
    let inner = format!("echo 0 > /proc/sys/user/max_user_namespaces; exec {} \"$@\"", env!("CARGO_BIN_EXE_impaasd"));
    std::fs::write(&path, format!("#!/bin/sh\nexec unshare --map-root-user sh -c '{inner}' sh \"$@\"\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn without_namespaces_apps_run_with_a_warning_and_without_volumes() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::with_program(bare_shim(folder.path())).await;
    assert!(lab.local().warning().is_some());
    let state = lab.python("bare", 1, &[("app.py", PAGE), ("Procfile", "web: python3 app.py & wait\n")]).await;
    assert!(lab.said.take().contains("WARNING"));
    assert_eq!(lab.ask("bare", "/").await, (200, "version 1".into()));
    let request = RunRequest { app: "bare".into(), command: "pwd; exit 3".into(), once: true, isolated: false, ..RunRequest::default() };
    let error = lab.local().run(request, &lab.out()).await.unwrap_err();
    assert_eq!(error.to_string(), "command terminated with exit code 3");
    assert!(lab.said.take().contains("apps/bare/versions/v1\n"));
    let request =
        ShellRequest { app: "bare".into(), unit: None, isolated: true, size: (80, 24), term: "xterm".into(), ..ShellRequest::default() };
    let mut shell = lab.local().shell(request).await.unwrap();
    shell.input.send(b"exit\n".to_vec()).await.unwrap();
    while tokio::time::timeout(SOON, shell.output.recv()).await.expect("the shell ends").is_some() {}
    let mut with_volume = state.clone();
    with_volume.processes[0].mounts = vec![Mount { volume: "v".into(), path: "/uploads".into(), read_only: false }];
    let error = lab.try_apply(with_volume).await.unwrap_err().to_string();
    assert!(error.contains("user namespaces"), "{error}");
    lab.apply(scaled(&state, 0)).await;
    eventually("children of the shell line end too", SOON, || async { crate::server::processes::of_folder(lab.data.path()).is_empty() })
        .await;
}
