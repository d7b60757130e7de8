//! Makes jobs.

use bson::oid::ObjectId;

use super::{Container, DeployOptions, Job, Spec, image, run};
use crate::{
    app::{Metadata, create::tags},
    auth::{Caller, CallerKind},
    context::Context,
    cron::Schedule,
    error::{Error, Result},
    event::Locked,
    names,
    output::Output,
    permission::{ContextType, holder},
    plan::{self, Plan},
    pool::{self, Pool, constraint},
    provisioner::Source,
    quota::Quota,
    store::{Filter, StoreError},
    team,
};

/// The schedule of jobs that have none: a day that never comes.
pub const NEVER: &str = "* * 31 2 *";
const POLICIES: [&str; 3] = ["Allow", "Forbid", "Replace"];
const WRONG_NAME: &str =
    "your job should have at most 40 characters, containing only lower case letters, numbers or dashes, starting with a letter.";
const TAKEN: &str = "a job with the same name already exists";

/// What a new job is made from; empty texts: not said.
#[derive(Clone, Debug, Default)]
pub struct NewJob {
    /// Name.
    pub name: String,
    /// Owner.
    pub team: String,
    /// Plan.
    pub plan: String,
    /// Pool.
    pub pool: String,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Labels and annotations.
    pub metadata: Metadata,
    /// An image, in the newer way of saying it.
    pub deploy_options: Option<DeployOptions>,
    /// Image and command.
    pub container: Container,
    /// When.
    pub schedule: String,
    /// Only when somebody says so.
    pub manual: bool,
    /// Seconds that a run may take.
    pub active_deadline_seconds: Option<i64>,
    /// What happens when it is time and the last run goes on.
    pub concurrency_policy: Option<String>,
}

/// 400 for a wrong name, 409 for a taken one.
pub async fn check_name(ctx: &Context, name: &str) -> Result<()> {
    if !names::is_common(name) {
        return Err(not_made(name, WRONG_NAME));
    }
    let taken = ctx.store.of::<Job>().count(Filter::eq("name", name)).await? > 0;
    if taken { Err(Error::conflict(TAKEN)) } else { Ok(()) }
}

fn not_made(name: &str, cause: impl std::fmt::Display) -> Error {
    Error::invalid(format!("tsuru failed to create job {name:?}: {cause}"))
}

/// Makes a job under the lock of its name.
pub async fn create(ctx: &Context, lock: &Locked<()>, new: NewJob, caller: &Caller) -> Result<()> {
    // Another one may have been made while the lock was waited for.
    check_name(ctx, &new.name).await?;
    let mut job = document(ctx, new, caller).await?;
    let user = (caller.kind == CallerKind::User).then_some(caller.email.as_str());
    // Who held roles in an earlier job of this name does not hold them in this one.
    holder::forget_context(&ctx.store, ContextType::Job, &job.name).await?;
    team::quota::reserve(&ctx.store, &job.team_owner, user, exceeded).await?;
    let made = lock.event().unless_cancelled(make(ctx, &mut job)).await;
    if made.is_err() {
        forget(ctx, &job).await?;
        team::quota::release(&ctx.store, &job.team_owner, user).await?;
    }
    made
}

/// As long as something of it may run, the job is there to be removed.
async fn forget(ctx: &Context, job: &Job) -> Result<()> {
    if ctx.store.of::<Job>().count(Filter::id(job.id)).await? > 0 {
        run::provisioner(ctx, job).await?.remove_job(&job.key()).await?;
        ctx.store.of::<Job>().delete(Filter::id(job.id)).await?;
    }
    Ok(())
}

async fn make(ctx: &Context, job: &mut Job) -> Result<()> {
    let image = job.deploy_options.as_ref().map(|options| options.image.clone()).unwrap_or_default();
    if !image.is_empty() {
        let built = image::build(ctx, job, Source::Image(image), &Output::default()).await;
        job.spec.container.internal_registry_image = built.map_err(|e| match e {
            Error::Internal(_) => e,
            e => not_made(&job.name, e),
        })?;
    }
    match ctx.store.of::<Job>().insert(job).await {
        Ok(()) => {}
        Err(StoreError::Duplicate(_)) => return Err(Error::conflict(TAKEN)),
        Err(other) => return Err(other.into()),
    }
    run::ensure(ctx, job).await.map_err(|e| match e {
        Error::Refused(text) => not_made(&job.name, text),
        e => e,
    })
}

/// The job as it will be stored, with everything that was not said chosen and everything checked.
async fn document(ctx: &Context, new: NewJob, caller: &Caller) -> Result<Job> {
    new.metadata.check()?;
    let pool = chosen_pool(ctx, &new).await?;
    ctx.provisioner(&pool).await?;
    let plan = chosen_plan(ctx, &pool, &new).await?;
    check_pool(ctx, &pool, &new.team).await?;
    check_plan(ctx, &pool, &plan).await?;
    let mut metadata = Metadata::default();
    metadata.merge(new.metadata);
    let (deploy_options, container) = sources(new.deploy_options, new.container);
    let spec = Spec {
        concurrency_policy: new.concurrency_policy,
        active_deadline_seconds: Some(new.active_deadline_seconds.filter(|seconds| *seconds >= 0).unwrap_or(0)),
        schedule: if new.manual { NEVER.into() } else { new.schedule },
        manual: new.manual,
        container,
        ..Spec::default()
    };
    check_spec(&spec)?;
    Ok(Job {
        id: ObjectId::new(),
        name: new.name,
        team_owner: new.team,
        owner: caller.email.clone(),
        plan,
        metadata,
        pool: pool.name,
        description: new.description,
        tags: tags(new.tags),
        deploy_options: Some(deploy_options),
        spec,
        fence: 0,
    })
}

