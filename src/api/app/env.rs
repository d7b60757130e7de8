//! `GET/POST/DELETE /apps/{app}/env`.

use bson::Bson;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        Answer, Call, answer,
        record::{Recording, form_data},
        stream,
    },
    app::{
        EnvVar,
        env::{self, SetEnvs},
    },
    error::{Error, Result},
    event::Subject,
    secret::Secret,
};

/// A variable as clients see it: to show its value is what the route is for.
#[derive(Serialize)]
pub struct EnvView {
    name: String,
    value: String,
    alias: String,
    public: bool,
    #[serde(rename = "managedBy", skip_serializing_if = "String::is_empty")]
    managed_by: String,
}

impl From<EnvVar> for EnvView {
    fn from(var: EnvVar) -> Self {
        let value = var.value.expose().to_owned();
        Self { name: var.name, value, alias: var.alias, public: var.public, managed_by: var.managed_by }
    }
}

/// All variables, or the app's own among those asked for; `null` when there are none.
pub async fn get(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.read.env", &app.contexts())?;
    let asked: Vec<&str> = call.query.all("env").collect();
    let vars: Vec<EnvView> = match asked.as_slice() {
        [] => env::merged(&app).into_values().map(EnvView::from).collect(),
        names => names.iter().filter_map(|name| app.env.get(*name)).cloned().map(EnvView::from).collect(),
    };
    answer::json(&(!vars.is_empty()).then_some(vars))
}

/// Variables as sent.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
pub struct Input {
    envs: Vec<InputVar>,
    #[serde(rename = "managedby")]
    managed_by: String,
    #[serde(rename = "norestart")]
    no_restart: bool,
    private: bool,
    #[serde(rename = "pruneunused")]
    prune_unused: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputVar {
    name: String,
    value: Secret,
    alias: String,
    private: Option<bool>,
}

/// Sets variables.
pub async fn set(mut call: Call) -> Answer {
    let wanted = checked(call.input().await?)?;
    let app = call.app().await?;
    call.permit("app.update.env.set", &app.contexts())?;
    let data = audit(&mut call, &wanted.vars).await?;
    let app = call.record(Recording::of("app.update.env.set").with_data(data), app).await?;
    stream::run(&call.ctx, app, stream::Format::Json, |ctx, mut app, out| async move {
        let done = env::set(&ctx, &mut app, wanted, &out).await;
        (app, done)
    })
    .await
}

/// 400 for names, values or combinations that cannot be.
pub fn checked(input: Input) -> Result<SetEnvs> {
    if input.managed_by.is_empty() && input.envs.is_empty() {
        return Err(Error::invalid("You must provide the list of environment variables"));
    }
    if input.prune_unused && input.managed_by.is_empty() {
        return Err(Error::invalid("Prune unused requires a managed-by value"));
    }
    env::check_names(input.envs.iter().map(|var| var.name.as_str()))?;
    if let Some(var) = input.envs.iter().find(|var| var.value.expose().contains('\0')) {
        return Err(Error::invalid(format!("the value of {:?} has a NUL byte, which no environment can hold", var.name)));
    }
    let (private, managed_by) = (input.private, &input.managed_by);
    let var = |var: InputVar| EnvVar {
        name: var.name,
        value: var.value,
        alias: var.alias,
        public: !(private || var.private.unwrap_or(false)),
        managed_by: managed_by.clone(),
    };
    let vars = input.envs.into_iter().map(var).collect();
    Ok(SetEnvs { vars, managed_by: input.managed_by, prune: input.prune_unused, no_restart: input.no_restart })
}

/// What the event keeps: all that was asked for but the values, whichever way they came in.
pub async fn audit(call: &mut Call, vars: &[EnvVar]) -> Result<Bson> {
    let mut fields = call.asked().await?;
    fields.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("envs"));
    for (i, var) in vars.iter().enumerate() {
        let private = if var.public { "" } else { "true" };
        let kept = [("Name", var.name.as_str()), ("Value", "*****"), ("Alias", var.alias.as_str()), ("Private", private)];
        fields.extend(kept.map(|(field, value)| (format!("Envs.{i}.{field}"), vec![value.to_owned()])));
    }
    Ok(form_data(fields, &[]))
}

/// Removes variables.
pub async fn unset(mut call: Call) -> Answer {
    let values = call.inputs().await?;
    let names: Vec<String> = values.all("env").map(str::to_owned).collect();
    if values.text("env").is_empty() {
        return Err(Error::invalid("You must provide the list of environment variables."));
    }
    let no_restart = values.flag("noRestart");
    let app = call.app().await?;
    call.permit("app.update.env.unset", &app.contexts())?;
    let app = call.record("app.update.env.unset", app).await?;
    stream::run(&call.ctx, app, stream::Format::Json, move |ctx, mut app, out| async move {
        let done = env::unset(&ctx, &mut app, &names, no_restart, &out).await;
        (app, done)
    })
    .await
}
