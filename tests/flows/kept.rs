//! Export and import.

use std::{
    collections::BTreeMap,
    fs::{copy, read, read_dir},
    path::Path,
};

use reqwest::Method;

use crate::server::{Server, archive};

#[tokio::test]
async fn an_export_holds_everything_and_an_import_takes_it_in() {
    let mut old = Server::start().await;
    old.create_app("blog", "static").await;
    old.deploy("blog", &archive::of_example("blog")).await;
    old.form(Method::POST, "/1.0/apps/blog/cname", &[("cname", "blog.example.com")]).await;
    old.form(Method::POST, "/1.0/apps/blog/env", &[("Envs.0.Name", "SECRET"), ("Envs.0.Value", "hush"), ("Private", "true")]).await;
    old.stop().await;
    let exported = old.home().join("exported");
    transfer(&old, "export", &exported);

    let mut new = Server::stopped(&[]);
    transfer(&new, "import", &exported);
    bring_key(&old, &new);
    let exported_again = new.home().join("exported");
    transfer(&new, "export", &exported_again);
    assert_eq!(contents(&exported), contents(&exported_again), "every document arrived as it was");

    new.start_again().await;
    let (email, password) = old.first_login();
    new.token = new.session(&email, &password).await;
    let app = new.json("/1.0/apps/blog").await;
    assert_eq!((&app["cname"][0], &app["teamowner"]), (&"blog.example.com".into(), &"demo".into()), "{app}");
    new.wait_for("blog", "/", "Notes from the lab").await;
    let env = new.json("/1.0/apps/blog/env?env=SECRET").await;
    assert_eq!(env[0]["value"], "hush", "{env}");
    assert_eq!(new.json("/1.0/deploys?app=blog").await.as_array().map(Vec::len), Some(1));
}

fn transfer(server: &Server, command: &str, folder: &Path) {
    let status = server.command(command).arg(folder).status().expect("impaasd runs");
    assert!(status.success(), "impaasd {command}: {status}");
}

/// The sealing key is not in an export, on purpose: whoever moves a server brings it.
fn bring_key(from: &Server, to: &Server) {
    for entry in read_dir(from.data()).expect("a data folder").flatten() {
        if entry.file_name().to_string_lossy().contains("key") {
            copy(entry.path(), to.data().join(entry.file_name())).expect("the key can be copied");
        }
    }
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = read_dir(folder).expect("an export folder").flatten();
    let files = files.map(|file| (file.file_name().to_string_lossy().into_owned(), read(file.path()).expect("a readable file")));
    let files: BTreeMap<_, _> = files.collect();
    assert!(files.len() > 5, "an export has a file per collection: {:?}", files.keys());
    files
}