/// The image was said in one of two ways: afterwards in both.
fn sources(options: Option<DeployOptions>, container: Container) -> (DeployOptions, Container) {
    let container = Container { internal_registry_image: String::new(), ..container };
    match options {
        Some(options) => {
            let image = options.image.clone();
            (options, Container { image, ..container })
        }
        None if !container.image.is_empty() => (DeployOptions::image(&container.image), container),
        None => (DeployOptions::default(), container),
    }
}

async fn chosen_pool(ctx: &Context, new: &NewJob) -> Result<Pool> {
    if new.pool.is_empty() {
        return pool::choose(&ctx.store, &new.team, None).await.map_err(|e| of_job(&new.name, e));
    }
    Pool::load(&ctx.store, &new.pool).await.map_err(|e| of_job(&new.name, e))
}

async fn chosen_plan(ctx: &Context, pool: &Pool, new: &NewJob) -> Result<Plan> {
    let found = match new.plan.as_str() {
        "" => plan::preferred(&ctx.store, pool).await,
        name => plan::find(&ctx.store, name).await,
    };
    found.map_err(|e| of_job(&new.name, e))
}

/// What is wrong with the input is told as a failed creation.
fn of_job(name: &str, e: Error) -> Error {
    match e {
        Error::NotFound(text) | Error::Invalid(text) | Error::Refused(text) => not_made(name, text),
        other => other,
    }
}

/// 400 unless the team may use the pool.
pub(super) async fn check_pool(ctx: &Context, pool: &Pool, team: &str) -> Result<()> {
    constraint::check_team(&ctx.store, pool, team).await.map_err(as_jobs)
}

/// 400 unless jobs in the pool may have the plan.
pub(super) async fn check_plan(ctx: &Context, pool: &Pool, plan: &Plan) -> Result<()> {
    constraint::check_plan(&ctx.store, pool, &plan.name).await.map_err(as_jobs)
}

/// The rules are those of apps, and the words but for the first.
fn as_jobs(e: Error) -> Error {
    match e {
        Error::Invalid(text) => Error::Invalid(text.strip_prefix("App ").map_or(text.clone(), |rest| format!("Job {rest}"))),
        other => other,
    }
}

/// 400 for a schedule or a policy that makes no sense.
pub(super) fn check_spec(spec: &Spec) -> Result<()> {
    if !spec.manual && Schedule::parse(&spec.schedule).is_err() {
        return Err(Error::invalid("invalid schedule"));
    }
    match &spec.concurrency_policy {
        Some(policy) if !POLICIES.contains(&policy.as_str()) => {
            Err(Error::invalid(format!("invalid concurrency policy, allowed values are: {}", POLICIES.join(", "))))
        }
        _ => Ok(()),
    }
}

/// tsuru's words for a quota that is used up.
pub(super) fn exceeded(quota: Option<Quota>) -> Error {
    let available = quota.and_then(|quota| quota.available()).unwrap_or(0);
    Error::refused(format!("Quota exceeded. Available: {available}, Requested: 1."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_schedules_and_policies_that_make_sense_pass() {
        let spec = |schedule: &str, manual, policy: Option<&str>| Spec {
            schedule: schedule.into(),
            manual,
            concurrency_policy: policy.map(str::to_owned),
            ..Spec::default()
        };
        assert!(check_spec(&spec("0 3 * * *", false, Some("Forbid"))).is_ok());
        assert!(check_spec(&spec("", true, None)).is_ok());
        for wrong in [spec("", false, None), spec("0 3 * *", false, None), spec("TZ=UTC 0 3 * * *", false, None)] {
            assert_eq!(check_spec(&wrong).unwrap_err().to_string(), "invalid schedule");
        }
        let text = check_spec(&spec("@daily", false, Some("allow"))).unwrap_err().to_string();
        assert_eq!(text, "invalid concurrency policy, allowed values are: Allow, Forbid, Replace");
    }

    #[test]
    fn an_image_is_known_in_both_places_however_it_was_said() {
        let container = Container { image: "i".into(), internal_registry_image: "mine".into(), command: vec!["c".into()] };
        let (options, kept) = sources(None, container.clone());
        assert_eq!((options, kept.internal_registry_image.as_str()), (DeployOptions::image("i"), ""));
        let (_, kept) = sources(Some(DeployOptions::image("j")), container);
        assert_eq!((kept.image.as_str(), kept.command.as_slice()), ("j", &["c".to_owned()][..]));
    }
}
