//! From the settings to the store: which backend, whose database it is, and the keys that open it.

use std::sync::Arc;

use super::{DataDir, ensure_collections};
use crate::{
    config::{Config, Database, sealing::KeySource},
    error::{Error, Result},
    store::{
        Backend, Key, Sealer, Store,
        mongo::Mongo,
        shared::{self, Owner},
        sqlite::Sqlite,
    },
};

/// Opens the store that the settings name and makes its indexes.
pub async fn open_store(config: &Config) -> Result<Store> {
    let first = is_first(config);
    let backend = backend(config).await?;
    let sealer = match owner(config, backend.as_ref()).await? {
        Owner::Leaving => {
            return Err(Error::invalid("the database is being sealed: run `impaasd seal` again until it says that it is done"));
        }
        Owner::Tsuru => Sealer::shared(key(config, true)?),
        Owner::Nobody => {
            let key = key(config, true)?;
            shared::claim(backend.as_ref(), key.id()).await?;
            with_old_keys(config, Sealer::new(key))?
        }
        Owner::Us(known) => ours(config, known.as_deref(), first)?,
    };
    let store = Store::new(backend, sealer).with_hash_cost(config.sealing.hash_cost);
    ensure_collections(&store).await?;
    Ok(store)
}

/// The store for `impaasd seal`: it seals what it writes and opens what is sealed already, whoever made it.
pub async fn open_to_seal(config: &Config) -> Result<(Store, Owner)> {
    if is_first(config) {
        return Err(Error::invalid("there is no store yet: there is nothing to seal"));
    }
    let backend = backend(config).await?;
    let owner = owner(config, backend.as_ref()).await?;
    if owner == Owner::Nobody {
        return Err(Error::invalid("the database holds nothing: there is nothing to seal"));
    }
    let known = if let Owner::Us(known) = &owner { known.as_deref() } else { None };
    let may_make = config.database != Database::Embedded && known.is_none();
    let sealer = with_old_keys(config, Sealer::new(key(config, may_make)?))?;
    check_key(&sealer, known)?;
    let store = Store::new(backend, sealer);
    ensure_collections(&store).await?;
    Ok((store, owner))
}

/// Says what is wrong with the settings and what they name; changes nothing.
pub async fn check(config: &Config) -> Result<&'static str> {
    crate::router::check_settings(config)?;
    crate::cluster::server::check_settings(config)?;
    match &config.database {
        Database::Embedded if !Sqlite::is_in(&config.data_dir) => Ok("The settings are right. The first start will make the store."),
        Database::Embedded => {
            let _data = DataDir::open(&config.data_dir)?;
            ours(config, None, false)?;
            Sqlite::open(&config.data_dir)?.ping().await?;
            Ok("The settings are right and the store is there.")
        }
        Database::Mongo { url, name } => {
            let mongo = Mongo::connect(url, name).await?;
            mongo.ping().await?;
            match owner(config, &mongo).await? {
                Owner::Nobody => {
                    Ok("The settings are right and the database answers. It is empty: the first start will make it ours, and sealed.")
                }
                Owner::Tsuru => {
                    Ok("The settings are right and the database answers. It is shared with tsuru's server: secrets are in clear in it.")
                }
                Owner::Leaving => Err(Error::invalid("the database is half sealed: run `impaasd seal` again")),
                Owner::Us(known) => {
                    ours(config, known.as_deref(), false)?;
                    Ok("The settings are right and the database answers. It is sealed.")
                }
            }
        }
    }
}

/// True before the embedded store is made.
fn is_first(config: &Config) -> bool {
    config.database == Database::Embedded && !Sqlite::is_in(&config.data_dir)
}

async fn backend(config: &Config) -> Result<Arc<dyn Backend>> {
    Ok(match &config.database {
        Database::Embedded => Arc::new(Sqlite::open(&config.data_dir)?),
        Database::Mongo { url, name } => Arc::new(Mongo::connect(url, name).await?),
    })
}

/// What the database says, and the settings on top of it.
async fn owner(config: &Config, backend: &dyn Backend) -> Result<Owner> {
    if config.database == Database::Embedded {
        return match config.sealing.shared {
            Some(true) => Err(Error::invalid("database:shared: the embedded store cannot be shared with tsuru's server")),
            _ => Ok(Owner::Us(None)),
        };
    }
    match (shared::owner(backend).await?, config.sealing.shared) {
        (Owner::Nobody, Some(true)) => Ok(Owner::Tsuru),
        (Owner::Us(_), Some(true)) => {
            Err(Error::invalid("database:shared: the database is sealed, tsuru's server cannot use it; remove this key"))
        }
        (Owner::Tsuru, Some(false)) => Err(Error::invalid(
            "database:shared: tsuru's server made the database; `impaasd seal` ends sharing it, or remove this key to use it together",
        )),
        (owner, _) => Ok(owner),
    }
}

/// The sealer of a store of ours. When its key is gone, what it sealed is lost: no new one may hide that.
fn ours(config: &Config, known: Option<&str>, first: bool) -> Result<Sealer> {
    let sealer = with_old_keys(config, Sealer::new(key(config, first)?))?;
    check_key(&sealer, known)?;
    Ok(sealer)
}

fn check_key(sealer: &Sealer, known: Option<&str>) -> Result<()> {
    match known {
        Some(id) if !sealer.opens(id) => Err(Error::invalid(format!(
            "the database is sealed with the key {id}, which is not here (database:key, database:old-key-files)"
        ))),
        _ => Ok(()),
    }
}

/// The key that the settings name. `may_make`: in the data folder a missing one is made.
fn key(config: &Config, may_make: bool) -> Result<Key> {
    let file = config.data_dir.join("key");
    let key = match &config.sealing.key {
        KeySource::Text(text) => Key::from_text(text.expose()),
        KeySource::File(path) => Key::load(path),
        KeySource::DataDir if may_make => Key::load_or_create(&file),
        KeySource::DataDir => Key::load(&file),
    };
    key.map_err(|e| Error::invalid(format!("the key that opens stored secrets is needed: {e}")))
}

fn with_old_keys(config: &Config, mut sealer: Sealer) -> Result<Sealer> {
    for path in &config.sealing.old_keys {
        let old = Key::load(path).map_err(|e| Error::invalid(format!("database:old-key-files: {e}")))?;
        sealer = sealer.and_opens(old);
    }
    Ok(sealer)
}
