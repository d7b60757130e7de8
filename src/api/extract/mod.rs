//! What a request brings, decoded as tsuru's clients send it. Pure: knows nothing of HTTP's machinery.

pub mod form;
pub mod go;
pub mod inputs;
pub mod json;
mod json_syntax;
pub mod values;

pub use self::{
    form::decode,
    inputs::Inputs,
    json::decode_json,
    values::{Values, percent_decode},
};
