//! Errors on their way to JavaScript.

use ethertab_stack::driver;
use js_sys::{Object, Reflect};
use std::error::Error as _;
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

pub(super) fn from_http(failure: &hyper::Error) -> JsValue {
    let mut source = failure.source();
    while let Some(cause) = source {
        if let Some(inner) = cause.downcast_ref::<io::Error>().and_then(inside) {
            return error(inner.code(), &inner.to_string());
        }
        if failure.is_user() {
            return error("EINVAL", &cause.to_string());
        }
        source = cause.source();
    }
    if failure.is_incomplete_message() || failure.is_canceled() {
        return error(
            "EHTTP",
            "the server closed the connection before its answer was complete",
        );
    }
    error("EHTTP", &format!("not a valid HTTP answer: {failure}"))
}

/// The driver's error in an `io::Error` that it made.
fn inside(failure: &io::Error) -> Option<&driver::Error> {
    failure.get_ref()?.downcast_ref()
}
