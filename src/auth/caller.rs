//! Somebody with a valid token.

use crate::{
    error::{Error, Result},
    permission::{Context, Grants, role::RoleInstance},
};

/// What kind of token the caller showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// A user's session or API key.
    User,
    /// A team token.
    Token,
    /// The token of the settings (`auth:peer:token`).
    Peer,
}

/// Who calls, and what they hold.
#[derive(Clone, Debug)]
pub struct Caller {
    /// User or team token.
    pub kind: CallerKind,
    /// E-mail of the user, or the virtual one of the token.
    pub email: String,
    /// Name in events: the e-mail, or the token's id.
    pub name: String,
    /// Roles of their own.
    pub roles: Vec<RoleInstance>,
    /// Groups of the sign-on provider.
    pub groups: Vec<String>,
    /// Everything held.
    pub grants: Grants,
}

impl Caller {
    /// 403 unless `permission` is held globally or in one of `contexts`.
    pub fn permit(&self, permission: &str, contexts: &[Context]) -> Result<()> {
        if self.grants.allow(permission, contexts) { Ok(()) } else { Err(Error::forbidden()) }
    }

    /// True when `permission` is held globally or in one of `contexts`.
    pub fn may(&self, permission: &str, contexts: &[Context]) -> bool {
        self.grants.allow(permission, contexts)
    }

    /// The word for this kind of owner in events.
    pub fn owner_type(&self) -> &'static str {
        match self.kind {
            CallerKind::User | CallerKind::Peer => "user",
            CallerKind::Token => "token",
        }
    }
}
