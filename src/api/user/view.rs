//! How users look: their roles and what follows from them.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    auth::{Caller, identify::Group},
    permission::{Context, ContextType, Role, role::RoleInstance},
    store::{Store, StoreError},
    user::User,
};

/// A user as clients read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserView {
    /// Login.
    pub email: String,
    /// Roles, own ones first.
    pub roles: Vec<Held>,
    /// Permissions of the roles; null when there is none.
    pub permissions: Option<Vec<Held>>,
    /// Groups of the sign-on provider.
    pub groups: Option<Vec<String>>,
}

/// A role or a permission that is held somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Held {
    /// Role or permission.
    pub name: String,
    /// Kind of context.
    pub context_type: ContextType,
    /// Context.
    pub context_value: String,
    /// The group that gives it; empty: it is the user's own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
}

/// What views of users are made from.
pub struct Everything {
    roles: Arc<Vec<Role>>,
    groups: Arc<Vec<Group>>,
}

/// What a reader gets to see.
#[derive(Clone, Copy)]
pub enum Eyes<'a> {
    /// All.
    All,
    /// Roles that this caller could use too, and no users who have only global ones.
    Of(&'a Caller),
}

impl Everything {
    /// All roles and groups.
    pub async fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(Self { roles: store.of::<Role>().all().await?, groups: store.of::<Group>().all().await? })
    }

    /// A user; `None` when these eyes may not see it.
    pub fn user(&self, user: &User, eyes: Eyes<'_>) -> Option<UserView> {
        let view = self.view(&user.email, &user.roles, &user.groups, eyes);
        match eyes {
            Eyes::All => Some(view),
            Eyes::Of(_) => view.roles.iter().any(|role| role.context_type != ContextType::Global).then_some(view),
        }
    }

    /// The caller, as it sees itself.
    pub fn caller(&self, caller: &Caller) -> UserView {
        self.view(&caller.email, &caller.roles, &caller.groups, Eyes::All)
    }

    fn view(&self, email: &str, roles: &[RoleInstance], groups: &[String], eyes: Eyes<'_>) -> UserView {
        let listed = (!groups.is_empty()).then(|| groups.to_vec());
        let mut view = UserView { email: email.into(), roles: Vec::new(), permissions: None, groups: listed };
        let of_groups = self.groups.iter().filter(|group| groups.contains(&group.name));
        let of_groups = of_groups.flat_map(|group| group.roles.iter().map(|role| (group.name.as_str(), role)));
        for (group, instance) in roles.iter().map(|role| ("", role)).chain(of_groups) {
            let Some(role) = self.roles.iter().find(|role| role.name == instance.name) else { continue };
            view.add(role, &instance.context_value, group, eyes);
        }
        view
    }
}

impl UserView {
    fn add(&mut self, role: &Role, value: &str, group: &str, eyes: Eyes<'_>) {
        let mut permissions: Vec<&str> = role.permissions().collect();
        permissions.sort_unstable();
        if let Eyes::Of(caller) = eyes {
            let context = [Context::new(role.context_type, value)];
            let usable = permissions.iter().all(|permission| caller.may(permission, &context));
            if permissions.is_empty() || !usable {
                return;
            }
        }
        let held =
            |name: &str| Held { name: name.into(), context_type: role.context_type, context_value: value.into(), group: group.into() };
        self.roles.push(held(&role.name));
        if !permissions.is_empty() {
            self.permissions.get_or_insert_default().extend(permissions.into_iter().map(held));
        }
    }
}
