//! Jobs.

pub mod create;
pub mod deploy;
pub mod env;
pub mod info;
pub mod list;
pub mod log;
pub mod remove;
pub mod run;
pub mod update;
pub mod view;

use super::Call;
use crate::{error::Result, job::Job};

/// The job of the path.
async fn load(call: &Call) -> Result<Job> {
    Job::load(&call.ctx.store, call.var("name")).await
}
