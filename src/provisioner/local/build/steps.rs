//! Running the commands of a build.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::local::{
        env, exec,
        exec::Job,
        file,
        shared::{HOME, Shared},
        spec::Bind,
    },
    secret::Secret,
};

/// What every command of one build has in common.
#[derive(Clone)]
pub struct Steps<'a> {
    /// Go's cache of this machine.
    pub warm: Option<PathBuf>,
    /// The provisioner.
    pub shared: &'a Shared,
    /// The app.
    pub app: &'a str,
    /// The version's files.
    pub folder: &'a Path,
    /// The app's environment.
    pub env: &'a BTreeMap<String, Secret>,
    /// Where its output goes.
    pub out: &'a Output,
}

impl Steps<'_> {
    /// Runs a shell line, shown before; anything but success ends the build.
    pub async fn run(&self, line: &str) -> Result<()> {
        self.out.line(&format!("$ {line}"));
        let code = exec::stream(self.shared, self.job(line)?, |text| self.out.write(text)).await?;
        match code {
            0 => Ok(()),
            code => Err(Error::refused(format!("build failed: `{line}` ended with exit code {code}"))),
        }
    }

    fn job(&self, line: &str) -> Result<Job> {
        let place = self.shared.place(self.folder, "/tmp");
        let mut env = env::of_version(self.env, &place);
        let cache = self.shared.paths.cache(self.app)?;
        file::folder(&cache)?;
        let (seen, binds) = match &self.shared.no_sandbox {
            Some(_) => (cache.to_string_lossy().into_owned(), Vec::new()),
            None => {
                let to = format!("{HOME}/.cache");
                let go = self.warm.clone().map(|over| Bind {
                    from: cache.join("go-build"),
                    to: format!("{to}/go-build").into(),
                    over: Some(over),
                    ..Bind::default()
                });
                go.iter().try_for_each(|go| file::folder(&go.from))?;
                let all = Bind { from: cache, to: to.clone().into(), ..Bind::default() };
                (to, std::iter::once(all).chain(go).collect())
            }
        };
        let own = [
            ("XDG_CACHE_HOME", ""),
            ("PIP_CACHE_DIR", "/pip"),
            ("npm_config_cache", "/npm"),
            ("GOCACHE", "/go-build"),
            ("GOMODCACHE", "/go-mod"),
        ];
        env.extend(own.map(|(name, below)| (name.to_owned(), Secret::new(format!("{seen}{below}")))));
        env.insert("GOFLAGS".into(), "-modcacherw".into());
        env.insert("PIP_DISABLE_PIP_VERSION_CHECK".into(), "1".into());
        env.insert("PIP_NO_INPUT".into(), "1".into());
        env.insert("npm_config_update_notifier".into(), "false".into());
        Ok(Job { folder: self.folder.into(), env, binds, command: vec![line.into()], ..Job::default() })
    }
}
