//! What an app sees.

use impaas::provisioner::{Exec, Mount, RunRequest};

use super::{Lab, PAGE, SOON};
use crate::server::{eventually, processes};

async fn run(lab: &Lab, command: &str, isolated: bool) -> (String, Option<String>) {
    lab.said.take();
    let request = RunRequest { app: "box".into(), command: command.into(), once: true, isolated, ..RunRequest::default() };
    let done = lab.local().run(request, &lab.out()).await;
    (lab.said.take(), done.err().map(|e| e.to_string()))
}

#[tokio::test]
async fn the_servers_data_and_the_machines_files_are_out_of_reach() {
    let lab = Lab::new().await;
    lab.python("box", 1, &[("app.py", PAGE)]).await;
    let secret = lab.data.path().join("secret.key");
    let (status, text) = lab.ask("box", &format!("/read{}", secret.display())).await;
    assert_eq!(status, 403, "{text}");
    for isolated in [true, false] {
        let listed = run(&lab, &format!("ls -A {}", lab.data.path().display()), isolated).await.0;
        assert!(!listed.contains("secret.key") && !listed.contains("local"), "{listed}");
    }
    let (said, _) = run(&lab, "touch /etc/x /usr/x; umount /tmp; cat /proc/self/status | grep CapEff; id -u; pwd; echo $HOME", true).await;
    assert!(said.contains("CapEff:\t0000000000000000"), "{said}");
    assert!(said.ends_with("1000\n/home/application/current\n/home/application\n"), "{said}");
    assert!(!std::path::Path::new("/etc/x").exists() && !std::path::Path::new("/usr/x").exists());
    let (said, _) = run(&lab, "ls -A /run", true).await;
    let kept = ["systemd", "resolvconf", "NetworkManager", "current-system"];
    assert!(said.lines().all(|name| kept.contains(&name)), "no socket of the machine's daemons: {said}");
    let (said, _) =
        run(&lab, "for f in $(find /sys -maxdepth 5 -name cgroup.procs); do echo 0 > $f && echo wrote $f; done 2>/dev/null; true", true)
            .await;
    assert_eq!(said, "");
    let (said, _) = run(&lab, "ls /proc | grep -c '^[0-9]'", true).await;
    assert!(said.trim().parse::<u32>().unwrap() < 10, "only its own processes: {said}");
}

#[tokio::test]
async fn nothing_of_the_servers_environment_reaches_an_app() {
    let lab = Lab::new().await;
    lab.python("box", 1, &[("app.py", PAGE)]).await;
    let (said, _) = run(&lab, "env; cat /proc/1/environ | tr '\\0' '\\n'", true).await;
    assert!(!said.contains("CARGO"), "{said}");
}

#[tokio::test]
async fn no_secret_of_an_app_lies_readable_on_the_disk() {
    let lab = Lab::new().await;
    let mut state = lab.python("box", 1, &[("app.py", PAGE)]).await;
    state.processes[0].env.insert("PASSWORD".into(), "moonlight-4711".into());
    lab.apply(state).await;
    assert_eq!(lab.ask("box", "/env/PASSWORD").await.1, "moonlight-4711");
    let found = std::process::Command::new("grep").args(["-rl", "moonlight-4711"]).arg(lab.folder("apps/box/units")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[tokio::test]
async fn volumes_are_where_they_should_be() {
    let lab = Lab::new().await;
    let mut state = lab.python("box", 1, &[("app.py", PAGE)]).await;
    let mount = |path: &str, read_only| Mount { volume: "shared".into(), path: path.into(), read_only };
    let at = ["/uploads", "/var/lib/some/place", "/home/application/current/media"];
    state.processes[0].mounts = at.iter().map(|path| mount(path, false)).chain([mount("/mnt/fixed", true)]).collect();
    lab.apply(state.clone()).await;
    for (n, path) in at.iter().enumerate() {
        assert_eq!(run(&lab, &format!("echo {n} > {path}/file{n}"), false).await.1, None, "{path}");
    }
    let (said, _) = run(&lab, "cat /mnt/fixed/file*; touch /mnt/fixed/x && echo written; ls /var/lib | wc -l", false).await;
    assert!(said.starts_with("0\n1\n2\n") && !said.contains("written"), "{said}");
    assert!(said.lines().last().unwrap().trim().parse::<u32>().unwrap() > 1, "its neighbours are still there: {said}");
    assert_eq!(std::fs::read_to_string(lab.folder("volumes/shared/file1")).unwrap(), "1\n");
    assert!(!std::path::Path::new("/var/lib/some").exists(), "nothing is made on the machine");
    state.processes[0].mounts = vec![mount("/proc", false)];
    assert!(lab.try_apply(state).await.unwrap_err().to_string().contains("cannot be mounted at"));
}

#[tokio::test]
async fn commands_run_in_each_unit_or_once_and_say_their_exit_code() {
    let lab = Lab::new().await;
    let one = lab.python("box", 1, &[("app.py", PAGE)]).await;
    lab.apply(super::scaled(&one, 2)).await;
    lab.said.take();
    let request =
        RunRequest { app: "box".into(), command: "echo $TSURU_PROCESSNAME".into(), once: false, isolated: false, ..RunRequest::default() };
    lab.local().run(request, &lab.out()).await.unwrap();
    assert_eq!(lab.said.take(), "web\nweb\n");
    assert_eq!(
        run(&lab, "echo out; echo err >&2; exit 5", false).await,
        ("out\nerr\n".into(), Some("command terminated with exit code 5".into()))
    );
    let request = RunRequest { app: "nobody".into(), command: "true".into(), once: true, isolated: true, ..RunRequest::default() };
    assert!(lab.local().run(request, &lab.out()).await.unwrap_err().to_string().contains("no deployed version"));
}

#[tokio::test]
async fn a_command_sees_its_unit_unless_it_is_isolated() {
    let lab = Lab::new().await;
    lab.python("box", 1, &[("app.py", PAGE), ("Procfile", "web: python3 app.py\n")]).await;
    assert_eq!(run(&lab, "echo kept > /tmp/note", false).await.1, None);
    let unit = run(&lab, "cat /tmp/note; ps -o args ax; grep CapEff /proc/self/status; pwd", false).await.0;
    assert!(unit.contains("kept") && unit.contains("python3 app.py") && unit.contains("CapEff:\t0000000000000000"), "{unit}");
    assert!(unit.ends_with("/home/application/current\n"), "{unit}");
    let fresh = run(&lab, "cat /tmp/note; ps -o args ax", true).await.0;
    assert!(!fresh.contains("kept") && !fresh.contains("python3 app.py"), "{fresh}");
}

#[tokio::test]
async fn a_command_ends_with_its_client() {
    let lab = Lab::new().await;
    lab.python("box", 1, &[("app.py", PAGE)]).await;
    for isolated in [false, true] {
        let (local, out) = (lab.local.clone().unwrap(), lab.out());
        let request =
            RunRequest { app: "box".into(), command: "sleep 60417 & sleep 60417".into(), once: true, isolated, ..RunRequest::default() };
        let running = tokio::spawn(async move { local.run(request, &out).await });
        let sleeping = || async {
            processes::with_words("sleep 60417").iter().filter(|pid| processes::command_line(**pid).starts_with("sleep")).count()
        };
        eventually("both sleep", SOON, || async { sleeping().await == 2 }).await;
        running.abort();
        eventually("both are gone", SOON, || async { sleeping().await == 0 }).await;
    }
    assert_eq!(lab.ask("box", "/").await.0, 200, "the unit goes on");
}
