//! `PUT /roles`.

use crate::{
    api::{Answer, Call, answer, record::Recording},
    error::{Error, Result},
    event::{Target, TargetType},
    permission::{Role, role, role::update::Change},
};

/// A new name, type of context or description.
pub async fn update(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let kind = inputs.text("contextType");
    let wanted = Wanted { name: inputs.text("newName"), kind, description: inputs.text("description") };
    let permission = wanted.permit(&call)?;
    let role = match Role::load(&call.ctx.store, inputs.text("name")).await {
        Err(Error::NotFound(text)) => return Err(Error::Invalid(text)),
        loaded => loaded?,
    };
    let change = wanted.change()?;
    let mut recording = Recording::of(permission).as_kind("role.update");
    if !change.name.is_empty() && change.name != role.name {
        recording = recording.and_lock(Target::new(TargetType::Role, &change.name));
    }
    let mut role = call.record(recording, role).await?;
    let changed = role::update::update(&call.ctx.store, &mut role, &change).await;
    role.end(changed).await?;
    answer::ok()
}

struct Wanted<'a> {
    name: &'a str,
    kind: &'a str,
    description: &'a str,
}

impl Wanted<'_> {
    /// Checks a permission for each thing to change; one of them.
    fn permit(&self, call: &Call) -> Result<&'static str> {
        let fields =
            [(self.name, "role.update.name"), (self.kind, "role.update.context.type"), (self.description, "role.update.description")];
        let mut needed = None;
        for (_, permission) in fields.into_iter().filter(|(text, _)| !text.is_empty()) {
            call.permit(permission, &[])?;
            needed = Some(permission);
        }
        needed.ok_or_else(|| Error::invalid("Neither the description, context or new name were set. You must define at least one."))
    }

    fn change(&self) -> Result<Change> {
        Ok(Change {
            name: self.name.trim().into(),
            context_type: if self.kind.is_empty() { None } else { Some(self.kind.parse()?) },
            description: self.description.into(),
        })
    }
}
