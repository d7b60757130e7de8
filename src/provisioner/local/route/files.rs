//! Static files.

use std::{
    io::SeekFrom,
    path::{Component, Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{
    Method, Response, StatusCode,
    body::Frame,
    header::{self, HeaderValue},
    http::request::Parts,
};
use percent_encoding::percent_decode_str;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

use super::{Body, backend::Busy, text};

/// Answers from a folder. The request counts as under way until the last byte.
pub async fn answer(root: &Path, parts: &Parts, busy: Busy) -> Response<Body> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(relative) = relative(parts.uri.path()) else { return missing(root, parts, busy).await };
    let Some(mut path) = inside(root, &relative).await else { return missing(root, parts, busy).await };
    if path.is_dir() {
        if !parts.uri.path().ends_with('/') {
            return with_slash(parts);
        }
        path = match inside(root, &relative.join("index.html")).await {
            Some(index) => index,
            None => return missing(root, parts, busy).await,
        };
    }
    match open(&path).await {
        Some(found) => send(found, &path, parts, busy),
        None => missing(root, parts, busy).await,
    }
}

/// The path asked for, as one below the folder. None for what has no business there: `..`, dot files, NUL.
fn relative(path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let parts = decoded.split('/').filter(|part| !part.is_empty());
    let mut relative = PathBuf::new();
    for part in parts {
        if part.starts_with('.') || part.contains(['\0', '\\']) {
            return None;
        }
        relative.push(part);
    }
    relative.components().all(|part| matches!(part, Component::Normal(_))).then_some(relative)
}

/// The real place of a file, when links do not lead out of the folder.
async fn inside(root: &Path, relative: &Path) -> Option<PathBuf> {
    let real = tokio::fs::canonicalize(root.join(relative)).await.ok()?;
    let root = tokio::fs::canonicalize(root).await.ok()?;
    let below = real.strip_prefix(&root).ok()?;
    let hidden = below.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    (!hidden).then_some(real)
}

fn with_slash(parts: &Parts) -> Response<Body> {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = text(StatusCode::MOVED_PERMANENTLY, "moved");
    // One slash at the start, or it would name another host.
    let to = format!("/{}/{query}", parts.uri.path().trim_matches('/'));
    if let Ok(to) = HeaderValue::from_str(&to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

async fn missing(root: &Path, parts: &Parts, busy: Busy) -> Response<Body> {
    let page = root.join("404.html");
    match open(&page).await {
        Some(found) => {
            let plain = Found { file: found.file, length: found.length, changed: UNIX_EPOCH };
            let body = body(plain.file, plain.length, parts.method == Method::HEAD, busy);
            answer_with(StatusCode::NOT_FOUND, body, &[(header::CONTENT_TYPE, kind(&page).into())])
        }
        None => text(StatusCode::NOT_FOUND, "404 page not found"),
    }
}

struct Found {
    file: File,
    length: u64,
    changed: SystemTime,
}

async fn open(path: &Path) -> Option<Found> {
    let file = File::open(path).await.ok()?;
    let about = file.metadata().await.ok()?;
    let changed = about.modified().unwrap_or(UNIX_EPOCH);
    about.is_file().then_some(Found { file, length: about.len(), changed })
}

fn send(found: Found, path: &Path, parts: &Parts, busy: Busy) -> Response<Body> {
    let since = found.changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    let tag = format!("\"{:x}-{:x}\"", found.length, since.as_micros());
    let mut headers = vec![
        (header::ETAG, tag.clone()),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(found.changed)),
        (header::CACHE_CONTROL, "no-cache".into()),
    ];
    if is_known(parts, &tag, since) {
        let nothing = Full::default().map_err(|never| match never {}).boxed_unsync();
        return answer_with(StatusCode::NOT_MODIFIED, nothing, &headers);
    }
    headers.push((header::CONTENT_TYPE, kind(path).into()));
    headers.push((header::ACCEPT_RANGES, "bytes".into()));
    let head = parts.method == Method::HEAD;
    match range(parts, &tag, found.length) {
        Some(Ok((from, to))) => {
            headers.push((header::CONTENT_RANGE, format!("bytes {from}-{to}/{}", found.length)));
            headers.push((header::CONTENT_LENGTH, (to - from + 1).to_string()));
            answer_with(StatusCode::PARTIAL_CONTENT, part(found.file, from, to - from + 1, head, busy), &headers)
        }
        Some(Err(())) => {
            let mut response = text(StatusCode::RANGE_NOT_SATISFIABLE, "range not satisfiable");
            response
                .headers_mut()
                .extend(HeaderValue::from_str(&format!("bytes */{}", found.length)).ok().map(|v| (header::CONTENT_RANGE, v)));
            response
        }
        None => {
            headers.push((header::CONTENT_LENGTH, found.length.to_string()));
            answer_with(StatusCode::OK, body(found.file, found.length, head, busy), &headers)
        }
    }
}

/// The client has it already.
fn is_known(parts: &Parts, tag: &str, since: Duration) -> bool {
    let get = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match get(header::IF_NONE_MATCH) {
        Some(tags) => tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag || known.trim() == "*"),
        None => get(header::IF_MODIFIED_SINCE)
            .and_then(|date| httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok())
            .is_some_and(|known| known.as_secs() >= since.as_secs()),
    }
}

/// The one range asked for; several are answered with the whole.
fn range(parts: &Parts, tag: &str, length: u64) -> Option<Result<(u64, u64), ()>> {
    if parts.headers.get(header::IF_RANGE).is_some_and(|known| known != tag) {
        return None;
    }
    let (first, last) = parts.headers.get(header::RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => (from, to.min(length.saturating_sub(1))),
        (Ok(from), Err(_)) if last.is_empty() => (from, length.saturating_sub(1)),
        (Err(_), Ok(count)) if first.is_empty() => (length.saturating_sub(count), length.saturating_sub(1)),
        _ => return None,
    };
    Some(if from < length && from <= to { Ok((from, to)) } else { Err(()) })
}

fn answer_with(status: StatusCode, body: Body, headers: &[(header::HeaderName, String)]) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let values = headers.iter().filter_map(|(name, value)| Some((name.clone(), HeaderValue::from_str(value).ok()?)));
    response.headers_mut().extend(values);
    response
}

