//! Bytes on their way: the [`Ring`] holds a stream, the [`ReceiveBuffer`] one whose parts may stay in the frames that brought
//! them, the [`Assembler`] knows which ranges of it arrived.

mod assembler;
mod loan;
mod receive;
mod ring;

pub use assembler::{Assembler, Insertion};
pub use loan::{Loan, Spares};
pub use receive::ReceiveBuffer;
pub use ring::Ring;
pub(crate) use ring::copy;
