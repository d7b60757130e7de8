//! A long body that many are sent at the same time.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};

/// Each connection holds so much of it at a time.
const PIECE: usize = 32 * 1024;

/// Bytes that connections share: each copies a piece when the one before it was sent, instead of all at once.
pub struct Pieces(pub Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.0.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(self.0.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[actix_web::test]
    async fn pieces_are_small_and_together_the_whole() {
        let whole = Bytes::from((0..=255).cycle().take(2 * PIECE + 1).collect::<Vec<u8>>());
        let (mut body, mut lengths, mut seen) = (Pieces(whole.clone()), Vec::new(), Vec::new());
        assert_eq!(body.size(), BodySize::Sized(whole.len() as u64));
        while let Some(Ok(piece)) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            lengths.push(piece.len());
            seen.extend_from_slice(&piece);
        }
        assert_eq!((lengths, Bytes::from(seen)), (vec![PIECE, PIECE, 1], whole));
    }
}
