//! One value, sealed: XChaCha20-Poly1305, written as text.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bson::{Bson, Document, doc};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, KeyInit, Payload},
};

use super::Key;
use crate::store::{Result, StoreError};

/// Before the key's name: a sealed text.
const TEXT: &str = "sealed:v1:";
/// Before the key's name: a sealed value of another type, inside a document.
const OTHER: &str = "sealed:v1+bson:";
/// The length of a nonce.
const NONCE: usize = 24;

/// Seals a value in place. What holds nothing stays: null, and the empty text, list and document.
pub fn seal(key: &Key, place: &[u8], value: &mut Bson) -> Result<()> {
    let (prefix, clear) = match &*value {
        Bson::Null | Bson::Undefined => return Ok(()),
        Bson::String(text) if text.is_empty() => return Ok(()),
        Bson::Array(items) if items.is_empty() => return Ok(()),
        Bson::Document(inner) if inner.is_empty() => return Ok(()),
        Bson::String(text) => (TEXT, text.as_bytes().to_vec()),
        other => (OTHER, doc! {"": other}.to_vec().map_err(|e| StoreError::Fault(e.to_string()))?),
    };
    let failed = |e: &dyn std::fmt::Display| StoreError::Fault(format!("sealing failed: {e}"));
    let nonce = XNonce::try_generate().map_err(|e| failed(&e))?;
    let sealed = XChaCha20Poly1305::new(&key.bytes().into()).encrypt(&nonce, Payload { msg: &clear, aad: place });
    let sealed = [nonce.as_slice(), &sealed.map_err(|e| failed(&e))?].concat();
    *value = Bson::String(format!("{prefix}{}:{}", key.id(), STANDARD_NO_PAD.encode(sealed)));
    Ok(())
}

/// Opens a value in place, or says why not.
pub fn open(keys: &[Key], place: &[u8], value: &mut Bson) -> std::result::Result<(), String> {
    let Some((is_text, id, sealed)) = value.as_str().and_then(parts) else { return Ok(()) };
    let key = keys.iter().find(|key| key.id() == id).ok_or_else(|| format!("the key {id} is not here"))?;
    let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|e| e.to_string())?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or("it is too short")?;
    let cipher = XChaCha20Poly1305::new(&key.bytes().into());
    let clear = cipher.decrypt(&(*nonce).into(), Payload { msg: sealed, aad: place });
    let clear = clear.map_err(|e| format!("it was changed, or sealed for another place ({e})"))?;
    *value = if is_text {
        String::from_utf8(clear).map_err(|e| e.utf8_error().to_string())?.into()
    } else {
        Document::from_reader(clear.as_slice()).map_err(|e| e.to_string())?.remove("").ok_or("it holds nothing")?
    };
    Ok(())
}

/// The name of the key that sealed this text, if it is sealed.
pub fn key_of(text: &str) -> Option<&str> {
    parts(text).map(|(_, id, _)| id).filter(|id| id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn parts(text: &str) -> Option<(bool, &str, &str)> {
    let (is_text, rest) = match text.strip_prefix(TEXT) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix(OTHER)?),
    };
    rest.split_once(':').map(|(id, sealed)| (is_text, id, sealed))
}
