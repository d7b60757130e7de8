//! An app: what is wanted, and its units.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    route::{Route, Table},
    running::Running,
    wanted,
};
use crate::provisioner::AppState;

/// One app.
#[derive(Debug)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Held by whoever changes what is wanted.
    pub turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// Its changing parts.
#[derive(Debug, Default)]
pub struct State {
    /// What was last applied.
    pub wanted: Option<AppState>,
    /// The units of the wanted state.
    pub units: Vec<Arc<Running>>,
    /// Units of a state that is being applied.
    pub fresh: Vec<Arc<Running>>,
    /// Units on their way out.
    pub leaving: Vec<Arc<Running>>,
}

impl App {
    /// Nothing wanted yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), turn: tokio::sync::Mutex::default(), state: Mutex::default() }
    }

    /// The changing parts, for a moment.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was last applied.
    pub fn wanted(&self) -> Option<AppState> {
        self.state().wanted.clone()
    }

    /// Every unit there is, leaving ones last.
    pub fn all_units(&self) -> Vec<Arc<Running>> {
        let state = self.state();
        state.units.iter().chain(&state.fresh).chain(&state.leaving).cloned().collect()
    }

    /// Tells the router what is ready. Under the state's lock, so that the last word is the newest state.
    pub fn reroute(&self, table: &Table) {
        let state = self.state();
        if let Some(wanted) = &state.wanted {
            table.set(route(wanted, &state.units));
        }
    }
}

fn route(wanted: &AppState, units: &[Arc<Running>]) -> Route {
    let routable =
        |unit: &&Arc<Running>| wanted::process(wanted, unit.record.version, &unit.record.process).is_some_and(|process| process.routable);
    Route {
        app: wanted.app.clone(),
        cnames: wanted.cnames.clone(),
        backends: units.iter().filter(routable).filter_map(|unit| unit.backend()).collect(),
        absent: absent(wanted),
        next: Default::default(),
    }
}

/// Why nobody answers.
fn absent(wanted: &AppState) -> String {
    let app = &wanted.app;
    let mut routable = wanted.processes.iter().filter(|process| process.routable).peekable();
    if wanted.processes.is_empty() {
        format!("app \"{app}\" is not deployed")
    } else if routable.peek().is_none() {
        format!("app \"{app}\" has no process that answers requests")
    } else if routable.all(|process| process.units == 0) {
        format!("app \"{app}\" is stopped")
    } else {
        format!("app \"{app}\" has no unit that is ready")
    }
}
