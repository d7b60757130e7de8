//! Jobs as processes of this machine: by the clock, on demand, again after failures and crashes.

use std::time::Duration;

use futures_util::StreamExt;
use impaas::provisioner::{Concurrency, JobBuild, JobState, Jobs, LogQuery, Source, Unit, UnitStatus};

use super::{Lab, PAGE, SOON};
use crate::server::{archive, eventually};

fn state(job: &str, command: &str) -> JobState {
    JobState {
        job: job.into(),
        image: format!("tsuru/job-{job}:latest"),
        command: vec![command.into()],
        env: [("WORD".to_owned(), "hush".into())].into(),
        deadline: 3600,
        retries: 6,
        ..JobState::default()
    }
}

impl Lab {
    async fn image(&self, job: &str, image: &str) -> impaas::error::Result<String> {
        let request = JobBuild { job: job.into(), pool: "p".into(), source: Source::Image(image.into()), env: Default::default() };
        self.local().build_job(request, &self.out()).await
    }

    /// A job that runs on the bare platform.
    async fn job(&self, want: JobState) {
        assert_eq!(self.image(&want.job, "tsuru/python").await.unwrap(), want.image);
        self.local().ensure_job(want).await.unwrap();
    }

    async fn runs(&self, job: &str) -> Vec<Unit> {
        self.local().job_units(&job.into()).await.unwrap()
    }

    async fn says(&self, job: &str) -> Vec<String> {
        let query = LogQuery { app: job.into(), lines: 1000, ..LogQuery::default() };
        self.local().job_logs(&job.into(), query).await.unwrap().map(|line| line.message).collect().await
    }

    async fn said_by(&self, job: &str, line: &str) {
        eventually(&format!("{job} says {line:?}"), SOON, || async { self.says(job).await.iter().any(|said| said == line) }).await;
    }

    async fn succeeded(&self, job: &str, count: usize) {
        eventually(&format!("{count} runs of {job} succeeded"), SOON, || async {
            self.runs(job).await.iter().filter(|run| run.status == UnitStatus::Succeeded).count() >= count
        })
        .await;
    }
}

#[tokio::test]
async fn a_run_says_what_its_command_says_and_sees_its_variables() {
    let lab = Lab::new().await;
    lab.job(state("once", "echo \"word $WORD\"; pwd; id -u")).await;
    lab.local().trigger_job(&"once".into()).await.unwrap();
    lab.succeeded("once", 1).await;
    assert_eq!(lab.says("once").await[..2], ["word hush", "/home/application/current"]);
    let run = &lab.runs("once").await[0];
    assert!(run.id.starts_with("once-manual-job-"), "{run:?}");
    assert_eq!((run.restarts, run.reason.as_str()), (0, ""));
    lab.local().trigger_job(&"once".into()).await.unwrap();
    lab.succeeded("once", 2).await;
    let text = std::fs::read_dir(lab.folder("jobs/once")).unwrap().flatten().filter_map(|file| std::fs::read_to_string(file.path()).ok());
    assert!(!text.collect::<String>().contains("hush"), "what is kept of the environment is sealed");
}

#[tokio::test]
async fn a_schedule_fires_and_is_followed() {
    let lab = Lab::new().await;
    let want = JobState { schedule: Some("@every 1s".into()), ..state("often", "date +%s%N") };
    lab.job(want.clone()).await;
    let query = LogQuery { app: "often".into(), follow: true, ..LogQuery::default() };
    let mut lines = lab.local().job_logs(&"often".into(), query).await.unwrap();
    for _ in 0..2 {
        tokio::time::timeout(SOON, lines.next()).await.unwrap().unwrap();
    }
    lab.local().ensure_job(JobState { schedule: None, ..want }).await.unwrap();
    let runs = lab.runs("often").await;
    assert!(runs.iter().all(|run| !run.id.contains("manual")), "{runs:?}");
}

