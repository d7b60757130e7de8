//! Sign-on of web pages that hold a provider's token: the token itself becomes a session here, once the provider said whose it is,
//! and for whom it was made. A token that another application was given opens nothing.

use serde_json::{Map, Value};

use super::{
    admit::admit,
    jwt, oauth, oidc,
    person::{Person, check_tenant},
    session, token,
};
use crate::{
    auth::session::Session,
    clock::Time,
    config::sign_on::OAuth,
    context::Context,
    error::{Error, Result},
    secret::Secret,
    store::Filter,
};

/// Lifetime of a session when nobody says how long its token lives.
const UNKNOWN: i64 = 3600;
const SECOND: i64 = 1_000_000_000;

/// One try to sign on.
#[derive(Debug)]
pub struct Attempt {
    /// The provider's token.
    pub token: Secret,
    /// Whose it should be.
    pub email: String,
    /// From where.
    pub address: String,
}

/// Makes the token work as a session of its owner, who must be the one that is named.
pub async fn login(ctx: &Context, attempt: Attempt) -> Result<()> {
    if attempt.token.is_empty() {
        return Err(Error::invalid("you must provide a token to login"));
    }
    if attempt.email.is_empty() {
        return Err(Error::invalid("you must provide a email to login"));
    }
    ctx.throttle.begin("", &attempt.address)?;
    let done = verify(ctx, &attempt).await;
    if done.is_ok() {
        ctx.throttle.succeeded("", &attempt.address);
    }
    done
}

async fn verify(ctx: &Context, attempt: &Attempt) -> Result<()> {
    if let Some(settings) = ctx.config.auth.oidc()
        && let Some(claims) = oidc::claims(ctx, settings, attempt.token.expose()).await?
    {
        // It signs on by itself at every request.
        let person = belongs(Person::read(&settings.people, &claims)?, attempt)?;
        return admit(ctx, &person, settings.groups_in_claims).await.map(drop);
    }
    match ctx.config.auth.oauth() {
        Some(settings) => of_oauth(ctx, settings, attempt).await,
        None if ctx.config.auth.oidc().is_some() => Err(Error::Forbidden("The sign-on provider does not know this token.".into())),
        None => Err(Error::invalid("Authentication scheme does not allow this operation.")),
    }
}

async fn of_oauth(ctx: &Context, settings: &OAuth, attempt: &Attempt) -> Result<()> {
    let said = oauth::claims(ctx, settings, attempt.token.expose()).await?;
    let about = about(ctx, settings, &attempt.token).await?;
    check_client(settings, &about)?;
    check_tenant(&settings.people, about.get("tid").and_then(Value::as_str))?;
    let person = belongs(Person::read(&settings.people, &said)?, attempt)?;
    let user = admit(ctx, &person, true).await?.user;
    let lifetime = about.get("exp").and_then(Value::as_i64).map_or(UNKNOWN, |until| until - Time::now().millis() / 1000);
    if lifetime <= 0 {
        return Err(Error::Forbidden("The token is over.".into()));
    }
    keep(ctx, &user.email, &attempt.token, lifetime.saturating_mul(SECOND)).await
}

/// What is known of a token whose owner the provider has just told: by the provider, or by the token itself.
async fn about(ctx: &Context, settings: &OAuth, token: &Secret) -> Result<Map<String, Value>> {
    let Some(url) = &settings.introspect_url else { return Ok(jwt::read_unchecked(token.expose()).unwrap_or_default()) };
    let form = [("token", token.expose()), ("client_id", &settings.client_id), ("client_secret", settings.client_secret.expose())];
    let reply = ctx.sign_on.http.post(url, &form).await?;
    let active = reply.fields.get("active") == Some(&Value::Bool(true));
    if active { Ok(reply.fields) } else { Err(Error::Forbidden("The sign-on provider does not know this token.".into())) }
}

/// 403 unless the token was made for this server's client or one of its web pages.
fn check_client(settings: &OAuth, about: &Map<String, Value>) -> Result<()> {
    let client = ["azp", "appid", "client_id"].iter().find_map(|claim| about.get(*claim)?.as_str());
    let ours = |client: &str| client == settings.client_id || settings.web_clients.iter().any(|web| web == client);
    match client {
        Some(client) if ours(client) => Ok(()),
        Some(_) => Err(Error::Forbidden("The token was made for another application (see auth:oauth:web-clients).".into())),
        None => Err(Error::Forbidden("Nobody says which application the token was made for (see auth:oauth:introspect-url).".into())),
    }
}

fn belongs(person: Person, attempt: &Attempt) -> Result<Person> {
    let named = attempt.email.trim().to_ascii_lowercase();
    if person.names.contains(&named) { Ok(person) } else { Err(Error::Forbidden("The token belongs to another e-mail.".into())) }
}

/// The same page may come again with the same token.
async fn keep(ctx: &Context, email: &str, clear: &Secret, lifetime: i64) -> Result<()> {
    let open = Filter::eq("token", token::kept(&ctx.store, clear.expose())).and(Filter::eq("useremail", email));
    if ctx.store.of::<Session>().count(open).await? > 0 {
        return Ok(());
    }
    session::keep(&ctx.store, email, clear, lifetime).await
}
