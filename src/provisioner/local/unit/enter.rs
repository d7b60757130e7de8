//! Into a running unit: what runs there is seen, and sees what the unit sees.

use std::{fs, path::PathBuf};

use nix::sched::{CloneFlags, setns};

use super::step;
use crate::{
    error::{Error, Result},
    provisioner::local::process::Identity,
};

/// The outer process takes the power over the unit's mounts and starts its children among the unit's processes.
pub fn outer(unit: &Identity) -> Result<()> {
    let inner = inner_of(unit)?;
    let (user, pid) = (open(unit.pid, "user")?, open(inner, "pid")?);
    step("enter the user namespace", setns(&user, CloneFlags::CLONE_NEWUSER))?;
    step("enter the process namespace", setns(&pid, CloneFlags::CLONE_NEWPID))
}

/// The inner process takes the unit's files and gives the power up.
pub fn inner(unit: &Identity) -> Result<()> {
    let inner = inner_of(unit)?;
    let (mounts, user) = (open(inner, "mnt")?, open(inner, "user")?);
    step("enter the mount namespace", setns(&mounts, CloneFlags::CLONE_NEWNS))?;
    step("enter the user namespace", setns(&user, CloneFlags::CLONE_NEWUSER))
}

/// The first process of the unit: the only child of its outer one.
fn inner_of(unit: &Identity) -> Result<i32> {
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", unit.pid)).unwrap_or_default();
    let first = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
    first.filter(|_| unit.lives()).ok_or_else(|| Error::internal("the unit has ended"))
}

fn open(pid: i32, namespace: &str) -> Result<fs::File> {
    let path = PathBuf::from(format!("/proc/{pid}/ns/{namespace}"));
    step(&format!("open {}", path.display()), fs::File::open(&path))
}