fn body(file: File, length: u64, head: bool, busy: Busy) -> Body {
    part(file, 0, length, head, busy)
}

fn part(mut file: File, from: u64, length: u64, head: bool, busy: Busy) -> Body {
    if head {
        return Full::<Bytes>::default().map_err(|never| match never {}).boxed_unsync();
    }
    let pieces = async move {
        file.seek(SeekFrom::Start(from)).await?;
        Ok::<_, std::io::Error>(ReaderStream::with_capacity(file.take(length), 32 << 10))
    };
    let pieces = futures_util::stream::once(pieces).try_flatten();
    let counted = pieces.map_ok(move |piece| {
        let _ = &busy;
        Frame::data(piece)
    });
    StreamBody::new(counted.map_err(Into::into)).boxed_unsync()
}

fn kind(path: &Path) -> &'static str {
    match path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).as_deref() {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        Some("xml") => "application/xml",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("avif") => "image/avif",
        Some("ico") => "image/x-icon",
        Some("woff") => "font/woff",
        Some("woff2") => "font/woff2",
        Some("ttf") => "font/ttf",
        Some("otf") => "font/otf",
        Some("wasm") => "application/wasm",
        Some("pdf") => "application/pdf",
        Some("mp4") => "video/mp4",
        Some("webm") => "video/webm",
        Some("mp3") => "audio/mpeg",
        Some("ogg") => "audio/ogg",
        Some("csv") => "text/csv; charset=utf-8",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    }
}
