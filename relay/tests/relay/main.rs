//! A whole relay in this process, without a TAP, and clients that speak to it over loopback.

mod bad_input;
mod exchange;
mod handshake;
mod leaving;
#[allow(dead_code, reason = "tests/slow_reader.rs uses the rest")]
mod support;
