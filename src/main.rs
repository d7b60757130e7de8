//! `impaasd`.

use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use impaas::{
    backup,
    config::{Config, File, LogFormat, Overrides, sealing::KeySource},
    error::{Error, Result},
    first_start, provisioner, seal, server,
};

/// Lists of thousands of apps come and go: with glibc's allocator a third more memory stays taken (docs/bench.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A Platform-as-a-Service server that answers like tsuru. Without a command it serves, with everything it needs in one folder.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args, Default)]
struct Settings {
    /// The file that tsurud reads, `tsuru.conf`
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for everything the server keeps [default: impaas-data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address of the API [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Address where apps answer by their host name [default: 127.0.0.1:8888]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    apps_listen: Option<String>,
    /// Address of /metrics alone [default: it is on the API's address]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    metrics_listen: Option<String>,
    /// error, warn, info, debug or trace [default: warn]
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    /// text or json [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve,
    /// Users who may do everything
    Root {
        #[command(subcommand)]
        what: RootCommand,
    },
    /// Write everything stored to a folder, one file a collection
    Export {
        /// The folder; it must not exist or be empty
        dir: PathBuf,
    },
    /// Read what `export` wrote into an empty store
    Import {
        /// The folder
        dir: PathBuf,
    },
    /// End sharing the database with tsuru's server, for good: seal secrets, keep tokens as digests. Also seals again with a new key
    Seal,
    /// Say what is wrong with the settings and the store, changing nothing
    Check,
    /// List the places where a test can end the server (IMPAAS_FAILPOINT=NAME; not in release builds)
    #[command(hide = true)]
    Failpoints,
}

#[derive(Subcommand)]
enum RootCommand {
    /// Users
    User {
        #[command(subcommand)]
        what: RootUserCommand,
    },
}

#[derive(Subcommand)]
enum RootUserCommand {
    /// Make a user who may do everything; the password is asked for, or read from standard input
    Create {
        /// E-mail
        email: String,
    },
}

fn main() -> ExitCode {
    // The shim around apps runs before any thread or runtime exists: namespaces can only be made by a process of one thread.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|word| word == "unit") {
        return provisioner::local::unit::main(args);
    }
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("impaasd: {}", explain(&e));
            ExitCode::FAILURE
        }
    }
}

fn explain(e: &Error) -> String {
    match e {
        Error::Internal(detail) => detail.clone(),
        other => other.to_string(),
    }
}

fn run(cli: Cli) -> Result<()> {
    let settings = cli.settings;
    let file = settings.config.as_deref().map_or_else(|| Ok(File::default()), File::read)?;
    let flags = Overrides {
        data_dir: settings.data_dir,
        listen: settings.listen,
        apps_listen: settings.apps_listen,
        metrics_listen: settings.metrics_listen,
        log: settings.log,
        log_format: settings.log_format,
    };
    let config = Config::load(&file, flags)?;
    start_log(&config)?;
    for key in file.unknown() {
        tracing::warn!(key, "unknown key in the configuration file");
    }
    for key in file.unquoted() {
        tracing::warn!(key, "counts as not set: its value has to be in quotes");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve) {
            Command::Serve => server::serve(config).await,
            Command::Root { what: RootCommand::User { what: RootUserCommand::Create { email } } } => root_user(&config, &email).await,
            Command::Export { dir } => export(&config, &dir).await,
            Command::Import { dir } => import(&config, &dir).await,
            Command::Seal => seal(&config).await,
            Command::Check => check(&config).await,
            Command::Failpoints => {
                impaas::failpoint::ALL.iter().for_each(|name| println!("{name}"));
                Ok(())
            }
        }
    })
}

fn start_log(config: &Config) -> Result<()> {
    let filter = format!("warn,impaas={}", config.log_level);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).try_init(),
    }
    .map_err(Error::internal)
}

async fn root_user(config: &Config, email: &str) -> Result<()> {
    let _data = server::DataDir::open(&config.data_dir)?;
    let store = server::open_store(config).await?;
    eprint!("Password: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    first_start::root_user(&store, email, line.trim_end_matches(['\r', '\n']).into()).await?;
    println!("Root user {email:?} successfully created");
    Ok(())
}

async fn export(config: &Config, dir: &std::path::Path) -> Result<()> {
    let _data = server::DataDir::open(&config.data_dir)?;
    let store = server::open_store(config).await?;
    let manifest = backup::export(config, &store, dir).await?;
    println!("Exported {} documents to {}. {}", manifest.documents(), dir.display(), manifest.note);
    if let KeySource::DataDir = config.sealing.key {
        println!("The key is {}.", config.data_dir.join("key").display());
    }
    Ok(())
}

async fn import(config: &Config, dir: &std::path::Path) -> Result<()> {
    let _data = server::DataDir::open(&config.data_dir)?;
    let store = server::open_store(config).await?;
    let manifest = backup::import(config, &store, dir).await?;
    println!("Imported {} documents from {}", manifest.documents(), dir.display());
    Ok(())
}

async fn seal(config: &Config) -> Result<()> {
    let _data = server::DataDir::open(&config.data_dir)?;
    let (store, owner) = server::open_to_seal(config).await?;
    println!("{}", seal::seal(&store, &owner).await?);
    Ok(())
}

async fn check(config: &Config) -> Result<()> {
    println!("{}", server::check(config).await?);
    Ok(())
}
