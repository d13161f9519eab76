//! Errors on their way to JavaScript.

use ethertab_stack::driver;
use js_sys::{Object, Reflect};
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
    error(failure.code(), failure.text())
}
