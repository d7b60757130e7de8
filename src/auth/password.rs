//! Passwords: kept as argon2id, accepted also as tsuru's bcrypt. Hashing is slow on purpose, so it runs beside the event loop.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use crate::{
    error::{Error, Result},
    secret::Secret,
};

const LENGTH: std::ops::RangeInclusive<usize> = 6..=50;

/// 400 unless the length is allowed.
pub fn check_length(password: &Secret) -> Result<()> {
    if LENGTH.contains(&password.expose().len()) {
        return Ok(());
    }
    Err(Error::invalid("password length should be least 6 characters and at most 50 characters"))
}

/// The argon2id hash of a password.
pub async fn hash(password: Secret) -> Result<String> {
    blocking(move || Argon2::default().hash_password(password.expose().as_bytes()).map(|h| h.to_string())).await?.map_err(Error::internal)
}

/// True when the password is the one that was hashed.
pub async fn verify(password: Secret, hash: String) -> Result<bool> {
    blocking(move || matches(password.expose(), &hash)).await
}

fn matches(password: &str, hash: &str) -> bool {
    if hash.starts_with("$2") {
        return bcrypt::verify(password, hash).unwrap_or(false);
    }
    PasswordHash::new(hash).is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let hashed = hash("admin123".into()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("admin123".into(), hashed.clone()).await.unwrap());
        assert!(!verify("admin124".into(), hashed).await.unwrap());
    }

    #[test]
    fn bcrypt_hashes_of_tsuru_are_accepted() {
        let hashed = bcrypt::hash("bob12345", 4).unwrap();
        assert!(matches("bob12345", &hashed));
        assert!(!matches("bob", &hashed));
        assert!(!matches("", ""));
    }
}
