//! The way from the switch to the host: [`tap`], an interface of the kernel.

mod kernel;
mod permission;
mod routes;
pub mod tap;
mod virtio;

pub use permission::TapError;
pub(crate) use routes::overlapping;
