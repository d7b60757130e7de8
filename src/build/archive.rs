//! Uploaded archives.
