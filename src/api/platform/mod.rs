//! Platforms.

pub mod add;
pub mod info;
pub mod list;
pub mod remove;
pub mod rollback;
pub mod update;
mod view;

use super::record::{New, Recording};
use crate::event::{Target, TargetType};

fn about(name: &str) -> New {
    New { target: Target::new(TargetType::Platform, name), events_permission: "platform.read.events", contexts: Vec::new() }
}

/// Events keep that a file came, not what was in it.
fn recording(permission: &'static str) -> Recording {
    Recording::of(permission).cancelable().hiding(FILE)
}

const FILE: &str = "dockerfile_content";
