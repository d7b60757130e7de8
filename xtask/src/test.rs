//! Everything that must hold before a change is done.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    cluster::Cluster,
    coverage, mongo_wire, oidc_provider, schemathesis,
    server::{Server, free_port},
    steps::{Group, Output, Steps, shown},
    tools,
};

/// Runs all of it.
pub fn run(install: bool) -> Result<()> {
    let mut steps = Steps::new();
    steps.run("what the tests need", |_| tools::prepare(install));
    steps.run("format", |output| output.shown(&mut cargo(&["fmt", "--all", "--check"])));
    steps.run("lints", |output| output.shown(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])));
    dependencies(&mut steps, install);
    let mongodb = mongodb(&mut steps);
    let provider = openid_provider(&mut steps);
    // Everything at once: what is built for one package alone has other features, and is built again.
    if !steps.run("build", |output| output.shown(&mut cargo(&["test", "--workspace", "--no-run"]))) {
        return steps.finish();
    }
    tests(&mut steps, mongodb.as_ref(), provider.as_deref());
    let cluster = cluster(&mut steps, install);
    beside_each_other(&mut steps, cluster.as_ref().map(|(cluster, _)| cluster), mongodb.as_ref(), provider.as_deref());
    if let Some((cluster, true)) = cluster {
        steps.run("Kubernetes: the cluster is taken down", |_| cluster.down());
    }
    steps.finish()
}

/// What waits for pods, and what computes meanwhile.
fn beside_each_other(steps: &mut Steps, cluster: Option<&Cluster>, mongodb: Option<&MongoDb>, provider: Option<&str>) {
    let mut groups: Vec<Group<'_>> = Vec::new();
    if let Some(cluster) = cluster {
        // One after the other: the cluster's one node has room for few pods.
        groups.push(Box::new(|steps| {
            kubernetes(steps, cluster, mongodb);
            stock_cli_on(steps, cluster, mongodb);
        }));
    }
    // What is asked of a cluster has its time; what only computes has not.
    groups.push(Box::new(|steps| {
        steps.give_way();
        bad_input(steps);
        sign_on(steps, provider);
        go_client(steps);
    }));
    groups.push(Box::new(|steps| {
        steps.give_way();
        openapi(steps);
        stock_cli(steps, mongodb);
        recorded_cli(steps, mongodb, None);
    }));
    steps.beside(groups);
}

/// Advisories come from a repository on the internet, which not every machine reaches.
fn dependencies(steps: &mut Steps, install: bool) {
    let (rules, advisories) = ("dependencies: licences, bans, sources", "dependencies: advisories");
    if !tools::on_path("cargo-deny") {
        if !install {
            return steps.skip("dependencies", "cargo-deny is not installed (cargo install cargo-deny --locked)");
        }
        if !steps
            .run("cargo-deny, which is built once", |output| output.shown(&mut cargo(&["install", "--quiet", "--locked", "cargo-deny"])))
        {
            return;
        }
    }
    steps.run(rules, |output| output.shown(&mut cargo(&["deny", "--workspace", "check", "bans", "licenses", "sources"])));
    if shown(&mut cargo(&["deny", "fetch", "db"])).is_ok() {
        steps.run(advisories, |output| output.shown(&mut cargo(&["deny", "--offline", "--workspace", "check", "advisories"])));
    } else {
        steps.skip(advisories, "the advisory database could not be fetched");
    }
}

/// Starts the MongoDB that tests and CLI use, unless `MONGODB_URL` names one.
fn mongodb(steps: &mut Steps) -> Option<MongoDb> {
    if let Some(url) = env::var("MONGODB_URL").ok().filter(|url| !url.is_empty()) {
        steps.run("MongoDB", |_| Ok(format!("the one at {url}")));
        return Some(MongoDb { url, wire: None });
    }
    let mut started = None;
    steps.run("MongoDB: the wire server mongo-java-server", |_| {
        let wire = mongo_wire::start(free_port()?, None).map_err(|error| error.to_string())?;
        // A machine that stands still for some seconds is no database that is away.
        let url = format!("{}/?serverSelectionTimeoutMS=30000&connectTimeoutMS=30000", wire.url());
        started = Some(MongoDb { url: url.clone(), wire: Some(wire) });
        Ok(url)
    });
    started
}