#[tokio::test]
async fn a_failing_command_is_started_again_until_it_is_given_up() {
    let lab = Lab::new().await;
    lab.job(state("broken", "echo trying; exit 3")).await;
    lab.local().trigger_job(&"broken".into()).await.unwrap();
    lab.said_by("broken", "the command ended with exit code 3; it is started again in 10 seconds").await;
    let run = &lab.runs("broken").await[0];
    assert_eq!((run.status, run.restarts), (UnitStatus::Started, 1));

    lab.job(JobState { retries: 0, ..state("hopeless", "exit 4") }).await;
    lab.local().trigger_job(&"hopeless".into()).await.unwrap();
    eventually("it is given up", SOON, || async { lab.runs("hopeless").await[0].status == UnitStatus::Error }).await;
    assert_eq!(lab.runs("hopeless").await[0].reason, "BackoffLimitExceeded");
    assert_eq!(lab.says("hopeless").await, ["the command ended with exit code 4"]);
    let ends = lab.local().ended_jobs().await;
    assert_eq!((ends.len(), ends[0].job.as_str(), ends[0].failure.as_deref()), (1, "hopeless", Some("BackoffLimitExceeded")));
    lab.local().note_job_end(&ends[0]).await.unwrap();
    let news = tokio::time::timeout(Duration::from_millis(50), lab.local().ended_jobs()).await;
    assert!(news.is_err(), "told once: {news:?}");
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_ended() {
    let lab = Lab::new().await;
    lab.job(JobState { deadline: 1, ..state("slow", "sleep 100") }).await;
    lab.local().trigger_job(&"slow".into()).await.unwrap();
    eventually("it ended", SOON, || async { lab.runs("slow").await[0].reason == "DeadlineExceeded" }).await;
    eventually("nothing of it runs", SOON, || async { lab.shims().is_empty() }).await;
}

#[tokio::test]
async fn the_policy_says_what_happens_to_a_run_that_goes_on() {
    let lab = Lab::new().await;
    for (job, concurrency) in [("allow", Concurrency::Allow), ("forbid", Concurrency::Forbid), ("replace", Concurrency::Replace)] {
        lab.job(JobState { schedule: Some("@every 1s".into()), concurrency, ..state(job, "echo began; sleep 100") }).await;
    }
    let began = async |job: &str| lab.says(job).await.len();
    eventually("three ran beside each other, and three one after the other", SOON, || async {
        began("allow").await >= 3 && began("replace").await >= 3
    })
    .await;
    assert_eq!(began("forbid").await, 1);
    assert!(lab.runs("allow").await.len() >= 3);
    assert!(lab.runs("replace").await.len() <= 1, "{:?}", lab.runs("replace").await);
    for job in ["allow", "forbid", "replace"] {
        lab.local().remove_job(&job.into()).await.unwrap();
    }
    eventually("nothing of them runs", SOON, || async { lab.shims().is_empty() }).await;
    assert!(!lab.folder("jobs/allow").exists());
}

#[tokio::test]
async fn a_run_can_be_killed() {
    let lab = Lab::new().await;
    lab.job(state("long", "echo began; sleep 100")).await;
    lab.local().trigger_job(&"long".into()).await.unwrap();
    lab.said_by("long", "began").await;
    let id = lab.runs("long").await[0].id.clone();
    let missing = lab.local().kill_job_unit(&"long".into(), "nope", false).await.unwrap_err().to_string();
    assert_eq!(missing, "unit \"nope\" not found");
    lab.local().kill_job_unit(&"long".into(), &id, true).await.unwrap();
    assert!(lab.runs("long").await.is_empty());
    eventually("nothing of it runs", SOON, || async { lab.shims().is_empty() }).await;
}

#[tokio::test]
async fn a_crash_of_the_server_loses_no_run() {
    let mut lab = Lab::new().await;
    lab.job(state("long", "echo began; while sleep 0.1; do :; done")).await;
    lab.job(state("short", "echo began; sleep 1; echo done")).await;
    for job in ["long", "short"] {
        lab.local().trigger_job(&job.into()).await.unwrap();
        lab.said_by(job, "began").await;
    }
    let before = lab.runs("long").await[0].id.clone();
    lab.crash();
    lab.start().await;
    let run = &lab.runs("long").await[0];
    assert_eq!((run.id.as_str(), run.status, run.restarts), (before.as_str(), UnitStatus::Started, 0), "it goes on");
    lab.succeeded("short", 1).await;
    assert_eq!(lab.says("short").await, ["began", "done"], "once, and to its end");
    assert_eq!(lab.says("long").await, ["began"], "not begun again");
    lab.local().kill_job_unit(&"long".into(), &before, true).await.unwrap();
}

#[tokio::test]
async fn an_orderly_stop_ends_runs_that_begin_again_with_the_next_start() {
    let mut lab = Lab::new().await;
    lab.job(state("long", "echo began; sleep 100")).await;
    lab.local().trigger_job(&"long".into()).await.unwrap();
    lab.said_by("long", "began").await;
    lab.local().stop().await;
    assert!(lab.shims().is_empty());
    lab.crash();
    lab.start().await;
    eventually("it began again", SOON, || async { lab.says("long").await == ["began", "began"] }).await;
    assert_eq!(lab.runs("long").await.len(), 1);
}

#[tokio::test]
async fn what_was_missed_while_the_server_was_away_happens_once() {
    let mut lab = Lab::new().await;
    lab.job(JobState { schedule: Some("0 * * * *".into()), ..state("hourly", "echo ran") }).await;
    lab.local().stop().await;
    lab.crash();
    let hours_ago = impaas::clock::Time::now().millis() - 3 * 60 * 60 * 1000;
    std::fs::write(lab.folder("jobs/hourly/seen"), hours_ago.to_string()).unwrap();
    lab.start().await;
    lab.succeeded("hourly", 1).await;
    lab.local().stop().await;
    lab.crash();
    lab.start().await;
    assert_eq!(lab.says("hourly").await, ["ran"]);
}

#[tokio::test]
async fn a_job_runs_the_files_of_an_app() {
    let lab = Lab::new().await;
    lab.build("blog", "python", 1, &[("app.py", PAGE), ("clean.py", "print('cleaned')"), ("Procfile", "web: python3 app.py")]).await;
    lab.image("clean", "tsuru/app-blog:v1").await.unwrap();
    impaas::provisioner::Builder::remove_version(lab.local(), "blog", 1).await.unwrap();
    lab.local().ensure_job(state("clean", "python3 clean.py")).await.unwrap();
    lab.local().trigger_job(&"clean".into()).await.unwrap();
    lab.said_by("clean", "cleaned").await;
    let missing = lab.image("clean", "tsuru/app-blog:v2").await.unwrap_err().to_string();
    assert_eq!(missing, "image \"tsuru/app-blog:v2\" is not on this machine");
    let engine = lab.image("clean", "registry.example.com/x:v1").await.unwrap_err().to_string();
    assert!(engine.starts_with("this machine has no container engine"), "{engine}");
}

#[tokio::test]
async fn a_dockerfile_on_a_platform_of_this_machine_is_built() {
    let lab = Lab::new().await;
    let upload = lab.data.path().join("upload.tgz");
    std::fs::write(&upload, archive::of_files(&[("job.py", "import os; print(os.environ['A'], open('made').read())")])).unwrap();
    let build = async |text: &str| {
        let source = Source::Dockerfile { text: text.into(), context: Some(upload.clone()) };
        lab.local().build_job(JobBuild { job: "made".into(), pool: "p".into(), source, env: Default::default() }, &lab.out()).await
    };
    build("FROM tsuru/python\nCOPY . .\nENV A=letter\nRUN printf b > made\nCMD [\"python3\", \"job.py\"]\n").await.unwrap();
    lab.local().ensure_job(JobState { command: vec![], ..state("made", "") }).await.unwrap();
    lab.local().trigger_job(&"made".into()).await.unwrap();
    lab.said_by("made", "letter b").await;
    let failed = build("FROM tsuru/python\nRUN exit 7\n").await.unwrap_err().to_string();
    assert_eq!(failed, "build failed: `exit 7` ended with exit code 7");
    lab.local().trigger_job(&"made".into()).await.unwrap();
    lab.succeeded("made", 2).await;
    let other = build("FROM debian\n").await.unwrap_err().to_string();
    assert!(other.starts_with("this machine has no container engine"), "{other}");
}

#[tokio::test]
async fn without_image_or_command_nothing_runs() {
    let lab = Lab::new().await;
    let none = lab.local().trigger_job(&"ghost".into()).await.unwrap_err().to_string();
    assert_eq!(none, "job \"ghost\" has no image yet: deploy it first");
    let none = lab.local().ensure_job(state("ghost", "true")).await.unwrap_err().to_string();
    assert_eq!(none, "job \"ghost\" has no image on this machine: deploy it");
    lab.image("ghost", "tsuru/python").await.unwrap();
    let none = lab.local().ensure_job(JobState { command: vec![], ..state("ghost", "") }).await.unwrap_err().to_string();
    assert_eq!(none, "the job has no command, and its image has none of its own");
}
