//! Any bytes as a DNS message, and as a frame for the packet list.
#![no_main]

use ethertab_stack::wire::{dns, pretty};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(message) = dns::Message::parse(input) {
        let _ = format!("{message:?}");
    }
    let _ = pretty::summarize(input);
});
