//! The objects that ImPaaS writes to a cluster: pure functions from what it knows to the object.
