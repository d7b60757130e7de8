//! Passwords: kept as argon2id, or as bcrypt in a database that tsuru's server uses too; both are accepted. Hashing is slow on purpose, so it runs beside the event loop.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use crate::{
    error::{Error, Result},
    secret::Secret,
    store::Store,
};

const LENGTH: std::ops::RangeInclusive<usize> = 6..=50;

/// 400 unless the length is allowed.
pub fn check_length(password: &Secret) -> Result<()> {
    if LENGTH.contains(&password.expose().len()) {
        return Ok(());
    }
    Err(Error::invalid("password length should be least 6 characters and at most 50 characters"))
}

/// The hash of a password, of the kind that everybody who uses this store can check.
pub async fn hash(store: &Store, password: Secret) -> Result<String> {
    if !store.is_shared() {
        return argon2id(password).await;
    }
    let cost = store.hash_cost();
    blocking(move || bcrypt::hash_with_result(password.expose(), cost)).await?.map(as_tsuru).map_err(Error::internal)
}

/// With the version that tsuru's server writes.
fn as_tsuru(hash: bcrypt::HashParts) -> String {
    hash.format_for_version(bcrypt::Version::TwoA)
}

/// A hash of nobody's password, which takes as long to check as a real one.
pub fn of_nobody(store: &Store) -> String {
    if store.is_shared() {
        return format!("$2a${:02}$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ0123u", store.hash_cost());
    }
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$2bDWmbDsWTZ0X8ACS2B1y0zVjF1pLgRkvXHyhYMVYGs".into()
}

/// True for a hash that is better made anew while the password is at hand.
pub fn is_outdated(store: &Store, hash: &str) -> bool {
    hash.starts_with("$2") && !store.is_shared()
}

async fn argon2id(password: Secret) -> Result<String> {
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
    use crate::store::{Key, Sealer, sqlite::Sqlite};

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let hashed = argon2id("admin123".into()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("admin123".into(), hashed.clone()).await.unwrap());
        assert!(!verify("admin124".into(), hashed).await.unwrap());
    }

    fn store(sealer: Sealer) -> Store {
        Store::new(std::sync::Arc::new(Sqlite::in_memory().unwrap()), sealer).with_hash_cost(5)
    }

    #[tokio::test]
    async fn a_shared_store_has_hashes_that_tsuru_reads() {
        let shared = store(Sealer::shared(Key::random()));
        let hashed = hash(&shared, "bob12345".into()).await.unwrap();
        assert!(hashed.starts_with("$2a$05$"), "{hashed}");
        assert!(matches("bob12345", &hashed));
        assert!(!is_outdated(&shared, &hashed));
        assert!(is_outdated(&store(Sealer::new(Key::random())), &hashed));
    }

    #[tokio::test]
    async fn nobodys_hash_costs_as_much_as_a_real_one() {
        for sealer in [Sealer::shared(Key::random()), Sealer::new(Key::random())] {
            let store = store(sealer);
            let (real, nobody) = (hash(&store, "some-password".into()).await.unwrap(), of_nobody(&store));
            let cost = |hash: &str| hash.split('$').map(str::to_owned).skip(1).take(hash.split('$').count() - 2).collect::<Vec<_>>();
            if store.is_shared() {
                assert_eq!(nobody.get(..7), real.get(..7));
                assert!(!bcrypt::verify("some-password", &nobody).unwrap());
            } else {
                assert_eq!(cost(&nobody).get(..3), cost(&real).get(..3));
                assert!(PasswordHash::new(&nobody).is_ok());
            }
        }
    }

    #[test]
    fn bcrypt_hashes_of_tsuru_are_accepted() {
        let hashed = bcrypt::hash("bob12345", 4).unwrap();
        assert!(matches("bob12345", &hashed));
        assert!(!matches("bob", &hashed));
        assert!(!matches("", ""));
    }
}
