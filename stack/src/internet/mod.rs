//! The internet floor.
