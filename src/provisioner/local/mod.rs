//! Apps as processes of this machine.
