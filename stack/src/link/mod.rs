//! The link floor.
