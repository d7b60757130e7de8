//! What is special about single processes: their own plans and metadata.

use std::collections::BTreeSet;

use super::Process;
use crate::{
    error::{Error, Result},
    plan,
    pool::{Pool, constraint},
    store::Store,
};

/// As a process's plan: the app's plan again.
pub const DEFAULT_PLAN: &str = "$default";

/// 400 unless each process has a name of its own.
pub fn check(processes: &[Process]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for process in processes {
        if process.name.is_empty() {
            return Err(Error::invalid("empty process name is not allowed"));
        }
        if !seen.insert(&process.name) {
            return Err(Error::invalid(format!("process {:?} is duplicated", process.name)));
        }
        process.metadata.check()?;
    }
    Ok(())
}

/// 400 unless each process's own plan is there and allowed in the pool.
pub async fn check_plans(store: &Store, pool: &Pool, processes: &[Process]) -> Result<()> {
    for process in processes.iter().filter(|process| !process.plan.is_empty() && process.plan != DEFAULT_PLAN) {
        plan::find(store, &process.plan).await.map_err(|e| match e {
            Error::Refused(text) => Error::invalid(format!("could not find plan {:?}: {text}", process.plan)),
            other => other,
        })?;
        constraint::check_plan(store, pool, &process.plan).await?;
    }
    Ok(())
}

/// Merges `changes` by name.
pub fn merge(processes: &[Process], changes: Vec<Process>) -> Vec<Process> {
    let mut all = processes.to_vec();
    for change in changes {
        match all.iter_mut().find(|known| known.name == change.name) {
            Some(known) => {
                if !change.plan.is_empty() {
                    known.plan = change.plan;
                }
                known.metadata.merge(change.metadata);
            }
            None => {
                let mut new = Process { metadata: Default::default(), ..change.clone() };
                new.metadata.merge(change.metadata);
                all.push(new);
            }
        }
    }
    prune(all)
}

/// In order of names, without those about which nothing is special.
pub fn prune(mut processes: Vec<Process>) -> Vec<Process> {
    for process in &mut processes {
        if process.plan == DEFAULT_PLAN {
            process.plan.clear();
        }
    }
    processes.retain(|process| !process.plan.is_empty() || !process.metadata.is_empty());
    processes.sort_by(|a, b| a.name.cmp(&b.name));
    processes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_plan(name: &str, plan: &str) -> Process {
        Process { name: name.into(), plan: plan.into(), ..Process::default() }
    }

    #[test]
    fn a_plan_is_kept_until_it_is_reset() {
        let one = merge(&[], vec![with_plan("web", "small"), with_plan("a", "")]);
        assert_eq!(one, [with_plan("web", "small")]);
        assert_eq!(merge(&one, vec![with_plan("web", "")]), one);
        assert!(merge(&one, vec![with_plan("web", DEFAULT_PLAN)]).is_empty());
    }

    #[test]
    fn each_process_needs_a_name_of_its_own() {
        assert!(check(&[with_plan("a", ""), with_plan("b", "")]).is_ok());
        assert_eq!(check(&[with_plan("", "p")]).unwrap_err().to_string(), "empty process name is not allowed");
        let twice = check(&[with_plan("a", ""), with_plan("a", "")]).unwrap_err();
        assert_eq!(twice.to_string(), "process \"a\" is duplicated");
    }
}
