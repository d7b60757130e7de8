//! Seals secret fields before they reach a backend and opens them on the way back.
//!
//! A sealed value names its key, and is bound to its collection, document and field: moved elsewhere, it does not open.

mod cipher;
mod key;
mod update;

use bson::{Bson, Document as Doc};

pub use cipher::key_of;
pub use key::Key;

use super::{Filter, Result, Spec, StoreError, Update, evaluate, lenient};

/// How names of collections begin that tsuru's server does not know.
const OURS: &str = "impaas_";
/// Stands for any key of a document or element of an array.
const ANY: &str = "*";

/// Seals and opens the secret fields of documents.
#[derive(Debug)]
pub struct Sealer {
    /// The first one seals, all open.
    keys: Vec<Key>,
    /// Documents are sealed; otherwise only what is kept outside of the store.
    documents: bool,
}

impl Sealer {
    /// Seals with this key.
    pub fn new(key: Key) -> Self {
        Self { keys: vec![key], documents: true }
    }

    /// Seals nothing.
    pub fn clear() -> Self {
        Self { keys: Vec::new(), documents: false }
    }

    /// For a database that tsuru's server reads too: its documents stay clear, what is kept outside of it is sealed.
    pub fn shared(key: Key) -> Self {
        Self { keys: vec![key], documents: false }
    }

    /// Also opens what an older key sealed.
    #[must_use]
    pub fn and_opens(mut self, older: Key) -> Self {
        self.keys.push(older);
        self
    }

    /// False when documents stay clear.
    pub fn seals(&self) -> bool {
        self.documents && !self.keys.is_empty()
    }

    /// The key that seals documents of this collection: what is only ours is sealed in tsuru's database too.
    fn sealing(&self, spec: &Spec) -> Option<&Key> {
        self.keys.first().filter(|_| self.documents || spec.name.starts_with(OURS))
    }

    /// True when documents of this collection may hold what is sealed.
    pub fn seals_in(&self, spec: &Spec) -> bool {
        !spec.sealed.is_empty() && self.sealing(spec).is_some()
    }

    /// The name of the key that seals.
    pub fn key_id(&self) -> Option<&str> {
        self.keys.first().filter(|_| self.documents).map(Key::id)
    }

    /// True when it has the key of this name.
    pub fn opens(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known.id() == key)
    }

    /// Seals a text that is kept outside of the store, for the place of this name.
    pub fn seal_text(&self, place: &str, clear: &str) -> Result<String> {
        let mut value = Bson::from(clear);
        if let Some(key) = self.keys.first() {
            cipher::seal(key, place.as_bytes(), &mut value)?;
        }
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Opens what [`Self::seal_text`] sealed for that place.
    pub fn open_text(&self, place: &str, sealed: &str) -> Result<String> {
        let mut value = Bson::from(sealed);
        cipher::open(&self.keys, place.as_bytes(), &mut value).map_err(|e| StoreError::Fault(format!("{place}: {e}")))?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Seals every secret field; the document has its `_id`.
    pub fn seal(&self, spec: &Spec, mut doc: Doc) -> Result<Doc> {
        let Some(key) = self.sealing(spec) else { return Ok(doc) };
        let id = doc.get("_id").map(evaluate::key);
        for pattern in spec.sealed {
            let place = place(spec, id.as_deref(), pattern)?;
            in_document(&mut doc, &names(pattern), &mut |value| cipher::seal(key, &place, value))?;
        }
        Ok(doc)
    }

    /// Opens every secret field. What was never sealed stays as it is.
    pub fn open(&self, spec: &Spec, mut doc: Doc) -> Result<Doc> {
        if self.sealing(spec).is_none() {
            return Ok(doc);
        }
        let id = doc.get("_id").map(evaluate::key);
        for pattern in spec.sealed {
            let place = place(spec, id.as_deref(), pattern)?;
            let fault = |why| StoreError::Fault(format!("{}: {pattern} cannot be opened: {why}", spec.name));
            in_document(&mut doc, &names(pattern), &mut |value| cipher::open(&self.keys, &place, value).map_err(fault))?;
        }
        Ok(doc)
    }

    /// The document sealed with the key of now, or `None` when it is already. What an unknown key sealed is an error; where documents may
    /// still be `clear`, it is somebody's text that only looks sealed.
    pub fn seal_again(&self, spec: &Spec, doc: Doc, clear: bool) -> Result<Option<Doc>> {
        let Some(key) = self.sealing(spec) else { return Ok(None) };
        let id = doc.get("_id").map(evaluate::key);
        let mut changed = false;
        let mut doc = lenient::without_undefined(doc);
        for pattern in spec.sealed {
            let place = place(spec, id.as_deref(), pattern)?;
            in_document(&mut doc, &names(pattern), &mut |value| {
                let before = value.clone();
                let opened = cipher::open(&self.keys, &place, value);
                if opened.is_ok() && *value != before && before.as_str().and_then(key_of) == Some(key.id()) {
                    *value = before;
                    return Ok(());
                }
                if let (Err(why), false) = (opened, clear) {
                    return Err(StoreError::Fault(format!("{}: {pattern} cannot be opened: {why}", spec.name)));
                }
                let open = value.clone();
                cipher::seal(key, &place, value)?;
                changed |= *value != open;
                Ok(())
            })?;
        }
        Ok(changed.then_some(doc))
    }

    /// Seals secret values in an update. It must name its document by `_id`, because values are sealed for one document.
    pub fn seal_update(&self, spec: &Spec, filter: &Filter, update: Update) -> Result<Update> {
        match self.sealing(spec) {
            Some(key) if !spec.sealed.is_empty() => update::seal(key, spec, filter, update),
            _ => Ok(update),
        }
    }
}

fn names(pattern: &str) -> Vec<&str> {
    pattern.split('.').collect()
}

/// What a sealed value is bound to: no two places give the same bytes.
fn place(spec: &Spec, id: Option<&[u8]>, pattern: &str) -> Result<Vec<u8>> {
    let id = id.ok_or_else(|| StoreError::Fault(format!("{}: nothing can be sealed without _id", spec.name)))?;
    let parts = [spec.name.as_bytes(), id, pattern.as_bytes()];
    Ok(parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect())
}

type Change<'a> = &'a mut dyn FnMut(&mut Bson) -> Result<()>;

/// Changes all values that a pattern leads to.
fn in_document(doc: &mut Doc, pattern: &[&str], change: Change) -> Result<()> {
    match pattern.split_first() {
        None => Ok(()),
        Some((&ANY, rest)) => doc.iter_mut().try_for_each(|(_, value)| in_value(value, rest, change)),
        Some((name, rest)) => doc.get_mut(name).map_or(Ok(()), |value| in_value(value, rest, change)),
    }
}

fn in_value(value: &mut Bson, pattern: &[&str], change: Change) -> Result<()> {
    match (value, pattern.split_first()) {
        (value, None) => change(value),
        (Bson::Document(doc), _) => in_document(doc, pattern, change),
        (Bson::Array(items), Some((&ANY, rest))) => items.iter_mut().try_for_each(|item| in_value(item, rest, change)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
