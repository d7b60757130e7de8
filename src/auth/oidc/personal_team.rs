//! A team of their own for people who sign on the first time.

use bson::Bson;

use crate::{
    auth::identify::of_user,
    context::Context,
    error::{Error, Result},
    event::{Allowed, Begin, Locked, Target, TargetType, document::Named},
    permission,
    team::{self, create},
    user::User,
};

const TAG: &str = "personal";
const LONGEST: usize = 63;

/// Makes the team, named by the first part of the e-mail or, when that will not do, by all of it. It is no condition of signing on.
pub async fn create(ctx: &Context, user: User) -> Result<User> {
    let local = user.email.split('@').next().unwrap_or_default();
    let mut made = create_named(ctx, &user, &normal(local)).await;
    if matches!(made, Err(Error::Conflict(_) | Error::Invalid(_))) {
        made = create_named(ctx, &user, &normal(&user.email)).await;
    }
    if let Err(e) = made {
        tracing::warn!(error = %e, "a personal team could not be made");
    }
    User::load(&ctx.store, &user.email).await
}

async fn create_named(ctx: &Context, user: &User, name: &str) -> Result<()> {
    let team = create::new(name, &[TAG.into()], &user.email, ctx.config.quota)?;
    let event = Locked::new((), ctx.events.begin(begin(user, name)).await?);
    let creator = of_user(&ctx.store, user.clone()).await?;
    let done = create::create(&ctx.store, &team, &creator).await;
    event.end(done).await
}

fn begin(user: &User, team: &str) -> Begin {
    Begin {
        target: Target::new(TargetType::Team, team),
        extra: Vec::new(),
        kind: "team.create".into(),
        owner: Named { kind: "user".into(), name: user.email.clone() },
        source_ip: String::new(),
        data: Some(Bson::Null),
        allowed: Allowed { scheme: team::EVENTS.into(), contexts: vec![permission::Context::team(team)] },
        allowed_cancel: None,
        locks: true,
    }
}

/// Text as a team's name: small letters, digits, `-` and `_`, beginning with a letter.
fn normal(text: &str) -> String {
    let mut name: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "u-");
    }
    name.truncate(LONGEST);
    name.trim_end_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn any_text_becomes_a_teams_name() {
        for (text, name) in
            [("ann.smith", "ann-smith"), ("42ann", "u-42ann"), ("Ann@Uni.example", "ann-uni-example"), ("x_-", "x"), ("é", "u")]
        {
            assert_eq!(normal(text), name);
        }
        assert_eq!(normal(&"a".repeat(99)).len(), 63);
    }
}
