//! Who holds roles in a team.

use crate::{
    auth::identify::Group,
    error::Result,
    permission::{ContextType, Role, role::RoleInstance},
    store::{Filter, Find, Store},
    user::User,
};

/// A user or a group, and its roles in the team.
pub struct Member {
    /// E-mail, or group.
    pub name: String,
    /// Roles, each once.
    pub roles: Vec<String>,
}

/// Users with roles in the team.
pub async fn users(store: &Store, team: &str) -> Result<Vec<Member>> {
    let roles = team_roles(store).await?;
    let users = store.of::<User>().recent(Filter::eq("roles.contextvalue", team), Find::default()).await?;
    Ok(users.iter().filter_map(|user| member(user.email.clone(), &user.roles, team, &roles)).collect())
}

/// Groups with roles in the team.
pub async fn groups(store: &Store, team: &str) -> Result<Vec<Member>> {
    let roles = team_roles(store).await?;
    let groups = store.of::<Group>().recent(Filter::eq("roles.contextvalue", team), Find::default()).await?;
    Ok(groups.iter().filter_map(|group| member(group.name.clone(), &group.roles, team, &roles)).collect())
}

async fn team_roles(store: &Store) -> Result<Vec<String>> {
    let roles = store.of::<Role>().all().await?;
    Ok(roles.iter().filter(|role| role.context_type == ContextType::Team).map(|role| role.name.clone()).collect())
}

fn member(name: String, held: &[RoleInstance], team: &str, known: &[String]) -> Option<Member> {
    let mut roles: Vec<String> = Vec::new();
    for role in held.iter().filter(|role| role.context_value == team && known.contains(&role.name)) {
        if !roles.contains(&role.name) {
            roles.push(role.name.clone());
        }
    }
    (!roles.is_empty()).then_some(Member { name, roles })
}
