//! `POST /users`.

use actix_web::HttpResponse;

use crate::{
    api::{
        Answer, Call, answer,
        extract::Inputs,
        record::{New, Recording},
    },
    config::{Auth, sign_on::Scheme},
    error::{Error, Result},
    event::{Target, TargetType},
    permission::Context,
    user::{self, create::NewUser},
};

/// Makes a user: anybody may where the settings allow it, otherwise those who hold `user.create` everywhere.
pub async fn create(mut call: Call) -> Answer {
    permit(&call)?;
    let inputs = call.inputs().await?;
    let email = inputs.text("email").to_owned();
    let Some((new, way)) = wanted(&call.ctx.config.auth, &inputs)? else { return Ok(HttpResponse::NotImplemented().finish()) };
    let about =
        New { target: Target::new(TargetType::User, &email), events_permission: user::EVENTS, contexts: vec![Context::user(&email)] };
    let event = call.record_new(Recording::of("user.create").owned_by_user(&email), about).await?;
    let made = user::create::create(&call.ctx.store, new, call.ctx.config.quota).await;
    event.end(made.map_err(|e| way.told(e))).await?;
    answer::created()
}

/// How the new user will sign on.
#[derive(Clone, Copy)]
enum Way {
    Password,
    Provider,
}

impl Way {
    /// The ImPaaS manager knows by 500 that a user of a provider is there already.
    fn told(self, e: Error) -> Error {
        match (self, e) {
            (Self::Provider, Error::Conflict(text)) => Error::refused(text),
            (_, e) => e,
        }
    }
}

/// `None` where users are only the provider's. A password is of no use to users of a provider.
fn wanted(auth: &Auth, inputs: &Inputs) -> Result<Option<(NewUser, Way)>> {
    let (email, password) = (inputs.text("email"), inputs.text("password"));
    let provider = auth.schemes.iter().any(|scheme| matches!(scheme, Scheme::OAuth(_)));
    Ok(match (auth.has_passwords(), provider) {
        (true, false) => Some((NewUser::new(email, password.into())?, Way::Password)),
        (true, true) if !password.is_empty() => Some((NewUser::new(email, password.into())?, Way::Password)),
        (_, true) => Some((NewUser::signed_on(email)?, Way::Provider)),
        (false, false) => None,
    })
}

fn permit(call: &Call) -> Result<()> {
    let open = call.ctx.config.auth.open_registration;
    if open || call.caller().is_ok_and(|caller| caller.may("user.create", &[])) {
        return Ok(());
    }
    Err(Error::BadCredentials("User registration is disabled for non-admin users.".into()))
}
