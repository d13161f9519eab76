//! Bytes on their way: the [`Ring`] holds a stream, the [`Assembler`] knows which ranges of it arrived.

mod assembler;
mod ring;

pub use assembler::{Assembler, Insertion};
pub use ring::Ring;
