//! Seals what is stored already.

use super::{Filter, Result, Spec, Store, StoreError, Update};

/// A document that somebody changes all the time is given up after so many tries.
const TRIES: usize = 10;

impl Store {
    /// Seals every secret of a collection with the key of now; how many documents had something to seal. `clear`: the collection may still
    /// hold clear text.
    pub async fn reseal(&self, spec: &'static Spec, clear: bool) -> Result<u64> {
        let mut sealed = 0;
        for doc in self.backend.dump(spec.name).await? {
            let Some(id) = doc.get("_id").cloned() else { continue };
            sealed += u64::from(self.reseal_one(spec, Filter::Eq("_id".into(), id), clear).await?);
        }
        Ok(sealed)
    }

    async fn reseal_one(&self, spec: &'static Spec, id: Filter, clear: bool) -> Result<bool> {
        for _ in 0..TRIES {
            let found = self.backend.find(spec, &id, &super::Find { limit: 1, ..Default::default() }).await?;
            let Some(old) = found.into_iter().next() else { return Ok(false) };
            let Some(new) = self.sealer.seal_again(spec, old.clone(), clear)? else { return Ok(false) };
            let (mut unchanged, mut update) = (id.clone(), Update::default());
            for (name, value) in new.into_iter().filter(|(name, _)| is_sealed(spec, name)) {
                unchanged = unchanged.and(Filter::Eq(name.clone(), old.get(&name).cloned().unwrap_or(bson::Bson::Null)));
                update.set.push((name, value));
            }
            if self.backend.update_one(spec, &unchanged, &update, false).await?.is_some() {
                return Ok(true);
            }
        }
        Err(StoreError::Fault(format!("{}: a document changes all the time: stop the servers that use the database", spec.name)))
    }
}

fn is_sealed(spec: &Spec, name: &str) -> bool {
    spec.sealed.iter().any(|pattern| pattern.split('.').next() == Some(name))
}
