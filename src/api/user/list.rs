//! `GET /users`.

use super::view::{Everything, Eyes, UserView};
use crate::{
    api::{Answer, Call, answer},
    error::Error,
    store::{Filter, Find},
    user::User,
};

/// The users that the caller may see; with `userEmail` or `role` (and `context`) those who match. When nobody does: the caller.
pub async fn list(call: Call) -> Answer {
    let caller = call.caller()?;
    let eyes = if caller.may("user.update", &[]) { Eyes::All } else { Eyes::Of(caller) };
    let everything = Everything::load(&call.ctx.store).await?;
    let by_email = Find { sort: Some(("email", false)), ..Find::default() };
    let users = call.ctx.store.of::<User>().find_with(Filter::All, by_email).await?;
    let wanted = Wanted::of(&call);
    let mut found: Vec<UserView> = users.iter().filter_map(|user| everything.user(user, eyes)).filter(|user| wanted.takes(user)).collect();
    if found.is_empty() {
        if !wanted.context.is_empty() {
            return Err(Error::not_found("Wrong context being passed."));
        }
        found.push(everything.caller(caller));
    }
    answer::json(&found)
}

struct Wanted<'a> {
    email: &'a str,
    role: &'a str,
    context: &'a str,
}

impl<'a> Wanted<'a> {
    fn of(call: &'a Call) -> Self {
        let text = |name| call.query.get(name).unwrap_or_default();
        Self { email: text("userEmail"), role: text("role"), context: text("context") }
    }

    fn takes(&self, user: &UserView) -> bool {
        if self.email.is_empty() && self.role.is_empty() {
            return true;
        }
        let has_role = || user.roles.iter().any(|held| held.name == self.role && ["", &held.context_value].contains(&self.context));
        (!self.email.is_empty() && user.email == self.email) || (!self.role.is_empty() && has_role())
    }
}
