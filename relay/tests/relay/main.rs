//! A whole relay in this process, without a TAP, and clients that speak to it over loopback.

mod bad_input;
mod exchange;
mod gateway;
mod handshake;
mod leaving;
mod negotiated;
mod station;
#[allow(dead_code, reason = "tests/slow_reader.rs uses the rest")]
mod support;
mod tab;
