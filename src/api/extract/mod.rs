//! Placeholder until the decoders land: values.rs, form.rs, json.rs, go.rs replace the bodies here and keep these names and signatures.
use crate::error::*;
use serde::de::DeserializeOwned;
/// v
#[derive(Clone, Default)]
pub struct Values(Vec<(String, String)>);
impl Values {
    /// p
    pub fn parse(_: &str) -> Result<Self> {
        Ok(Self::default())
    }
    /// p
    pub fn get(&self, _: &str) -> Option<&str> {
        None
    }
    /// p
    pub fn push(&mut self, a: String, b: String) {
        self.0.push((a, b))
    }
    /// p
    pub fn extend(&mut self, a: Values) {
        self.0.extend(a.0)
    }
}
/// i
pub struct Inputs(Values);
impl Inputs {
    /// p
    pub fn new(v: Values) -> Self {
        Self(v)
    }
    /// p
    pub fn with_json(v: Values, _: &[u8]) -> Result<Self> {
        Ok(Self(v))
    }
    /// p
    pub fn get(&self, n: &str) -> Option<&str> {
        self.0.get(n)
    }
    /// p
    pub fn into_fields(self) -> Vec<(String, Vec<String>)> {
        vec![]
    }
}
/// d
pub fn decode<T: DeserializeOwned>(_: &Values) -> Result<T> {
    Err(Error::invalid("x"))
}
/// d
pub fn decode_json<T: DeserializeOwned>(_: &[u8]) -> Result<T> {
    Err(Error::invalid("x"))
}
/// d
pub fn percent_decode(p: &str) -> String {
    p.to_owned()
}
