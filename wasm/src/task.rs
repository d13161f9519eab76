//! Futures handed to the browser's event loop.
//!
//! Both functions forget the future's type before anything generic sees it: what `wasm-bindgen-futures` builds around a
//! future would otherwise be in the binary once for each call that JavaScript can make.

use core::future::Future;
use core::pin::Pin;
use js_sys::Promise;
use wasm_bindgen::JsValue;

/// Runs a future.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let erased: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
    wasm_bindgen_futures::spawn_local(erased);
}

/// Runs a future whose outcome JavaScript awaits.
pub(crate) fn promise<T: Into<JsValue>>(
    future: impl Future<Output = Result<T, JsValue>> + 'static,
) -> Promise {
    let erased: Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>> =
        Box::pin(async move { future.await.map(Into::into) });
    wasm_bindgen_futures::future_to_promise(erased)
}
