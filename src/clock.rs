//! Times as the store keeps them (BSON dates, milliseconds, UTC) and as the API shows them (RFC 3339).

use bson::DateTime;
use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Year 1, Go's zero time: what tsuru stores and shows for "not set".
const ZERO_MILLIS: i64 = -62_135_596_800_000;

/// A moment. It serializes as a BSON date, so it belongs in documents; views use [`Time::rfc3339`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(DateTime);

impl Time {
    /// This moment.
    pub fn now() -> Self {
        Self(DateTime::now())
    }

    /// Not set.
    pub const fn zero() -> Self {
        Self(DateTime::from_millis(ZERO_MILLIS))
    }

    /// True for [`Time::zero`].
    pub fn is_zero(&self) -> bool {
        self.0.timestamp_millis() == ZERO_MILLIS
    }

    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(DateTime::from_millis(millis))
    }

    /// Milliseconds since 1970.
    pub fn millis(&self) -> i64 {
        self.0.timestamp_millis()
    }

    /// As tsuru's JSON shows it: `2026-11-20T23:45:02.41Z`, `0001-01-01T00:00:00Z` when not set.
    pub fn rfc3339(&self) -> String {
        if self.is_zero() {
            return "0001-01-01T00:00:00Z".into();
        }
        self.0.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    /// Nanoseconds from `earlier` to this.
    pub fn nanos_since(&self, earlier: Time) -> i64 {
        self.millis().saturating_sub(earlier.millis()).saturating_mul(1_000_000)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::zero()
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::<DateTime>::deserialize(from)?.map_or(Self::zero(), Self))
    }
}

/// The timestamp of a stream message: RFC 3339 with nanoseconds.
pub fn stream_timestamp() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Nanos, true)
}
