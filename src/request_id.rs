//! The id of the request that work is done for. It goes with the work as its span in the log does, so that lines, brokers and routers can
//! name the request without every function passing it on.

use std::sync::Arc;

use tracing::{Instrument, Span};

tokio::task_local! {
    static ID: Arc<str>;
}

/// Ids of clients are taken up to this length.
const LONGEST: usize = 128;

/// The id that a client gave, if it can be one: printable ASCII without spaces. Otherwise a new one (a random UUID).
pub fn take(given: Option<&str>) -> Arc<str> {
    let sound = |id: &&str| !id.is_empty() && id.len() <= LONGEST && id.bytes().all(|byte| byte.is_ascii_graphic());
    given.filter(sound).map_or_else(|| new().into(), Arc::from)
}

fn new() -> String {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0x3 << 62;
    let bits = rand::random::<u128>() & !VERSION & !VARIANT | 0x4 << 76 | 0x2 << 62;
    let [a, b, c, d, e] = [bits >> 96, bits >> 80 & 0xffff, bits >> 64 & 0xffff, bits >> 48 & 0xffff, bits & 0xffff_ffff_ffff];
    format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
}

/// The id of the request that this is done for, if it is done for one.
pub fn current() -> Option<Arc<str>> {
    ID.try_with(Arc::clone).ok()
}

/// Work for the request of this id; its log lines are in `span`.
pub fn within<F: Future>(id: Arc<str>, span: Span, work: F) -> impl Future<Output = F::Output> {
    ID.scope(id, work.instrument(span))
}

/// Work that goes on beside the request that began it, or after it: still for the same request.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let (id, work) = (current(), work.in_current_span());
    async move {
        match id {
            Some(id) => ID.scope(id, work).await,
            None => work.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_client_is_taken_unless_it_could_spoil_the_log() {
        assert_eq!(take(Some("abc-1")).as_ref(), "abc-1");
        for odd in ["", "a b", "a\u{e9}", "a\tb", &"x".repeat(LONGEST + 1)] {
            assert_ne!(take(Some(odd)).as_ref(), odd);
        }
    }

    #[test]
    fn a_new_id_is_a_random_uuid() {
        let (one, other) = (new(), new());
        assert_ne!(one, other);
        let parts: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(one.chars().nth(14), Some('4'));
        assert!(matches!(one.chars().nth(19), Some('8' | '9' | 'a' | 'b')), "{one}");
    }

    #[tokio::test]
    async fn spawned_work_keeps_the_id_when_it_is_carried() {
        let found = within("one".into(), Span::none(), async { tokio::spawn(carried(async { current() })).await.unwrap() }).await;
        assert_eq!(found.as_deref(), Some("one"));
        assert_eq!(current(), None);
    }
}
