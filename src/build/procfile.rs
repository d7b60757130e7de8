//! `Procfile`.
