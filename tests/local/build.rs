//! Platforms.

use impaas::provisioner::{BuildRequest, Builder, Source};

use super::{Lab, PAGE, state};
use crate::server::archive;

#[tokio::test]
async fn static_files_are_served_and_nothing_else() {
    let lab = Lab::new().await;
    let files = [("index.html", "<h1>home</h1>"), ("posts/a b.txt", "a post"), ("posts/index.html", "all posts"), (".env", "KEY=1")];
    let built = lab.build("blog", "static", 1, &files).await;
    lab.apply(state("blog", "static", 1, &built)).await;
    let home = lab.get("blog", "/").send().await.unwrap();
    assert_eq!(home.headers()["content-type"], "text/html; charset=utf-8");
    let tag = home.headers()["etag"].to_str().unwrap().to_owned();
    assert!(home.headers().contains_key("last-modified"));
    assert_eq!(home.text().await.unwrap(), "<h1>home</h1>");
    let again = lab.get("blog", "/").header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(lab.ask("blog", "/posts/a%20b.txt").await, (200, "a post".into()));
    assert_eq!(lab.ask("blog", "/posts").await, (200, "all posts".into()), "redirected to the folder");
    let part = lab.get("blog", "/posts/a%20b.txt").header("range", "bytes=2-").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap().as_str()), (206, "post"));
    for path in ["/.env", "/%2e%2e/%2e%2e/secret.key", "/posts/..%2f..%2f.env", "/nope", "/%00", "/posts/%ff"] {
        assert_eq!(lab.ask("blog", path).await.0, 404, "{path}");
    }
    assert!(lab.shims().is_empty(), "files need no process");
    assert!(impaas::provisioner::Apps::units(lab.local(), "blog")[0].ready);
}

#[tokio::test]
async fn a_failed_build_says_why_and_leaves_nothing() {
    let lab = Lab::new().await;
    let yaml = "hooks:\n  build:\n    - echo first; exit 4\n    - echo second\n";
    let files = [("app.py", PAGE), ("tsuru.yaml", yaml)];
    let error = lab.try_build("bad", "python", 1, &files).await.unwrap_err().to_string();
    assert!(error.contains("exit code 4"), "{error}");
    let said = lab.said.take();
    assert!(said.contains("\nfirst\n") && !said.contains("\nsecond\n"), "{said}");
    assert_eq!(std::fs::read_dir(lab.folder("apps/bad/versions")).unwrap().count(), 0);
    let missing = lab.try_build("bad", "python", 2, &[("readme", "x")]).await.unwrap_err().to_string();
    assert!(missing.contains("Procfile"), "{missing}");
}

#[tokio::test]
async fn what_needs_a_container_engine_is_refused_clearly() {
    let lab = Lab::new().await;
    let sources = [Source::Image("nginx".into()), Source::Dockerfile { text: "FROM x".into(), context: None }];
    for source in sources {
        let request = BuildRequest {
            app: "dock".into(),
            version: 1,
            platform: String::new(),
            source,
            env: Default::default(),
            place: Default::default(),
        };
        let error = lab.local().build(request, &lab.out()).await.unwrap_err().to_string();
        assert!(error.contains("container engine"), "{error}");
    }
    assert!(lab.local().can_build("ruby").await.unwrap_err().to_string().contains("ruby"));
    lab.local().can_build("python").await.unwrap();
}

#[tokio::test]
async fn a_go_module_is_built_and_answers() {
    let lab = Lab::new().await;
    let built =
        lab.build_archive("hi", "go", 1, &archive::of_example("hello-go")).await.unwrap_or_else(|e| panic!("{e}: {}", lab.said.take()));
    lab.apply(state("hi", "go", 1, &built)).await;
    assert_eq!(lab.ask("hi", "/").await.0, 200);
}

#[tokio::test]
async fn a_nodejs_app_without_procfile_is_started_by_npm() {
    let lab = Lab::new().await;
    let server = "require('http').createServer((q, a) => a.end('node ' + process.version.slice(0, 1))).listen(process.env.PORT)";
    let package = r#"{"name": "n", "version": "1.0.0", "scripts": {"start": "node index.js"}}"#;
    let built = lab.build("node", "nodejs", 1, &[("index.js", server), ("package.json", package)]).await;
    assert_eq!(built.processes["web"], ["npm start"]);
    lab.apply(state("node", "nodejs", 1, &built)).await;
    assert_eq!(lab.ask("node", "/").await, (200, "node v".into()));
}

#[tokio::test]
async fn a_forgotten_version_has_no_files() {
    let lab = Lab::new().await;
    let one = lab.python("old", 1, &[("app.py", PAGE)]).await;
    lab.build("old", "python", 2, &[("app.py", PAGE)]).await;
    lab.local().remove_version("old", 2).await.unwrap();
    lab.local().remove_version("old", 2).await.unwrap();
    assert!(!lab.folder("apps/old/versions/v2").exists());
    let mut two = one;
    two.processes[0].version = 2;
    let error = lab.try_apply(two).await.unwrap_err().to_string();
    assert!(error.contains("version 2"), "{error}");
}
