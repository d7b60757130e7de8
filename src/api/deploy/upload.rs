//! What comes with a deploy: fields, and an archive that goes to disk as it arrives.

use std::{cell::RefCell, rc::Rc};

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use futures_util::{StreamExt, stream};
use tokio::{fs::File, io::AsyncWriteExt};

use crate::{
    api::{Call, extract::Values},
    app::deploy::{Origin, Upload, fetch::check_size},
    config::Config,
    error::{Error, Result},
    job::Deploy,
};

/// Bytes of a text field at most: a Dockerfile is the longest.
const MOST: usize = 1 << 20;
/// So much of a refused upload is still read, so that the client gets to read why.
const DRAINED: usize = 32 << 20;

/// Everything that came.
pub struct Form {
    values: Values,
    file: Option<Upload>,
}

impl Form {
    /// Reads the request: multipart, urlencoded or JSON. Fields may come in any order.
    pub async fn take(call: &mut Call) -> Result<Self> {
        if call.media_type().starts_with("multipart/") {
            let payload = Rc::new(RefCell::new(std::mem::replace(&mut call.payload, Payload::None)));
            let taken = multipart(call, payload.clone()).await;
            if taken.is_err() {
                call.payload = payload.replace(Payload::None);
                drain(call).await;
            }
            return taken;
        }
        let mut values = Values::default();
        for (name, all) in call.inputs().await?.into_fields() {
            all.into_iter().for_each(|value| values.push(name.clone(), value));
        }
        Ok(Self { values, file: None })
    }

    /// A field; empty when it did not come.
    pub fn text(&self, name: &str) -> &str {
        self.values.get(name).unwrap_or_default()
    }

    /// A field that says yes.
    pub fn flag(&self, name: &str) -> bool {
        crate::api::extract::go::parse_bool(self.text(name)).unwrap_or_default()
    }

    /// What a job is to run from.
    pub fn job_origin(self) -> Result<Deploy> {
        let (image, dockerfile) = (self.text("image").to_owned(), self.text("dockerfile").to_owned());
        match (image.is_empty(), dockerfile.is_empty()) {
            (false, false) => Err(Error::invalid(r#"Cannot set "image" mutually with "dockerfile""#)),
            (true, true) => Err(Error::invalid(r#"You must provide at least one of: "dockerfile" or "image""#)),
            _ => Ok(Deploy { image, dockerfile, file: self.file.filter(|file| file.size > 0) }),
        }
    }

    /// What is to be deployed. Exactly one source is wanted; a Dockerfile may come with its context.
    pub fn origin(self) -> Result<Origin> {
        let text = |name: &str| Some(self.text(name).to_owned()).filter(|value| !value.is_empty());
        let (url, image, dockerfile) = (text("archive-url"), text("image"), text("dockerfile"));
        let file = self.file.filter(|file| file.size > 0);
        match (url, image, dockerfile, file) {
            (Some(url), None, None, None) => Ok(Origin::ArchiveUrl(url)),
            (Some(_), ..) => Err(Error::invalid(r#"Cannot set "archive-url" mutually with "dockerfile", "file" or "image" fields"#)),
            (None, Some(image), None, None) => Ok(Origin::Image(image)),
            (None, Some(_), ..) => Err(Error::invalid(r#"Cannot set "image" mutually with "archive-url", "dockerfile" or "file" fields"#)),
            (None, None, Some(text), file) => Ok(Origin::Dockerfile(text, file)),
            (None, None, None, Some(file)) => Ok(Origin::Upload(file)),
            (None, None, None, None) => {
                Err(Error::invalid(r#"You must provide at least one of: "archive-url", "dockerfile", "image" or "file""#))
            }
        }
    }
}

async fn multipart(call: &Call, payload: Rc<RefCell<Payload>>) -> Result<Form> {
    let body = stream::poll_fn(move |context| payload.borrow_mut().poll_next_unpin(context));
    let mut parts = Multipart::new(call.request.headers(), body);
    let (mut values, mut file) = (Values::default(), None);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(unparsable)?;
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" && file.is_none() {
            file = Some(store(&call.ctx.config, &mut part).await?);
        } else {
            let value = text(&name, &mut part).await?;
            values.push(name, value);
        }
    }
    values.extend(call.query.clone());
    Ok(Form { values, file })
}

async fn store(config: &Config, part: &mut Field) -> Result<Upload> {
    let path = tempfile::Builder::new().prefix("upload-").tempfile_in(config.uploads())?.into_temp_path();
    let (mut file, mut size) = (File::create(&path).await?, 0);
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(unparsable)?;
        size += chunk.len() as u64;
        check_size(config, size)?;
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(Upload { file: path, size })
}

async fn text(name: &str, part: &mut Field) -> Result<String> {
    let mut text = Vec::new();
    while let Some(chunk) = part.next().await {
        text.extend_from_slice(&chunk.map_err(unparsable)?);
        if text.len() > MOST {
            return Err(Error::TooLarge(format!("the field {name:?} is larger than {} MiB", MOST >> 20)));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Reads on for a while: a connection that is closed on unread data loses the answer.
pub async fn drain(call: &mut Call) {
    let mut read = 0;
    while let Some(Ok(chunk)) = call.payload.next().await {
        read += chunk.len();
        if read > DRAINED {
            return;
        }
    }
}

fn unparsable(e: impl std::fmt::Display) -> Error {
    Error::invalid(format!("unable to parse form: {e}"))
}