/// A MongoDB; the wire server, when it is ours, ends with this value.
struct MongoDb {
    url: String,
    wire: Option<mongo_wire::MongoWire>,
}

/// The command line of the OpenID provider that sign-on is tested with.
fn openid_provider(steps: &mut Steps) -> Option<String> {
    let mut line = None;
    steps.run("OpenID provider: oidc-provider of npm", |_| {
        line = Some(oidc_provider::command_line().map_err(|error| error.to_string())?);
        Ok(String::new())
    });
    line
}

fn tests(steps: &mut Steps, mongodb: Option<&MongoDb>, provider: Option<&str>) {
    let noted = root().join("target/contract-cases.tsv");
    std::fs::remove_file(&noted).ok();
    steps.run("tests", |output| {
        let mut test = cargo(&["test", "--workspace"]);
        test.env(coverage::VARIABLE, &noted);
        if let Some(mongodb) = mongodb {
            test.env("MONGODB_URL", &mongodb.url);
        }
        if mongodb.is_some_and(|mongodb| mongodb.wire.is_some()) {
            test.env("IMPAAS_MONGO_WIRE", mongo_wire::command_line().map_err(|error| error.to_string())?);
        }
        if let Some(provider) = provider {
            test.env("IMPAAS_OIDC_PROVIDER", provider);
        }
        output.shown(&mut test)
    });
    steps.run("contract coverage", |_| coverage::check(&root(), &noted));
}

/// A real cluster, which is there only meanwhile, and true; one that a developer started is left as it is.
fn cluster(steps: &mut Steps, install: bool) -> Option<(Cluster, bool)> {
    let cluster = Cluster::here();
    if let Some(why) = cluster.refused() {
        steps.skip("tests on a real Kubernetes", &why);
        return None;
    }
    let ours = !cluster.is_up();
    let up = steps.run("Kubernetes: a cluster of one node, a registry, BuildKit", |_| cluster.up(install));
    if !up && ours {
        steps.run("Kubernetes: the cluster is taken down", |_| cluster.down());
    }
    up.then_some((cluster, ours))
}

/// Some of them are about several servers, which share a MongoDB.
fn kubernetes(steps: &mut Steps, cluster: &Cluster, mongodb: Option<&MongoDb>) {
    let test = ["test", "--workspace", "--test", "tests", "--", "kubernetes::", "--test-threads=4"];
    steps.run("tests on a real Kubernetes", |output| {
        let mongodb = mongodb.map(|mongodb| ("MONGODB_URL", &mongodb.url));
        output.shown(cargo(&test).envs(cluster.environment()).envs(mongodb))
    });
}

/// The tests make some of these requests; this makes all of them.
fn bad_input(steps: &mut Steps) {
    let test = ["test", "--workspace", "--test", "tests", "--", "bad_input::", "--nocapture"];
    steps.run("bad input: 100,000 requests", |output| output.shown(cargo(&test).env("IMPAAS_BAD_INPUT", "100000")));
}

/// Requests made from the server's own document, and whether the answers are what it promises.
fn openapi(steps: &mut Steps) {
    let mut program = None;
    steps.run("schemathesis of PyPI", |_| {
        program = Some(schemathesis::program().map_err(|error| error.to_string())?);
        Ok(String::new())
    });
    let Some(program) = program else { return };
    steps.run("the OpenAPI document, checked with schemathesis", |output| {
        with_server(output, Command::new("python3").arg(root().join("compat-tests/openapi")).arg("--st").arg(program), None)
    });
}

/// The CLI of tsuru is nothing that this project ships: it runs where it is on PATH.
fn stock_cli(steps: &mut Steps, mongodb: Option<&MongoDb>) {
    let mut runs = vec![("a day with the stock CLI", "compat-tests/cli", None), ("the demo with the stock CLI", "compat-tests/demo", None)];
    if let Some(mongodb) = mongodb {
        runs.push(("a day with the stock CLI, documents in MongoDB", "compat-tests/cli", Some(mongodb.url.as_str())));
    }
    for (name, program, database) in runs {
        if tools::on_path("tsuru") {
            steps.run(name, |output| with_server(output, Command::new("python3").arg(root().join(program)), database));
        } else {
            steps.skip(name, "absent: no `tsuru` on PATH");
        }
    }
}

