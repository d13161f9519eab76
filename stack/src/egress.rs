//! The way down: transport → internet → link → a frame in the caller's buffer.
