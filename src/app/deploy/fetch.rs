//! An archive at an address that the user gave.

use futures_util::StreamExt;
use reqwest::{Response, Url};
use tokio::{fs::File, io::AsyncWriteExt};

use super::Upload;
use crate::{
    config::Config,
    error::{Error, Result},
    outgoing,
};

/// Downloads it to a file, within the limit of uploads.
pub(super) async fn fetch(config: &Config, address: &str) -> Result<Upload> {
    let url = outgoing::url(address, config.outgoing)?;
    let failed = |e: reqwest::Error| Error::refused(format!("Get {:?}: {}", without_secrets(address), why(&url, &e)));
    let answer = outgoing::client(config.outgoing)?.get(url.clone()).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(Error::refused(format!("Get {:?}: unexpected status code: {}", without_secrets(address), answer.status().as_u16())));
    }
    store(config, answer, failed).await
}

async fn store(config: &Config, answer: Response, failed: impl Fn(reqwest::Error) -> Error) -> Result<Upload> {
    let path = tempfile::Builder::new().prefix("archive-").tempfile_in(config.uploads())?.into_temp_path();
    let mut file = File::create(&path).await?;
    let (mut size, mut body) = (0, answer.bytes_stream());
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(&failed)?;
        size += chunk.len() as u64;
        check_size(config, size)?;
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(Upload { file: path, size })
}

/// Refuses what is larger than uploads may be.
pub fn check_size(config: &Config, size: u64) -> Result<()> {
    if size <= config.max_upload {
        return Ok(());
    }
    Err(Error::TooLarge(format!("the archive is larger than the limit of {} bytes (upload:max-size)", config.max_upload)))
}

/// Why it failed; where nobody listens, in tsuru's words.
fn why(url: &Url, e: &reqwest::Error) -> String {
    let inner = outgoing::reason(e);
    match (inner.split_once(" (os error "), url.host_str(), url.port_or_known_default()) {
        (Some((words, _)), Some(host), Some(port)) if e.is_connect() => {
            format!("dial tcp {host}:{port}: connect: {}", words.to_lowercase())
        }
        _ => inner,
    }
}

/// An address without what may be a secret in it: user, password, query.
pub(super) fn without_secrets(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else { return String::new() };
    url.set_query(None);
    url.set_fragment(None);
    // An address that cannot have a user has nothing to hide there.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.into()
}
