//! A request as it goes over the wire: one message, whose archive is read from the disk while it is sent, never held whole.

use std::path::Path;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};
use tokio::{fs::File, io::AsyncReadExt};
use tokio_util::io::ReaderStream;
use tonic::body::Body;

use super::message::{BuildRequest, DATA};
use crate::error::{Error, Result};

const PIECE: usize = 64 << 10;

/// The body of a call.
pub async fn body(request: &BuildRequest, archive: Option<&Path>) -> Result<Body> {
    let Some(archive) = archive else { return Ok(Body::new(http_body_util::Full::new(message(request, 0)?))) };
    let file = File::open(archive).await?;
    let size = file.metadata().await?.len();
    let first = stream::iter([Ok(message(request, size)?)]);
    let rest = ReaderStream::with_capacity(file.take(size), PIECE);
    Ok(Body::new(StreamBody::new(first.chain(rest).map(|piece: std::io::Result<Bytes>| piece.map(Frame::data)))))
}

/// gRPC's frame and everything of the message up to its archive of this size, which comes last.
fn message(request: &BuildRequest, archive: u64) -> Result<Bytes> {
    let mut text = BytesMut::new();
    request.encode(&mut text).map_err(Error::internal)?;
    if archive > 0 {
        encode_key(DATA, WireType::LengthDelimited, &mut text);
        encode_varint(archive, &mut text);
    }
    let whole = text.len() as u64 + archive;
    let whole = u32::try_from(whole)
        .map_err(|e| Error::refused(format!("an upload of {whole} bytes is larger than the build service can take ({e})")))?;
    let mut framed = BytesMut::with_capacity(text.len() + 5);
    framed.put_u8(0);
    framed.put_u32(whole);
    framed.put(text);
    Ok(framed.freeze())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_archive_from_the_disk_is_the_requests_data() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive");
        let content = vec![7; 3 * PIECE + 1];
        std::fs::write(&path, &content).unwrap();
        let request = BuildRequest { source_image: "base".into(), destination_images: vec!["to".into()], ..BuildRequest::default() };
        let sent = body(&request, Some(&path)).await.unwrap().collect().await.unwrap().to_bytes();
        assert_eq!(sent[0], 0);
        assert_eq!(u32::from_be_bytes(sent[1..5].try_into().unwrap()) as usize, sent.len() - 5);
        let read = BuildRequest::decode(sent.slice(5..)).unwrap();
        assert_eq!(read, BuildRequest { data: content.into(), ..request });
    }

    #[tokio::test]
    async fn what_does_not_fit_one_message_is_refused() {
        let why = message(&BuildRequest::default(), u64::from(u32::MAX)).unwrap_err().to_string();
        assert!(why.contains("larger than the build service can take"), "{why}");
    }
}
