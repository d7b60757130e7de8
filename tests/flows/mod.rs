//! What must hold over time: no request lost while versions change, nothing lost when the server dies, everything moved by an export.

mod app_change;
mod crash;
pub mod gate;
mod hang_up;
mod idle;
mod job;
mod kept;
mod observe;
mod page;
mod passing;
mod stopping;
mod webhook;
mod zero_downtime;
