//! The hold that who changes an app has on it. A server that was held up may have lost it to another one, which goes on with the change.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;

/// A hold on an app.
#[async_trait]
pub trait Hold: Send + Sync {
    /// True while nobody can have taken it, as far as is known here at this moment.
    fn is_sure(&self) -> bool;
    /// Makes sure of it; refused when somebody else has it.
    async fn check(&self) -> Result<()>;
}

/// A handle that is passed around.
pub type DynHold = Arc<dyn Hold>;

/// One that nobody can take.
#[derive(Clone, Copy, Debug)]
pub struct Firm;

#[async_trait]
impl Hold for Firm {
    fn is_sure(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}
