//! An app for tests.

use super::{Making, Spot};
use crate::provisioner::{
    AppPlace, AppState, PodPlace, PoolPlace, ProcessState,
    kubernetes::settings::{ClusterSettings, PoolSettings, ServerSettings},
};

/// A process and everything about it.
pub struct Sample {
    pub app: AppState,
    pub process: ProcessState,
    pub spot: Spot,
    pub pool: PoolSettings,
    pub server: ServerSettings,
}

impl Default for Sample {
    fn default() -> Self {
        let pool = PoolPlace { name: "dev".into(), affinity: None };
        let place = AppPlace { team: "crew".into(), pool, ..AppPlace::default() };
        let pod = PodPlace { image: "r.io/tsuru/app-blog:v1".into(), main: true, ..PodPlace::default() };
        let process = ProcessState {
            version: 1,
            name: "web".into(),
            command: vec!["./web".into()],
            units: 1,
            routable: true,
            pod,
            ..ProcessState::default()
        };
        Self {
            app: AppState { app: "blog".into(), place, ..AppState::default() },
            process,
            spot: Spot { name: "blog-web".into(), namespace: "ns".into(), base: true, routable: true, selector: None },
            pool: Self::settings(&[]),
            server: ServerSettings { registry: "r.io".into(), ..ServerSettings::default() },
        }
    }
}

impl Sample {
    pub fn settings(custom: &[(&str, &str)]) -> PoolSettings {
        let custom = custom.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        ClusterSettings { custom, ..ClusterSettings::default() }.pool("dev").unwrap()
    }

    pub fn with(custom: &[(&str, &str)]) -> Self {
        Self { pool: Self::settings(custom), ..Self::default() }
    }

    pub fn making(&self) -> Making<'_> {
        Making { app: &self.app, process: &self.process, spot: &self.spot, pool: &self.pool, server: &self.server }
    }
}
