//! The way from the switch to the host: [`tap`], an interface of the kernel.

mod hardware_address;
mod permission;
pub mod tap;

pub use permission::TapError;
