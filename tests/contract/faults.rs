//! Goes through all routes before it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many routes answered otherwise; what they answered is printed.
#[derive(Default)]
pub struct Faults(usize);

impl Faults {
    /// Counts it when the assertion does not hold.
    pub fn unless<T>(&mut self, assertion: impl FnOnce() -> T) {
        self.0 += usize::from(catch_unwind(AssertUnwindSafe(assertion)).is_err());
    }

    /// Fails when one did not hold.
    #[track_caller]
    pub fn none(self) {
        assert_eq!(self.0, 0, "so many answers differ");
    }
}