/// What the CLI printed with tsuru's server, step by step; the program starts its server itself. On a cluster, the stock deploy-agent
/// builds: it is nothing that this project ships either.
fn recorded_cli(steps: &mut Steps, mongodb: Option<&MongoDb>, cluster: Option<&Cluster>) {
    let (place, needed) = match cluster {
        Some(_) => (" on Kubernetes", ["tsuru", "deploy-agent"].as_slice()),
        None => ("", ["tsuru"].as_slice()),
    };
    for database in std::iter::once(None).chain(mongodb.map(|mongodb| Some(&mongodb.url))) {
        let name = format!("the recorded suite of the stock CLI{place}{}", if database.is_some() { ", documents in MongoDB" } else { "" });
        let more: Vec<&str> = database.iter().flat_map(|url| ["--database", url.as_str()]).collect();
        by_itself(steps, &name, ("compat-tests/recorded_cli", needed), &more, cluster);
    }
}

/// The recorded suite, the demo and the day with apps on a cluster. Their apps have the same names, so it is one after the other.
fn stock_cli_on(steps: &mut Steps, cluster: &Cluster, mongodb: Option<&MongoDb>) {
    recorded_cli(steps, mongodb, Some(cluster));
    for (name, program) in [("the demo with the stock CLI", "compat-tests/demo"), ("a day with the stock CLI", "compat-tests/cli")] {
        let needed = ["tsuru", "deploy-agent"].as_slice();
        by_itself(steps, &format!("{name} on Kubernetes"), (program, needed), &[], Some(cluster));
    }
}

/// Runs a program that starts its server itself, where all is there that it needs.
fn by_itself(steps: &mut Steps, name: &str, (program, needed): (&str, &[&str]), more: &[&str], cluster: Option<&Cluster>) {
    if let Some(missing) = needed.iter().find(|program| !tools::on_path(program)) {
        return steps.skip(name, &format!("absent: no `{missing}` on PATH"));
    }
    steps.run(name, |output| {
        let mut python = Command::new("python3");
        python.arg(root().join(program)).arg("--server").arg(impaasd()).args(more);
        if let Some(cluster) = cluster {
            python.arg("--cluster").envs(cluster.environment());
        }
        output.shown(&mut python)
    });
}

/// The CLI signs on at a server and a provider that the program starts itself.
fn sign_on(steps: &mut Steps, provider: Option<&str>) {
    let name = "sign-on with the stock CLI";
    match provider {
        Some(provider) if tools::on_path("tsuru") => {
            steps.run(name, |output| {
                let program = root().join("compat-tests/sign_on");
                output.shown(Command::new("python3").arg(program).arg("--server").arg(impaasd()).args(["--provider", provider]))
            });
        }
        _ => steps.skip(name, "absent: no `tsuru` on PATH, or no OpenID provider"),
    }
}

/// The Go client that Terraform's provider uses, in its two versions.
fn go_client(steps: &mut Steps) {
    let versions = [("0.5.0", vec![]), ("0.2.0", vec!["-modfile=go-0.2.0.mod", "-tags=client_0_2_0"])];
    for (version, flags) in versions {
        let name = format!("Terraform's Go client {version}, the Action's deploy, the dashboard's reads");
        if tools::on_path("go") {
            let mut client = Command::new("go");
            client.arg("run").args(flags).arg(".").current_dir(root().join("compat-tests/go"));
            steps.run(&name, |output| with_server(output, &mut client, None));
        } else {
            steps.skip(&name, "absent: no `go` on PATH");
        }
    }
}

fn with_server(output: &Output, client: &mut Command, database: Option<&str>) -> Result<String> {
    let server = Server::start(&impaasd(), database)?;
    let outcome = output.shown(client.args(server.addresses()));
    outcome.map_err(|why| format!("{why}\n---- end of the server's log ----\n{}", server.log_tail()))
}

/// The program, as it was built for the tests.
fn impaasd() -> PathBuf {
    root().join("target/debug/impaasd")
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
