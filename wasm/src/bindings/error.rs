//! Errors on their way to JavaScript.

use ethertab_stack::driver;
use js_sys::{Object, Reflect};
use std::io;
use wasm_bindgen::prelude::*;

/// An `Error` with a stable `code`.
pub(crate) fn error(code: &str, message: &str) -> JsValue {
    let error = Object::from(js_sys::Error::new(message));
    // A fresh Error takes any property.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}

/// An option or argument that cannot be.
pub(super) fn invalid(message: &str) -> JsValue {
    error("EINVAL", message)
}

pub(super) fn from_driver(failure: driver::Error) -> JsValue {
    error(failure.code(), &failure.to_string())
}

pub(super) fn from_io(failure: &io::Error) -> JsValue {
    match inside(failure) {
        Some(inner) => error(inner.code(), &inner.to_string()),
        None => error("EIO", &failure.to_string()),
    }
}

/// The driver's error in an `io::Error` that it made.
fn inside(failure: &io::Error) -> Option<&driver::Error> {
    failure.get_ref()?.downcast_ref()
}
