//! What a new server is given: an admin, roles, platforms, a pool, plans and a team. Each piece is made only when it is not there, so
//! a first start that was cut short is finished by the next.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use bson::oid::ObjectId;

use crate::{
    auth::{password, token},
    cluster::{Cluster, Hidden, KUBERNETES},
    context::Context,
    error::{Error, Result},
    permission::{ContextType, Role, role::RoleInstance},
    plan::StoredPlan,
    platform::Platform,
    pool::{Constraint, Pool},
    provisioner::registry::LOCAL,
    quota::Quota,
    secret::Secret,
    store::{Document, Filter, Store, StoreError},
    team::Team,
    user::User,
};

/// The admin of a new server.
pub const ADMIN: &str = "admin@example.com";
/// The role that may do everything.
pub const ALLOW_ALL: &str = "AllowAll";
const TEAM: &str = "demo";
const POOL: &str = "local";
const PLATFORMS: [&str; 4] = ["static", "python", "nodejs", "go"];
const MIB: i64 = 1 << 20;

/// The login of a first start.
pub struct FirstLogin {
    /// E-mail.
    pub email: String,
    /// Password, shown once and kept in `first-login.txt`.
    pub password: Secret,
}

/// Makes what is missing. The login is given when this start made the admin.
pub async fn prepare(ctx: &Context) -> Result<Option<FirstLogin>> {
    let store = &ctx.store;
    let fresh = store.of::<User>().count(Filter::All).await? == 0;
    plans(store).await?;
    // In tsuru's database nothing is made that nobody asked for.
    if !fresh || store.is_shared() {
        return Ok(None);
    }
    roles(store).await?;
    platforms(store).await?;
    let around_us = ctx.config.kubernetes.in_cluster && ctx.config.provisioner == KUBERNETES;
    if around_us {
        cluster(store).await?;
    }
    pool(store, if around_us { KUBERNETES } else { LOCAL }).await?;
    unless_there(
        store,
        &Team { name: TEAM.into(), creating_user: ADMIN.into(), tags: vec![], quota: Quota::unlimited(), renamed_from: None },
    )
    .await?;
    // The admin comes last: while there is none, the next start does all this again.
    let login = FirstLogin { email: ADMIN.into(), password: Secret::new(token::generate().expose().get(..20).unwrap_or_default()) };
    keep_login(&ctx.config.data_dir, &login)?;
    root_user(store, &login.email, login.password.clone()).await?;
    Ok(Some(login))
}

/// A user who may do everything.
pub async fn root_user(store: &Store, email: &str, clear: Secret) -> Result<()> {
    crate::names::check_email(email)?;
    password::check_length(&clear)?;
    unless_there(store, &role(ALLOW_ALL, ContextType::Global, "", &["*"], &[])).await?;
    let mut user = User::new(email, password::hash(store, clear).await?, Quota::unlimited());
    user.roles.push(RoleInstance { name: ALLOW_ALL.into(), context_value: String::new() });
    match store.of::<User>().insert(&user).await {
        Err(StoreError::Duplicate(_)) => Err(Error::conflict(format!("there is a user {email} already"))),
        other => Ok(other?),
    }
}

fn keep_login(dir: &Path, login: &FirstLogin) -> Result<()> {
    let path = dir.join("first-login.txt");
    let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path)?;
    writeln!(file, "{}\n{}", login.email, login.password.expose())?;
    file.sync_all()?;
    Ok(())
}

async fn unless_there<T: Document>(store: &Store, thing: &T) -> Result<()> {
    match store.of::<T>().insert(thing).await {
        Err(StoreError::Duplicate(_)) => Ok(()),
        other => Ok(other?),
    }
}

fn role(name: &str, kind: ContextType, description: &str, permissions: &[&str], events: &[&str]) -> Role {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Role {
        name: name.into(),
        context_type: kind,
        description: description.into(),
        scheme_names: owned(permissions),
        dynamic_scheme_names: Vec::new(),
        events: owned(events),
        renamed_from: None,
    }
}

/// The roles of ImPaaS. `app.read.info` lets the command line look at the app it deploys; binding needs `service-instance`.
async fn roles(store: &Store) -> Result<()> {
    let (global, team) = (ContextType::Global, ContextType::Team);
    let all = [
        role("user", global, "makes teams and gives roles in them", &["team.create", "role.update.assign"], &["user-create"]),
        role("team-member", team, "works on the team's apps", &["app", "team.read", "team.token"], &["team-create"]),
        role("team-member_service", team, "uses services for the team", &["service", "service-instance"], &[]),
        role("team-member_volume", team, "uses volumes for the team", &["volume"], &[]),
        role("team-deployer", team, "deploys the team's apps, for machines", &["app.deploy", "app.read.info"], &["team-create"]),
    ];
    for role in &all {
        unless_there(store, role).await?;
    }
    Ok(())
}

async fn platforms(store: &Store) -> Result<()> {
    for name in PLATFORMS {
        unless_there(store, &Platform { name: name.into(), disabled: false }).await?;
    }
    Ok(())
}

/// The cluster that the server itself runs in.
async fn cluster(store: &Store) -> Result<()> {
    let all_nodes = ("disable-default-node-selector".to_owned(), Hidden("true".into()));
    let (name, provisioner) = (LOCAL.to_owned(), KUBERNETES.to_owned());
    let cluster = Cluster { name, provisioner, local: true, default: true, custom_data: [all_nodes].into(), ..Cluster::default() };
    unless_there(store, &cluster).await
}

async fn pool(store: &Store, provisioner: &str) -> Result<()> {
    unless_there(store, &Pool { name: POOL.into(), default: true, provisioner: provisioner.into(), labels: Default::default() }).await?;
    let public =
        Constraint { id: ObjectId::new(), pool_expr: POOL.into(), field: "team".into(), values: vec!["*".into()], blacklist: false };
    unless_there(store, &public).await
}

/// The contract's 22 plans: name, thousandths of a core, MiB.
const PLANS: [(&str, i64, i64); 22] = [
    ("c0.1m0.1", 100, 128),
    ("c0.1m0.2", 100, 256),
    ("c0.3m0.5", 300, 512),
    ("c0.5m1", 500, 1024),
    ("c1m2", 1000, 2048),
    ("c2m4", 2000, 4096),
    ("c4m8", 4000, 8192),
    ("c8m16", 8000, 16384),
    ("c1m1", 1000, 1024),
    ("c2m2", 2000, 2048),
    ("c4m4", 4000, 4096),
    ("c8m8", 8000, 8192),
    ("c16m16", 16000, 16384),
    ("c2m1", 2000, 1024),
    ("c4m2", 4000, 2048),
    ("c8m4", 8000, 4096),
    ("c16m8", 16000, 8192),
    ("c0.3m1", 300, 1024),
    ("c0.5m2", 500, 2048),
    ("c1m4", 1000, 4096),
    ("c2m8", 2000, 8192),
    ("c4m16", 4000, 16384),
];
const DEFAULT_PLAN: &str = "c0.1m0.2";

/// The default plans, when there are none at all.
async fn plans(store: &Store) -> Result<()> {
    if store.of::<StoredPlan>().count(Filter::All).await? > 0 {
        return Ok(());
    }
    for (name, cpu_milli, mebibytes) in PLANS {
        let default = name == DEFAULT_PLAN;
        let plan =
            StoredPlan { name: name.into(), memory: mebibytes * MIB, cpu_milli, cpu_burst: None, runtime_class: String::new(), default };
        unless_there(store, &plan).await?;
    }
    Ok(())
}
